"""The merge of the index's partitions against a sorted list: every page, from every place, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import ids
from domain.users import listing, store
from domain.users.model import Content, User
from lanner.clock import ManualClock

AT = "2026-11-23T03:52:11.123Z"
COUNT = 30
FAST = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def made(users_table: str) -> list[str]:
    """Ids of stored users, a few in the same millisecond, in order."""
    clock = ManualClock(1_795_405_931.0)
    new_id = ids.IdGenerator(clock)
    found = []
    for number in range(COUNT):
        found.append(new_id())
        store.insert(User(found[-1], Content("Ana", None, f"n{number}@example.com", "en"), AT, AT, 1))
        clock.advance(0.001 * (number % 3))
    return found


def places(made: list[str]) -> st.SearchStrategy[str]:
    """Ids of users, ids beside them, and both ends."""
    near = [ids.before(made[3]), ids.after(made[3]), ids.first_of(ids.created_ms(made[10])), ids.FIRST, ids.LAST]
    return st.sampled_from(made + near)


def test_pages_are_slices(made: list[str]) -> None:
    """Forward behind a place, backward in front of it, never in front of the floor; and whether there is more."""

    @FAST
    @given(st.integers(1, COUNT + 5), places(made), places(made))
    def check(limit: int, place: str, floor: str) -> None:
        behind = [each for each in made if each > place and each >= floor]
        page = listing.forward(limit, place, floor)
        assert [user.id for user in page.users] == behind[:limit]
        assert (page.has_next, page.has_prev) == (len(behind) > limit, True)
        front = [each for each in made if floor <= each < place]
        page = listing.backward(limit, place, floor)
        assert [user.id for user in page.users] == front[-limit:]
        assert (page.has_next, page.has_prev) == (True, len(front) > limit)

    check()


def test_skipping_finds_the_last_that_is_skipped(made: list[str]) -> None:
    """Every count up to all of them; nobody beyond."""
    assert [listing.skip(count) for count in range(1, COUNT + 1)] == made
    assert listing.skip(COUNT + 1) is None


def test_the_first_page_has_none_before_it(made: list[str]) -> None:
    """Without a place to start behind there is nothing in front."""
    page = listing.forward(5)
    assert ([user.id for user in page.users], page.has_prev, page.has_next) == (made[:5], False, True)


def test_a_partition_that_has_most_of_a_page_is_read_in_pieces(users_table: str) -> None:
    """Ids that all hash to one partition are listed too, in small queries."""
    uneven = [each for each in (ids.write(number) for number in range(1, 200)) if store.shard_of(each) == 1][:20]
    for number, each in enumerate(uneven):
        store.insert(User(each, Content("Ana", None, f"u{number}@example.com", "en"), AT, AT, 1))
    page = listing.forward(15)
    assert [user.id for user in page.users] == uneven[:15]
    assert [user.id for user in listing.backward(15, ids.LAST).users] == uneven[-15:]
