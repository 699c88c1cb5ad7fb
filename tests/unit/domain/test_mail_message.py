"""Mails as MIME."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mail.message import UnmailableAddress, compose, sender
from domain.mail.texts import Texts
from lanner.settings import SettingError

NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def mail_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANNER_MAIL_FROM", "Lanner <no-reply@example.com>")


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


def test_a_mail_says_who_what_and_why_once() -> None:
    """Sender, reader, subject, date, and the job as Message-ID and in a header that SES leaves."""
    message = parsed(compose("ana@example.com", Texts("Grüße", "Hallo ü\n"), "job-1", NOW))
    assert message["from"] == "Lanner <no-reply@example.com>"
    assert message["to"] == "ana@example.com"
    assert message["subject"] == "Grüße"
    assert message["date"].datetime.timestamp() == NOW
    assert message["message-id"] == "<job-1@example.com>"
    assert message["x-idempotency-key"] == "job-1"
    assert message["auto-submitted"] == "auto-generated"
    assert message.get_content() == "Hallo ü\r\n"


def test_a_mail_is_the_same_for_every_attempt() -> None:
    """Byte for byte, for one job at one time; HTML stands beside the text."""
    texts = Texts("Hi", "Text\n", "<p>Text ü</p>\n")
    raw = compose("a@example.com", texts, "job-1", NOW)
    assert raw == compose("a@example.com", texts, "job-1", NOW)
    both = parsed(raw)
    assert both.get_content_type() == "multipart/alternative"
    assert [part.get_content() for part in both.iter_parts()] == ["Text\r\n", "<p>Text ü</p>\r\n"]


def test_what_is_sent_is_ascii() -> None:
    """Whatever the texts hold: no mail server on the way has to know 8BITMIME."""
    raw = compose("ana@bücher.example", Texts("ü" * 150, "ü" * 3_000, "<p>ü</p>"), "job-1", NOW)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"ana@xn--bcher-kva.example" in raw


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_headers_cannot_be_injected(subject: str, text: str, key: str) -> None:
    """Whatever the values hold, the headers are the same ones, once each."""
    text = text.encode("utf-8", "replace").decode()
    message = parsed(compose("ana@example.com", Texts(subject, text), key, NOW))
    names = [name.lower() for name in message]
    assert set(names) <= {
        "from", "to", "subject", "date", "message-id", "x-idempotency-key", "auto-submitted", "mime-version",
        "content-type", "content-transfer-encoding",
    }  # fmt: skip
    assert len(names) == len(set(names))
    assert message["to"] == "ana@example.com"


@pytest.mark.parametrize("to", ["josé@example.com", "a@" + "ü" * 70 + ".example"])
def test_an_address_that_ses_cannot_send_to(to: str) -> None:
    """Refused with the reason, before anybody is asked."""
    with pytest.raises(UnmailableAddress):
        compose(to, Texts("Hi", "Text"), "job-1", NOW)


@pytest.mark.parametrize("written", ["Lanner", "@example.com", "a@", "a@b\nBcc: c@d", "a@b@c"])
def test_a_sender_that_is_none(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """The setting is named."""
    monkeypatch.setenv("LANNER_MAIL_FROM", written)
    with pytest.raises(SettingError, match="LANNER_MAIL_FROM"):
        sender()
