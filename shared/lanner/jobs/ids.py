"""Ids of jobs are UUIDs: of version 7, in the order of creation; with a key of version 8, made from it (RFC 9562)."""

from __future__ import annotations

import os
from binascii import a2b_hex

_LENGTH = 36


def new_id(now: float) -> str:
    """A UUIDv7 of this moment (section 5.7)."""
    random = int.from_bytes(os.urandom(10))
    return _write(int(now * 1000) << 80 | random, version=7)


def keyed_id(tenant: str, kind: str, key: str) -> str:
    """The same id for the same tenant, kind and key: 122 bits of a SHA-256 (section 5.8)."""
    from hashlib import sha256  # loads OpenSSL

    parts = (part.encode("utf-8", "surrogatepass") for part in (tenant, kind, key))
    digest = sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
    return _write(int.from_bytes(digest[:16]), version=8)


def read_id(text: str) -> str | None:
    """The id that a client wrote, in lower case (section 4), or None where it is no UUID."""
    if len(text) != _LENGTH or [text[at] for at in (8, 13, 18, 23)] != ["-"] * 4:
        return None
    try:
        return text.lower() if len(a2b_hex(text.replace("-", ""))) == 16 else None
    except ValueError:
        return None


def _write(number: int, version: int) -> str:
    number = number & ~(0xF << 76) | version << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    digits = f"{number & (1 << 128) - 1:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
