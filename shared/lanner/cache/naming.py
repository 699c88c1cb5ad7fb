"""What a store sees of a key: name spaces that cannot meet, and bytes for any text.

An entry is stored under `<prefix>|<key>`, everything else that belongs to the cache (leases, chunks, generations)
under `<prefix>%|...`. In the prefix `%`, `|`, `{` and `}` are percent-encoded, so the first `|` of a name ends its
prefix and `%|` is never part of an entry's: two caches with different prefixes share nothing, `app` and `app2`
included, and no key can be taken for a lease.
"""

from __future__ import annotations

from lanner.cache.errors import CacheValueError

_QUOTED = {ord(mark): f"%{ord(mark):02X}" for mark in "%|{}"}
"""Braces, because they would decide a cluster's hash slot."""


def entry_space(prefix: str) -> str:
    """What the names of a cache's entries start with."""
    return f"{prefix.translate(_QUOTED)}|"


def own_space(prefix: str) -> str:
    """What the names of a cache's own records start with."""
    return f"{prefix.translate(_QUOTED)}%|"


def check_key(key: str) -> str:
    """`key`, where it is one. Raises `CacheValueError`."""
    if type(key) is str and key:
        return key
    raise CacheValueError("a key is a non-empty string")


def check_value(value: bytes) -> bytes:
    """`value`, where it is bytes. Raises `CacheValueError`."""
    if type(value) is bytes:
        return value
    raise CacheValueError(f"a value is bytes, not {type(value).__name__}")


def to_bytes(text: str) -> bytes:
    """UTF-8 for any `str`: lone surrogates, which are no text, pass too."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def to_text(name: bytes) -> str:
    """The inverse of `to_bytes`. Raises `UnicodeDecodeError` for what it never made."""
    return name.decode("utf-8", "surrogatepass")


def digest(name: bytes) -> str:
    """A name for what is too long or has characters a store does not take: SHA-256, 64 hexadecimal digits."""
    from hashlib import sha256

    return sha256(name).hexdigest()
