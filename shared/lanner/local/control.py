"""What `lanner logs` asks of a running `lanner dev`, on the port of the Invoke endpoint.

`GET /_lanner/logs?function=&follow=&limit=` answers lines of JSON, oldest first: {"time", "function",
"environment", "text", "platform"}. With `follow` the answer goes on until either side leaves; a reader that does not
keep up (`MAX_UNREAD` bytes) is dropped, so that it cannot fill our memory.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from lanner.local.runtime.logbook import LogBook, LogLine
from lanner.local.runtime.wire import WireConnection, WireRequest

MAX_UNREAD = 8 * 1024 * 1024
LOGS = "/_lanner/logs"


class ControlEndpoint:
    """Called with every request to the Invoke endpoint; answers those that are ours."""

    def __init__(self, logs: LogBook) -> None:
        self._logs = logs

    def __call__(self, request: WireRequest, connection: WireConnection) -> bool:
        target = urlsplit(request.target)
        if request.method != "GET" or target.path != LOGS:
            return False
        query = parse_qs(target.query)
        function = query.get("function", [None])[0]
        limit = query.get("limit", ["1000"])[0]
        lines = self._logs.lines(function, int(limit) if limit.isdigit() else 1000)
        body = b"".join(_encode(line) for line in lines)
        if "follow" not in query:
            connection.reply(200, body, content_type="application/x-ndjson")
            return True
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
        connection.stream(head + body)
        self._follow(function, connection)
        return True

    def _follow(self, function: str | None, connection: WireConnection) -> None:
        def send(line: LogLine) -> None:
            if function is not None and line.function != function:
                return
            if connection.unsent > MAX_UNREAD:
                connection.close()
            else:
                connection.stream(_encode(line))

        connection.on_lost = self._logs.listen(send)


def _encode(line: LogLine) -> bytes:
    return json.dumps(line._asdict()).encode() + b"\n"
