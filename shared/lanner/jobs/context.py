"""What a running job has in its hands: who it is, how far it may go, and how it writes exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class JobContext:
    """One attempt of one job. Every method raises a `JobStopped` once the attempt has to end."""

    job_id: str
    tenant: str
    kind: str
    attempt: int
    """1 for the first."""
    token: str
    """The fence: new with every attempt; every write of this attempt is conditional on it."""
    idempotency_key: str
    """The same over all attempts of the job: for effects in other systems (a `webhook-id`, a mail's message id)."""
    checkpoint: Any
    """JSON that the last commit stored, also by an earlier attempt; None before the first."""

    def progress(self, percent: float, note: str = "") -> None:
        """Say how far the job is, 0 to 100; it never goes back. Written at most once a second."""
        raise NotImplementedError

    def heartbeat(self) -> None:
        """Say that the attempt lives: extends the lease once a third of it has passed. Cheap to call often."""
        raise NotImplementedError

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the job to be cancelled, as far as this attempt has heard."""
        raise NotImplementedError

    def commit(self, items: Sequence[Mapping[str, Any]] = (), *, checkpoint: Any = None) -> None:
        """Write `items` (entries of TransactWriteItems, at most 99) and the new `checkpoint` in one transaction.

        They are written exactly once or not at all: it fails with `AttemptLost` where another attempt has taken over,
        which then starts at the last checkpoint. Raises `ItemsRefused` where one of their own conditions does not hold.
        """
        raise NotImplementedError

    def finish_with(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Write `items` (at most 99 in all) in the transaction that makes the job "succeeded", when it returns."""
        raise NotImplementedError

    def remaining_ms(self) -> int:
        """Milliseconds until this attempt has to end: the job's timeout or the function's deadline."""
        raise NotImplementedError
