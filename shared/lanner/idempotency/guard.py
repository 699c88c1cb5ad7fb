"""Performs a keyed request once: claims its record, lets one attempt through, records the answer, repeats it.

What each state means for a client is in `lanner.idempotency.step`; here is the order in which the store is asked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lanner.http.problems import ApiError
from lanner.idempotency.execution import STATE, Execution
from lanner.idempotency.fingerprint import fingerprint, record_id
from lanner.idempotency.problems import answer_not_kept, in_flight, key_reused, store_down
from lanner.idempotency.record import DONE, Answer, IdempotencyRecord
from lanner.idempotency.store import IdempotencyStoreError, RecordBusy

if TYPE_CHECKING:
    from lanner.clock import Clock
    from lanner.group import RouteGroup
    from lanner.http.message import Handler, Request, Response
    from lanner.idempotency.policy import IdempotencyPolicy
    from lanner.idempotency.store import IdempotencyStore

REPLAYED = "idempotency-replayed"
LEASE_MARGIN_S = 1.0
"""Beyond what Lambda says remains of the invocation: clocks of two environments differ."""
ATTEMPTS = 3
"""To find the record in a state that lasts; each one means that somebody else changed it in between."""
PASSING = frozenset({401, 403, 408, 425, 429})
"""4xx about the moment or the credentials, and not about the request."""


class Guard:
    """Performs a group's keyed requests, each once."""

    def __init__(self, policy: IdempotencyPolicy, group: RouteGroup) -> None:
        self._policy = policy
        self._group = group
        self._store: IdempotencyStore = policy.store()

    @property
    def _clock(self) -> Clock:
        return self._group.clock

    def answer(self, request: Request, key: str, handler: Handler) -> Response:
        """The answer of the key's request. Raises `ApiError`."""
        try:
            record = self._claimed(request, key)
        except RecordBusy:
            raise in_flight() from None
        except IdempotencyStoreError as error:
            raise store_down(error) from error
        if record.state == DONE:
            return _replayed(record)
        execution = Execution(record, self._store, self._clock.now() + self._policy.ttl_s)
        request.state[STATE] = execution
        try:
            response = handler(request)
        except ApiError as error:
            response = error.response(request)
        except Exception:
            self._release(request, record)
            raise
        return self._finished(request, execution, response)

    def _claimed(self, request: Request, key: str) -> IdempotencyRecord:
        """The record, owned by this attempt or done. Raises `ApiError` where neither can be."""
        print_ = fingerprint(request)
        token = os.urandom(16).hex()
        now = self._clock.now()
        lease_until = now + self._lease(request)
        fresh = IdempotencyRecord(
            record_id(request, key), print_, os.urandom(16).hex(), token, lease_until, now + self._policy.ttl_s
        )
        for _ in range(ATTEMPTS):
            found = self._store.claim(fresh, now)
            if found.token == token:
                return found
            if found.fingerprint != print_:
                raise key_reused()
            if found.state == DONE:
                return found
            if not found.is_free(now):
                raise in_flight()
            taken = self._store.take_over(found, token, lease_until, now)
            if taken is not None:
                return taken
        raise in_flight()

    def _lease(self, request: Request) -> float:
        remaining = getattr(request.context, "get_remaining_time_in_millis", None)
        longest = self._policy.lease_s
        return longest if remaining is None else min(longest, remaining() / 1000 + LEASE_MARGIN_S)

    def _finished(self, request: Request, execution: Execution, response: Response) -> Response:
        if execution.is_committed:
            return response
        record = execution.record
        if not is_final(response):
            self._release(request, record)
            return response
        try:
            other = self._store.complete(record, Answer.of(response), self._clock.now() + self._policy.ttl_s)
        except IdempotencyStoreError as error:
            request.state.setdefault("error", error)
            return response
        if other is None:
            return response
        if other.state == DONE:
            return _replayed(other)
        raise in_flight()

    def _release(self, request: Request, record: IdempotencyRecord) -> None:
        try:
            self._store.release(record)
        except IdempotencyStoreError as error:  # the lease ends by itself
            request.state.setdefault("error", error)


def is_final(response: Response) -> bool:
    """Whether the same request would get the same answer again, however often it was sent."""
    status = response.status
    if status >= 500 or status in PASSING:
        return False
    return status < 400 or "retry-after" not in response.headers


def _replayed(record: IdempotencyRecord) -> Response:
    answer = record.answer
    assert answer is not None  # a record that is done has one
    if answer.body is None:
        raise answer_not_kept(answer)
    response = answer.response()
    response.headers[REPLAYED] = "true"
    return response
