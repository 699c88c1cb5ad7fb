"""Changing users while others do: attempts, preconditions, and giving up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.races import ATTEMPTS
from domain.times import rfc3339
from domain.users import store
from domain.users.model import Content, User
from domain.users.service import Users
from lanner.clock import ManualClock
from lanner.http.problems import NotFound, PreconditionFailed, Unavailable

NOW = 1_795_405_931.5
pytestmark = pytest.mark.usefixtures("users_table")


def content(given_name: str = "Ana", email: str = "ana@example.com") -> Content:
    return Content(given_name, None, email, "en")


def test_times_are_the_clocks() -> None:
    """Creation is in the id; a change is never earlier than the one before, even when the clock is."""
    clock = ManualClock(NOW)
    users = Users(clock)
    made = users.create(content())
    assert made.created_at == made.updated_at == rfc3339(int(NOW * 1000))
    clock.advance(60)
    changed = users.change(made.id, lambda _: content("Eva"))
    assert (changed.created_at, changed.updated_at) == (made.created_at, rfc3339(int(NOW * 1000) + 60_000))
    clock.set(NOW - 3600)
    assert users.change(made.id, lambda _: content("Ida")).updated_at == changed.updated_at


def test_a_change_that_changes_nothing_is_not_written() -> None:
    """Revision and time stay, so a client's tag stays good."""
    users = Users(ManualClock(NOW))
    made = users.create(content())
    assert users.change(made.id, lambda _: content()).revision == 1
    stored = store.read(made.id)
    assert stored is not None
    assert (stored.revision, stored.updated_at) == (1, made.updated_at)


def test_a_lost_race_is_run_again_on_what_is_there() -> None:
    """`make` sees what the winner wrote, and the result holds both changes."""
    users = Users(ManualClock(NOW))
    made = users.create(content())
    seen: list[str] = []

    def make(old: User) -> Content:
        if not seen:
            store.update(old, User(old.id, content("Eva"), old.created_at, old.updated_at, old.revision + 1))
        seen.append(old.content.given_name)
        return Content(old.content.given_name, "Cruz", "ana@example.com", "en")

    changed = users.change(made.id, make)
    assert seen == ["Ana", "Eva"]
    assert (changed.content.given_name, changed.content.family_name, changed.revision) == ("Eva", "Cruz", 3)


def test_a_precondition_is_judged_again() -> None:
    """Whoever lost the race lost the state that the condition named."""
    users = Users(ManualClock(NOW))
    made = users.create(content())

    def make(old: User) -> Content:
        if old.revision == 1:
            store.update(old, User(old.id, content("Eva"), old.created_at, old.updated_at, 2))
        return content("Ida")

    def check(old: User) -> None:
        if old.revision != 1:
            raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        users.change(made.id, make, check)
    assert users.read(made.id).content.given_name == "Eva"


def test_a_writer_who_always_loses_gives_up() -> None:
    """503 with Retry-After after `ATTEMPTS`, the waits between them growing."""
    clock = ManualClock(NOW)
    users = Users(clock)
    made = users.create(content())
    attempts = 0

    def make(old: User) -> Content:
        nonlocal attempts
        attempts += 1
        store.update(old, User(old.id, content(f"N{attempts}"), old.created_at, old.updated_at, old.revision + 1))
        return content("Ida")

    with pytest.raises(Unavailable) as caught:
        users.change(made.id, make)
    assert attempts == ATTEMPTS
    assert caught.value.headers == {"retry-after": "1"}
    assert NOW < clock.now() < NOW + 1


def test_a_user_who_goes_meanwhile() -> None:
    """A change then finds nobody; a deletion has what it wanted."""
    users = Users(ManualClock(NOW))
    made = users.create(content())

    def make(old: User) -> Content:
        store.delete(old)
        return content("Ida")

    with pytest.raises(NotFound):
        users.change(made.id, make)
    again = users.create(content())
    users.delete(again.id, store.delete)
    with pytest.raises(NotFound):
        users.delete(again.id)


def test_concurrent_changes_are_all_in_the_end() -> None:
    """Six writers of one user: as many revisions as writes, none lost."""
    users = Users()
    made = users.create(content(""))

    def add(letter: str) -> int:
        return users.change(
            made.id, lambda old: Content(old.content.given_name + letter, None, "ana@example.com", "en")
        ).revision

    with ThreadPoolExecutor(6) as pool:
        revisions = sorted(pool.map(add, "abcdef"))
    assert revisions == [2, 3, 4, 5, 6, 7]
    assert sorted(users.read(made.id).content.given_name) == list("abcdef")
