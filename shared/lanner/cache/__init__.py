"""Caching: backends and tiers, the response cache (RFC 9111), leases, tags, cached functions, warming.

Names are loaded on first use, so that importing `lanner.cache` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from lanner.cache.backend import CacheBackend as CacheBackend
    from lanner.cache.backend import CacheEntry as CacheEntry
    from lanner.cache.cache import UNKNOWN as UNKNOWN
    from lanner.cache.cache import Cache as Cache
    from lanner.cache.codec import ABSENT as ABSENT
    from lanner.cache.dynamodb import DynamoDBBackend as DynamoDBBackend
    from lanner.cache.errors import CacheBudgetSpent as CacheBudgetSpent
    from lanner.cache.errors import CacheConfigError as CacheConfigError
    from lanner.cache.errors import CacheError as CacheError
    from lanner.cache.errors import CacheUnavailable as CacheUnavailable
    from lanner.cache.errors import CacheValueError as CacheValueError
    from lanner.cache.events import CacheEvent as CacheEvent
    from lanner.cache.file import FileBackend as FileBackend
    from lanner.cache.memcached import MemcachedBackend as MemcachedBackend
    from lanner.cache.memory import MemoryBackend as MemoryBackend
    from lanner.cache.policy import CachePolicy as CachePolicy
    from lanner.cache.redis import RedisBackend as RedisBackend
    from lanner.cache.tiered import TieredCache as TieredCache
    from lanner.cache.url import open_backend as open_backend

__all__ = [
    "ABSENT",
    "UNKNOWN",
    "Cache",
    "CacheBackend",
    "CacheBudgetSpent",
    "CacheConfigError",
    "CacheEntry",
    "CacheError",
    "CacheEvent",
    "CachePolicy",
    "CacheUnavailable",
    "CacheValueError",
    "DynamoDBBackend",
    "FileBackend",
    "MemcachedBackend",
    "MemoryBackend",
    "RedisBackend",
    "TieredCache",
    "open_backend",
]

_MODULES = {
    "ABSENT": "codec",
    "UNKNOWN": "cache",
    "Cache": "cache",
    "CacheBackend": "backend",
    "CacheBudgetSpent": "errors",
    "CacheConfigError": "errors",
    "CacheEntry": "backend",
    "CacheError": "errors",
    "CacheEvent": "events",
    "CachePolicy": "policy",
    "CacheUnavailable": "errors",
    "CacheValueError": "errors",
    "DynamoDBBackend": "dynamodb",
    "FileBackend": "file",
    "MemcachedBackend": "memcached",
    "MemoryBackend": "memory",
    "RedisBackend": "redis",
    "TieredCache": "tiered",
    "open_backend": "url",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
