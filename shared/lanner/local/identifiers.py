"""Random ids of requests, invocations and traces, in the forms that AWS gives them.

They are names and no secrets, and each request needs four: drawn from a generator seeded once, they cost no system
call each.
"""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode

_RANDOM = random.Random()  # noqa: S311 (names, not secrets)


def new_uuid() -> str:
    """A random UUID (version 4, RFC 9562 section 5.4) as text."""
    raw = bytearray(_RANDOM.randbytes(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_short_id() -> str:
    """An id as API Gateway's `extendedRequestId` looks: 15 characters and `=`."""
    return urlsafe_b64encode(_RANDOM.randbytes(11)).decode("ascii")


def new_trace_id(now: float) -> str:
    """An X-Ray trace header of the format `Root=1-<8 hex of epoch>-<24 hex>`."""
    return f"Root=1-{int(now):08x}-{_RANDOM.randbytes(12).hex()}"


def new_span_id() -> str:
    """16 hexadecimal digits, as a segment's id in a trace header."""
    return _RANDOM.randbytes(8).hex()
