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
    from lanner.cache.default import default_backend as default_backend
    from lanner.cache.default import default_tags as default_tags
    from lanner.cache.dynamodb import DynamoDBBackend as DynamoDBBackend
    from lanner.cache.errors import CacheBudgetSpent as CacheBudgetSpent
    from lanner.cache.errors import CacheConfigError as CacheConfigError
    from lanner.cache.errors import CacheError as CacheError
    from lanner.cache.errors import CacheUnavailable as CacheUnavailable
    from lanner.cache.errors import CacheValueError as CacheValueError
    from lanner.cache.events import CacheEvent as CacheEvent
    from lanner.cache.file import FileBackend as FileBackend
    from lanner.cache.functions import CachedFunction as CachedFunction
    from lanner.cache.functions import cached as cached
    from lanner.cache.functions import remember as remember
    from lanner.cache.lease import Lease as Lease
    from lanner.cache.lease import wait_for as wait_for
    from lanner.cache.memcached import MemcachedBackend as MemcachedBackend
    from lanner.cache.memory import MemoryBackend as MemoryBackend
    from lanner.cache.policy import CachePolicy as CachePolicy
    from lanner.cache.redis import RedisBackend as RedisBackend
    from lanner.cache.response import ResponseCache as ResponseCache
    from lanner.cache.tags import TagIndex as TagIndex
    from lanner.cache.tags import tag_headers as tag_headers
    from lanner.cache.tiered import TieredCache as TieredCache
    from lanner.cache.url import open_backend as open_backend
    from lanner.cache.warming import WarmingFailed as WarmingFailed
    from lanner.cache.warming import WarmPlan as WarmPlan
    from lanner.cache.warming import WarmRequests as WarmRequests

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
    "CachedFunction",
    "DynamoDBBackend",
    "FileBackend",
    "Lease",
    "MemcachedBackend",
    "MemoryBackend",
    "RedisBackend",
    "ResponseCache",
    "TagIndex",
    "TieredCache",
    "WarmPlan",
    "WarmRequests",
    "WarmingFailed",
    "cached",
    "default_backend",
    "default_tags",
    "open_backend",
    "remember",
    "tag_headers",
    "wait_for",
]

_MODULES = {
    "ABSENT": "codec",
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
    "CachedFunction": "functions",
    "DynamoDBBackend": "dynamodb",
    "FileBackend": "file",
    "Lease": "lease",
    "MemcachedBackend": "memcached",
    "MemoryBackend": "memory",
    "RedisBackend": "redis",
    "ResponseCache": "response",
    "TagIndex": "tags",
    "TieredCache": "tiered",
    "UNKNOWN": "cache",
    "WarmPlan": "warming",
    "WarmRequests": "warming",
    "WarmingFailed": "warming",
    "cached": "functions",
    "default_backend": "default",
    "default_tags": "default",
    "open_backend": "url",
    "remember": "functions",
    "tag_headers": "tags",
    "wait_for": "lease",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
