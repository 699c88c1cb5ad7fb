"""What requests about jobs are answered: 202 for accepted work (RFC 9110 section 15.3.3), and the jobs' own resource.

    Prefer: respond-async     202 at once (what is done anyway)
    Prefer: wait=n            waits up to n seconds, as far as the invocation's time allows: 200 once it has finished
    both                      waits up to n seconds, then 202 (RFC 7240 section 4.3)

Preference-Applied names what was honoured: a wait that was cut short is not.

A job's document is never stored by caches: it changes, and it is one caller's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.clock import SystemClock
from lanner.http.message import Request, Response
from lanner.http.problems import BadRequest, Conflict, NotFound, PreconditionFailed, parameter
from lanner.jobs.declaration import KIND, KIND_LENGTH
from lanner.jobs.errors import JobFinished, JobsUnavailable, UnknownJob
from lanner.jobs.ids import read_id
from lanner.jobs.producer import Producer
from lanner.jobs.status import CANCELLED, STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lanner.clock import Clock
    from lanner.jobs.status import JobStatus

RETRY_AFTER = 1
"""Seconds after which a client asks again."""

MAX_WAIT = 20.0
"""Seconds that a request waits for a job at most, whatever it prefers: below the gateway's 29."""

RESERVE = 1.0
"""Seconds kept of what remains of the invocation for the answer."""

WITHOUT_CONTEXT = 25.0
"""Seconds that a request has where nobody says."""

FIRST_LOOK = 0.1
LAST_LOOK = 1.0
"""Seconds between looks at the record while a request waits; they double."""

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
KEYS_SETTING = "LANNER_CURSOR_KEYS"
PARAMETERS = ("limit", "cursor", "status", "kind")

NO_JOB = "There is no such job, or it finished more than 30 days ago"
_MALFORMED = "ids of jobs are UUIDs, for example 0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
_JSON = "application/json"


def accepted(request: Request, status: JobStatus, *, clock: Clock | None = None) -> Response:
    """202 with `Location` of the job's resource in the request's version, `Retry-After` and the job's document.

    `Prefer: wait=n` (RFC 7240 section 4.3) waits up to n seconds, as far as the invocation's time allows, for the job
    to finish, and then answers 200 with its document; `Preference-Applied` says what was honoured.
    """
    asynchronous, wait = preferences(request.headers.get("prefer", ""))
    waited = False
    if wait:
        status, waited = _wait(request, status, wait, clock or SystemClock())
    applied = []
    if asynchronous and not (wait and status.finished):
        applied.append("respond-async")
    if waited:
        applied.append(f"wait={wait}")
    location = job_location(request, status.id)
    # RFC 9110 section 8.7: the answer is the representation of the job at that address.
    headers = {**_headers(status), "location": location, "content-location": location}
    if applied:
        headers["preference-applied"] = ", ".join(applied)
    response = Response(200 if status.finished else 202, headers, _body(status.document()))
    response.vary("Prefer")  # RFC 7240 section 2
    return response


def read(request: Request) -> Response:
    """GET of one job: 200, with Retry-After while it is not finished. Raises `NotFound`."""
    _check_known(request)
    status = _find(request)
    return Response(200, _headers(status), _body(status.document()))


def cancel(request: Request) -> Response:
    """DELETE: 200 when it is cancelled, 202 when a running job was asked to stop, 409 when it has finished.

    A job has no entity-tag, so none that If-Match names is its own (RFC 9110 section 13.1.1): 412.
    """
    _check_known(request)
    if request.headers.get("if-match", "*").strip() != "*":
        _find(request)
        raise PreconditionFailed("A job has no ETag, so it is in no state that If-Match could name")
    try:
        status = _producer(request).cancel(_id(request))
    except UnknownJob:
        raise NotFound(NO_JOB) from None
    except JobFinished as error:
        raise Conflict(
            f"The job has {'finished' if error.status.state != 'dead' else 'been given up'} and cannot be cancelled",
            slug="job-finished",
            job_status=error.status.state,
        ) from None
    return Response(200 if status.state == CANCELLED else 202, _headers(status), _body(status.document()))


def job_location(request: Request, job_id: str) -> str:
    """The address of a job in the version that the request has, however that was chosen."""
    version = request.path_version
    path = f"/jobs/{job_id}" if version is None else f"/{version}/jobs/{job_id}"
    chosen = request.query_values("version") if request.has_query else []
    return f"{path}?version={chosen[0]}" if chosen and chosen[0].isalnum() else path


