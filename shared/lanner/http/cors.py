"""Cross-origin resource sharing (the Fetch standard, "HTTP extensions"): which pages may read our answers.

A policy is declared once and checked when it is made. A request's origin is allowed when it equals a declared origin,
or lies under a declared wildcard: `https://*.example.com` allows `https://a.example.com` and `https://a.b.example.com`,
neither `https://example.com` nor another scheme or port. `null`, the origin of sandboxed frames and local files, is
allowed by `*` alone: anyone can send it.

An open policy (`*`) marks every answer, asked by a page or not: a cache that kept one without the mark would hand it to
a page, whose browser then refuses it. Any other policy marks what it allows and varies by Origin (Fetch standard, "CORS
protocol and HTTP caches").

Not a defence of the server: a request that is not allowed is still answered, and the browser keeps the answer from
the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from lanner.http.headers import is_token

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    "Accept",
    "Authorization",
    "Cache-Control",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Prefer",
    "Range",
    "X-API-Version",
    "X-Brownout-Opt-Out",
    "X-Request-Id",
    "traceparent",
    "tracestate",
)
RESPONSE_HEADERS = (
    "Accept-Patch",
    "Accept-Ranges",
    "Age",
    "Allow",
    "Cache-Status",
    "Content-Location",
    "Content-Range",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "X-API-Version",
    "X-API-Warn",
    "X-Request-Id",
)
MAX_AGE = 7_200  # seconds; Chromium keeps a preflight no longer than that

_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
_PORT_DIGITS = frozenset("0123456789")


class CorsPolicy:
    """What browsers of other origins may do.

    `origins`: `https://app.example.com`, `https://*.example.com` or `*`; `methods` and `headers` are what a preflight
    grants, `expose` the response headers that a page may read, `max_age` the seconds that a preflight is remembered,
    `credentials` whether cookies and client certificates may be sent along.

    Raises `ValueError` for a policy that a browser would refuse or that would open more than it says: no origins, an
    origin that is none, `*` beside other origins, any `*` together with credentials.
    """

    __slots__ = ("_any", "_exact", "_preflight", "_simple", "_wildcards", "credentials", "max_age", "origins")

    def __init__(
        self,
        origins: Sequence[str],
        *,
        methods: Sequence[str] = METHODS,
        headers: Sequence[str] = REQUEST_HEADERS,
        expose: Sequence[str] = RESPONSE_HEADERS,
        max_age: int = MAX_AGE,
        credentials: bool = False,
    ) -> None:
        _check(origins, methods, headers, expose, max_age, credentials)
        self.origins = tuple(origins)
        self.credentials = credentials
        self.max_age = max_age
        self._any = "*" in origins
        lower = [origin.lower() for origin in origins if origin != "*"]
        self._exact = frozenset(origin for origin in lower if "*" not in origin)
        self._wildcards = tuple(_split_wildcard(origin) for origin in lower if "*" in origin)
        self._simple: dict[str, str] = {"access-control-allow-credentials": "true"} if credentials else {}
        self._preflight = {
            **self._simple,
            "access-control-allow-methods": ", ".join(methods),
            "access-control-allow-headers": ", ".join(headers),
            "access-control-max-age": str(max_age),
        }
        if expose:
            self._simple["access-control-expose-headers"] = ", ".join(expose)

    @property
    def varies(self) -> bool:
        """Whether answers depend on the Origin that was sent; not when every page may read them."""
        return not self._any

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin, as a browser writes it, may read answers."""
        if origin in self._exact:
            return True
        if self._any:
            return True
        return any(_under(origin, start, end) for start, end in self._wildcards)

    def response_headers(self, origin: str) -> dict[str, str]:
        """What an actual response to an allowed origin carries; a new dictionary."""
        return {"access-control-allow-origin": "*" if self._any else origin, **self._simple}

    def preflight_headers(self, origin: str) -> dict[str, str]:
        """What the answer to an allowed origin's preflight carries; a new dictionary."""
        return {"access-control-allow-origin": "*" if self._any else origin, **self._preflight}

    def __repr__(self) -> str:
        return f"CorsPolicy({list(self.origins)!r}, credentials={self.credentials})"


def _check(
    origins: Sequence[str],
    methods: Sequence[str],
    headers: Sequence[str],
    expose: Sequence[str],
    max_age: int,
    credentials: bool,
) -> None:
    for name, values in (("origins", origins), ("methods", methods), ("headers", headers), ("expose", expose)):
        if isinstance(values, str):
            raise ValueError(f"CORS {name} is a list of strings, not the one string {values!r}")
        if "*" in values and credentials:
            raise ValueError(f"CORS {name} cannot be '*' together with credentials: browsers refuse it; name each one")
    if not origins:
        raise ValueError("CORS origins is empty: name at least one, or declare no policy")
    if "*" in origins and len(origins) > 1:
        raise ValueError("CORS origins has '*' beside others: '*' alone already allows every origin")
    for origin in origins:
        if origin != "*":
            _check_origin(origin)
    for name in (*methods, *headers, *expose):
        if not is_token(name):
            raise ValueError(f"CORS takes methods and header names, not {name!r}")
    if max_age < 0:
        raise ValueError(f"CORS max_age is a number of seconds of 0 or more, not {max_age}")


def _check_origin(origin: str) -> None:
    scheme, separator, authority = origin.lower().partition("://")
    host, colon, port = authority.partition(":")
    wildcard = host.startswith("*.")
    bare = host[2:] if wildcard else host
    if not separator or not scheme.isalpha() or (colon and not (port and _PORT_DIGITS.issuperset(port))):
        raise ValueError(f"a CORS origin is scheme://host or scheme://host:port, without a path; not {origin!r}")
    if not bare or not _HOST_CHARACTERS.issuperset(bare):
        raise ValueError(
            f"a CORS origin is scheme://host or scheme://host:port, and '*' stands only for the first labels of a host "
            f"(https://*.example.com); not {origin!r}"
        )
    if wildcard and "." not in bare and bare != "localhost":
        raise ValueError(
            f"a CORS wildcard needs a domain of its own below it, like https://*.example.com; not {origin!r}"
        )


def _split_wildcard(origin: str) -> tuple[str, str]:
    start, _, end = origin.partition("*")
    return start, end


def _under(origin: str, start: str, end: str) -> bool:
    """Whether what stands for the `*` is host labels and nothing else: no port, path or user name hides in it."""
    if not (origin.startswith(start) and origin.endswith(end)) or len(origin) <= len(start) + len(end):
        return False
    labels = origin[len(start) : len(origin) - len(end)]
    return _HOST_CHARACTERS.issuperset(labels) and all(labels.split("."))
