"""Hash slots of a Redis or Valkey cluster: which slot a name is in, and a tag that puts another name beside it.

Source: redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec, "Key distribution model" and "Hash tags":
CRC16 (XMODEM) of the name modulo 16384, or of what stands between its first `{` and the next `}`, where that is not
empty.
"""

from __future__ import annotations

from binascii import crc_hqx
from functools import lru_cache

SLOTS = 16384


def hash_tag(name: bytes) -> bytes:
    """The part of a name that decides its slot."""
    start = name.find(b"{")
    if start >= 0:
        end = name.find(b"}", start + 1)
        if end > start + 1:
            return name[start + 1 : end]
    return name


def slot(name: bytes) -> int:
    """The slot of a name, from 0 to 16383."""
    return crc_hqx(hash_tag(name), 0) % SLOTS


def companion_tag(name: bytes) -> bytes:
    """What to put between braces in another name so that it is in the slot of `name`."""
    tag = hash_tag(name)
    return _tag_of_slot(crc_hqx(tag, 0) % SLOTS) if b"}" in tag else tag


@lru_cache(maxsize=1024)
def _tag_of_slot(number: int) -> bytes:
    """A tag of digits for names like `a}b`, which cannot be their own; found after some 16,000 tries (4 ms)."""
    candidate = 0
    while crc_hqx(b"%d" % candidate, 0) % SLOTS != number:
        candidate += 1
    return b"%d" % candidate
