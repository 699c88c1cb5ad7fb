"""The contract between those who call functions (gateway, queues, CLI) and the runtime that runs them.

States of one invocation: queued (waiting for an environment) -> running -> one of the outcomes below. Nothing is
ever retried by the runtime itself: who called decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import asyncio

Outcome = Literal[
    "ok",  # the handler returned; `payload` is its JSON
    "error",  # the handler raised; `payload` is {"errorMessage", "errorType", "stackTrace"}
    "timeout",  # killed at its deadline
    "crash",  # the process ended before it answered (exit, signal, out of memory)
    "init_error",  # INIT failed twice; `payload` is the runtime's error document
    "throttled",  # reserved concurrency reached
    "too_large",  # the answer was above Lambda's 6 MB, or the event was
]


@dataclass(frozen=True)
class InvocationResult:
    """How one invocation ended. Times in milliseconds, memory in MB."""

    outcome: Outcome
    payload: bytes
    request_id: str
    cold: bool = False
    init_ms: float = 0.0  # of a cold start: INIT, which is not part of the timeout
    duration_ms: float = 0.0
    billed_ms: int = 0
    max_memory_mb: int = 0
    out_of_memory: bool = False  # a crash because of the function's MemorySize, which `max_memory_mb` then is
    environment: str = ""
    logs: bytes = b""  # what this invocation wrote to stdout and stderr, last 4 KB


class Invoker(Protocol):
    """Runs functions by logical id; implemented by `lanner.local.runtime`."""

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        qualifier: str | None = None,
    ) -> InvocationResult:
        """Run `function` once with a JSON `event`. Raises `KeyError` for a function the plan does not have."""
        ...


@runtime_checkable
class Submitter(Protocol):
    """An invoker that can begin an invocation without a coroutine: for whoever has thousands of them a second."""

    def submit(self, function: str, event: bytes, *, trace_id: str | None = None) -> asyncio.Future[InvocationResult]:
        """Begin one invocation; cancelling the future abandons it. Raises `KeyError` as `Invoker.invoke` does."""
        ...
