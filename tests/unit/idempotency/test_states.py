"""Any order of attempts, deaths, late finishes and waiting: a model of what a key promises."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from lanner.http.message import Response
from lanner.idempotency.memory import MemoryIdempotencyStore
from lanner.idempotency.record import DONE, Answer, IdempotencyRecord

LEASE, LIFE = 10.0, 1_000.0


class OneKey(RuleBasedStateMachine):
    """Attempts at one key. An attempt owns the record until it finishes, fails, dies or is overtaken."""

    owners: Bundle[IdempotencyRecord] = Bundle("owners")

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryIdempotencyStore()
        self.now = 1_000_000.0
        self.number = 0
        self.answers: dict[str, int] = {}  # the recorded status of each execution
        self.latest: IdempotencyRecord | None = None  # who owns the record now, as far as anybody knows
        self.done_until = 0.0

    @initialize()
    def begin(self) -> None:
        self.number = 0

    @rule(target=owners)
    def attempt(self) -> Any:
        """A request arrives: it performs, waits, or is answered; never two at once, never after an answer."""
        self.number += 1
        token = str(self.number)
        fresh = IdempotencyRecord("id", "print", f"execution-{token}", token, self.now + LEASE, self.now + LIFE)
        found = self.store.claim(fresh, self.now)
        if found.token != token and found.is_free(self.now):
            taken = self.store.take_over(found, token, self.now + LEASE, self.now)
            assert taken is not None
            assert taken.execution == found.execution
            found = taken
        if found.state == DONE:
            assert self.now < self.done_until
            assert found.answer is not None
            assert found.answer.status == self.answers[found.execution]
            return found.but(token=f"reader-{token}")  # whoever only read writes nothing, whatever it tries
        if found.token != token:
            assert self.latest is not None
            assert found.token == self.latest.token
            assert found.lease_until > self.now
            return found.but(token=f"waiter-{token}")
        assert self.now >= self.done_until
        self.latest = found
        return found

    @rule(owner=consumes(owners), status=st.integers(200, 299))
    def finish(self, owner: IdempotencyRecord, status: int) -> None:
        """An owner, however late, records its answer: kept only when nobody has taken over."""
        self.store.complete(owner, Answer.of(Response(status)), self.now + LIFE)
        if self.latest is not None and owner.token == self.latest.token:
            self.answers[owner.execution] = status
            self.done_until = self.now + LIFE
            self.latest = None

    @rule(owner=consumes(owners))
    def fail(self, owner: IdempotencyRecord) -> None:
        """An owner, however late, releases the record: only if it is still its own."""
        self.store.release(owner)
        if self.latest is not None and owner.token == self.latest.token:
            self.latest = None

    @rule(owner=consumes(owners))
    def die(self, owner: IdempotencyRecord) -> None:
        """Nothing is heard of it again."""

    @rule(seconds=st.sampled_from([1.0, LEASE - 1, LEASE, LEASE + 1, LIFE - 1, LIFE + 1]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def an_execution_has_one_answer(self) -> None:
        """What is recorded stays for its life."""
        if self.now < self.done_until:
            probe = IdempotencyRecord("id", "print", "probe", "probe", self.now, self.now)
            assert self.store.claim(probe, self.now).state == DONE


TestOneKey = OneKey.TestCase
TestOneKey.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
