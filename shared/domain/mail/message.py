"""One mail as MIME (RFC 5322, 2045): plain text, with HTML beside it where there is some.

Headers cannot be injected: every value is one line before it becomes one, addresses are made of their two parts, and
the standard library's policy refuses line breaks once more. `Message-ID` and `X-Idempotency-Key` come from the job:
a mail that is sent twice (SES may have taken a first attempt whose answer was lost) is recognisable as one. SES puts
a Message-ID of its own in the place of ours, so the second header is the one to look at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domain.mail.texts import Texts, one_line
from lanner.http.dates import http_date
from lanner.settings import SettingError, setting

if TYPE_CHECKING:
    from email.headerregistry import Address

FROM_SETTING = "LANNER_MAIL_FROM"
LONGEST_KEY = 60
"""With `=_` in front it is a boundary, of 70 characters at most (RFC 2046 section 5.1.1)."""

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]|^$")


class UnmailableAddress(ValueError):
    """An address that SES cannot send to; the message says why."""


def compose(to: str, texts: Texts, key: str, now: float) -> bytes:
    """The message as bytes, ready to be sent. `key` names the job, `now` is in seconds since the epoch.

    Raises `UnmailableAddress`, and `SettingError` where the sender is none.
    """
    from email.message import EmailMessage
    from email.policy import SMTP

    sender, name = _sender(), _NOT_A_NAME.sub("-", key)[:LONGEST_KEY]
    message = EmailMessage(SMTP)
    message["From"] = sender
    message["To"] = _address(to)
    message["Subject"] = one_line(texts.subject)
    message["Date"] = http_date(now).replace("GMT", "+0000")
    message["Message-ID"] = f"<{name}@{sender.domain}>"
    message["X-Idempotency-Key"] = name
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation replies
    message.set_content(texts.text, cte="quoted-printable")
    if texts.html is not None:
        message.add_alternative(texts.html, subtype="html", cte="quoted-printable")
        # The same bytes for every attempt. No quoted-printable line begins so: it writes "=" as "=3D" (RFC 2045 6.7).
        message.set_boundary(f"=_{name}")
    return message.as_bytes()


def sender() -> str:
    """The sender as the setting has it. Raises `SettingError` where it is none."""
    return str(_sender())


def _sender() -> Address:
    from email.headerregistry import Address
    from email.utils import parseaddr

    written = setting(FROM_SETTING)
    name, address = parseaddr(written)
    if one_line(written) != written or address.count("@") != 1 or not all(address.split("@")):
        raise SettingError(f"{FROM_SETTING}={written!r} is not a sender: write Name <local@example.com>")
    local, _, domain = address.partition("@")
    return Address(name, local, domain)


def _address(email: str) -> Address:
    from email.headerregistry import Address

    local, _, domain = email.rpartition("@")
    if not local.isascii():
        # docs.aws.amazon.com/ses/latest/dg/send-email-raw.html: the local part must be 7-bit ASCII.
        raise UnmailableAddress("the part before the @ has characters that mail servers behind SES do not take")
    try:
        return Address("", local, domain.encode("idna").decode("ascii"))
    except ValueError as error:
        raise UnmailableAddress("the address cannot be written in a header") from error