def preferences(field: str) -> tuple[bool, int]:
    """Whether `respond-async` is preferred, and the seconds of `wait`, 0 for none (RFC 7240 section 2).

    The first of a repeated preference counts; one whose value is not what it should be is ignored, as an unknown is.
    """
    if not field:
        return False, 0
    from lanner.http.headers import prefer

    found = prefer(field)
    wait = found.get("wait", "")
    seconds = int(wait.lstrip("0")[:9] or 0) if wait.isascii() and wait.isdigit() else 0
    return found.get("respond-async") == "", seconds


def _wait(request: Request, status: JobStatus, wait: int, clock: Clock) -> tuple[JobStatus, bool]:
    """The job when it has finished, after `wait` seconds, or at the invocation's end; and whether that was asked for.

    The job is accepted by then: where its storage stops answering, what was last seen of it is the answer.
    """
    remaining = getattr(request.context, "get_remaining_time_in_millis", None)
    left = WITHOUT_CONTEXT if remaining is None else remaining() / 1000
    patience = min(float(wait), MAX_WAIT, left - RESERVE)
    end = clock.monotonic() + patience
    producer, pause = Producer(tenant=status.tenant, clock=clock), FIRST_LOOK
    while not status.finished and (left := end - clock.monotonic()) > 0:
        clock.sleep(min(pause, left))
        pause = min(LAST_LOOK, pause * 2)
        try:
            status = producer.status(status.id)
        except JobsUnavailable:
            return status, False
    return status, status.finished or patience == wait


def _find(request: Request) -> JobStatus:
    try:
        return _producer(request).status(_id(request))
    except UnknownJob:
        raise NotFound(NO_JOB) from None


def _id(request: Request) -> str:
    job_id = read_id(request.path_params["id"])
    if job_id is None:
        raise NotFound(f"There is no such job: {_MALFORMED}")
    return job_id


def _producer(request: Request) -> Producer:
    return Producer(tenant=request.principal.id)


def _headers(status: JobStatus) -> dict[str, str]:
    headers = {"content-type": _JSON, "cache-control": "no-store"}
    if not status.finished:
        headers["retry-after"] = str(RETRY_AFTER)
    return headers


def _body(document: Any) -> bytes:  # Any: JSON
    import orjson

    return orjson.dumps(document)


def _check_known(request: Request, known: Sequence[str] = ()) -> None:
    """Refuse unknown parameters by name: a typing error must not become an unfiltered list."""
    if not request.has_query:
        return
    unknown = sorted({name for name, _ in request.query if name != "version" and name not in known})
    if unknown:
        names = ", ".join((*known, "version"))
        raise BadRequest(
            f"Unknown query parameter {', '.join(name[:60] for name in unknown)}; known here: {names}",
            slug="unknown-parameter",
            errors=[parameter(name[:60], f"is unknown here; known are {names}") for name in unknown],
        )


def page(request: Request) -> Response:
    """GET of the list: `{data, next_cursor}`, newest first (AIP-158). Raises `BadRequest`."""
    from lanner.http.pagination import CursorCodec, page_links, page_size
    from lanner.jobs.control import page as read_page
    from lanner.jobs.table import JobTable
    from lanner.settings import setting

    _check_known(request, PARAMETERS)
    limit = page_size(request.query_values("limit"), DEFAULT_LIMIT, MAX_LIMIT)
    state, kind, text = (_single(request, name) for name in ("status", "kind", "cursor"))
    if state is not None and state not in STATES:
        raise _bad("status", f"is one of {', '.join(STATES)}, not {state[:40]!r}")
    if kind is not None and not (len(kind) <= KIND_LENGTH and KIND.match(kind)):
        raise _bad("kind", f"is a kind of job such as report.build, not {kind[:40]!r}")
    assert request.version is not None  # the version step comes first
    scope = f"{request.version.name}/jobs/{request.principal.id}"
    filters = {"status": state, "kind": kind}
    codec = CursorCodec([key.strip().encode() for key in setting(KEYS_SETTING).split(",") if key.strip()])
    after = None if text is None else str(codec.decode(text, scope=scope, filters=filters).position[0])
    found = read_page(JobTable(SystemClock()), request.principal.id, limit=limit, after=after, state=state, kind=kind)
    cursor = None if found.position is None else codec.encode([found.position], scope=scope, filters=filters)
    body = _body({"data": [status.document() for status in found.jobs], "next_cursor": cursor})
    headers = {"content-type": _JSON, "cache-control": "no-store"}
    headers["link"] = page_links(request.public_path, request.query, {"next": cursor})
    return Response(200, headers, body)


def _single(request: Request, name: str) -> str | None:
    values = request.query_values(name) if request.has_query else []
    if len(values) > 1:
        raise _bad(name, f"was given {len(values)} times; give it once")
    if values and not values[0]:
        raise _bad(name, "must not be empty")
    return values[0] if values else None


def _bad(name: str, detail: str) -> BadRequest:
    return BadRequest(f"The parameter {name} {detail}", errors=[parameter(name, detail)])
