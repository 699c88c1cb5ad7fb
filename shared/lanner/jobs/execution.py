"""One message becomes one attempt, and what is to be done with the message afterwards.

    unreadable, no such record                   dead letters    taken away
    a kind that is not known here                nothing         hidden: newer code may be on its way
    the same, hours after it was due             dead letters    taken away; the job is dead
    finished, or running under its lease         nothing         taken away: the sweep sees to holders that die
    not due yet                                  nothing         hidden until it is
    its holder died and no attempt is left       dead letters    taken away; the job is dead
    its holder died, or never was, cancelled     nothing         taken away; the job is cancelled
    free                                         an attempt

    the attempt     returned             succeeded         taken away
                    raised JobFailed     failed            taken away
                    was cancelled        cancelled         taken away
                    lost its lease       nothing           taken away
                    anything else        queued or dead    hidden for the backoff; dead letters and taken away

The storage not answering is no attempt: the message is hidden for a moment. Nothing here raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lanner.jobs import conditions, control
from lanner.jobs.attempt import NotClaimed, claim
from lanner.jobs.context import JobContext
from lanner.jobs.errors import (
    AttemptLost,
    JobCancelled,
    JobFailed,
    JobStopped,
    JobsUnavailable,
    JobTimedOut,
    PayloadTooLarge,
)
from lanner.jobs.payloads import read_payload
from lanner.jobs.queue import read_message
from lanner.jobs.record import KEPT_FOR, MAX_RESULT, encode, key_of, number, text
from lanner.jobs.retry import MAX_WAIT
from lanner.jobs.status import CANCELLED, DEAD, FAILED, FINISHED, QUEUED

if TYPE_CHECKING:
    from lanner.clock import Clock
    from lanner.jobs.attempt import Attempt
    from lanner.jobs.dead_letter import DeadLetterQueue
    from lanner.jobs.declaration import JobDeclaration, Registry
    from lanner.jobs.queue import JobMessage, JobQueue
    from lanner.jobs.table import JobTable

LEASE_MARGIN = 5.0
"""Seconds that a lease outlasts the job's timeout: for its last write."""

MAX_LEASE = 120.0
"""Seconds; a longer job lengthens its lease by calling its context. How long a dead holder is waited for."""

RESERVE = 2.0
"""Seconds kept of what remains of the invocation for the last write and the answer."""

UNKNOWN_KIND_FOR = 7_200.0
"""Seconds, from when it was due, that a job of an unknown kind waits for a worker that knows it: while a deployment
shifts traffic (100 minutes at most) newer code accepts jobs and older code receives some of them."""

UNKNOWN_KIND_WAIT = 180.0
"""Seconds between two looks at one: 40 in that time, fewer than the queue's maxReceiveCount."""

BUSY_WAIT = 10.0
"""Seconds that a message waits when the storage does not answer."""

MAX_PROBLEM = 16 * 1024


class Outcome(NamedTuple):
    """What to do with the message: taken away, or hidden for `wait` seconds; `what` is a word for the log."""

    what: str
    wait: float | None = None
    error: BaseException | None = None
    attempt: int = 0


