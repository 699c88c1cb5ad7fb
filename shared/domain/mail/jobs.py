"""The job `mail.welcome`: one mail to a new user, in the user's language.

It carries the user's id and nothing else: no address waits in a queue. Whoever is gone by then gets none,
whoever has moved gets it at the new address. A refusal of SES or of the address ends it for good (`JobFailed`);
everything else is tried again. Sending is at least once (`domain.mail.ses`).
"""

from __future__ import annotations

from typing import Any

from domain.mail.accept import WELCOME
from domain.mail.message import UnmailableAddress
from domain.mail.ses import MailRefused, send
from domain.mail.texts import Texts, texts
from domain.users import store
from domain.users.model import full_name
from lanner.clock import Clock, SystemClock
from lanner.jobs.context import JobContext
from lanner.jobs.declaration import job
from lanner.jobs.errors import JobFailed
from lanner.jobs.retry import Retry

TIMEOUT_S = 30
MAX_ATTEMPTS = 8
BACKOFF = Retry(5.0, factor=3.0, maximum=3_600.0)


@job(WELCOME, retry=BACKOFF, timeout=TIMEOUT_S, max_attempts=MAX_ATTEMPTS)
def welcome(payload: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Send the mail, if the user is still there."""
    user = store.read(payload["user_id"])
    if user is None:
        return {"sent": False}
    content = user.content
    given_name, family_name = content.given_name, content.family_name
    values = {
        "given_name": given_name,
        "family_name": family_name or "",
        "name": content.name or full_name(given_name, family_name),
    }
    mail(content.email, texts("welcome", content.locale, values), context)
    return {"sent": True}


def mail(to: str, parts: Texts, context: JobContext, clock: Clock | None = None) -> str:
    """Send a mail for a job and give SES's id of it. Raises `JobFailed` where another attempt would be refused too."""
    try:
        return send(to, parts, context.idempotency_key, (clock or SystemClock()).now())
    except (MailRefused, UnmailableAddress) as error:
        raise JobFailed(
            {"title": "Not delivered", "detail": f"The mail was not sent: {error}"}, status=422, slug="not-delivered"
        ) from error
