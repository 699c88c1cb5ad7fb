"""What a client is told about its key (draft-ietf-httpapi-idempotency-key-header, section 2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.problems import BadRequest, Conflict, Unavailable, Unprocessable, header
from lanner.idempotency.key import FIELD

if TYPE_CHECKING:
    from lanner.idempotency.record import Answer

RETRY_AFTER = 1
"""Seconds; most attempts are over by then, and one that died is taken over when its lease ends."""


def key_missing() -> BadRequest:
    """400: this route takes no request without a key."""
    return BadRequest(
        f"This request needs the header {FIELD}: a string of your own that is new for every request, for example a "
        "UUID in double quotes, and the same when you send the request again",
        slug="idempotency-key-missing",
        title="Idempotency key missing",
        errors=[header(FIELD, "is required")],
    )


def key_reused() -> Unprocessable:
    """422: the key is that of another request."""
    return Unprocessable(
        f"The {FIELD} was used for a request with another body, query or content type; give every request its own key",
        slug="idempotency-key-reused",
        title="Idempotency key reused",
        errors=[header(FIELD, "belongs to another request")],
    )


def in_flight() -> Conflict:
    """409: another attempt performs the request at this moment."""
    return Conflict(
        f"A request with this {FIELD} is being performed; send it again in a moment to get its answer",
        slug="idempotency-in-flight",
        title="Request in flight",
        headers={"retry-after": str(RETRY_AFTER)},
    )


def answer_not_kept(answer: Answer) -> Conflict:
    """409: the request was performed, and its answer was too large to keep. Says the status, and Location as it was."""
    location = answer.headers.get("location")
    return Conflict(
        f"The request was performed and answered {answer.status}; the answer was too large to be repeated. Read what "
        "it made, or send a new request with a key of its own",
        slug="idempotency-answer-not-kept",
        title="Answer not kept",
        headers=None if location is None else {"location": location},
        original_status=answer.status,
    )


def store_down(cause: Exception) -> Unavailable:
    """503: without the store a request that has a key would not be protected, so it is not performed."""
    problem = Unavailable(
        f"The {FIELD} cannot be checked now, so the request was not performed; send it again shortly",
        retry_after=RETRY_AFTER,
    )
    problem.__cause__ = cause
    return problem
