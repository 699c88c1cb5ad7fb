"""A DynamoDB client that dies, loses an answer or stands still at one of its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lanner.aws import wire
from lanner.aws.errors import AwsUnavailable


class Killed(BaseException):
    """The process has ended: no handler of exceptions runs after it."""


class DyingStorage:
    """Passes calls on; at call number `at` (from 1) something happens.

    before    the process ends, the call is not made      lost    the call is made, its answer does not arrive
    after     the call is made, the process ends          pause   `meanwhile` runs, then the call is made

    Whatever lives on after the end (Mangum answers any exception at all with a 500) finds no storage any more.
    """

    MODES = ("before", "after", "lost")

    def __init__(
        self, environment: pytest.MonkeyPatch, at: int = 0, mode: str = "", meanwhile: Callable[[], None] | None = None
    ) -> None:
        self._client = wire.dynamodb()
        self._at, self._mode, self._meanwhile = at, mode, meanwhile
        self._ended = False
        self.calls: list[str] = []
        environment.setattr(wire, "dynamodb", lambda: self)

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        if self._ended:
            raise Killed
        self.calls.append(operation)
        mode = self._mode if len(self.calls) == self._at else ""
        self._ended = mode in ("before", "after")
        if mode == "before":
            raise Killed
        if mode == "pause" and self._meanwhile is not None:
            self._mode = ""
            self._meanwhile()
        try:
            return self._client.call(operation, payload, **options)
        finally:  # also when the answer is an error
            if mode == "after":
                raise Killed
            if mode == "lost":
                raise AwsUnavailable("the answer is lost", outcome_unknown=True)
