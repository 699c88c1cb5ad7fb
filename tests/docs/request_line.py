"""What a request line holds, from one that is written."""

from __future__ import annotations

import orjson

from lanner.clock import ManualClock
from lanner.http.events import read
from lanner.observe.line import RequestLine
from lanner.versioning.registry import ApiVersion
from tests.builders import Context, rest_event

DEPRECATED = ApiVersion("v2", released_at="2020-01-01", deprecated_at="2020-02-01")


def request_line_members() -> set[str]:
    """The members of the line of a request that has them all: deprecated, refused, cached, failed."""
    lines: list[bytes] = []
    request = read(rest_event(), Context())
    request.version = DEPRECATED
    request.state["refused"] = "brownout"
    RequestLine("users", "Lanner", ManualClock().now, lines.append).write(request, 503, False, ValueError("no"), "hit")
    return set(orjson.loads(lines[0]))
