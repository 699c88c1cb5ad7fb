"""The header section of a request, read strictly.

httptools (llhttp) is strict on its own about bare LF, folded lines, two Content-Lengths, Content-Length beside
Transfer-Encoding and invalid characters. What it leaves to the server is judged here: Host, version, the form of
the target, and API Gateway's limit on the request line and header values.

A refused head raises `HeadError` with the status to answer; the connection cannot be used any further then, because
nobody knows where the next request would begin.
"""

from __future__ import annotations

import re

import httptools

from lanner.local.gateway.message import HttpHead

# API Gateway quota: "Total combined size of request line and header values", for REST and HTTP APIs alike.
MAX_HEADER_BYTES = 10_240
# Names, separators and line ends are not part of that quota; beyond this no head is read any further.
MAX_HEAD_BYTES = 32_768

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)


class HeadError(ValueError):
    """A request that cannot be understood; `status` is what its sender is told."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _Fields:
    """Receives httptools' callbacks."""

    __slots__ = ("headers", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[str, str]] = []

    def on_url(self, target: bytes) -> None:
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        # llhttp leaves white space at the end of a value, which is no part of it (RFC 9112, section 5).
        self.headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))


def parse_head(data: bytes) -> HttpHead:
    """Read one head, which ends with CRLF CRLF. Raises `HeadError` (RFC 9112, sections 2 to 6)."""
    fields = _Fields()
    parser = httptools.HttpRequestParser(fields)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # an offer to upgrade may be ignored (RFC 9110, section 7.8)
    except httptools.HttpParserError as error:
        raise HeadError(400, f"not a valid HTTP/1.1 request: {error}") from error
    version = parser.get_http_version()
    if version not in ("1.1", "1.0"):
        raise HeadError(505, f"HTTP/1.1 is spoken here, not HTTP/{version}")
    _refuse_large(data, fields.headers)
    return _head(parser.get_method().decode("ascii"), fields, version)


def _head(method: str, fields: _Fields, version: str) -> HttpHead:
    last = {name.lower(): value for name, value in fields.headers}
    target, authority = _origin_form(fields.target, method)
    path, _, query = target.partition("?")
    host = _host(fields.headers, version)
    length, chunked = _framing(last, version)
    return HttpHead(
        method=method,
        path=path,
        query=query,
        version=f"HTTP/{version}",
        headers=tuple(fields.headers),
        fields=last,
        host=authority or host,
        content_length=length,
        chunked=chunked,
        keep_alive=_keeps_alive(last, version),
        expects_continue=_expectation(last, version),
    )


def _refuse_large(data: bytes, headers: list[tuple[str, str]]) -> None:
    size = data.index(b"\r\n") + sum(len(value) for _, value in headers)
    if size > MAX_HEADER_BYTES:
        raise HeadError(431, f"request line and header values are {size} bytes; API Gateway takes {MAX_HEADER_BYTES}")


def _origin_form(raw: bytes, method: str) -> tuple[str, str]:
    """The target as origin-form, and the authority of an absolute-form target (RFC 9112, section 3.2)."""
    authority = ""
    absolute = _ABSOLUTE.match(raw)
    if absolute:
        authority = absolute[1].decode("latin-1")
        if not _HOST.match(authority):
            raise HeadError(400, f"the request target names no valid host: {authority!r}")
        raw = raw[absolute.end() :]
        raw = raw if raw.startswith(b"/") else b"/" + raw
    if not raw.startswith(b"/"):
        raise HeadError(400, f"the request target must be a path that starts with /, not {raw[:80]!r} ({method})")
    return raw.partition(b"#")[0].decode("latin-1"), authority


def _host(headers: list[tuple[str, str]], version: str) -> str:
    hosts = [value for name, value in headers if name.lower() == "host"]
    if not hosts and version == "1.0":
        return ""
    if len(hosts) != 1 or not _HOST.match(hosts[0]):
        raise HeadError(400, f"exactly one valid Host header is needed, not {hosts!r}")
    return hosts[0]


def _framing(fields: dict[str, str], version: str) -> tuple[int | None, bool]:
    """Content-Length and whether the body is chunked (RFC 9112, section 6)."""
    coding = fields.get("transfer-encoding")
    if coding is not None:
        if version == "1.0" or coding.strip().lower() != "chunked" or "content-length" in fields:
            raise HeadError(400, f"Transfer-Encoding may only be `chunked`, without Content-Length; not {coding!r}")
        return None, True
    length = fields.get("content-length")
    return (int(length) if length is not None else None), False


def _keeps_alive(fields: dict[str, str], version: str) -> bool:
    """RFC 9112, section 9.3."""
    options = {option.strip().lower() for option in fields.get("connection", "").split(",")}
    return "close" not in options and (version == "1.1" or "keep-alive" in options)


def _expectation(fields: dict[str, str], version: str) -> bool:
    expect = fields.get("expect")
    if expect is None or version == "1.0":
        return False
    if expect.lower() != "100-continue":
        raise HeadError(417, f"the only expectation that can be met is 100-continue, not {expect!r}")
    return True
