"""The process's own cache: what `LANNER_CACHE` names, opened once, and the tags over it.

`LANNER_CACHE` is a URL or a stack of them as `lanner.cache.url` has it; without it there is memory only.
`LANNER_CACHE_COHERENCE_MS` is how late another environment's invalidation may be seen (0: never late, at the price of a
read of the shared tier for every entry that has tags).
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lanner.cache.backend import CacheBackend
    from lanner.cache.tags import TagIndex

SETTING = "LANNER_CACHE"
COHERENCE_SETTING = "LANNER_CACHE_COHERENCE_MS"
COHERENCE_MS = 1000.0

_lock = threading.RLock()
_backend: list[CacheBackend] = []
_tags: list[TagIndex] = []


def default_backend() -> CacheBackend:
    """The cache of this process. Raises `CacheConfigError` for a `LANNER_CACHE` that names none."""
    if not _backend:
        with _lock:
            if not _backend:
                _backend.append(_opened(os.environ.get(SETTING) or "memory://"))
    return _backend[0]


def default_tags() -> TagIndex:
    """The tags over `default_backend()`."""
    if not _tags:
        from lanner.cache.tags import TagIndex
        from lanner.settings import number

        with _lock:
            if not _tags:
                seconds = number(COHERENCE_SETTING, COHERENCE_MS) / 1000
                _tags.append(TagIndex(default_backend(), cache_for=seconds))
    return _tags[0]


def reset() -> None:
    """Drop connections and what is believed of tags: before a SnapStart snapshot, after a thaw or a fork."""
    with _lock:
        for backend in _backend:
            backend.reset()
        for tags in _tags:
            tags.forget()


def close() -> None:
    """Forget both, so that the next use reads the settings again; who holds one goes on with it."""
    with _lock:
        for backend in _backend:
            backend.close()
        _backend.clear()
        _tags.clear()


def _opened(url: str) -> CacheBackend:
    from lanner.cache.url import open_backend

    return open_backend(url)
