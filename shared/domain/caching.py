"""What of this API is cached, for how long and under which tags; and what a change makes out of date.

    catalog                      each document of the catalog and the list of locales
    users, user:<id>             lists of users; one user
    statistics                   what is computed from all users

Whoever changes something says so with `changing`, in whatever function or job it happens: the tags are common to every
version and every environment (`lanner.cache.tags`). A change whose outcome is unknown counts as one. Where the cache
cannot be reached the change stands: the tags are kept here and invalidated with the next change or read, and until
then nothing that has tags is served by an environment that cannot reach the cache either; what another one serves is
at most as old as its policy says.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from lanner.cache.errors import CacheError
from lanner.cache.policy import CachePolicy
from lanner.cache.step import SETTING
from lanner.http.problems import ApiError

if TYPE_CHECKING:
    from types import TracebackType

MINUTE, HOUR, DAY = 60, 3600, 86_400

CATALOG = CachePolicy(HOUR, client_ttl=MINUTE, stale_while_revalidate=MINUTE, stale_if_error=DAY, tags=("catalog",))
"""Everybody's, and rarely written: browsers may be a minute late, we never are."""

USERS = CachePolicy(5, client_ttl=0, scope="principal", tags=("users",))
USER = CachePolicy(5, client_ttl=0, scope="principal", tags=("user:{id}",))
"""Personal data: kept for each caller apart and for a moment, and asked about by clients each time (a 304 is cheap)."""

STATISTICS = CachePolicy(MINUTE, stale_while_revalidate=5 * MINUTE, stale_if_error=DAY, tags=("statistics",))
STATISTICS_TTL, STATISTICS_STALE = 5 * MINUTE, HOUR
"""The answer, and the numbers in it: a walk over all users, which every address of the answer shares. It is worth
minutes of lateness, and an hour of showing what there was while it is computed anew."""

_missed: set[str] = set()  # tags whose invalidation did not get through


class changing:  # noqa: N801 (a context manager that reads as a verb)
    """`with changing("users", "user:1"): ...`: those tags are out of date once the block has ended.

    An exception of ours that refuses has changed nothing and invalidates nothing. A 5xx leaves open what happened, and
    so does whatever ends the block from outside: both invalidate.
    """

    __slots__ = ("_tags",)

    def __init__(self, *tags: str) -> None:
        self._tags = tags

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        refused = error.status < 500 if isinstance(error, ApiError) else isinstance(error, Exception)
        if error is None or not refused:
            changed(*self._tags)


def changed(*tags: str) -> None:
    """Invalidate these tags, and those that could not be invalidated before."""
    if not os.environ.get(SETTING):
        return
    from lanner.cache.default import default_tags

    wanted = {*tags, *_missed}
    try:
        default_tags().invalidate(sorted(wanted))
        _missed.difference_update(wanted)
    except CacheError as error:
        _missed.update(wanted)
        logging.getLogger(__name__).warning("tags not invalidated yet: %s: %s", ", ".join(sorted(wanted)), error)
