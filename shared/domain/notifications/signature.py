"""Signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).

    webhook-id          names the message; the same for every attempt, so a receiver can drop what it has seen
    webhook-timestamp   seconds since the epoch, of this attempt; receivers refuse what is more than 5 minutes off
    webhook-signature   v1,<base64 of HMAC-SHA256 over "<id>.<timestamp>.<body>">, one for each secret, spaces between

A secret is `whsec_` and the base64 of 24 to 64 random bytes. `LANNER_WEBHOOK_SECRETS` has them separated by commas. To
rotate: put the new one beside the old one, hand it to receivers, take the old one away.
"""

from __future__ import annotations

import hmac
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING

from lanner.settings import SettingError, setting

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRETS_SETTING = "LANNER_WEBHOOK_SECRETS"
PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, by the specification."""


def secrets() -> tuple[bytes, ...]:
    """The keys in the setting, in its order. Raises `SettingError`, which never shows one."""
    keys = []
    for number, written in enumerate(setting(SECRETS_SETTING).split(","), start=1):
        try:
            key = a2b_base64(written.strip().removeprefix(PREFIX), strict_mode=True)
        except (Base64Error, ValueError):
            raise SettingError(f"{SECRETS_SETTING}: secret {number} is not {PREFIX} and base64") from None
        if not SHORTEST <= len(key) <= LONGEST:
            raise SettingError(f"{SECRETS_SETTING}: secret {number} must have {SHORTEST} to {LONGEST} bytes")
        keys.append(key)
    return tuple(keys)


def signed_headers(message_id: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers of one attempt; `message_id` must not hold a dot."""
    assert "." not in message_id
    content = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signatures = (b2a_base64(hmac.digest(key, content, "sha256"), newline=False).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
