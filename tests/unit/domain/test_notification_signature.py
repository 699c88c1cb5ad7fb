"""Signatures of Standard Webhooks, checked by an implementation of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from domain.notifications.signature import secrets, signed_headers
from lanner.settings import SettingError

SETTING = "LANNER_WEBHOOK_SECRETS"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def verifies(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """What a receiver does, written from the specification's text."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    versions = (each.partition(",") for each in headers["webhook-signature"].split(" "))
    return any(version == "v1" and hmac.compare_digest(signature, wanted) for version, _, signature in versions)


def test_the_published_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the reference libraries."""
    monkeypatch.setenv(SETTING, SECRET)
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secrets())
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_every_secret_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """While secrets are rotated a receiver may know either; nobody else's verifies, nor does another body."""
    monkeypatch.setenv(SETTING, f"{OTHER}, {SECRET}")
    headers = signed_headers("msg_1", 1_700_000_000, b"{}", secrets())
    assert headers["webhook-signature"].count("v1,") == 2
    assert verifies(headers, b"{}", SECRET)
    assert verifies(headers, b"{}", OTHER)
    assert not verifies(headers, b"{ }", SECRET)
    assert not verifies(headers, b"{}", "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_a_generated_secret_needs_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets Manager writes 44 letters and digits, which are the base64 of 33 bytes."""
    monkeypatch.setenv(SETTING, "aB3" * 14 + "xY")
    assert len(secrets()[0]) == 33


@pytest.mark.parametrize(
    "written",
    ["", "whsec_", "whsec_not base64", "whsec_c2hvcnQ=", f"{SECRET},", "whsec_" + base64.b64encode(b"x" * 65).decode()],
)
def test_a_secret_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """It names the setting and shows nothing of the value."""
    monkeypatch.setenv(SETTING, written)
    with pytest.raises(SettingError, match=SETTING) as caught:
        secrets()
    assert "c2hvcnQ" not in str(caught.value)
