"""Calls to the engine from the event loop: a few threads with connections of their own behind one coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lanner.aws.credentials import EnvironmentCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.clock import SystemClock

_TARGETS = {
    "sqs": ("sqs", "AmazonSQS"),
    "dynamodb": ("dynamodb", "DynamoDB_20120810"),
    "streams": ("dynamodb", "DynamoDBStreams_20120810"),
}
_BUDGET_MS = 20_000
_THREADS = 8


class EngineCalls:
    """Services with a JSON protocol. `environment` has the engine's endpoint, region and credentials."""

    def __init__(self, environment: Mapping[str, str], name: str) -> None:
        self._environment = environment
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=name)
        self._clients: dict[str, AwsJsonClient] = {}

    async def __call__(
        self, service: str, operation: str, payload: Mapping[str, object]
    ) -> dict[str, Any]:  # Any: AWS's own JSON
        """One call of `sqs`, `dynamodb` or `streams`. Raises `AwsError`."""
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._client(*_TARGETS[service])
        return await asyncio.get_running_loop().run_in_executor(self._threads, client.call, operation, payload)

    def _client(self, service: str, prefix: str) -> AwsJsonClient:
        return AwsJsonClient(
            service,
            prefix,
            region=self._environment["AWS_REGION"],
            endpoint=self._environment["AWS_ENDPOINT_URL"],
            credentials=EnvironmentCredentials(self._environment),
            clock=SystemClock(),
            default_budget_ms=_BUDGET_MS,
        )

    def close(self) -> None:
        """Take no more calls; those under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
