"""Every call of a job's life, to whatever service, is a place to die: at each one of them, in each way, once.

How many there are is found by living once without harm. Each life is then lived again for every one of its calls:
killed before it, killed after it, with its answer lost, standing still at it until others have done everything, and
standing still until another one has taken over and died.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lanner.jobs.status import SUCCEEDED
from tests.jobs.conftest import NewWorld
from tests.jobs.lives.kinds import LIVES, names
from tests.jobs.lives.world import Life, World
from tests.jobs.tap import ANSWER_LOST, KILLED_AFTER, KILLED_BEFORE, SERVICES, STALLED

OVERTAKEN = "overtaken"
WAYS = (KILLED_BEFORE, KILLED_AFTER, ANSWER_LOST, STALLED, OVERTAKEN)


def unharmed(world: World, life: Life) -> list[str]:
    """The calls of a life in which nothing happens."""
    world.tap.arm(lambda number, operation, payload: False, KILLED_BEFORE)
    status = world.live(life)
    calls = list(world.tap.calls)
    assert (status.state, status.attempt) == (SUCCEEDED, 1)
    with world.tap.aside():
        life.check(world, status)
    return calls


@pytest.mark.parametrize("life", LIVES, ids=names())
def test_a_life_has_calls_to_the_services_that_it_needs(new_world: NewWorld, life: Callable[[], Life]) -> None:
    """Each is numbered: a service that the tap did not see would be one at which nobody dies."""
    services = {call.partition(".")[0] for call in unharmed(new_world(), life())}
    assert services == life().services


def test_there_is_no_service_at_which_nobody_dies() -> None:
    """Every service that the tap knows has calls in one of the lives."""
    assert frozenset().union(*(life().services for life in LIVES)) == frozenset(SERVICES)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("life", LIVES, ids=names())
def test_wherever_it_dies_nothing_is_lost_and_nothing_is_done_twice(
    new_world: NewWorld, life: Callable[[], Life], way: str
) -> None:
    """The job succeeds; what is ours is there once, what is outside once for each attempt at most, under one key."""
    calls = unharmed(new_world(), life())
    for number, call in enumerate(calls):
        try:
            cut_off(new_world(), life(), way, number)
        except AssertionError as error:
            raise AssertionError(f"{way}, call {number} of {len(calls)}, {call}: {error}") from error


def cut_off(world: World, life: Life, way: str, at: int) -> None:
    """Live with an accident at one call, and look at what there is in the end."""

    def meanwhile() -> None:
        if way == OVERTAKEN:
            world.be_overtaken()
        else:
            world.stand_still(life)

    world.tap.arm(lambda number, operation, payload: number == at, STALLED if way == OVERTAKEN else way, meanwhile)
    status = world.live(life)
    assert world.tap.happened, "it never came so far"
    with world.tap.aside():
        assert status.state == SUCCEEDED, status
        life.check(world, status)
        assert world.stage.given_up() == 0
