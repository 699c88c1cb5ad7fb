"""Files over HTTP: `POST` announces one and gives the form to upload it with, `GET` says what became of it.

A file belongs to the principal that announced it; for everybody else there is none. No cache keeps an answer: they hold
links that work for whoever has them, for a quarter of an hour.

The answer to an announcement with an Idempotency-Key is recorded in the transaction that stores the file
(`lanner.idempotency.execution`): whatever dies, one key announces one file.
"""

from __future__ import annotations

from typing import Any

import orjson

from domain import ids
from domain.bodies import read_document
from domain.dynamodb import Contended
from domain.files import objects, store
from domain.files.findings import MEDIA_TYPE as ERRORS_TYPE
from domain.files.model import AWAITING_UPLOAD, DONE, FAILED, KEEP_S, MAX_BYTES, PROCESSING, File
from domain.files.requests import read_new_file
from domain.queries import VERSION, check_known
from domain.races import attempts, too_busy
from domain.times import rfc3339
from lanner.clock import Clock, SystemClock
from lanner.http.message import Request, Response
from lanner.http.problems import NotFound
from lanner.jobs.errors import UnknownJob
from lanner.jobs.producer import Producer
from lanner.jobs.status import CANCELLED, DEAD
from lanner.jobs.status import FAILED as JOB_FAILED

Document = dict[str, Any]
"""`Any`: JSON values."""

HEADERS = {"content-type": "application/json", "cache-control": "no-store"}


class FileAnswers:
    """The operations on files."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._new_id = ids.IdGenerator(self._clock)

    def create(self, request: Request) -> Response:
        """POST: 201 with Location and the form; 422 for a name or type that cannot be."""
        check_known(request)
        new = read_new_file(read_document(request))
        file_id = self._new_id()
        now = int(self._clock.now())
        created_at = rfc3339(ids.created_ms(file_id))
        form = objects.upload_form(f"uploads/{file_id}", new.content_type, MAX_BYTES)
        file = File(file_id, request.principal.id, new.filename, new.content_type, created_at, now + KEEP_S)
        upload = {
            "method": "POST",
            "url": form["url"],
            "fields": form["fields"],
            "headers": {},
            "max_bytes": MAX_BYTES,
            "expires_at": rfc3339((now + objects.UPLOAD_S) * 1000),
        }
        document = {**self._document(request, file), "upload": upload}
        response = Response(201, {**HEADERS, "location": location(request, file_id)}, orjson.dumps(document))
        self._store(request, file, response)
        return response

    def _store(self, request: Request, file: File, response: Response) -> None:
        """The file and, where the request has a key, `response` as its answer: both or none."""
        from lanner.idempotency.execution import execution_of

        execution = execution_of(request)
        along = () if execution is None else execution.completion(response)
        for _ in attempts(self._clock):
            try:
                store.insert(file, along)
            except Contended:
                continue
            except store.Overtaken:
                from lanner.idempotency.problems import in_flight

                raise in_flight() from None
            if execution is not None:
                execution.committed()
            return
        raise too_busy("file")

    def read(self, request: Request, file_id: str) -> Response:
        """GET: 200, or 404."""
        check_known(request)
        known = ids.read(file_id)
        if known is None:
            raise NotFound(f"There is no file {file_id[:60]!r}: {ids.MALFORMED}")
        file = store.read(known)
        if file is None or file.principal != request.principal.id or file.expires_at <= self._clock.now():
            raise NotFound(f"There is no file {known}")
        return Response(200, dict(HEADERS), orjson.dumps(self._document(request, file)))

    def _document(self, request: Request, file: File) -> Document:
        state, problem = self._state(file)
        result = file.result
        return {
            "id": file.id,
            "filename": file.filename,
            "content_type": file.content_type,
            "state": state,
            "created_at": file.created_at,
            "expires_at": rfc3339(file.expires_at * 1000),
            "size": None if file.upload is None else file.upload.size,
            "detected_type": None if result is None else result.media_type,
            "sha256": None if result is None else result.sha256,
            "rows": None if result is None else result.rows,
            "job": f"{prefix(request)}/jobs/{file.job_id}" if file.job_id else None,
            "problem": problem,
            "results": [] if result is None else error_links(result.errors_key, self._clock),
            "upload": None,
        }

    def _state(self, file: File) -> tuple[str, Document | None]:
        if file.upload is None:
            return AWAITING_UPLOAD, None
        if file.result is not None:
            return DONE, None
        if not file.job_id:
            return PROCESSING, None
        try:
            status = Producer(tenant=file.principal, clock=self._clock).status(file.job_id)
        except UnknownJob:
            return FAILED, None
        if status.state == CANCELLED:
            return FAILED, {"title": "The job was cancelled", "detail": "Nobody works on the file any more"}
        return (FAILED, status.problem) if status.state in (JOB_FAILED, DEAD) else (PROCESSING, None)


def error_links(errors_key: str, clock: Clock) -> list[Document]:
    """The link to the rows of an import that failed; none where none did."""
    if not errors_key:
        return []
    link = objects.download_link(errors_key, "errors.csv", ERRORS_TYPE)
    return [result_link("errors.csv", ERRORS_TYPE, link, clock)]


def result_link(name: str, media_type: str, url: str, clock: Clock) -> Document:
    """A presigned link as clients see it."""
    expires_at = rfc3339((int(clock.now()) + objects.DOWNLOAD_S) * 1000)
    return {"name": name, "content_type": media_type, "url": url, "expires_at": expires_at}


def prefix(request: Request) -> str:
    """The path of the request's version."""
    assert request.version is not None  # the version step comes first
    return f"/{request.version.name}"


def location(request: Request, resource_id: str) -> str:
    """The address of what was made, in the version and the way of naming it that the client used."""
    address = f"{request.public_path.rstrip('/')}/{resource_id}"
    if request.version_by == "query" and request.version is not None:
        address += f"?{VERSION}={request.version.name.removeprefix('v')}"
    return address
