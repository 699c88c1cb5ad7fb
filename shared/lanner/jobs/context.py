"""What a running job has in its hands: who it is, how far it may go, and how it writes exactly once.

Once an attempt has to end, every call raises the same `JobStopped`, whatever the job catches in between, and what it
returns then counts for nothing. Progress is written at most once a second; every write lengthens the lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.jobs.errors import AttemptLost, JobCancelled, JobsUnavailable, JobTimedOut
from lanner.jobs.table import MAX_ITEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lanner.clock import Clock
    from lanner.jobs.attempt import Attempt

WRITE_EVERY = 1.0
"""Seconds between writes of progress alone."""

MAX_NOTE = 200
"""Characters."""


class JobContext:
    """One attempt of one job. Every method but `remaining_ms` raises a `JobStopped` once the attempt has to end.

    - `job_id`, `tenant`, `kind`; `attempt`: 1 for the first.
    - `token`: the fence, new with every attempt; every write of this attempt is conditional on it.
    - `idempotency_key`: the same over all attempts of the job, for effects in other systems (a `webhook-id`).
    - `checkpoint`: JSON that the last commit stored, also one of an earlier attempt; None before the first.
    """

    def __init__(
        self,
        attempt: Attempt,
        clock: Clock,
        *,
        deadline: float,
        on_extended: Callable[[float], None] | None = None,
    ) -> None:
        self.job_id = attempt.job_id
        self.tenant = attempt.tenant
        self.kind = attempt.kind
        self.attempt = attempt.number
        self.token = attempt.token
        self.idempotency_key = attempt.job_id
        self.items: list[Mapping[str, Any]] = []
        self.stopped: Exception | None = None
        self._attempt = attempt
        self._clock = clock
        self._deadline = deadline  # of clock.monotonic()
        self._on_extended = on_extended
        self._written = clock.monotonic() - WRITE_EVERY
        self._hidden = clock.monotonic()  # when the message was last hidden: by being received

    @property
    def checkpoint(self) -> Any:  # Any: JSON
        """What the last commit stored; None before the first."""
        return self._attempt.checkpoint

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the job to be cancelled, as far as this attempt has heard."""
        return self._attempt.cancel_requested

    def remaining_ms(self) -> int:
        """Milliseconds until this attempt has to end: the job's timeout or the function's deadline."""
        return max(0, int((self._deadline - self._clock.monotonic()) * 1000))

    def progress(self, percent: float, note: str = "") -> None:
        """Say how far the job is, 0 to 100; it never goes back. Written at most once a second."""
        self._check()
        self._attempt.progress = max(self._attempt.progress, min(100, int(percent)))
        self._attempt.note = note[:MAX_NOTE]
        if self._clock.monotonic() - self._written >= WRITE_EVERY or self._lease_is_old():
            self._extend()

    def heartbeat(self) -> None:
        """Say that the attempt lives: extends the lease once a third of it has passed. Cheap to call often."""
        self._check()
        if self._lease_is_old():
            self._extend()

    def commit(self, items: Sequence[Mapping[str, Any]] = (), *, checkpoint: Any = None) -> None:
        """Write `items` (entries of TransactWriteItems, at most 99) and the new `checkpoint` in one transaction.

        They are written exactly once or not at all: it fails with `AttemptLost` where another attempt has taken over,
        which then starts at the last checkpoint. Raises `ItemsRefused` where one of their own conditions does not hold,
        and `PayloadTooLarge` for a checkpoint above 64 KB.
        """
        self._check()
        try:
            self._attempt.commit(items, checkpoint)
        except (AttemptLost, JobCancelled, JobsUnavailable) as error:
            # After a write without an answer nothing may follow: it may still arrive.
            self.stopped = error
            raise
        self._after_write()

    def finish_with(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Write `items` (at most 99 in all) in the transaction that makes the job "succeeded", when it returns.

        A condition of theirs that does not hold then is a failure of the attempt. Raises `ValueError` for too many.
        """
        self._check()
        if len(self.items) + len(items) > MAX_ITEMS:
            raise ValueError(f"a job finishes with {MAX_ITEMS} items at most; write more by commit()")
        self.items += items

    def _extend(self) -> None:
        try:
            self._attempt.extend()
        except AttemptLost as error:
            self.stopped = error
            raise
        self._after_write()
        self._check()

    def _after_write(self) -> None:
        self._written = now = self._clock.monotonic()
        lease = self._attempt.lease_ms / 1000
        if self._on_extended is not None and now - self._hidden >= lease / 3:
            self._hidden = now
            self._on_extended(lease)

    def _lease_is_old(self) -> bool:
        left = self._attempt.lease_until - self._clock.now() * 1000
        return left < self._attempt.lease_ms * 2 / 3

    def _check(self) -> None:
        if self.stopped is None:
            if self.cancelled:
                self.stopped = JobCancelled(f"{self.job_id} was cancelled")
            elif self._clock.monotonic() >= self._deadline:
                self.stopped = JobTimedOut(f"attempt {self.attempt} of {self.job_id} is out of time")
        if self.stopped is not None:
            raise self.stopped