class Execution:
    """How messages of one invocation are performed; `lease` overrides seconds of the lease."""

    def __init__(
        self,
        registry: Registry,
        table: JobTable,
        queue: JobQueue,
        dead_letters: DeadLetterQueue,
        *,
        clock: Clock,
        random: Any,  # Any: () -> float, 0 up to 1
        lease: float | None = None,
    ) -> None:
        self._registry = registry
        self._table = table
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock
        self._random = random
        self._lease = lease

    def perform(self, body: str, receipt: str, deadline: float, *, first: bool) -> Outcome:
        """One message. `deadline` is the invocation's, of `clock.monotonic()`; `first` in its batch."""
        message = read_message(body)
        if message is None:
            return self._poison(body, "unreadable")
        declaration = self._registry.find(message.kind)
        if declaration is None:
            return self._unknown_kind(message, body)
        left = deadline - RESERVE - self._clock.monotonic()
        if left <= 0 or (left < declaration.timeout and not first):
            return Outcome("handed back", wait=0)  # the next invocation has all its time
        try:
            attempt = self._claim(message, declaration)
        except NotClaimed as refused:
            return self._refused(message, body, declaration, refused)
        except JobsUnavailable as error:
            return Outcome("storage away", wait=BUSY_WAIT, error=error)
        stop = self._clock.monotonic() + min(declaration.timeout, left)
        context = JobContext(
            attempt, self._clock, deadline=stop, on_extended=lambda seconds: self._queue.hide(receipt, seconds)
        )
        return self._settle(attempt, declaration, body, context)

    def _claim(self, message: JobMessage, declaration: JobDeclaration) -> Attempt:
        lease = min(declaration.timeout, MAX_LEASE) + LEASE_MARGIN if self._lease is None else self._lease
        return claim(
            self._table,
            message.tenant,
            message.job_id,
            lease_ms=int(lease * 1000),
            max_attempts=declaration.max_attempts,
        )

    def _settle(self, attempt: Attempt, declaration: JobDeclaration, body: str, context: JobContext) -> Outcome:
        """Run the job and write what came of it."""
        error = self._run(attempt, declaration, context)
        try:
            if error is None:
                return Outcome("succeeded", attempt=attempt.number)
            if isinstance(error, AttemptLost):
                return Outcome("lost", attempt=attempt.number)
            if isinstance(error, JobCancelled) or attempt.cancel_requested:
                attempt.end(CANCELLED, None)
                return Outcome("cancelled", attempt=attempt.number)
            if isinstance(error, JobFailed):
                attempt.end(FAILED, _problem_text(error.problem))
                return Outcome("failed", error=error, attempt=attempt.number)
            return self._again(attempt, declaration, body, error)
        except AttemptLost:
            return Outcome("lost", attempt=attempt.number)
        except JobsUnavailable as away:
            return Outcome("storage away", wait=BUSY_WAIT, error=away, attempt=attempt.number)

    def _run(self, attempt: Attempt, declaration: JobDeclaration, context: JobContext) -> BaseException | None:
        """The job itself and, where it returns, its success; gives what went wrong."""
        try:
            result = declaration.function(read_payload(declaration.function, attempt.payload), context)
            if context.stopped is not None:
                return context.stopped
            # None stays None: a result that is the JSON null.
            held = None if result is None else encode(result, MAX_RESULT, "a result")
            attempt.succeed(held, context.items)
        except PayloadTooLarge as error:
            return JobFailed(str(error), status=500)
        except (Exception, SystemExit) as error:  # the boundary of the author's code; sys.exit() ends its job alone
            return context.stopped if context.stopped is not None and not isinstance(error, JobStopped) else error
        return None

    def _again(self, attempt: Attempt, declaration: JobDeclaration, body: str, error: BaseException) -> Outcome:
        """Another attempt after the backoff, or dead: the dead letter is sent first, so that none is missing."""
        problem = _problem_text(_problem_of(error))
        if attempt.number >= attempt.max_attempts:
            if not self._dead_letters.put(body, "attempts exhausted"):
                return Outcome("dead letters away", wait=BUSY_WAIT, error=error, attempt=attempt.number)
            attempt.end(DEAD, problem)
            return Outcome("dead", error=error, attempt=attempt.number)
        asked = getattr(error, "retry_after", None)  # a receiver's own Retry-After
        wait = declaration.retry.wait(attempt.number, self._random())
        wait = min(MAX_WAIT, max(wait, float(asked))) if isinstance(asked, int | float) else wait
        attempt.give_back(int(wait * 1000), problem)
        return Outcome("retried", wait=wait, error=error, attempt=attempt.number)

    def _refused(self, message: JobMessage, body: str, declaration: JobDeclaration, refused: NotClaimed) -> Outcome:
        """Why a job cannot be started, and what to do about it."""
        item = refused.item
        if item is None:
            return self._poison(body, "unknown job")
        state, now = text(item, "state"), self._table.now()
        if state in FINISHED:
            return Outcome(f"already {state}")
        if state != QUEUED and number(item, "lease_until") >= now:
            return Outcome("already running")
        if "cancel_requested" in item:
            return self._finish_free(message, conditions.CANCEL_FREE, *control.cancelled(self._table), "cancelled")
        if number(item, "attempt") >= declaration.max_attempts:
            return self._bury(message, body, conditions.BURY, "attempts exhausted", declaration.max_attempts)
        if state == QUEUED and number(item, "not_before") > now:
            return Outcome("not due", wait=(number(item, "not_before") - now) / 1000 + 1)
        return Outcome("taken meanwhile", wait=1)

    def _unknown_kind(self, message: JobMessage, body: str) -> Outcome:
        try:
            item = self._table.read(message.tenant, message.job_id)
        except JobsUnavailable as error:
            return Outcome("storage away", wait=BUSY_WAIT, error=error)
        if item is None:
            return self._poison(body, "unknown job")
        if text(item, "state") in FINISHED:
            return Outcome(f"already {text(item, 'state')}")
        if self._table.now() - number(item, "not_before") < UNKNOWN_KIND_FOR * 1000:
            return Outcome("unknown kind", wait=UNKNOWN_KIND_WAIT)
        return self._bury(message, body, conditions.BURY_UNKNOWN, "unknown kind", 0)

    def _bury(self, message: JobMessage, body: str, condition: str, reason: str, max_attempts: int) -> Outcome:
        """The dead letter, then the record."""
        if not self._dead_letters.put(body, reason):
            return Outcome("dead letters away", wait=BUSY_WAIT)
        now = self._table.now()
        values = {
            ":to": {"S": DEAD},
            ":now": {"N": str(now)},
            ":expires": {"N": str(now // 1000 + KEPT_FOR)},
            ":problem": {"S": _problem_text(_buried(reason))},
            ":max_attempts": {"N": str(max_attempts)},
        }
        expression = (
            "SET #state = :to, finished_at = :now, expires_at = :expires, problem = if_not_exists(problem, :problem) "
            "REMOVE due_at, due_shard, lease_until"
        )
        return self._finish_free(message, condition, expression, values, "dead")

    def _finish_free(
        self, message: JobMessage, condition: str, expression: str, values: dict[str, Any], what: str
    ) -> Outcome:
        from lanner.aws.errors import ConditionFailed

        free = {":now": {"N": str(self._table.now())}}
        try:
            self._table.update(key_of(message.tenant, message.job_id), expression, condition, {**free, **values})
        except ConditionFailed:
            pass  # gone, finished, or taken by somebody who will finish it
        except JobsUnavailable as error:
            return Outcome("storage away", wait=BUSY_WAIT, error=error)
        return Outcome(what)

    def _poison(self, body: str, reason: str) -> Outcome:
        if not self._dead_letters.put(body, reason):
            return Outcome("dead letters away", wait=BUSY_WAIT)
        return Outcome(reason)


def _problem_of(error: BaseException) -> dict[str, Any]:
    """What a client learns of an unexpected failure: that it is ours; the log has the rest."""
    if isinstance(error, JobTimedOut):
        detail, slug, title, status = "The job did not finish in its time", "job-timed-out", "Timed out", 504
    else:
        detail, slug, title = "The job failed on our side; quote its id when you report it", "internal-error", ""
        title, status = "Internal error", 500
    return {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}


def _buried(reason: str) -> dict[str, Any]:
    detail = f"The job was given up: {reason}"
    return {"type": "/problems/internal-error", "title": "Internal error", "status": 500, "detail": detail}


def _problem_text(problem: dict[str, Any]) -> str:
    try:
        return encode(problem, MAX_PROBLEM, "a problem")
    except (PayloadTooLarge, TypeError):
        return encode(_buried("its problem document cannot be stored"), MAX_PROBLEM, "a problem")
