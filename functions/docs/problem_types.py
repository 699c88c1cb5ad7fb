"""Every `type` that a problem document of this API can have: status, title, and what a client can do about it.

A test holds this list against the code: a slug that is raised somewhere and is not here fails it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ProblemType(NamedTuple):
    """`meaning` is prose for the page, with `code` between backquotes."""

    status: int
    title: str
    meaning: str


PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "bad-request": ProblemType(
        400, "Bad request", "The request cannot be understood; `errors` names each parameter that is wrong and why."
    ),
    "invalid-json": ProblemType(400, "Bad request", "The body is not a JSON object. `detail` says where it breaks."),
    "duplicate-key": ProblemType(
        400, "Bad request", "A key occurs twice in one JSON object, so it is not clear which value was meant."
    ),
    "unknown-parameter": ProblemType(
        400, "Bad request", "The query has a parameter that this route does not know; `detail` lists those it knows."
    ),
    "invalid-cursor": ProblemType(
        400,
        "Invalid cursor",
        "A cursor is opaque and belongs to the filters and the version it was made for. Begin again without one.",
    ),
    "invalid-version": ProblemType(
        400, "Invalid version", "What was given as a version is not one; `supported` lists those there are."
    ),
    "unsupported-version": ProblemType(
        400,
        "Unsupported version",
        "There is no such version. The status is 404 where the path named it and 406 where a media type did; "
        "`supported` lists those there are.",
    ),
    "ambiguous-version": ProblemType(
        400,
        "Ambiguous version",
        "The request names two different versions, for instance one in its path and one in `X-API-Version`. Name one.",
    ),
    "idempotency-key-missing": ProblemType(
        400,
        "Idempotency key missing",
        "The route takes no request without `Idempotency-Key`: a new string for each request, the same for a retry.",
    ),
    "invalid-idempotency-key": ProblemType(
        400,
        "Invalid idempotency key",
        "`Idempotency-Key` is one string of 1 to 255 printable ASCII characters, best in double quotes.",
    ),
    "unauthorized": ProblemType(401, "Authentication required", "The request needs valid credentials."),
    "forbidden": ProblemType(403, "Not allowed", "The caller is known and may not do this."),
    "not-found": ProblemType(404, "Not found", "There is nothing at this address, or it is gone."),
    "version-not-here": ProblemType(
        404,
        "Version not here",
        "The version exists, but not at this address; `supported` lists what is served here.",
    ),
    "method-not-allowed": ProblemType(
        405, "Method not allowed", "The resource does not have this method; the header `Allow` lists those it has."
    ),
    "not-acceptable": ProblemType(406, "Not acceptable", "Nothing that this route can send satisfies `Accept`."),
    "conflict": ProblemType(409, "Conflict", "The change contradicts the present state. Read it again and decide."),
    "email-taken": ProblemType(409, "Conflict", "Another user has this e-mail address; addresses are unique."),
    "idempotency-in-flight": ProblemType(
        409,
        "Request in flight",
        "A request with this `Idempotency-Key` is being performed. Send it again after `Retry-After` for its answer.",
    ),
    "idempotency-answer-not-kept": ProblemType(
        409,
        "Answer not kept",
        "The request was performed once and is not performed again, but its answer was too large to repeat; "
        "`original_status` has its status. Read what it made.",
    ),
    "job-finished": ProblemType(
        409, "Conflict", "The job has finished and cannot be cancelled; `job_status` says how it ended."
    ),
    "gone": ProblemType(410, "Gone", "It was here and is not coming back."),
    "version-retired": ProblemType(
        410, "Version retired", "The version is past its sunset. `migration` leads to what its successor changed."
    ),
    "precondition-failed": ProblemType(
        412,
        "Precondition failed",
        "It has changed since it was read (`If-Match`), or exists already (`If-None-Match: *`). Read it again.",
    ),
    "payload-too-large": ProblemType(413, "Payload too large", "The body is above 10 MB, the gateway's limit."),
    "unsupported-media-type": ProblemType(
        415, "Unsupported media type", "The body's `Content-Type` is not one that this route reads."
    ),
    "range-not-satisfiable": ProblemType(
        416, "Range not satisfiable", "No part that `Range` names is there; `Content-Range` has the size of the whole."
    ),
    "invalid-input": ProblemType(
        422, "Invalid input", "The body is well-formed and against the schema; `errors` points at each wrong member."
    ),
    "idempotency-key-reused": ProblemType(
        422,
        "Idempotency key reused",
        "The `Idempotency-Key` belongs to another request: every request needs a key of its own.",
    ),
    "file-unusable": ProblemType(
        422,
        "Unusable file",
        "A job's problem: the upload is gone, too large, or was declared as CSV and cannot be read as users. `detail` "
        "says what to change; announce the file anew.",
    ),
    "not-delivered": ProblemType(
        422,
        "Not delivered",
        "A notification was refused by its receiver, or could not be delivered in all of its attempts. Read it in the "
        "`problem` of the job.",
    ),
    "job-failed": ProblemType(
        422, "The job failed", "In a job's `problem`: it cannot succeed, and is not tried again. `detail` says why."
    ),
    "precondition-required": ProblemType(
        428, "Precondition required", "Send `If-Match` with the ETag that you read, so that no change is overwritten."
    ),
    "too-many-requests": ProblemType(
        429, "Too many requests", "Slow down; `Retry-After` says when the next request is welcome."
    ),
    "internal-error": ProblemType(
        500, "Internal error", "The request failed on our side. Quote `instance` when you report it."
    ),
    "bad-gateway": ProblemType(502, "Bad gateway", "The function behind the gateway gave no usable answer. Try again."),
    "unavailable": ProblemType(
        503, "Temporarily unavailable", "A dependency is down or overloaded. Try again after `Retry-After`."
    ),
    "version-brownout": ProblemType(
        503,
        "Version in a brownout",
        "A deprecated version is switched off for a published window, so that its callers notice before its sunset. "
        "`X-Brownout-Opt-Out: 1` lets a request through.",
    ),
    "job-timed-out": ProblemType(
        504, "Timed out", "In a job's `problem`: every attempt took longer than the job may take."
    ),
    "gateway-timeout": ProblemType(504, "Gateway timeout", "No answer came within the gateway's 29 seconds."),
    "nothing-stored": ProblemType(
        504,
        "Nothing stored",
        "The request says `Cache-Control: only-if-cached`, and the cache has nothing that may be used.",
    ),
}
