"""Users counted: by day or month of their creation, by locale, by activity. Pure sums over pages of users.

Sums are taken in any order and can be stored as JSON between pages, so whoever walks the users needs memory for the
sums and not for the users. Days and months are UTC. Deleted users are not counted, not even for the time that they were
there. `updated_at` is one moment: of a user's writes the last one is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain import ids
from domain.times import rfc3339
from domain.users import store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.dynamodb import Item

PAGE = 500
"""Users read at once, about 200 kB; a query of DynamoDB gives 1 MB at most."""

LOCALES_MAX = 1_000
"""Locales that are counted apart. Clients write them, so there is no end to them but this one."""
OTHER = "other"

MONTH = 7
DAY = 10
"""How many characters of a time name its month, or its day."""

_NO_DAY_IS_LATER = "9999-12-31"

Counts = dict[str, int]


class Tally:
    """Sums over users, of the days `first` to `last` (`2026-11-27`, both included; all days where empty).

    `by_created` and `by_updated` count by the first `unit` characters of a time in these days. A user whose
    `updated_at` is its `created_at` has not been updated. `total` and `by_locale` count users made in these days,
    `earlier` those made before them.
    """

    __slots__ = ("_first", "_last", "by_created", "by_locale", "by_updated", "earlier", "total", "unit")

    def __init__(
        self,
        unit: int = MONTH,
        stored: Mapping[str, Any] | None = None,  # Any: JSON, what `document` gave
        *,
        first: str = "",
        last: str = "",
    ) -> None:
        known = stored or {}
        self.unit = unit
        self._first = first
        self._last = last or _NO_DAY_IS_LATER
        self.total: int = known.get("total", 0)
        self.earlier: int = known.get("earlier", 0)
        self.by_created: Counts = dict(known.get("by_created", {}))
        self.by_updated: Counts = dict(known.get("by_updated", {}))
        self.by_locale: Counts = dict(known.get("by_locale", {}))

    def add(self, items: Iterable[Item]) -> None:
        """Count stored users."""
        first, last, unit = self._first, self._last, self.unit
        for item in items:
            created_at, updated_at = item["created_at"]["S"], item["updated_at"]["S"]
            day = created_at[:DAY]
            if day < first:
                self.earlier += 1
            elif day <= last:
                self.total += 1
                _count(self.by_created, created_at[:unit])
                locale = item["locale"]["S"]
                full = locale not in self.by_locale and len(self.by_locale) >= LOCALES_MAX
                _count(self.by_locale, OTHER if full else locale)
            if updated_at != created_at and first <= updated_at[:DAY] <= last:
                _count(self.by_updated, updated_at[:unit])

    def document(self) -> dict[str, Any]:  # Any: JSON
        """The sums as JSON, for `stored`."""
        return {
            "total": self.total,
            "earlier": self.earlier,
            "by_created": self.by_created,
            "by_updated": self.by_updated,
            "by_locale": self.by_locale,
        }


def pages(
    shard: int, after: str | None = None, first: str = ids.FIRST, last: str = ids.LAST
) -> Iterator[tuple[list[Item], str | None]]:
    """The users of one partition of the index in pages, each with the id to go on behind; None with the last one.

    `after`: go on behind this id. `first` and `last` bound the ids.
    """
    begin = first if after is None else max(first, ids.after(after))
    while begin <= last:
        items, more = store.between(shard, begin, last, PAGE, forward=True)
        behind = items[-1]["id"]["S"] if more and items else None
        yield items, behind
        if behind is None or behind == ids.LAST:
            return
        begin = ids.after(behind)


def growth(by_created: Mapping[str, int], periods: Iterable[str], before: int = 0) -> list[dict[str, Any]]:
    """`{period, new_users, total_users}` of each period; `before` users were there in front of the first one."""
    total, rows = before, []
    for period in periods:
        new = by_created.get(period, 0)
        total += new
        rows.append({"period": period, "new_users": new, "total_users": total})
    return rows


def shares(by_locale: Mapping[str, int]) -> list[dict[str, Any]]:
    """`{locale, users, share}`, the most frequent first; `share` is of 1, in ten-thousandths."""
    total = sum(by_locale.values())
    ordered = sorted(by_locale.items(), key=lambda each: (-each[1], each[0]))
    return [{"locale": locale, "users": users, "share": round(users / total, 4)} for locale, users in ordered]


def months(first: str, last: str) -> list[str]:
    """The months from `first` to `last` (`2026-11`), both included."""
    number, end = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (first, last))
    return [f"{each // 12:04d}-{each % 12 + 1:02d}" for each in range(number, end + 1)]


def statistics(now: float) -> dict[str, Any]:  # Any: JSON
    """`{generated_at, total_users, growth, locales}` over all users, growth by month from the first user's to this one.

    Reads every user: callers keep the answer. `now` is in seconds since the epoch. Raises what storage raises.
    """
    tally = Tally(MONTH)
    for shard in range(store.SHARDS):
        for items, _ in pages(shard):
            tally.add(items)
    generated_at = rfc3339(int(now * 1000))
    this_month = generated_at[:MONTH]
    first = min(tally.by_created, default=this_month)
    last = max(tally.by_created, default=this_month)
    return {
        "generated_at": generated_at,
        "total_users": tally.total,
        "growth": growth(tally.by_created, months(first, max(last, this_month))),
        "locales": shares(tally.by_locale),
    }


def _count(counts: Counts, name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
