"""Mail that functions send through SES (both of its APIs): every sender is let through, and what was sent can be read.

In AWS a sender's identity is verified once, outside of most templates; moto knows only those of this template and
refuses the rest. So a refusal names the sender, the sender is verified, and the request is made again.

moto keeps one body of a message, without its other half and its headers. So each request that it accepts is read once
more here, and remembered with both bodies, the headers and the tags: the outbox.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from base64 import b64decode
from collections import deque
from email.utils import getaddresses, parseaddr
from typing import Any
from urllib.parse import parse_qsl

from lanner.local.engine.http import Answer, Request

KEPT = 10_000
V2_PATH = "/v2/email/outbound-emails"

Document = dict[str, Any]  # Any: JSON
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


class Outbox:
    """The messages that SES has accepted, the oldest first, at most `KEPT`."""

    def __init__(self) -> None:
        self._sent: deque[Document] = deque(maxlen=KEPT)

    def documents(self) -> list[Document]:
        return list(self._sent)

    def note(self, request: Request, answer: Answer, region: str) -> None:
        """Remember what a request that was answered with success has sent, if it has sent anything."""
        found: Document | None
        if request.target.partition("?")[0] == V2_PATH and request.method == "POST":
            found = _of_v2(json.loads(request.body))
        else:
            form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
            found = _of_v1(form)
        if found is not None:
            identifier = re.search(r"MessageId[>\":\s]+([^<\"]+)", answer.body.decode("utf-8", "replace"))
            self._sent.append({"id": identifier[1] if identifier else "", "region": region, **found})


def _of_v1(form: dict[str, str]) -> Document | None:
    action = form.get("Action", "")
    destinations = [value for key, value in form.items() if key.startswith(("Destination.", "Destinations."))]
    if action == "SendRawEmail":
        return _raw(b64decode(form.get("RawMessage.Data", "")), form.get("Source", ""), destinations)
    source = form.get("Source", "")
    if action == "SendEmail":
        text, html = form.get("Message.Body.Text.Data", ""), form.get("Message.Body.Html.Data", "")
        return _message(source, destinations, form.get("Message.Subject.Data", ""), text, html, tags=_v1_tags(form))
    if action == "SendTemplatedEmail":  # its data is all that there is to show
        return _message(source, destinations, form.get("Template", ""), form.get("TemplateData", ""))
    return None


def _v1_tags(form: dict[str, str]) -> list[list[str]]:
    names = [key for key in form if key.startswith("Tags.member.") and key.endswith(".Name")]
    return [[form[key], form.get(f"{key.removesuffix('.Name')}.Value", "")] for key in names]


def _of_v2(document: Document) -> Document:
    content, source = document.get("Content") or {}, str(document.get("FromEmailAddress") or "")
    destinations = [each for group in (document.get("Destination") or {}).values() for each in group]
    tags = [[each["Name"], each["Value"]] for each in document.get("EmailTags") or ()]
    if "Raw" in content:
        return {**_raw(b64decode(content["Raw"]["Data"]), source, destinations), "tags": tags}
    if "Simple" in content:
        simple = content["Simple"]
        text, html = ((simple["Body"].get(kind) or {}).get("Data", "") for kind in ("Text", "Html"))
        headers = [[each["Name"], each["Value"]] for each in simple.get("Headers") or ()]
        subject = simple["Subject"]["Data"]
        return _message(source, destinations, subject, text, html, headers=headers, tags=tags)
    template = content.get("Template") or {}
    return _message(source, destinations, template.get("TemplateName", ""), template.get("TemplateData", ""))


def _raw(data: bytes, source: str, destinations: list[str]) -> Document:
    """A MIME message; without addresses in the request those of its headers count."""
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    plain, html = (parsed.get_body((kind,)) for kind in ("plain", "html"))
    given = [str(value) for name in ("To", "Cc", "Bcc") for value in parsed.get_all(name, [])]
    return _message(
        source or str(parsed["From"] or ""),
        destinations or [address for _, address in getaddresses(given)],
        str(parsed["Subject"] or ""),
        str(plain.get_content()) if plain is not None else "",
        str(html.get_content()) if html is not None else "",
        headers=[[name, str(value)] for name, value in parsed.items()],
    )


def _message(
    source: str,
    destinations: list[str],
    subject: str,
    text: str,
    html: str = "",
    *,
    headers: list[list[str]] | None = None,
    tags: list[list[str]] | None = None,
) -> Document:
    return {
        "source": source,
        "destinations": destinations,
        "subject": subject,
        "body": text or html,
        "text": text,
        "html": html,
        "headers": headers or [],
        "tags": tags or [],
    }
