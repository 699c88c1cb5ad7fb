"""Readiness asks each dependency within its budget and says which one is down."""

from __future__ import annotations

import pytest

from lanner.clock import ManualClock
from lanner.health.checks import Check, run


def test_all_up() -> None:
    """Every probe returned: healthy, each with its time."""
    clock = ManualClock()
    healthy, document = run([Check("table", lambda budget: clock.sleep(0.02))], clock)
    assert healthy
    assert document == {"status": "OK", "checks": {"table": {"status": "OK", "duration_ms": 20.0}}}


def test_the_one_that_is_down_is_named_without_its_message() -> None:
    """A host name or a credential in an error stays out of a public answer."""
    clock = ManualClock()

    def down(budget: int) -> None:
        raise ConnectionRefusedError("10.0.0.7:8000 secret")

    healthy, document = run([Check("table", down), Check("queue", lambda budget: None)], clock)
    assert not healthy
    assert document["status"] == "UNAVAILABLE"
    assert document["checks"]["table"]["status"] == "DOWN"
    assert "ConnectionRefusedError" in document["checks"]["table"]["detail"]
    assert "10.0.0.7" not in str(document)
    assert document["checks"]["queue"]["status"] == "OK"


def test_budgets_shrink_to_what_remains_and_the_rest_is_skipped() -> None:
    """The whole keeps to its total; what is not reached counts as down."""
    clock = ManualClock()
    budgets: list[int] = []

    def slow(budget: int) -> None:
        budgets.append(budget)
        clock.sleep(budget / 1000)

    healthy, document = run([Check("a", slow, 700), Check("b", slow, 700), Check("c", slow)], clock, total_ms=1_000)
    assert not healthy
    assert budgets == [700, 300]
    assert document["checks"]["c"]["status"] == "SKIPPED"


def test_a_check_without_time_is_refused() -> None:
    """A budget of nothing is a mistake in the declaration."""
    with pytest.raises(ValueError, match="budget_ms"):
        Check("a", lambda budget: None, 0)
