"""Sending through SES: moto's, as the local cloud serves it, and a scripted one for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import orjson
import pytest

from domain.mail.ses import MailLater, MailRefused, send
from domain.mail.texts import Texts
from lanner.aws import clients
from tests.unit.aws.fault_server import FaultServer, answer, rst

TEXTS = Texts("Grüße", "Hallo ü\n", "<p>Hallo</p>")
NOW = 1_700_000_000.0


def sent(url: str) -> list[dict[str, Any]]:
    """What the local cloud's mail page shows."""
    with urlopen(f"{url}/_lanner/mail") as page:
        found: list[dict[str, Any]] = orjson.loads(page.read())
        return found


@pytest.fixture(autouse=True)
def mail_from(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A sender that nobody has verified."""
    monkeypatch.setenv("LANNER_MAIL_FROM", "Lanner <no-reply@example.com>")
    clients.reset()
    yield
    clients.reset()


def test_a_mail_can_be_read_locally(storage: str) -> None:
    """Through boto3 to the local cloud's SES, and on its page in plain text."""
    before = len(sent(storage))
    assert send("ana@example.com", TEXTS, "job-1", NOW)
    (mail,) = sent(storage)[before:]
    assert "no-reply@example.com" in mail["source"]
    assert mail["destinations"] == ["ana@example.com"]
    assert (mail["subject"], mail["body"].strip()) == ("Grüße", "Hallo ü")


@pytest.fixture
def ses(storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """An SES that answers from a script."""
    served = FaultServer()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", served.url)
    monkeypatch.setattr(clients, "TOTAL_ATTEMPTS", 1)
    clients.reset()
    yield served
    served.stop()


def error(code: str, status: int) -> Any:
    return answer(b'{"message":"as told"}', status, x_amzn_errortype=code, content_type="application/json")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("TooManyRequestsException", 429, MailLater),
        ("SendingPausedException", 400, MailLater),
        ("LimitExceededException", 400, MailLater),
        ("InternalFailure", 500, MailLater),
        ("MessageRejected", 400, MailRefused),
        ("MailFromDomainNotVerifiedException", 400, MailRefused),
        ("AccountSuspendedException", 400, MailRefused),
        ("BadRequestException", 400, MailRefused),
    ],
)
def test_what_an_error_means(ses: FaultServer, code: str, status: int, kind: type[Exception]) -> None:
    """Another attempt, or none."""
    ses.script = [error(code, status)]
    with pytest.raises(kind, match=code):
        send("ana@example.com", TEXTS, "job-1", NOW)


def test_a_lost_answer_is_tried_again(ses: FaultServer) -> None:
    """It may have been sent: at least once."""
    ses.script = [rst]
    with pytest.raises(MailLater):
        send("ana@example.com", TEXTS, "job-1", NOW)


def test_a_missing_permission_is_a_fault(ses: FaultServer) -> None:
    """Nobody's mail is at fault: the error passes, so that it is seen."""
    ses.script = [error("AccessDeniedException", 403)]
    with pytest.raises(Exception, match="AccessDenied"):
        send("ana@example.com", TEXTS, "job-1", NOW)
