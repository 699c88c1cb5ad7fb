"""What the gateway's `/_local` page shows of functions, environments, resources, mail and logs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from lanner.local.engine import Engine
from lanner.local.engine.client import AwsClient, AwsError
from lanner.local.plan import CloudPlan
from lanner.local.runtime.runtime import Runtime

Row = dict[str, Any]  # Any: one JSON object, shown as it is
_COUNTS = {"visible": "", "in_flight": "NotVisible", "delayed": "Delayed"}


def queue_rows(plan: CloudPlan, engine_url: str) -> list[Row]:
    """What the engine says of a plan's queues; a queue that is not there has no numbers. Raises `OSError`."""
    client = AwsClient(engine_url, plan.region)
    rows = []
    try:
        for resource in plan.resources.values():
            if resource.type != "AWS::SQS::Queue":
                continue
            url = plan.physical_ids.get(resource.logical_id, "")
            row: Row = {"logical_id": resource.logical_id, "name": url.rpartition("/")[2]}
            with contextlib.suppress(AwsError):
                request = {"QueueUrl": url, "AttributeNames": ["All"]}
                found = client.json("sqs", "GetQueueAttributes", request)["Attributes"]
                row |= {name: int(found.get(f"ApproximateNumberOfMessages{key}", 0)) for name, key in _COUNTS.items()}
                target = json.loads(found.get("RedrivePolicy") or "{}").get("deadLetterTargetArn", "")
                row["dead_letters"] = target.rpartition(":")[2]
            rows.append(row)
    finally:
        client.close()
    return rows


class CloudInspector:
    """The gateway's `Inspector` over a running runtime and engine."""

    def __init__(self, runtime: Runtime, engine: Engine) -> None:
        self._runtime = runtime
        self._engine = engine

    async def functions(self) -> Sequence[Row]:
        """One row per function of the plan."""
        return [
            {
                "logical_id": function.logical_id,
                "name": function.name,
                "handler": function.handler,
                "runtime": function.runtime,
                "code": str(function.code),
                "timeout": function.timeout,
                "memory": function.memory,
                "reserved_concurrency": function.reserved_concurrency,
                "queues": [source.queue for source in function.queues],
                "schedules": [source.expression for source in function.schedules],
                "where": str(function.where),
            }
            for function in self._runtime.plan.functions.values()
        ]

    async def environments(self) -> Sequence[Row]:
        """One row per environment that lives."""
        return [
            {
                "id": environment.name,
                "function": environment.function.logical_id,
                "state": environment.state.value,
                "invocations": environment.invocations,
                "memory_mb": environment.max_memory_mb,
                "init_ms": round(environment.init_ms, 1),
                "pid": environment.pid,
            }
            for environment in self._runtime.environments()
        ]

    async def resources(self) -> Sequence[Row]:
        """One row per resource of the template that the engine was asked for."""
        plan = self._runtime.plan
        return [
            {
                "logical_id": resource.logical_id,
                "type": resource.type,
                "physical_id": plan.physical_ids.get(resource.logical_id, ""),
                "where": str(resource.where),
            }
            for resource in plan.resources.values()
        ]

    async def queues(self) -> Sequence[Row]:
        """One row per queue of the template: how many messages are visible, in flight and delayed; its dead letters."""
        return await asyncio.to_thread(queue_rows, self._runtime.plan, self._engine.url)

    async def mail(self) -> Sequence[Row]:
        """Mail that functions have sent through SES, newest first."""
        sent = await asyncio.to_thread(self._engine.mail)
        rows = [
            {
                "id": mail.id,
                "from": mail.source,
                "to": list(mail.destinations),
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "headers": dict(mail.headers),
                "tags": dict(mail.tags),
            }
            for mail in sent
        ]
        return rows[::-1]

    async def logs(self, function: str | None, limit: int) -> Sequence[Row]:
        """The latest lines, oldest first."""
        return [line._asdict() for line in self._runtime.logs.lines(function, limit)]
