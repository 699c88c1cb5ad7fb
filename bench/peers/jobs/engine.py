"""The engine, with a page that says what it was asked, how often, and what CPU it took: `GET /_lanner/asked`."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from lanner.local.engine import application, server
from lanner.local.engine.http import Answer

if TYPE_CHECKING:
    from lanner.local.engine.http import Request

PAGE = "/_lanner/asked"


class Counting(application.Application):
    """Counts each request by its operation."""

    asked: Counter[str] = Counter()

    def answer(self, request: Request) -> Answer | None:
        if request.target == PAGE:
            body = json.dumps({"asked": self.asked, "cpu_s": time.process_time()}).encode()
            return Answer("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))], body)
        operation = request.header("x-amz-target").rpartition(".")[2]
        self.asked[operation or parse_qs(request.body.decode()).get("Action", ["?"])[0]] += 1
        return super().answer(request)


if __name__ == "__main__":
    application.Application = Counting  # type: ignore[misc]
    sys.exit(server.main())
