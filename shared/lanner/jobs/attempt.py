"""One attempt's writes, each under the condition that the attempt still holds the job.

A write that reached DynamoDB while its answer was lost is met again as a condition that does not hold: every write
leaves something that is its own (the attempt's token with the new state, a chunk's `commit_token`), and where the
stored record has that, it is the success of this attempt. Source: FACTS.md, "A DynamoDB retry of one's own success".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lanner.aws.errors import ConditionFailed
from lanner.jobs import conditions
from lanner.jobs.errors import AttemptLost, ItemsRefused, JobCancelled, JobsUnavailable
from lanner.jobs.record import (
    KEPT_FOR,
    MAX_CHECKPOINT,
    RESEND_AFTER_MS,
    Item,
    decode,
    encode,
    key_of,
    number,
    text,
)
from lanner.jobs.status import CANCELLED, DEAD, FAILED, QUEUED, RUNNING, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lanner.jobs.table import JobTable

_CLAIM = (
    "SET #state = :running, #token = :token, attempt = attempt + :one, max_attempts = :max_attempts, "
    "lease_until = :lease, due_at = :lease, sends = :zero, "
    "started_at = if_not_exists(started_at, :now)"
)
_EXTEND = "SET lease_until = :lease, due_at = :lease, progress = :progress, note = :note"
_COMMIT = f"{_EXTEND}, commits = :next, commit_token = :commit, checkpoint = :checkpoint"
_FINISH = "SET #state = :to, finished_at = :now, expires_at = :expires, progress = :progress, note = :note"
_UNHELD = " REMOVE due_at, due_shard, lease_until"
_REQUEUE = (
    "SET #state = :queued, not_before = :not_before, due_at = :due, sends = :zero, progress = :progress, note = :note, "
    "problem = :problem REMOVE lease_until"
)
SETTLE_READS = 3
"""How often an attempt asks what became of its last write when no answer came."""


class NotClaimed(Exception):
    """The job cannot be started now; `item` is its record, None where there is none."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("not claimed")
        self.item = item


def claim(table: JobTable, tenant: str, job_id: str, *, lease_ms: int, max_attempts: int) -> Attempt:
    """Start the next attempt. Raises `NotClaimed`, `JobsUnavailable`."""
    token = os.urandom(16).hex()
    now = table.now()
    values = {
        ":token": {"S": token},
        ":one": {"N": "1"},
        ":zero": {"N": "0"},
        ":max_attempts": {"N": str(max_attempts)},
        ":now": {"N": str(now)},
        ":lease": {"N": str(now + lease_ms)},
    }
    try:
        item = table.update(key_of(tenant, job_id), _CLAIM, conditions.CLAIM, values)
    except ConditionFailed as error:
        if error.item is None or not is_own(error.item, token, RUNNING):
            raise NotClaimed(error.item) from error
        item = error.item
    return Attempt(table, item, lease_ms)


def is_own(item: Item, token: str, state: str) -> bool:
    """Whether the record is in `state` by the hand of the attempt with this token."""
    return text(item, "token") == token and text(item, "state") == state


def is_committed(item: Item, own: str) -> bool:
    """Whether the last chunk in the record is the one of the commit with this token."""
    return text(item, "commit_token") == own


