"""Requests that fill a fresh local cloud with data, sent through its gateway before it says that it is ready.

The file is a JSON list of {"method", "path", "headers", "body"}; `method` defaults to POST with a body and to GET
without, `body` is text or any JSON value (which sets the content type). Requests whose paths start with the same
segment (a version such as `v2` and the segment after it) go one after the other, in the file's order; the others go at
the same time. One with "example": true is not sent but printed, as a curl line to paste. What fails is reported, and
the rest goes on.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_VERSION = re.compile(r"v[0-9]+")
_FIELDS = ("method", "path", "headers", "body", "example")
_TIMEOUT = 40.0  # seconds; the gateway itself answers within 30


class SeedError(ValueError):
    """The seed file cannot be used; the message names the entry and what would be right."""


@dataclass(frozen=True)
class SeedRequest:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    example: bool = False  # for the developer to send: it is printed as a line to paste

    @property
    def group(self) -> str:
        """What comes after a request of the same group waits for it: `users`, `v2/users`."""
        segments = self.path.split("?", 1)[0].strip("/").split("/")
        return "/".join(segments[: 2 if _VERSION.fullmatch(segments[0]) else 1])


@dataclass(frozen=True)
class SeedFailure:
    """A request that was not answered with 2xx or 3xx; `detail` is the beginning of the answer, or the error."""

    request: SeedRequest
    status: int
    detail: str


def read_seed(file: Path) -> list[SeedRequest]:
    """The requests of a file. Raises `SeedError`."""
    try:
        entries = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise SeedError(f"{file} is not JSON: {error}") from None
    if not isinstance(entries, list):
        raise SeedError(f'{file}: a list of {{"method", "path", "headers", "body"}} is expected')
    return [_entry(entry, f"{file}, entry {number}") for number, entry in enumerate(entries, 1)]


def _entry(entry: Any, where: str) -> SeedRequest:  # Any: free-form JSON until it is checked
    if not isinstance(entry, dict):
        raise SeedError(f"{where}: an object is expected, not {type(entry).__name__}")
    unknown = sorted(set(entry) - set(_FIELDS))
    if unknown:
        raise SeedError(f"{where}: unknown field {unknown[0]!r}; known are {', '.join(_FIELDS)}")
    if not isinstance(entry.get("example", False), bool):
        raise SeedError(f"{where}: `example` must be true or false, not {entry['example']!r}")
    path, headers, body = entry.get("path"), entry.get("headers") or {}, entry.get("body")
    if not isinstance(path, str) or not path.startswith("/"):
        raise SeedError(f"{where}: `path` must be a string that begins with /, not {path!r}")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise SeedError(f"{where}: `headers` must be an object of strings")
    headers = dict(headers)
    if body is None:
        content = b""
    elif isinstance(body, str):
        content = body.encode()
    else:
        content = json.dumps(body).encode()
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    method = str(entry.get("method") or ("POST" if content else "GET")).upper()
    return SeedRequest(method, path, headers, content, entry.get("example", False))


async def send_seed(requests: list[SeedRequest], host: str, port: int) -> list[SeedFailure]:
    """Send everything but examples; returns what failed, in the file's order within each group."""
    groups: dict[str, list[SeedRequest]] = defaultdict(list)
    for request in requests:
        if not request.example:
            groups[request.group].append(request)
    sent = (asyncio.to_thread(_send_group, group, host, port) for group in groups.values())
    return [failure for failures in await asyncio.gather(*sent) for failure in failures]


def _send_group(requests: list[SeedRequest], host: str, port: int) -> list[SeedFailure]:
    failures = []
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    for request in requests:
        try:
            connection.request(request.method, request.path, request.body or None, dict(request.headers))
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            failures.append(SeedFailure(request, 0, str(error) or type(error).__name__))
            continue
        if response.status >= 400:
            failures.append(SeedFailure(request, response.status, text[:300].decode("utf-8", "replace")))
    connection.close()
    return failures
