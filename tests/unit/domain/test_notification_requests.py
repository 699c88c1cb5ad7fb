"""What a client may ask to be sent."""

from __future__ import annotations

from typing import Any

import pytest

from domain.notifications.requests import MESSAGE_MAX, SUBJECT_MAX, read_notification
from lanner.http.problems import Unprocessable

MAIL = {"channel": "email", "to": "ana@example.com", "message": "Hello\n\tAna"}
HOOK = {"channel": "webhook", "url": "https://hooks.example.com/x", "message": "Hello"}


@pytest.mark.parametrize("document", [MAIL, HOOK, {**MAIL, "subject": "Hi"}, {**HOOK, "subject": "Hi"}])
def test_a_notification_is_read_and_written_back(document: dict[str, str]) -> None:
    """A job carries what the client wrote."""
    assert read_notification(document).document() == document


def test_a_subject_may_be_null_and_is_stripped() -> None:
    """Null is none."""
    assert read_notification({**MAIL, "subject": None}).subject is None
    assert read_notification({**MAIL, "subject": " Hi "}).subject == "Hi"


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({}, ["#/channel", "#/message"]),
        ({**MAIL, "channel": "sms"}, ["#/channel"]),
        ({**MAIL, "channel": ["email"]}, ["#/channel"]),
        ({**MAIL, "to": "ana"}, ["#/to"]),
        ({**MAIL, "to": None}, ["#/to"]),
        ({**MAIL, "to": "a@example.com\r\nBcc: b@example.com"}, ["#/to"]),
        ({**MAIL, "url": "https://hooks.example.com/"}, ["#/url"]),
        ({**HOOK, "to": "ana@example.com"}, ["#/to"]),
        ({**HOOK, "url": "http://hooks.example.com/"}, ["#/url"]),
        ({**HOOK, "url": "https://169.254.169.254/"}, ["#/url"]),
        ({**HOOK, "url": 1}, ["#/url"]),
        ({"channel": "webhook"}, ["#/url", "#/message"]),
        ({**MAIL, "message": ""}, ["#/message"]),
        ({**MAIL, "message": " \n"}, ["#/message"]),
        ({**MAIL, "message": "x" * (MESSAGE_MAX + 1)}, ["#/message"]),
        ({**MAIL, "message": "a\x00b"}, ["#/message"]),
        ({**MAIL, "message": {"a": 1}}, ["#/message"]),
        ({**MAIL, "subject": ""}, ["#/subject"]),
        ({**MAIL, "subject": "a\r\nBcc: b@example.com"}, ["#/subject"]),
        ({**MAIL, "subject": "x" * (SUBJECT_MAX + 1)}, ["#/subject"]),
        ({**MAIL, "cc": "eva@example.com"}, ["#/cc"]),
    ],
)
def test_mistakes_are_named(document: dict[str, Any], pointers: list[str]) -> None:
    """Each by its pointer, all of them at once."""
    with pytest.raises(Unprocessable) as caught:
        read_notification(document)
    assert [error["pointer"] for error in caught.value.errors] == pointers
