"""The two values that every step of the edge handles: a `Request` and a `Response`.

Both are plain slotted objects and not dataclasses: they are made for every request, and what a request does not
look at (query, body, cookies) is not parsed. Header names are lower case on both sides (RFC 9113 section 8.2.1);
several values of one name are joined with ", " (RFC 9110 section 5.3), except `set-cookie`, which has its own list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lanner.versioning.registry import ApiVersion

Query = list[tuple[str, str]]
Handler = Callable[["Request"], "Response"]


class Principal:
    """Who is calling. Everything that is per caller (limits, caches, idempotency, counts) is scoped on `id`.

    `consumer` names the calling application where one is known (an API key's id, a token's client); it goes into
    logs and counts, so it must never hold a secret or a person's name.
    """

    __slots__ = ("claims", "consumer", "id", "scopes")

    def __init__(
        self,
        id: str,  # noqa: A002 (the field's name)
        consumer: str,
        scopes: frozenset[str] = frozenset(),
        claims: Mapping[str, Any] | None = None,  # Any: what a verified token says
    ) -> None:
        self.id = id
        self.consumer = consumer
        self.scopes = scopes
        self.claims = claims or {}

    def __repr__(self) -> str:
        return f"Principal({self.id!r}, consumer={self.consumer!r})"


ANONYMOUS = Principal("anonymous", "anonymous")


class Source(Protocol):
    """Where a request came from: parses lazily what a request asks for, and writes the answer in its format."""

    name: str

    def has_query(self, event: Any) -> bool: ...  # Any: the event's own JSON

    def query(self, event: Any) -> Query: ...

    def query_string(self, event: Any) -> bytes: ...

    def body(self, event: Any) -> bytes: ...

    def source_ip(self, event: Any) -> str: ...

    def consumer(self, event: Any) -> str: ...

    def write(self, response: Response) -> Any: ...


class Request:
    """One HTTP request, whatever brought it.

    `public_path` is what the client asked for, without the stage of an execute-api URL (`/v2/users/1`); `path` is
    the same without the version (`/users/1`); both still percent-encoded. `path_version` is the version in the path,
    as written, or None. `route` and `path_params` (decoded) are set by the group's path table, `version` by the
    version step, `principal` by auth. `state` holds what one step leaves for another.
    """

    __slots__ = (
        "_body",
        "_cookies",
        "_has_query",
        "_query",
        "context",
        "event",
        "headers",
        "method",
        "path",
        "path_params",
        "path_version",
        "principal",
        "public_path",
        "request_id",
        "route",
        "source",
        "stage",
        "started",
        "state",
        "version",
        "version_by",
    )

    def __init__(
        self,
        method: str,
        public_path: str,
        headers: dict[str, str],
        *,
        source: Source | None = None,
        event: Any = None,  # Any: the event's own JSON
        context: Any = None,  # Any: Lambda's context object, or None outside Lambda
        request_id: str = "",
        stage: str = "",
        path: str | None = None,
        path_version: str | None = None,
        started: float = 0.0,
    ) -> None:
        self.method = method
        self.public_path = public_path
        self.path = public_path if path is None else path
        self.path_version = path_version
        self.headers = headers
        self.source = source or _plain()
        self.event = event
        self.context = context
        self.request_id = request_id
        self.stage = stage
        self.started = started  # perf_counter seconds at the moment it was read
        self.principal: Principal = ANONYMOUS
        self.version: ApiVersion | None = None
        self.version_by: str = ""  # path, media_type, header, query, or default
        self.route: str = ""  # the template, `/users/{id}`; "" until matched
        self.path_params: dict[str, str] = {}
        self.state: dict[str, Any] = {}
        self._has_query: bool | None = None
        self._query: Query | None = None
        self._body: bytes | None = None
        self._cookies: list[str] | None = None

    @property
    def has_query(self) -> bool:
        """Whether there are any parameters, without parsing them."""
        found = self._has_query
        if found is None:
            found = self._has_query = self.source.has_query(self.event)
        return found

    @property
    def query(self) -> Query:
        """The decoded parameters, in order, repeats included."""
        if self._query is None:
            self._query = self.source.query(self.event)
        return self._query

    def query_values(self, name: str) -> list[str]:
        """Every value of one parameter, in order."""
        return [value for key, value in self.query if key == name]

    @property
    def query_string(self) -> bytes:
        """The query as it stands in a URL, without the question mark."""
        return self.source.query_string(self.event)

    @property
    def body(self) -> bytes:
        """The body's bytes. Raises `BadRequest` when an event says base64 and holds something else."""
        if self._body is None:
            self._body = self.source.body(self.event)
        return self._body

    @property
    def cookies(self) -> list[str]:
        """The `name=value` pairs of the Cookie header."""
        if self._cookies is None:
            value = self.headers.get("cookie", "")
            self._cookies = [part.strip() for part in value.split(";") if part.strip()]
        return self._cookies

    @property
    def source_ip(self) -> str:
        """The peer's address as the gateway saw it; never the client-written part of X-Forwarded-For."""
        return self.source.source_ip(self.event)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.public_path}, from {self.source.name}, id {self.request_id})"


def _plain() -> Source:
    """The source of a request that no event brought: without query and body (`lanner.http.plain` has others)."""
    from lanner.http.plain import Plain

    return Plain()


class Response:
    """One HTTP response. `headers` has lower-case names; the body is bytes, already encoded."""

    __slots__ = ("body", "cookies", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        cookies: Sequence[str] = (),
    ) -> None:
        self.status = status
        self.headers = {} if headers is None else headers
        self.body = body
        self.cookies = list(cookies) if cookies else []

    def vary(self, *names: str) -> None:
        """Add field names to Vary, once each, whatever their case; `*` absorbs them all (RFC 9110 section 12.5.5)."""
        present = self.headers.get("vary")
        if not present:
            self.headers["vary"] = ", ".join(names)
            return
        seen = {name.strip().lower() for name in present.split(",")}
        if "*" in seen:
            return
        missing = [name for name in names if name.lower() not in seen]
        if missing:
            self.headers["vary"] = f"{present}, {', '.join(missing)}"

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"
