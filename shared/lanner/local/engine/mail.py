"""Mail that functions send through SES: every sender is let through, and what was sent can be read.

In AWS a sender's identity is verified once, outside of most templates; moto knows only those of this template and
refuses the rest. So a refusal names the sender, the sender is verified, and the request is made again. moto has no call
to look at sent mail; its documented way is to ask the backend inside the process.
"""

from __future__ import annotations

import email
import email.policy
import re
import sys
from email.utils import parseaddr
from typing import Any

from lanner.local.engine.http import Answer

ACCOUNT = "123456789012"
_REFUSED = re.compile(
    r"(?:Email address not verified|Did not have authority to send from email) "
    r"([^<&\"{}]*(?:<[^<>]*@[^<>]*>|&lt;[^<>&]*@[^<>&]*&gt;)?)"
)


def refused_sender(answer: Answer) -> str | None:
    """The address that SES has not verified, when that is why it refused."""
    if not answer.status.startswith("400"):
        return None
    found = _REFUSED.search(answer.body.decode("utf-8", "replace"))
    if found is None:
        return None
    address = parseaddr(found[1].replace("&lt;", "<").replace("&gt;", ">"))[1]
    return address if "@" in address else None


def sent_mail() -> list[dict[str, Any]]:  # Any: JSON
    """Every message that SES was given, in the order sent within a region: source, destinations, subject, body."""
    if "moto.ses.models" not in sys.modules:
        return []
    from moto.ses.models import ses_backends

    return [
        {"region": region, **_document(vars(message))}
        for region, backend in ses_backends[ACCOUNT].items()
        for message in backend.sent_messages
    ]


def _document(message: dict[str, Any]) -> dict[str, Any]:
    subject, body = message.get("subject"), message.get("body")
    raw = message.get("raw_data")
    if raw is not None:
        subject, body = _parsed(raw if isinstance(raw, str) else str(raw))
    elif body is None:  # a template's message: its data is all that there is to show
        subject, body = message.get("template"), message.get("template_data")
    return {
        "source": str(message.get("source") or ""),
        "destinations": _addresses(message.get("destinations")),
        "subject": str(subject or ""),
        "body": body if isinstance(body, str) else str(body or ""),
    }


def _parsed(raw: str) -> tuple[str, str]:
    """Subject and text of a MIME message; HTML where there is no plain text."""
    parsed = email.message_from_string(raw, policy=email.policy.default)
    part = parsed.get_body(("plain", "html"))
    return str(parsed["subject"] or ""), str(part.get_content()) if part is not None else ""


def _addresses(destinations: object) -> list[str]:
    if isinstance(destinations, dict):
        return [address for group in destinations.values() for address in _addresses(group)]
    if isinstance(destinations, list | tuple):
        return [address for each in destinations for address in _addresses(each)]
    return [str(destinations)] if destinations else []
