"""What every store of idempotency records does: one suite over all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lanner.http.message import Response
from lanner.idempotency.dynamodb import DynamoDBIdempotencyStore
from lanner.idempotency.memory import MemoryIdempotencyStore
from lanner.idempotency.record import DONE, IN_FLIGHT, MAX_BODY, Answer, IdempotencyRecord
from lanner.idempotency.store import IdempotencyStore

NOW = 1_795_405_931.25
DAY = 86_400
ANSWER = Answer.of(Response(201, {"content-type": "application/json", "location": "/v2/users/1"}, b'{"id":"1"}'))


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> IdempotencyStore:
    """An empty store."""
    if request.param == "memory":
        return MemoryIdempotencyStore()
    return DynamoDBIdempotencyStore(request.getfixturevalue("idempotency_table"))


def record(token: str = "a", **changes: object) -> IdempotencyRecord:
    made = IdempotencyRecord("id-1", "print", f"execution-{token}", token, NOW + 10, NOW + DAY)
    return made.but(**changes)


def owned(store: IdempotencyStore, token: str = "a") -> IdempotencyRecord:
    """The record, just claimed."""
    return store.claim(record(token), NOW)


def test_the_first_claim_owns_the_record(store: IdempotencyStore) -> None:
    """Nothing lives there, so what is stored is what was brought."""
    found = owned(store)
    assert (found.token, found.state, found.execution) == ("a", IN_FLIGHT, "execution-a")


def test_a_second_claim_finds_the_first(store: IdempotencyStore) -> None:
    """The record in the way, with all that a caller decides by."""
    owned(store)
    found = store.claim(record("b"), NOW + 1)
    assert (found.token, found.fingerprint, found.execution) == ("a", "print", "execution-a")
    assert found.lease_until == NOW + 10
    assert not found.is_free(NOW + 9)
    assert found.is_free(NOW + 10)


def test_a_repeated_claim_knows_its_own_success(store: IdempotencyStore) -> None:
    """The same token twice, as after a lost answer: the record is the caller's."""
    owned(store)
    assert owned(store).token == "a"


def test_an_expired_record_counts_as_absent(store: IdempotencyStore) -> None:
    """Also while nobody has deleted it: done or in flight, it makes room at its second."""
    store.complete(owned(store), ANSWER, NOW + DAY)
    late = record("b", lease_until=NOW + DAY + 20, expires_at=NOW + 2 * DAY)
    assert store.claim(late, NOW + DAY - 2).token == "a"
    found = store.claim(late, NOW + DAY + 2)
    assert (found.token, found.state, found.answer) == ("b", IN_FLIGHT, None)
    assert found.execution == "execution-b"


def test_a_free_record_is_taken_over_once(store: IdempotencyStore) -> None:
    """A new owner under the same execution; who comes with the old token after it is too late."""
    old = owned(store)
    assert store.take_over(old, "b", NOW + 30, NOW + 9) is None, "the lease still runs"
    taken = store.take_over(old, "b", NOW + 30, NOW + 11)
    assert taken is not None
    assert (taken.token, taken.execution, taken.lease_until) == ("b", "execution-a", NOW + 30)
    assert store.take_over(old, "c", NOW + 60, NOW + 31) is None


def test_a_repeated_take_over_knows_its_own_success(store: IdempotencyStore) -> None:
    """After a lost answer the record is found with the caller's token, or by asking again."""
    old = owned(store)
    store.take_over(old, "b", NOW + 30, NOW + 11)
    assert store.claim(record("b"), NOW + 11).token == "b"


def test_an_answer_is_kept_byte_for_byte(store: IdempotencyStore) -> None:
    """Status, headers in their order, any bytes: what is read is what was recorded."""
    body = bytes(range(256)) * 20
    response = Response(202, {"content-type": "x/y", "location": "/a?b=ü", "retry-after": "2"}, body)
    assert store.complete(owned(store), Answer.of(response), NOW + DAY) is None
    found = store.claim(record("b"), NOW + 1)
    assert found.state == DONE
    assert found.answer is not None
    again = found.answer.response()
    assert (again.status, list(again.headers.items()), again.body) == (202, list(response.headers.items()), body)


def test_an_empty_body_is_a_body(store: IdempotencyStore) -> None:
    """A 204 is repeated as one."""
    store.complete(owned(store), Answer.of(Response(204)), NOW + DAY)
    found = store.claim(record("b"), NOW + 1)
    assert found.answer is not None
    assert (found.answer.response().status, found.answer.response().body) == (204, b"")


