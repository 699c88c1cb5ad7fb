"""Records in this process: for tests and for a service that runs as one process. Safe to use from several threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lanner.idempotency.record import DONE

if TYPE_CHECKING:
    from lanner.idempotency.record import Answer, IdempotencyRecord
    from lanner.idempotency.store import TransactItem


class MemoryIdempotencyStore:
    """An `IdempotencyStore` that forgets with its process. What has expired is dropped when its id is claimed again."""

    def __init__(self) -> None:
        self._records: dict[str, IdempotencyRecord] = {}
        self._lock = threading.Lock()

    def claim(self, fresh: IdempotencyRecord, now: float) -> IdempotencyRecord:
        with self._lock:
            found = self._records.get(fresh.id)
            if found is None or found.is_expired(now):
                found = self._records[fresh.id] = fresh
            return found.but()

    def take_over(self, old: IdempotencyRecord, token: str, lease_until: float, now: float) -> IdempotencyRecord | None:
        with self._lock:
            found = self._records.get(old.id)
            if found is None or found.token != old.token or not found.is_free(now):
                return None
            taken = self._records[old.id] = found.but(token=token, lease_until=lease_until)
            return taken.but()

    def complete(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> IdempotencyRecord | None:
        with self._lock:
            found = self._records.get(record.id)
            if found is None or not found.token:
                return None
            if found.token != record.token:
                return found.but()
            if found.state != DONE:
                self._records[record.id] = found.but(state=DONE, answer=answer, expires_at=expires_at)
            return None

    def release(self, record: IdempotencyRecord) -> None:
        with self._lock:
            found = self._records.get(record.id)
            if found is not None and found.token == record.token and found.state != DONE:
                self._records[record.id] = found.but(token="", lease_until=0.0)

    def completion(
        self,
        record: IdempotencyRecord,  # noqa: ARG002 (the contract's)
        answer: Answer,  # noqa: ARG002 (the contract's)
        expires_at: float,  # noqa: ARG002 (the contract's)
    ) -> list[TransactItem]:
        return []
