"""What of this API is cached, for how long and under which tags; and what a change makes out of date.

    catalog                      each document of the catalog and the list of locales
    users, user:<id>             lists of users; one user
    statistics                   what is computed from all users

Whoever changes something says so with `changing`, in whatever function or job it happens: the tags are common to every
version and every environment (`lanner.cache.tags`). A change whose outcome is unknown counts as one. Where the cache
cannot be reached the change stands: this environment takes what has the tags as gone, and a job invalidates them for
the others (`domain.rendering.jobs`), so that no invalidation is lost.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lanner.cache.errors import CacheError
from lanner.cache.policy import CachePolicy
from lanner.cache.step import SETTING, TAG_HEADERS_SETTING
from lanner.http.problems import ApiError
from lanner.observe.correlation import current
from lanner.settings import flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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

PUBLIC_TAGS = frozenset({*CATALOG.tags, *STATISTICS.tags})
"""Those of answers that a CDN keeps."""

TENANT = "lanner"
"""Whose the API's own jobs are: no caller's, so no caller lists them."""


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
    """Invalidate these tags, now or by a job."""
    if not os.environ.get(SETTING):
        return
    from lanner.cache.default import default_tags

    request = current()
    if request is not None:
        request.state.setdefault("cache_changed", []).extend(tags)
    try:
        default_tags().invalidate(tags)
    except CacheError as error:
        _warn("not invalidated yet", tags, error)
        _accept("cache.invalidate", tags)
    if flag(TAG_HEADERS_SETTING):  # there is a CDN in front of us
        _accept("cdn.invalidate", [tag for tag in tags if tag in PUBLIC_TAGS])


def told(*tags: str) -> bool:
    """Invalidate these tags now and leave no job behind; False where the cache cannot be reached, for who goes on."""
    if not os.environ.get(SETTING):
        return True
    from lanner.cache.default import default_tags

    try:
        default_tags().invalidate(tags)
    except CacheError:
        return False
    return True


def _accept(kind: str, tags: Sequence[str]) -> None:
    """Have a job do what is to be done about these tags."""
    if not tags or not os.environ.get("LANNER_JOBS_TABLE"):
        return
    from lanner.aws.errors import AwsError
    from lanner.jobs.errors import JobsError
    from lanner.jobs.producer import Producer

    try:
        Producer(tenant=TENANT).enqueue(kind, {"tags": list(tags)})
    except (JobsError, AwsError) as error:
        _warn(f"{kind} was not accepted", tags, error)


def _warn(what: str, tags: Iterable[str], error: Exception) -> None:
    import logging  # 5 ms of a cold start that nearly never needs it

    logging.getLogger(__name__).warning("%s: %s: %s", what, ", ".join(tags), error)
