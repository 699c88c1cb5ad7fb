"""Names of a cache's entries and leases in Redis.

An entry is `<prefix>|<key>`, its lease `<prefix>%|{<tag>}<key>`, whose tag puts it into the entry's hash slot, so that
one script can look at both.
"""

from __future__ import annotations

from lanner.cache.naming import check_key, entry_space, own_space, to_bytes, to_text
from lanner.cache.slots import companion_tag

_GLOB = {ord(mark): f"\\{mark}" for mark in "\\*?[]"}


class RedisNames:
    """The names of one cache."""

    __slots__ = ("_entries", "_own")

    def __init__(self, prefix: str) -> None:
        self._entries = to_bytes(entry_space(prefix))
        self._own = to_bytes(own_space(prefix))

    def entry(self, key: str) -> bytes:
        """The name of an entry. Raises `CacheValueError` for what is no key."""
        return self._entries + to_bytes(check_key(key))

    def lease(self, key: str) -> bytes:
        """The name of a lease."""
        return b"%b{%b}%b" % (self._own, companion_tag(self.entry(key)), to_bytes(key))

    def key_of(self, name: bytes) -> str:
        """The key of an entry's name."""
        return to_text(name[len(self._entries) :])

    def is_entry(self, name: bytes, prefix: bytes) -> bool:
        """Whether it is an entry whose key starts so."""
        return name.startswith(self._entries + prefix)

    def is_lease(self, name: bytes, prefix: bytes) -> bool:
        """Whether it is a lease whose key starts so. A tag holds no brace, so the first one that closes ends it."""
        if not name.startswith(self._own + b"{"):
            return False
        return name[len(self._own) :].partition(b"}")[2].startswith(prefix)

    def entries_pattern(self, prefix: bytes) -> bytes:
        """What SCAN matches entries by."""
        return _escape(self._entries + prefix) + b"*"

    def everything_pattern(self) -> bytes:
        """What SCAN matches entries and leases by; those of longer prefixes match too."""
        return _escape(self._entries[:-1]) + b"*"


def _escape(name: bytes) -> bytes:
    """`name` as a pattern that matches itself."""
    return to_bytes(to_text(name).translate(_GLOB))
