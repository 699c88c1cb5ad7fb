"""What is kept about a key: who performs the request and until when, then what the answer was.

States, told apart by `state`, `token`, `lease_until` and `expires_at`:

    in flight   an owner, named by `token`, performs the request until `lease_until`
    free        in flight, but released (no token) or beyond its lease: the next attempt takes over
    done        `answer` is what was answered
    expired     `expires_at` has passed: as if it were absent, whether the store has deleted it or not

`token` is the fence: every write names the token that it belongs to, so an owner that outlived its lease changes
nothing. `execution` is given once and kept by every take-over: what the first attempt made under it, a job say, the
next one finds. `fingerprint` is of the request; while a record lives its key is for that request only.

Times are seconds since the epoch.
"""

from __future__ import annotations

import zlib
from typing import Any

from lanner.http.message import Response

IN_FLIGHT = "in_flight"
DONE = "done"

COMPRESSED_FROM = 1_024
"""Bytes; DynamoDB bills writes by the 1,024, so a smaller body gains nothing."""
COMPRESSION_LEVEL = 1
MAX_BODY = 350_000
"""Stored bytes: an item of DynamoDB has 400 KB, headers and the record itself included."""

UNRECORDED = frozenset(
    {
        "age",
        "connection",
        "content-length",
        "date",
        "idempotency-replayed",
        "keep-alive",
        "server-timing",
        "set-cookie",
        "transfer-encoding",
        "x-request-id",
    }
)
"""Fields about one exchange. A cookie is for who got it first; a repeated one could revive a session that has ended."""


class Answer:
    """A recorded response. `body` is as stored: compressed where `coding` says so, None where it was too large."""

    __slots__ = ("body", "coding", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes | None, coding: str = "") -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.coding = coding

    @classmethod
    def of(cls, response: Response) -> Answer:
        """What is kept of a response: status, headers but for `UNRECORDED`, the body; no cookies."""
        headers = {name: value for name, value in response.headers.items() if name not in UNRECORDED}
        body, coding = response.body, ""
        if len(body) >= COMPRESSED_FROM:
            compressed = zlib.compress(body, COMPRESSION_LEVEL)
            if len(compressed) < len(body):
                body, coding = compressed, "deflate"
        return cls(response.status, headers, body if len(body) <= MAX_BODY else None, coding)

    def response(self) -> Response:
        """The response again, byte for byte. Only for an answer whose body was kept."""
        assert self.body is not None
        body = zlib.decompress(self.body) if self.coding else self.body
        return Response(self.status, dict(self.headers), body)


class IdempotencyRecord:
    """One key's record."""

    __slots__ = ("answer", "execution", "expires_at", "fingerprint", "id", "lease_until", "state", "token")

    def __init__(
        self,
        id: str,  # noqa: A002 (the field's name)
        fingerprint: str,
        execution: str,
        token: str,
        lease_until: float,
        expires_at: float,
        state: str = IN_FLIGHT,
        answer: Answer | None = None,
    ) -> None:
        self.id = id
        self.fingerprint = fingerprint
        self.execution = execution
        self.token = token
        self.lease_until = lease_until
        self.expires_at = expires_at
        self.state = state
        self.answer = answer

    def is_expired(self, now: float) -> bool:
        """Whether it counts as absent."""
        return self.expires_at <= now

    def is_free(self, now: float) -> bool:
        """Whether nobody performs the request, and it is not done."""
        return self.state == IN_FLIGHT and self.lease_until <= now

    def but(self, **changes: Any) -> IdempotencyRecord:  # Any: the fields' own types
        """A copy with other values in some fields."""
        return IdempotencyRecord(**{name: changes.get(name, getattr(self, name)) for name in self.__slots__})

    def __repr__(self) -> str:
        return f"IdempotencyRecord({self.id[:8]}, {self.state})"
