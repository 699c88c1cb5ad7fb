"""Which reports can be asked for, and the sums that they are made of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reports.charts import _ceiling, _ticks
from domain.reports.figures import periods
from domain.reports.requests import read_report_request, stored_request
from domain.users import statistics as users_statistics
from domain.users.statistics import DAY, MONTH, Tally, growth, months, shares
from lanner.http.problems import Unprocessable

NOW = 1_795_405_931.0
"""2026-11-23."""


def asked(**document: Any) -> tuple[str, str | None, str]:
    request = read_report_request(document, NOW)
    assert stored_request(request.document()).document() == request.document()
    return request.kind, None if request.first is None else request.first.isoformat(), request.last.isoformat()


def test_periods_have_defaults() -> None:
    """Thirty days that end today, or where the client says; all users for locales."""
    assert asked(kind="growth") == ("growth", "2026-10-25", "2026-11-23")
    assert asked(kind="activity", to="2024-02-29") == ("activity", "2024-01-31", "2024-02-29")
    assert asked(kind="growth", **{"from": "2026-11-20"}) == ("growth", "2026-11-20", "2026-11-23")
    assert asked(kind="locales") == ("locales", None, "2026-11-23")
    assert asked(kind="locales", to="2026-11-01") == ("locales", "2026-10-03", "2026-11-01")


def test_a_period_may_be_three_years_long() -> None:
    """1,096 days, both ends counted, and not one more."""
    assert asked(kind="growth", **{"from": "2023-11-24", "to": "2026-11-23"})[1] == "2023-11-24"
    with pytest.raises(Unprocessable, match="1096 days"):
        asked(kind="growth", **{"from": "2023-11-23", "to": "2026-11-23"})


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "#/kind"),
        ({"kind": "salaries"}, "#/kind"),
        ({"kind": ["growth"]}, "#/kind"),
        ({"kind": "growth", "from": "2026-11-24"}, "#/from"),
        ({"kind": "growth", "from": "2026-02-30"}, "#/from"),
        ({"kind": "growth", "to": "20261123"}, "#/to"),
        ({"kind": "growth", "to": "2026-11-23T00:00:00Z"}, "#/to"),
        ({"kind": "growth", "to": "1969-12-31"}, "#/to"),
        ({"kind": "growth", "to": 20261123}, "#/to"),
        ({"kind": "growth", "until": "2026-11-23"}, "#/until"),
    ],
)
def test_what_cannot_be_is_refused(document: dict[str, Any], pointer: str) -> None:
    """With a pointer to the member."""
    with pytest.raises(Unprocessable) as refused:
        read_report_request(document, NOW)
    assert refused.value.errors[0]["pointer"] == pointer


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.integers(0, 1_095))
def test_periods_cover_the_report_in_order(first: date, days: int) -> None:
    """Days or months, each once, from the first to the last."""
    last = date.fromordinal(first.toordinal() + days)
    request = read_report_request({"kind": "growth", "from": first.isoformat(), "to": last.isoformat()}, NOW)
    names = periods(request)
    assert names == sorted(set(names))
    unit = len(names[0])
    assert unit in (MONTH, DAY)
    assert (names[0], names[-1]) == (first.isoformat()[:unit], last.isoformat()[:unit])
    assert len(names) <= 92


def item(created_at: str, updated_at: str = "", locale: str = "en") -> dict[str, Any]:
    times = {"created_at": {"S": created_at}, "updated_at": {"S": updated_at or created_at}}
    return {**times, "locale": {"S": locale}}


ITEMS = [item(f"2026-{month:02d}-15T00:00:00.000Z", locale=locale) for month in range(1, 13) for locale in ("en", "de")]


@given(st.permutations(ITEMS), st.integers(0, len(ITEMS)))
def test_sums_do_not_depend_on_order_or_pages(items: list[dict[str, Any]], cut: int) -> None:
    """Stored between two pages and taken up again, they are the same."""
    before = Tally(MONTH, first="2026-03-01", last="2026-10-31")
    before.add(items[:cut])
    after = Tally(MONTH, before.document(), first="2026-03-01", last="2026-10-31")
    after.add(items[cut:])
    assert (after.total, after.earlier, after.by_locale) == (16, 4, {"en": 8, "de": 8})
    assert after.by_created == {f"2026-{month:02d}": 2 for month in range(3, 11)}


def test_locales_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever clients write, the sums stay small."""
    monkeypatch.setattr(users_statistics, "LOCALES_MAX", 2)
    tally = Tally()
    tally.add([item("2026-01-01T00:00:00.000Z", locale=locale) for locale in ("a", "b", "c", "d", "a")])
    assert tally.by_locale == {"a": 2, "b": 1, "other": 2}


def test_growth_and_shares() -> None:
    """Sums of sums."""
    assert months("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert growth({"2026-01": 2}, ["2025-12", "2026-01"], 3) == [
        {"period": "2025-12", "new_users": 0, "total_users": 3},
        {"period": "2026-01", "new_users": 2, "total_users": 5},
    ]
    assert shares({"de": 1, "en": 2}) == [
        {"locale": "en", "users": 2, "share": 0.6667},
        {"locale": "de", "users": 1, "share": 0.3333},
    ]
    assert shares({}) == []


@given(st.integers(0, 10**9))
def test_axes_end_on_a_step_at_or_above_the_largest(largest: int) -> None:
    """Few ticks, whole numbers."""
    top = _ceiling(largest)
    ticks = list(_ticks(top))
    assert top >= largest
    assert ticks[-1] == top
    assert len(ticks) <= 7
