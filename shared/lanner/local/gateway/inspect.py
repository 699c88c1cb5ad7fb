"""What the `/_local` page asks of the rest of the local cloud.

Everything is plain JSON data; the gateway neither interprets nor keeps it. Methods may be called at any time, also
while functions start or stop, and answer with what is known then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Row = Mapping[str, Any]  # Any: one JSON object, shown as it is


class Inspector(Protocol):
    """Implemented by whoever starts the local cloud."""

    async def functions(self) -> Sequence[Row]:
        """One row per function: `logical_id`, `name`, `handler`, `runtime`, and what else is worth showing."""
        ...

    async def environments(self) -> Sequence[Row]:
        """One row per execution environment: `id`, `function`, `state`, `invocations`, `memory_mb`, `pid`."""
        ...

    async def resources(self) -> Sequence[Row]:
        """One row per resource: `logical_id`, `type`, `physical_id`."""
        ...

    async def queues(self) -> Sequence[Row]:
        """One row per queue: `logical_id`, `name`, `visible`, `in_flight`, `delayed`, `dead_letters`."""
        ...

    async def mail(self) -> Sequence[Row]:
        """Mail that functions have sent, newest first: `id`, `from`, `to`, `subject`, `text`, `html`."""
        ...

    async def logs(self, function: str | None, limit: int) -> Sequence[Row]:
        """The latest log lines, oldest first, of one function or of all: `time`, `function`, `text`."""
        ...
