"""What the lines of requests and jobs hold, from ones that are written."""

from __future__ import annotations

import subprocess
import sys

import orjson

from lanner.clock import ManualClock
from lanner.http.events import read
from lanner.observe.line import RequestLine
from lanner.versioning.registry import ApiVersion
from tests.builders import Context, rest_event

JOB_LINE = """
from lanner.jobs.execution import Outcome
from lanner.jobs.journal import write_line
write_line("", Outcome("dead", error=ValueError("no")), 0.1, 0.0)
"""
DEPRECATED = ApiVersion("v2", released_at="2020-01-01", deprecated_at="2020-02-01")


def request_line_members() -> set[str]:
    """The members of the line of a request that has them all: deprecated, refused, cached, failed."""
    lines: list[bytes] = []
    request = read(rest_event(), Context())
    request.version = DEPRECATED
    request.state["refused"] = "brownout"
    RequestLine("users", "Lanner", ManualClock().now, lines.append).write(request, 503, False, ValueError("no"), "hit")
    return set(orjson.loads(lines[0]))


def job_line_members() -> set[str]:
    """The members of the line of a job that failed: it goes to standard output, so a process of its own writes it."""
    done = subprocess.run([sys.executable, "-c", JOB_LINE], capture_output=True, check=True)
    return set(orjson.loads(done.stdout))
