"""Ids: UUIDv7, growing, and their text."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ids
from lanner.clock import ManualClock

NUMBERS = st.integers(min_value=0, max_value=(1 << 128) - 1)
GOOD = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"


def test_an_id_is_a_uuid_of_version_7() -> None:
    """Version, variant and milliseconds as RFC 9562 section 5.7 lays them out."""
    clock = ManualClock(1_795_405_931.123)
    made = uuid.UUID(ids.IdGenerator(clock)())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 1_795_405_931_123
    assert ids.created_ms(str(made)) == 1_795_405_931_123


def test_ids_grow_whatever_the_clock_does() -> None:
    """Ten thousand in one millisecond, then an hour back, then on: always in the order they were made."""
    clock = ManualClock(1_795_405_931.0)
    new_id = ids.IdGenerator(clock)
    made = [new_id() for _ in range(10_000)]
    clock.set(1_795_402_331.0)
    made += [new_id() for _ in range(10)]
    clock.set(1_795_409_531.0)
    made.append(new_id())
    assert made == sorted(set(made))
    assert ids.created_ms(made[-1]) == 1_795_409_531_000


def test_threads_get_different_ids() -> None:
    """One generator, eight threads, no id twice."""
    new_id = ids.IdGenerator(ManualClock())
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(), range(2000)))
    assert len(set(made)) == 2000


def test_generators_of_two_processes_do_not_collide() -> None:
    """Same clock, same moment: the random bits tell their ids apart."""
    clock = ManualClock()
    assert ids.IdGenerator(clock)() != ids.IdGenerator(clock)()


@given(NUMBERS)
def test_text_and_number_are_one(number: int) -> None:
    """Any 128 bits are written as the standard library writes them, and read in any case."""
    text = ids.write(number)
    assert text == str(uuid.UUID(int=number))
    assert ids.read(text) == ids.read(text.upper()) == text


@given(st.text(max_size=40))
def test_what_is_no_uuid_is_none(text: str) -> None:
    """Whatever is read is a UUID in its usual form."""
    read = ids.read(text)
    assert read is None or str(uuid.UUID(text)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("-", ""),
        f"{{{GOOD}}}",
        GOOD + "0",
        GOOD[:-1],
        GOOD[:-1] + "g",
        GOOD[:-1] + " ",
        "+" + GOOD[1:],
        GOOD.replace("7c3d", "7_3d"),
        GOOD.replace("0190a1b2-7c3d", "0190a1b27-c3d"),
        GOOD[:-1] + "\u0661",
        "-" * 36,
    ],
)
def test_almost_uuids_are_none(text: str) -> None:
    """Nothing that Python's `int` or `uuid` would be lenient about."""
    assert ids.read(text) is None


@given(NUMBERS, NUMBERS)
def test_text_sorts_as_numbers_do(one: int, other: int) -> None:
    """The index sorts text, so text must sort as ids do."""
    assert (ids.write(one) < ids.write(other)) == (one < other)


@given(NUMBERS)
def test_neighbours(number: int) -> None:
    """`after` and `before` are the next ids on both sides; at the ends they stay."""
    text = ids.write(number)
    assert ids.before(ids.after(text)) == text or text == ids.LAST
    assert ids.after(ids.before(text)) == text or text == ids.FIRST
    assert ids.before(text) <= text <= ids.after(text)


def test_the_ends_have_no_neighbours() -> None:
    """There is nothing beyond, and nothing goes round."""
    assert ids.after(ids.LAST) == ids.LAST
    assert ids.before(ids.FIRST) == ids.FIRST


@given(st.integers(min_value=0, max_value=(1 << 48) - 1))
def test_the_first_id_of_a_millisecond(milliseconds: int) -> None:
    """It is the smallest that has this millisecond."""
    first = ids.first_of(milliseconds)
    assert ids.created_ms(first) == milliseconds
    assert milliseconds == 0 or ids.created_ms(ids.before(first)) == milliseconds - 1
