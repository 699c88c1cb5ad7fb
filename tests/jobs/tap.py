"""A tap on the wire: numbers every call to DynamoDB and SQS, and lets a test die, lose an answer or step in at one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lanner.aws import wire
from lanner.aws.errors import AwsUnavailable

KILLED_BEFORE, KILLED_AFTER, ANSWER_LOST, REPEATED, STALLED = (
    "killed before",
    "killed after",
    "lost",
    "twice",
    "stalled",
)
MODES = (KILLED_BEFORE, KILLED_AFTER, ANSWER_LOST, REPEATED, STALLED)

DRIVER = ("ReceiveMessage", "GetQueueAttributes")
"""What tests do themselves, and Lambda's own poller: not numbered."""


class Killed(BaseException):
    """SIGKILL, as far as code can tell: nothing that catches exceptions sees it, and nothing is written after it."""


class Tap:
    """What stands between the code and both clients. `calls` has the name of each operation, in order.

    `at`: the number of the call that something happens to, or a function of the operation and its payload; once.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at: Callable[[int, str, Any], bool] = lambda number, operation, payload: False
        self.mode = KILLED_BEFORE
        self.meanwhile: Callable[[], None] = lambda: None
        self.happened = False
        self._clients = {"dynamodb": wire.dynamodb(), "sqs": wire.sqs()}

    def client(self, service: str) -> Any:
        return _Client(self, self._clients[service])

    def arm(self, at: Callable[[int, str, Any], bool], mode: str, meanwhile: Callable[[], None] | None = None) -> None:
        """Let it happen once, at the first call for which `at` holds, counted from here."""
        self.calls.clear()
        self.at, self.mode, self.happened = at, mode, False
        self.meanwhile = meanwhile or (lambda: None)

    def disarm(self) -> None:
        self.happened = True


class _Client:
    def __init__(self, tap: Tap, inner: Any) -> None:
        self._tap, self._inner = tap, inner

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        tap = self._tap
        if operation in DRIVER:
            return self._inner.call(operation, payload, **{**options, "budget_ms": 20_000})
        number = len(tap.calls)
        tap.calls.append(operation)
        options = {**options, "budget_ms": 20_000}
        if tap.happened or not tap.at(number, operation, payload):
            return self._inner.call(operation, payload, **options)
        tap.happened = True
        if tap.mode == KILLED_BEFORE:
            raise Killed
        if tap.mode == STALLED:
            tap.meanwhile()
            return self._inner.call(operation, payload, **options)
        self._inner.call(operation, payload, **options)
        if tap.mode == KILLED_AFTER:
            raise Killed
        if tap.mode == ANSWER_LOST:
            raise AwsUnavailable("the answer was lost", outcome_unknown=True)
        return self._inner.call(operation, payload, **options)  # the wire's own retry after a lost answer