def test_completing_twice_changes_nothing(store: IdempotencyStore) -> None:
    """A repetition of one's own success is a success; the first answer stays."""
    mine = owned(store)
    store.complete(mine, ANSWER, NOW + DAY)
    assert store.complete(mine, Answer.of(Response(200, {}, b"other")), NOW + DAY) is None
    found = store.claim(record("b"), NOW + 1)
    assert found.answer is not None
    assert found.answer.status == 201


def test_a_late_owner_changes_nothing(store: IdempotencyStore) -> None:
    """The fence: after a take-over the old token neither completes nor releases, and learns who is there."""
    old = owned(store)
    taken = store.take_over(old, "b", NOW + 30, NOW + 11)
    assert taken is not None
    other = store.complete(old, ANSWER, NOW + DAY)
    assert other is not None
    assert (other.token, other.state) == ("b", IN_FLIGHT)
    store.release(old)
    assert not store.claim(record("c"), NOW + 12).is_free(NOW + 12)
    store.complete(taken, Answer.of(Response(200, {}, b"second")), NOW + DAY)
    other = store.complete(old, ANSWER, NOW + DAY)
    assert other is not None
    assert other.answer is not None
    assert other.answer.response().body == b"second"


def test_a_released_record_is_free_at_once(store: IdempotencyStore) -> None:
    """The next attempt takes over without waiting, under the same execution; the old owner can no longer complete."""
    old = owned(store)
    store.release(old)
    assert store.complete(old, ANSWER, NOW + DAY) is None
    found = store.claim(record("b"), NOW + 1)
    assert (found.state, found.is_free(NOW + 1)) == (IN_FLIGHT, True)
    taken = store.take_over(found, "b", NOW + 30, NOW + 1)
    assert taken is not None
    assert taken.execution == "execution-a"


def test_release_leaves_what_is_done(store: IdempotencyStore) -> None:
    """An attempt that failed after its answer was recorded, by its transaction say, takes nothing back."""
    mine = owned(store)
    store.complete(mine, ANSWER, NOW + DAY)
    store.release(mine)
    assert store.claim(record("b"), NOW + 1).state == DONE


def test_writes_to_a_record_that_is_gone_do_nothing(store: IdempotencyStore) -> None:
    """Whatever deleted it: no half of a record comes into being."""
    ghost = record("ghost", id="id-2")
    assert store.complete(ghost, ANSWER, NOW + DAY) is None
    store.release(ghost)
    assert store.take_over(ghost, "b", NOW + 30, NOW + 20) is None
    assert store.claim(record("b", id="id-2"), NOW).token == "b"


def test_a_body_beyond_the_bound_leaves_a_mark(store: IdempotencyStore) -> None:
    """Done, with status and headers, without a body: it is never performed again."""
    import os

    store.complete(owned(store), Answer.of(Response(201, {"location": "/x"}, os.urandom(MAX_BODY + 1))), NOW + DAY)
    found = store.claim(record("b"), NOW + 1)
    assert found.state == DONE
    assert found.answer is not None
    assert (found.answer.status, found.answer.headers, found.answer.body) == (201, {"location": "/x"}, None)


def test_the_largest_body_fits(store: IdempotencyStore) -> None:
    """The bound leaves room for headers of 10 KB and the record itself in an item of 400 KB."""
    import os

    body = os.urandom(MAX_BODY)
    store.complete(owned(store), Answer.of(Response(200, {"x": "y" * 10_000}, body)), NOW + DAY)
    found = store.claim(record("b"), NOW + 1)
    assert found.answer is not None
    assert found.answer.response().body == body


def test_of_many_claims_one_owns(store: IdempotencyStore) -> None:
    """Eight at once: seven find the eighth."""
    found: list[IdempotencyRecord] = []
    together(lambda token: found.append(store.claim(record(token), NOW)))
    assert len({each.token for each in found}) == 1


def test_of_many_take_overs_one_succeeds(store: IdempotencyStore) -> None:
    """A lease that ended is one attempt's to have."""
    old = owned(store)
    found: list[IdempotencyRecord | None] = []
    together(lambda token: found.append(store.take_over(old, token, NOW + 60, NOW + 20)))
    assert len([each for each in found if each is not None]) == 1


def together(action: Callable[[str], None], count: int = 8) -> None:
    """Run `action` that often at once, each with a token of its own in a thread of its own."""
    barrier = threading.Barrier(count)

    def run(token: str) -> None:
        barrier.wait()
        action(token)

    threads = [threading.Thread(target=run, args=(str(number),)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
