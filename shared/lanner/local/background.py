"""Everything that calls functions without a request: queues, streams, schedules, and what the engine's journal says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lanner.clock import SystemClock
from lanner.local.deliveries import Deliveries
from lanner.local.plan import CloudPlan
from lanner.local.queues import QueuePollers
from lanner.local.runtime.runtime import Runtime
from lanner.local.schedules import Schedules
from lanner.local.streams import StreamReaders


class Background:
    """The triggers of the current plan. `environment` has the engine's endpoint, region and credentials."""

    def __init__(self, runtime: Runtime, environment: Mapping[str, str], problem: Callable[[str], None]) -> None:
        self._events = runtime.events
        self._queues = QueuePollers(runtime, environment, problem)
        self._streams = StreamReaders(runtime, environment, problem)
        self._schedules = Schedules(runtime.events.submit, SystemClock(), problem)
        self._deliveries = Deliveries(runtime.events.submit, environment, problem)
        self._events.deliver = self._deliveries.deliver

    async def start(self, plan: CloudPlan) -> None:
        """From now on, what `plan` says happens."""
        self._queues.update(plan)
        self._streams.update(plan)
        self._schedules.update(plan)
        await self._deliveries.start(plan)

    def update(self, plan: CloudPlan) -> None:
        """Serve a new plan; what is unchanged goes on undisturbed."""
        self._queues.update(plan)
        self._streams.update(plan)
        self._schedules.update(plan)
        self._deliveries.update(plan)

    async def stop(self) -> None:
        """Call nothing any more."""
        self._events.deliver = None
        await self._schedules.stop()
        await self._deliveries.stop()
        await self._streams.stop()
        await self._queues.stop()