class Attempt:
    """The hold on a job that one attempt has. `lease_until` is milliseconds since the epoch."""

    def __init__(self, table: JobTable, item: Item, lease_ms: int) -> None:
        self.table = table
        self.tenant = text(item, "tenant")
        self.job_id = text(item, "id")
        self.kind = text(item, "kind")
        self.token = text(item, "token")
        self.number = number(item, "attempt")
        self.max_attempts = number(item, "max_attempts")
        self.payload = text(item, "payload")
        self.progress = number(item, "progress")
        self.note = text(item, "note")
        self.checkpoint = decode(item, "checkpoint")
        self.lease_ms = lease_ms
        self.lease_until = number(item, "lease_until")
        self.cancel_requested = "cancel_requested" in item
        self._checkpoint_text = text(item, "checkpoint") or "null"
        self._commits = number(item, "commits")
        self._key = key_of(self.tenant, self.job_id)

    def extend(self) -> None:
        """Write the progress and lengthen the lease; hears of a cancel. Raises `AttemptLost`, `JobsUnavailable`."""
        lease = self.table.now() + self.lease_ms
        try:
            item = self.table.update(self._key, _EXTEND, conditions.OWNED, self._values(lease))
        except ConditionFailed as error:
            raise AttemptLost(f"attempt {self.number} of {self.job_id}") from error
        self.lease_until = lease
        self.cancel_requested = "cancel_requested" in item

    def commit(self, items: Sequence[Mapping[str, Any]], checkpoint: Any) -> None:
        """Write `items` and the checkpoint at once. Raises `AttemptLost`, `JobCancelled`, `ItemsRefused`."""
        checkpoint_text = encode(checkpoint, MAX_CHECKPOINT, "a checkpoint")
        own = os.urandom(16).hex()
        lease = self.table.now() + self.lease_ms
        values = {
            **self._values(lease),
            ":commits": {"N": str(self._commits)},
            ":next": {"N": str(self._commits + 1)},
            ":commit": {"S": own},
            ":checkpoint": {"S": checkpoint_text},
        }
        try:
            self.table.update(self._key, _COMMIT, conditions.COMMIT, values, items)
        except ConditionFailed as error:
            self._judge_commit(error.item, own)
        except JobsUnavailable:
            item = self.table.read(self.tenant, self.job_id)
            if item is None or not is_committed(item, own):
                raise
        self._commits += 1
        self._checkpoint_text = checkpoint_text
        self.checkpoint = checkpoint
        self.lease_until = lease

    def _judge_commit(self, item: Item | None, own: str) -> None:
        if item is not None and is_committed(item, own):
            return
        if item is not None and is_own(item, self.token, RUNNING) and "cancel_requested" in item:
            self.cancel_requested = True
            raise JobCancelled(f"{self.job_id} was cancelled")
        raise AttemptLost(f"attempt {self.number} of {self.job_id}")

    def succeed(self, result: str | None, items: Sequence[Mapping[str, Any]] = ()) -> None:
        """Done: the result and `items` in one transaction. Raises `AttemptLost`, `ItemsRefused`."""
        self.progress = 100
        expression, values = _FINISH, self._finished(SUCCEEDED)
        if result is not None:
            expression += ", #result = :result"
            values[":result"] = {"S": result}
        self._settle(expression + _UNHELD + ", problem", values, SUCCEEDED, items)

    def end(self, state: str, problem: str | None) -> None:
        """Finish as failed, dead or cancelled. Raises `AttemptLost`."""
        assert state in (FAILED, DEAD, CANCELLED)
        expression, values = _FINISH, self._finished(state)
        if problem is not None:
            expression += ", problem = :problem"
            values[":problem"] = {"S": problem}
        self._settle(expression + _UNHELD, values, state)

    def give_back(self, wait_ms: int, problem: str) -> None:
        """Back to queued, not before `wait_ms` from now. Raises `AttemptLost`."""
        due = self.table.now() + wait_ms
        values = {
            **self._values(0),
            ":not_before": {"N": str(due)},
            ":due": {"N": str(due + RESEND_AFTER_MS)},
            ":problem": {"S": problem},
            ":zero": {"N": "0"},
        }
        self._settle(_REQUEUE, values, QUEUED)

    def _settle(
        self, expression: str, values: Mapping[str, Any], to: str, items: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """The attempt's last write. Without an answer it asks what is stored, and writes again where it must."""
        for reading in range(SETTLE_READS):
            try:
                self.table.update(self._key, expression, conditions.OWNED, values, items)
                return
            except ConditionFailed as error:
                if error.item is not None and is_own(error.item, self.token, to):
                    return
                raise AttemptLost(f"attempt {self.number} of {self.job_id}") from error
            except ItemsRefused:
                if self._settled(to):  # a condition of the items met what this very transaction had written
                    return
                raise
            except JobsUnavailable:
                if reading == SETTLE_READS - 1:
                    raise
                if self._settled(to):
                    return

    def _settled(self, to: str) -> bool:
        item = self.table.read(self.tenant, self.job_id)
        return item is not None and is_own(item, self.token, to)

    def _values(self, lease: int) -> dict[str, Any]:
        return {
            ":token": {"S": self.token},
            ":lease": {"N": str(lease)},
            ":progress": {"N": str(self.progress)},
            ":note": {"S": self.note},
        }

    def _finished(self, state: str) -> dict[str, Any]:
        now = self.table.now()
        return {
            **self._values(0),
            ":to": {"S": state},
            ":now": {"N": str(now)},
            ":expires": {"N": str(now // 1000 + KEPT_FOR)},
        }
