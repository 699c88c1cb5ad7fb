"""Each condition and each comparison that keeps a job from being done twice is switched off, and caught.

A condition is switched off as a whole, and part by part. Those that no scenario needs would be decoration; those
that are not listed here would be untested: a test says so.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from lanner.jobs import attempt, conditions, control, producer
from tests.jobs.scenarios import SCENARIOS, Scenario
from tests.jobs.stage import Stage
from tests.jobs.tap import Tap

WRITTEN = sorted(name for name in vars(conditions) if name.isupper() and name != "FREE")  # FREE is a part of others

ALWAYS = "(attribute_exists(pk) OR attribute_not_exists(pk))"

COMPARISONS: list[tuple[Any, str]] = [
    (attempt, "is_own"),
    (attempt, "is_committed"),
    (producer, "is_creator"),
    (control, "is_redriver"),
]


def parts(condition: str) -> list[str]:
    """The conjuncts of a condition, a parenthesis being one."""
    return [each.strip() for each in re.split(r" AND (?![^(]*\))", condition)]


def mutants() -> list[tuple[str, str]]:
    """Name of a condition, and the condition without one of its parts, or with none."""
    found = []
    for name in WRITTEN:
        conjuncts = parts(getattr(conditions, name))
        found.append((name, ALWAYS))
        if len(conjuncts) > 1:
            rest = [[each for each in conjuncts if each != left_out] for left_out in conjuncts]
            found += [(name, " AND ".join(each)) for each in rest]
    return found


def caught(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a scenario fails: by an assertion, or by what was not meant to be raised."""
    with monkeypatch.context() as patch:
        stage = Stage(Tap(), patch)
        try:
            scenario(stage)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # pytest's own `Failed` is none of Exception
            return True
    return False


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_as_it_is_every_scenario_holds(cloud: str, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is caught where nothing is wrong."""
    scenario(Stage(Tap(), monkeypatch))


@pytest.mark.parametrize(("name", "mutant"), mutants(), ids=lambda each: each)
def test_a_condition_that_is_switched_off_is_caught(
    cloud: str, name: str, mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least one scenario fails without it."""
    monkeypatch.setattr(conditions, name, mutant)
    assert any(caught(scenario, monkeypatch) for scenario in SCENARIOS), f"nobody misses it: {name} = {mutant}"


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize(("module", "name"), COMPARISONS, ids=lambda each: getattr(each, "__name__", each))
def test_a_comparison_that_is_switched_off_is_caught(
    cloud: str, module: Any, name: str, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recognising one's own write: answering always yes, or always no, is noticed."""
    monkeypatch.setattr(module, name, lambda *arguments: answer)
    assert any(caught(scenario, monkeypatch) for scenario in SCENARIOS), f"nobody misses it: {name} is {answer}"
