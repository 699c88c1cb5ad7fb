"""Answers of AWS that get lost: the caller hears nothing of what was done, or the wire does it twice."""

from __future__ import annotations

import random
from typing import Any

from lanner.aws import wire
from lanner.aws.errors import AwsUnavailable

LOST_ANSWERS = 0.02


class Faulty:
    """A client around `inner` that loses one answer in fifty."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        answer = self._inner.call(operation, payload, **{**options, "budget_ms": 20_000})
        luck = random.random()
        if luck < LOST_ANSWERS / 2:
            raise AwsUnavailable("the answer was lost", outcome_unknown=True)
        if luck < LOST_ANSWERS and options.get("idempotent"):
            return self._inner.call(operation, payload, **options)
        return answer


def lose_answers() -> None:
    """From here on this process loses answers."""
    random.seed()
    clients = {"dynamodb": Faulty(wire.dynamodb()), "sqs": Faulty(wire.sqs())}
    wire.dynamodb = lambda: clients["dynamodb"]  # type: ignore[assignment,return-value]
    wire.sqs = lambda: clients["sqs"]  # type: ignore[assignment,return-value]
