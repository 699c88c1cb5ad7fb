"""A site behind a cache: an origin that answers as a test says and remembers what it was asked; a clock that stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lanner.cache.memory import MemoryBackend
from lanner.cache.response import ResponseCache
from lanner.clock import ManualClock
from lanner.http.dates import http_date
from lanner.http.message import Request, Response

NOW = 1_700_000_000.0
Answer = Response | Callable[[Request], Response]


class Source:
    """The little that a request made by hand has to know."""

    name = "test"

    def has_query(self, event: Any) -> bool:
        return bool(event)

    def query(self, event: Any) -> list[tuple[str, str]]:
        return []

    def query_string(self, event: Any) -> bytes:
        return bytes(event)

    def body(self, event: Any) -> bytes:
        return b""

    def source_ip(self, event: Any) -> str:
        return "203.0.113.9"

    def consumer(self, event: Any) -> str:
        return ""

    def write(self, response: Response) -> Any:
        return response


def request(method: str, url: str = "/a", host: str = "api.example.com", **headers: str) -> Request:
    """A request; header names as keyword arguments with underscores."""
    path, _, query = url.partition("?")
    fields = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(method, path, fields, source=Source(), event=query.encode("latin-1"))


class Site:
    """An origin with a cache in front. `reply` says what it answers from now on; `asked` is what it was asked."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock(NOW)
        self.backend = options.pop("backend", None) or MemoryBackend(clock=self.clock)
        self.cache = ResponseCache(self.backend, self.clock, **options)
        self.asked: list[Request] = []
        self.sent: list[dict[str, str]] = []
        self.answer: Answer = Response(200)
        self.takes = 0.0

    def origin(self, asked: Request) -> Response:
        self.asked.append(asked)
        self.sent.append(dict(asked.headers))
        self.clock.advance(self.takes)
        answer = self.answer
        return answer if isinstance(answer, Response) else answer(asked)

    # Any: tuples of cookies; said loosely so that headers can be spread into it.
    def reply(self, status: int = 200, body: bytes = b"body", /, *, cookies: Any = (), **headers: str) -> Site:
        """Answer with this; header names as keyword arguments with underscores."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = Response(status, fields, body, cookies)
        return self

    def replies(self, answer: Callable[[Request], Response]) -> Site:
        """Answer with what a function of the request gives, or raises."""
        self.answer = answer
        return self

    def send(self, asked: Request) -> Response:
        return self.cache.handle(asked, self.origin)

    def get(self, url: str = "/a", **headers: str) -> Response:
        return self.send(request("GET", url, **headers))

    def head(self, url: str = "/a", **headers: str) -> Response:
        return self.send(request("HEAD", url, **headers))

    def does(self, method: str, url: str = "/a", **headers: str) -> Response:
        return self.send(request(method, url, **headers))

    def wait(self, seconds: float) -> Site:
        self.clock.advance(seconds)
        return self

    def date(self, offset: float = 0) -> str:
        """An HTTP date, seconds from now."""
        return http_date(self.clock.now() + offset)

    def stored_keys(self) -> list[str]:
        """The keys of records, indexes and markers in the store."""
        return list(self.backend.keys("response:"))

    @property
    def calls(self) -> int:
        """How often the origin was asked."""
        return len(self.asked)

    def is_cached(self, url: str = "/a", **headers: str) -> bool:
        """Whether a GET now is answered without the origin."""
        before = self.calls
        self.get(url, **headers)
        return self.calls == before


def modified_by(etag: str, fresh: str = "max-age=60", **more: str) -> Callable[[Request], Response]:
    """An origin that judges If-None-Match: 304 when its own entity-tag is named, else 200."""

    def answer(asked: Request) -> Response:
        fields = {"etag": etag, "cache-control": fresh, **{name.replace("_", "-"): text for name, text in more.items()}}
        if etag in asked.headers.get("if-none-match", ""):
            return Response(304, fields)
        return Response(200, fields, f"body of {etag}".encode())

    return answer
