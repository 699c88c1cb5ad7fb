"""Reading and replacing catalog documents, whatever the version.

A PUT is optimistic (`domain.races`): the new document is made from the stored one, because what the writing version
does not know stays, and is written on condition that this was still the stored one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from domain.caching import changing
from domain.catalog import store
from domain.catalog.policy import check_may_write
from domain.catalog.sizes import check_size
from domain.dynamodb import Contended
from domain.ids import IdGenerator
from domain.races import attempts, too_busy
from domain.times import rfc3339
from lanner.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lanner.http.message import Principal

Document = dict[str, Any]  # Any: JSON values
EMPTY: dict[str, Document] = {
    "categories": {"data": [], "updated_at": None},
    "settings": {"settings": {}, "updated_at": None},
}
"""What is read before anything was written. Translations have no such state: an unknown locale is not found."""


class Catalog:
    """All documents of the catalog."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self.new_id = IdGenerator(self._clock)

    def replace(
        self,
        key: str,
        make: Callable[[Document], Document],
        check: Callable[[store.Stored | None], None],
        principal: Principal,
    ) -> tuple[store.Stored, bool]:
        """Put a document in the place of another; gives what is stored then, and whether nothing was there before.

        `make` gets the stored document (or what is read before anything was written) and gives the new one without
        `updated_at`; then `check` may refuse. A document that is the same as the stored one is not written.
        Raises `Forbidden`, `Unprocessable` for one that is too large, `Unavailable`, and whatever the two raise.
        """
        check_may_write(principal)
        for _ in attempts(self._clock):
            old = store.read(key)
            before: Document = EMPTY.get(key, {}) if old is None else orjson.loads(old.body)
            content = make(before)
            check(old)
            # Compared as bytes: to Python true equals 1, and 1 equals 1.0.
            if old is not None and orjson.dumps({**content, "updated_at": before["updated_at"]}) == old.body:
                return old, False
            now = rfc3339(int(self._clock.now() * 1000))
            updated_at = now if old is None else max(now, old.updated_at)
            body = orjson.dumps({**content, "updated_at": updated_at})
            check_size(body)
            try:
                with changing("catalog"):
                    return store.write(key, old, body, updated_at, principal.id), old is None
            except (store.Stale, Contended):
                continue
        raise too_busy("document")
