"""`file.process`: what a file is, and users where it is CSV.

First pass over the object: size, SHA-256, type (`content`). Where the client declared CSV, the second one imports
(`importing`). Both read by ranges of one version of the object: nothing that is uploaded meanwhile is mixed in.

Fails for good (`JobFailed`): the object is gone or too large, it was declared as CSV and is none, its first line does
not name the columns. The payload is `{"file": id, "key", "etag", "size", "version", "media_type"}`.
"""

from __future__ import annotations

from typing import Any

from domain.files import store
from domain.files.answers import error_links
from domain.files.columns import WrongHeader, read_header
from domain.files.content import CSV, JSON, OCTET_STREAM, PLAIN, Content
from domain.files.csv_records import MAX_RECORD
from domain.files.findings import Findings
from domain.files.importing import INSPECTED_PERCENT, UserImport
from domain.files.model import MAX_BYTES, Result
from domain.files.objects import Gone, Source
from lanner.clock import SystemClock
from lanner.jobs.context import JobContext
from lanner.jobs.declaration import job
from lanner.jobs.errors import JobFailed
from lanner.jobs.retry import Retry

KIND = "file.process"

TIMEOUT_S = 280.0
"""Of one attempt: a little less than the worker's timeout in template.yaml. The next attempt goes on from there."""

Payload = dict[str, Any]  # Any: JSON


@job(KIND, retry=Retry(2.0, maximum=60.0), timeout=TIMEOUT_S, max_attempts=15)
def process(payload: Payload, context: JobContext) -> dict[str, Any]:
    """Look at a file, import it where it is CSV, and store what was found in the transaction that ends the job."""
    source = Source(payload["key"], payload["etag"], payload["size"], payload["version"])
    try:
        return _process(payload, source, context)
    except Gone as error:
        raise _unusable("The uploaded file is not there any more") from error
    except WrongHeader as error:
        raise _unusable(str(error)) from error


def _process(payload: Payload, source: Source, context: JobContext) -> dict[str, Any]:
    file_id = payload["file"]
    state: dict[str, Any] = context.checkpoint or {}
    if not state:
        state = _inspected(source, payload["media_type"], context)
        context.commit([store.link(file_id, context.job_id)], checkpoint=state)
    rows, errors_key = None, ""
    if payload["media_type"] == CSV:
        importing = UserImport(context, source, file_id, state, SystemClock())
        findings: Findings = importing.run()
        rows, errors_key = importing.rows, findings.publish()
    result = Result(source.size, state["sha256"], state["type"], rows, errors_key)
    context.finish_with([store.outcome(file_id, context.job_id, result)])
    found = {"file": file_id, "size": source.size, "detected_type": state["type"], "sha256": state["sha256"]}
    return found if rows is None else {**found, "rows": rows, "results": error_links(errors_key, SystemClock())}


def _inspected(source: Source, declared: str, context: JobContext) -> dict[str, Any]:
    """The first pass: what is kept in every checkpoint. Raises `JobFailed`, `WrongHeader`, `Gone`."""
    if source.size > MAX_BYTES:
        raise _unusable(f"The file has {source.size} bytes; {MAX_BYTES} are allowed")
    content, head = Content(), b""
    for data in source.ranges():
        content.feed(data)
        head = head or data[: MAX_RECORD + 1]
        context.heartbeat()
        context.progress(content.size * INSPECTED_PERCENT / source.size, "reading")
    found = content.detected(declared)
    state: dict[str, Any] = {"sha256": content.sha256, "type": found}
    if declared == CSV:
        if found not in (CSV, JSON, PLAIN, OCTET_STREAM):
            raise _unusable(f"The file was declared as {CSV} and is {found}")
        header = read_header(head, whole=source.size == len(head))
        # A row that is not UTF-8 is that row's mistake, and makes the file no other type.
        state |= {"type": CSV, "columns": header.columns, "delimiter": header.delimiter, "offset": header.offset}
        state |= {"line": header.line, "read": 0, "created": 0, "failed": 0}
    return state


def _unusable(detail: str) -> JobFailed:
    return JobFailed({"title": "Unusable file", "detail": detail}, status=422, slug="file-unusable")
