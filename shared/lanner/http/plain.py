"""Requests that no event brought: for a cache in front of any origin, a script, a test.

plain_request("GET", "https://api.example.com/items?page=2", {"Accept": "application/json"})
plain_request("POST", "/items", body=b"{}")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.message import Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lanner.http.message import Query, Response


class Plain:
    """The `Source` of such a request: it has the query and the body itself, and looks at no event."""

    __slots__ = ("_body", "_ip", "_query")

    name = "plain"

    def __init__(self, query: bytes = b"", body: bytes = b"", source_ip: str = "") -> None:
        self._query = query
        self._body = body
        self._ip = source_ip

    def has_query(self, _event: Any) -> bool:  # Any, here and below: there is no event
        return bool(self._query)

    def query(self, _event: Any) -> Query:
        from urllib.parse import parse_qsl

        return parse_qsl(self._query.decode("latin-1"), keep_blank_values=True)

    def query_string(self, _event: Any) -> bytes:
        return self._query

    def body(self, _event: Any) -> bytes:
        return self._body

    def source_ip(self, _event: Any) -> str:
        return self._ip

    def consumer(self, _event: Any) -> str:
        return ""

    def write(self, response: Response) -> Response:
        return response


def plain_request(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"", *, source_ip: str = ""
) -> Request:
    """A request for a path with its query, or for a whole URL, whose host is then the Host field where there is none.

    Field names may be written in any letter case; of two that differ in nothing else the values are joined (RFC 9110
    section 5.3). A fragment is not sent.
    """
    fields: dict[str, str] = {}
    for name, value in (headers or {}).items():
        lower = name.lower()
        fields[lower] = f"{fields[lower]}, {value}" if lower in fields else value
    path, _, query = target.partition("#")[0].partition("?")
    if "://" in path:
        from urllib.parse import urlsplit

        parts = urlsplit(path)
        fields.setdefault("host", parts.netloc.rpartition("@")[2])
        path = parts.path
    source = Plain(query.encode("utf-8", "surrogatepass"), body, source_ip)
    return Request(method, path or "/", fields, source=source)
