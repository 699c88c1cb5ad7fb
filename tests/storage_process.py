"""A moto server as a process of its own, applying one request at a time: DynamoDB for the tests.

moto's transactions are not isolated between threads, so what judges atomicity must not run two requests at once.
Started by `tests/conftest.py` as a script; prints `ready <url>` and ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class KeepAlive(WSGIRequestHandler):
    """HTTP/1.1, so that connections are kept, and no line on stderr for every request."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's signature)
        """Say nothing."""


def main() -> None:
    """Serve until standard input ends."""
    dispatch = DomainDispatcherApplication(create_backend_app)
    one_at_a_time = threading.Lock()

    def application(environ: Any, start_response: Any) -> list[bytes]:
        with one_at_a_time:
            return list(dispatch(environ, start_response))

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAlive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
