"""What a client asks for: `{channel, to | url, message, subject?}`.

{"channel": "email", "to": "ana@example.com", "message": "...", "subject": "..."}
{"channel": "webhook", "url": "https://hooks.example.com/x", "message": "...", "subject": "..."}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unicodedata import category

from domain.bodies import kind
from domain.notifications.targets import TargetRefused, read_target
from domain.reading import Reading
from domain.users.fields import check_email

if TYPE_CHECKING:
    from collections.abc import Mapping

EMAIL = "email"
WEBHOOK = "webhook"
ADDRESSES = {EMAIL: "to", WEBHOOK: "url"}
"""The member that says where a channel's notification goes."""
MEMBERS = ("channel", "to", "url", "message", "subject")

MESSAGE_MAX = 10_000
SUBJECT_MAX = 200


class Notification:
    """A notification to send; `address` is an e-mail address or a URL, `subject` None where there is none."""

    __slots__ = ("address", "channel", "message", "subject")

    def __init__(self, channel: str, address: str, message: str, subject: str | None) -> None:
        self.channel = channel
        self.address = address
        self.message = message
        self.subject = subject

    def document(self) -> dict[str, Any]:  # Any: JSON values
        """It as a client writes it: what a job carries."""
        members = {"channel": self.channel, ADDRESSES[self.channel]: self.address, "message": self.message}
        return members if self.subject is None else {**members, "subject": self.subject}

    def __repr__(self) -> str:
        return f"Notification({self.channel})"  # where it goes and what it says is the client's


def read_notification(document: Mapping[str, Any]) -> Notification:
    """The notification in a document. Raises `Unprocessable`."""
    reading = Reading()
    reading.members(document, MEMBERS)
    channel = _channel(reading, document)
    address = _address(reading, document, channel) if channel else ""
    message = _message(reading, document)
    written = document.get("subject")
    subject = None if written is None else reading.line(written, ("subject",), SUBJECT_MAX)
    reading.finish()
    return Notification(channel, address, message, subject)


def _channel(reading: Reading, document: Mapping[str, Any]) -> str:
    channel = document.get("channel")
    if isinstance(channel, str) and channel in ADDRESSES:
        return channel
    known = " or ".join(ADDRESSES)
    reading.wrong(("channel",), f"must be {known}" if "channel" in document else f"is required: {known}")
    return ""


def _address(reading: Reading, document: Mapping[str, Any], channel: str) -> str:
    for other, name in ADDRESSES.items():
        if other != channel and name in document:
            reading.wrong((name,), f"is for the channel {other}")
    name = ADDRESSES[channel]
    if name not in document:
        reading.wrong((name,), f"is required for the channel {channel}")
        return ""
    address = document[name]
    if not isinstance(address, str):
        reading.wrong((name,), f"must be a string, not {kind(address)}")
        return ""
    try:
        if channel == EMAIL:
            check_email(address)
        else:
            read_target(address)
    except (TargetRefused, ValueError) as error:
        reading.wrong((name,), str(error))
    return address


def _message(reading: Reading, document: Mapping[str, Any]) -> str:
    if "message" not in document:
        reading.wrong(("message",), "is required")
        return ""
    message = reading.text(document["message"], ("message",), MESSAGE_MAX)
    if message is None:
        return ""
    if any(category(character) in ("Cc", "Cs") and character not in "\t\n\r" for character in message):
        reading.wrong(("message",), "must not hold control characters but tabs and line breaks")
    elif not message.strip():
        reading.wrong(("message",), "must not be blank")
    return message
