"""What can go wrong in a cache: one tree. No request sees any of it, because a cache that is down is a miss.

    CacheError                 the root
    ├── CacheConfigError       a URL, option or policy that cannot work: raised when the cache is made, never later
    ├── CacheUnavailable       refused, reset, silent, too slow, read-only, full, or an answer that is no answer
    │   └── CacheBudgetSpent   the operation's milliseconds are used up
    └── CacheValueError        the value or key cannot be stored there: its type, its size, a counter that is no number

Messages name the tier and the operation, and never a URL with credentials, a key's value or an entry's content.
"""

from __future__ import annotations


class CacheError(Exception):
    """Any failure of a cache."""


class CacheConfigError(CacheError):
    """A declaration that cannot work; the message says what was wrong and what would be right."""


class CacheUnavailable(CacheError):
    """The backend gave no usable answer. Whether a write happened is unknown."""


class CacheBudgetSpent(CacheUnavailable):
    """The milliseconds allowed for the operation are used up."""


class CacheValueError(CacheError):
    """The backend cannot hold this key or value; trying again does not help."""
