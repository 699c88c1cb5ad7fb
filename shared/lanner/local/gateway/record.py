"""What is remembered of each request: one record a request, the last few hundred of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple


class RequestRecord(NamedTuple):
    """One request as a developer wants to see it. `time` is epoch seconds, `duration_ms` of the whole request.

    `event` and `answer` are the JSON that went to and came from the function, empty where none ran.
    """

    id: str
    time: float
    method: str
    path: str  # with the query string
    api: str  # logical id, "" where no API was reached
    route: str  # `GET /users/{id}`, "" where none matched
    function: str  # logical id, "" where none ran
    status: int
    duration_ms: float
    cold: bool = False
    version: str = ""  # the answer's X-API-Version
    cache: str = ""  # the answer's Cache-Status
    note: str = ""  # why the gateway itself answered
    event: bytes = b""
    answer: bytes = b""
    body_bytes: int = 0
    logs: bytes = b""


class RecordRing:
    """The latest `size` records by id, and no more than `max_bytes` of events and answers."""

    def __init__(self, size: int = 300, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._bytes = 0
        self._records: OrderedDict[str, RequestRecord] = OrderedDict()

    def add(self, record: RequestRecord) -> None:
        """Remember a record; the oldest go where there is no room."""
        self._records[record.id] = record
        self._bytes += _weight(record)
        while len(self._records) > self._size or (self._bytes > self._max_bytes and len(self._records) > 1):
            _, oldest = self._records.popitem(last=False)
            self._bytes -= _weight(oldest)

    def get(self, record_id: str) -> RequestRecord | None:
        """A record by id, None where it is gone."""
        return self._records.get(record_id)

    def __iter__(self) -> Iterator[RequestRecord]:
        """From the newest to the oldest."""
        return iter(list(reversed(self._records.values())))

    def __len__(self) -> int:
        return len(self._records)


def _weight(record: RequestRecord) -> int:
    return len(record.event) + len(record.answer) + len(record.logs)
