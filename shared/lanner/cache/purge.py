"""Removing by hand, of one key, of tags or of everything: what operators and deployments do.

Failure modes: `CacheUnavailable` where it is not known to have happened; doing it again is safe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.cache.computed import REMOVED, marker
from lanner.cache.computing import PREFIX
from lanner.cache.terms import LEASE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lanner.cache.backend import CacheBackend
    from lanner.cache.tags import TagIndex


def purge_key(backend: CacheBackend, key: str) -> bool:
    """Remove what is under a backend's key. Whether something was there.

    Under the key of a cached function a marker takes its place for some seconds, so that a computation that is under
    way does not bring back what was removed.
    """
    if not key.startswith(PREFIX):
        delete: Callable[[str], bool] = getattr(backend, "delete_everywhere", backend.delete)
        return delete(key)
    there = backend.exists(key)
    getattr(backend, "set_everywhere", backend.set)(key, marker(REMOVED), 4 * LEASE_MS / 1000)
    return there


def purge_tags(index: TagIndex, tags: Iterable[str], *, soft: bool = False) -> int:
    """Invalidate tags; how many. `soft`: what has them may still be served while it is made anew."""
    wanted = tuple(dict.fromkeys(tags))
    index.invalidate(wanted, soft=soft)
    return len(wanted)


def purge_all(backend: CacheBackend) -> int:
    """Remove everything of this cache's own name space; how much, about.

    What environments have in their memory stays until its time there ends (`l1_ttl`), unless it has a tag: the
    counters go as well, and what recorded one that is missing is gone.
    """
    return backend.clear()
