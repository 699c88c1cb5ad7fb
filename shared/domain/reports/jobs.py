"""`report.build`: walk the users page by page, add up, write CSV and a page, end with links to both.

The checkpoint says which partition of the index comes next, behind which id, and what the sums are so far. It is
committed every `COMMIT_PAGES` pages, so an attempt that dies costs as many. Objects are named by the job: made twice,
they are the same objects. Users that are made while a report is built may be in it or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.files import objects
from domain.files.answers import result_link
from domain.files.findings import cell
from domain.reports.figures import COLUMNS, Row, bounds, new_tally, rows
from domain.reports.page import MEDIA_TYPE as PAGE_TYPE
from domain.reports.page import render
from domain.reports.requests import ReportRequest, stored_request
from domain.times import rfc3339
from domain.users.statistics import Tally, pages
from domain.users.store import SHARDS
from lanner.clock import Clock, SystemClock
from lanner.jobs.context import JobContext
from lanner.jobs.declaration import job
from lanner.jobs.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

KIND = "report.build"
TIMEOUT_S = 280.0
"""Of one attempt: a little less than the worker's timeout in template.yaml. The next attempt goes on from there."""

COMMIT_PAGES = 20
CSV_TYPE = "text/csv; charset=utf-8"

FILES = (("report.html", PAGE_TYPE), ("report.csv", CSV_TYPE))

Payload = dict[str, Any]  # Any: JSON


@job(KIND, retry=Retry(2.0, maximum=60.0), timeout=TIMEOUT_S, max_attempts=10)
def build(payload: Payload, context: JobContext) -> dict[str, Any]:
    """Make a report. The result says what it is about and has links that live for a while."""
    clock = SystemClock()
    request = stored_request(payload)
    found = rows(request, _summed(request, context))
    generated_at = rfc3339(int(clock.now() * 1000))
    bodies = (render(request, found, generated_at), csv(request, found))
    for (name, media_type), body in zip(FILES, bodies, strict=True):
        context.heartbeat()
        objects.put(key_of(context.job_id, name), body, media_type)
    about = {**request.document(), "rows": len(found), "generated_at": generated_at}
    return {**about, "report": context.job_id, "results": links(context.job_id, clock)}


def key_of(report_id: str, name: str) -> str:
    """Where a file of a report is."""
    return f"reports/{report_id}/{name}"


def links(report_id: str, clock: Clock) -> list[dict[str, Any]]:
    """Presigned links to the files of a report; a page is shown, CSV is saved."""
    found = []
    for name, media_type in FILES:
        url = objects.download_link(key_of(report_id, name), name, media_type, inline=media_type == PAGE_TYPE)
        found.append(result_link(name, media_type, url, clock))
    return found


def csv(request: ReportRequest, found: Sequence[Row]) -> bytes:
    """The rows as CSV with a line of names."""
    names = COLUMNS[request.kind]
    lines = [",".join(names), *(",".join(cell(str(row[name])) for name in names) for row in found)]
    return ("\r\n".join(lines) + "\r\n").encode()


def _summed(request: ReportRequest, context: JobContext) -> Tally:
    """The sums over all users that count, from where the last checkpoint is."""
    state: dict[str, Any] = context.checkpoint or {"shard": 0, "after": None, "tally": None}
    tally = new_tally(request, state["tally"])
    first, last = bounds(request)
    after, read = state["after"], 0
    for shard in range(state["shard"], SHARDS):
        for items, behind in pages(shard, after, first, last):
            tally.add(items)
            read += 1
            if read % COMMIT_PAGES == 0 and behind is not None:
                context.commit(checkpoint={"shard": shard, "after": behind, "tally": tally.document()})
            share = 1.0 if behind is None else 0.5  # nobody knows how many follow
            context.progress(99 * (shard + share) / SHARDS, f"{tally.earlier + tally.total} users counted")
        after = None
    return tally
