"""Sending through Amazon SES (`sesv2` SendEmail, raw): by boto3, and so from jobs only.

    taken                                             the id that SES gave
    throttled, paused, away, no answer in time        `MailLater`: another attempt
    rejected, sender not verified, not a message      `MailRefused`: the same message would be rejected again
    anything else (no permission)                     passed on: a fault of ours

At least once: where an answer was lost, here or in boto3's own retries, SES may have taken the message before. SES has
no key to prevent that, so the message carries ours (`domain.mail.message`).
"""

from __future__ import annotations

from typing import Any

from domain.mail.message import compose, sender
from domain.mail.texts import Texts
from lanner.aws import clients

LATER = frozenset(
    {
        "InternalServiceErrorException",
        "LimitExceededException",
        "RequestTimeout",
        "SendingPausedException",
        "ServiceUnavailable",
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
    }
)
REFUSED = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "MailFromDomainNotVerified",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "NotFoundException",
    }
)


class MailLater(Exception):
    """SES did not take the message this time."""


class MailRefused(Exception):
    """SES will not take this message."""


def send(to: str, texts: Texts, key: str, now: float) -> str:
    """Send a mail and give SES's id of it. Raises `MailLater`, `MailRefused`, `UnmailableAddress`, `SettingError`."""
    from botocore.exceptions import BotoCoreError, ClientError

    raw = compose(to, texts, key, now)
    ses: Any = clients.client("sesv2")  # Any: boto3 makes its classes at run time
    try:
        answer = ses.send_email(FromEmailAddress=sender(), Content={"Raw": {"Data": raw}})
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in REFUSED:
            raise MailRefused(f"SES refused the message: {code}") from error
        if code in LATER or status >= 500:
            raise MailLater(f"SES did not take the message: {code}") from error
        raise
    except BotoCoreError as error:
        raise MailLater("SES does not answer") from error
    return str(answer["MessageId"])
