"""How a version says that it is ending: headers first, then brownouts, then 410. Pure functions of an instant.

A version's life is a row of phases between published moments. Everything that a phase says to everybody is made once,
when the first request meets it; per request there is the link to the same resource in the successor, and nothing else.

    announced    Deprecation (a future date), Sunset, Link, X-API-Warn "will be deprecated on"
    deprecated   the same with a past date; X-API-Warn names the next brownout
    brownout     503, Retry-After to the window's end, slug `version-brownout`; X-Brownout-Opt-Out lets through
    retired      410, slug `version-retired`, with the migration guide and the same resource in the successor

Sources: `Deprecation: @epoch` RFC 9745 section 2 (the date may lie in the future) and rel="deprecation" section 3;
`Sunset` RFC 8594 sections 3 and 6; rel="successor-version", "latest-version", "version-history" RFC 5829 section 3.

Every path in a link begins with a version: on a custom domain, on a stage's own address and on a function URL alike,
that is where the API is.
"""

from __future__ import annotations

import orjson

from lanner.http.dates import http_date
from lanner.http.message import Response
from lanner.http.problems import PROBLEM_JSON, ApiError, Gone, Unavailable
from lanner.versioning.instants import readable, rfc3339

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lanner.http.message import Request
    from lanner.versioning.registry import ApiVersion, Brownout, Status, VersionRegistry

OPT_OUT = "X-Brownout-Opt-Out"
_NO = ("", "0", "false", "no", "off")
_LONGEST_LINKED_PATH = 1024  # characters; API Gateway allows all response headers 10,240 bytes together
_DELIMITERS = frozenset(' "<>\\^`{|}')  # RFC 3986 appendix A has them nowhere in a URI


class Phase:
    """What is true of a version with an end, from `since` until `until` (epoch seconds, the end not included)."""

    __slots__ = (
        "_gone",
        "_latest",
        "_links",
        "_successor",
        "extensions",
        "headers",
        "since",
        "status",
        "until",
        "version",
        "window",
    )

    def __init__(self, registry: VersionRegistry, version: ApiVersion, now: float) -> None:
        self.version = version
        self.since, self.until = _bounds(registry, version, now)
        self.status: Status = registry.status(version, now)
        self.window: Brownout | None = version.brownout(now) if self.status == "brownout" else None
        successor = _successor(registry, version, now)
        latest = registry.latest if registry.latest is not version else None
        self._successor = f"/{successor.name}" if successor else ""
        self._latest = f"/{latest.name}" if latest else ""
        self._links = _static_links(registry, version)
        self.headers = _static_headers(version, self.status, successor, now)
        self.extensions = _extensions(registry, version, self.window, now)
        self._gone = self._retired("").document("") if self.status == "retired" else None

    def link(self, path: str) -> str:
        """The value of Link for a request to `path` (without version, percent-encoded)."""
        if not self._successor or len(path) > _LONGEST_LINKED_PATH:
            return self._links
        path = reference(path)
        links = f'<{self._successor}{path}>; rel="successor-version", <{self._latest}{path}>; rel="latest-version"'
        return f"{links}, {self._links}"

    def answer(self, request: Request, now: float) -> Response | None:
        """What `refusal` says as a response. A retired version's is made from what is prepared: callers of old
        versions are many and late, and each costs no more than a 304."""
        if self._gone is not None:
            members = dict(self._gone)
            members["instance"] = request.request_id
            if self._successor:
                members["successor"] = self._successor + reference(request.path)
            try:
                body = orjson.dumps(members)
            except TypeError:  # an id that no UTF-8 can hold: the long way knows what to do
                return self._retired(request.path).response(request)
            return Response(410, {"content-type": PROBLEM_JSON, "cache-control": "no-store"}, body)
        refusal = self.refusal(request.path, request.headers, now)
        return None if refusal is None else refusal.response(request)

    def refusal(self, path: str, headers: Mapping[str, str], now: float) -> ApiError | None:
        """The error that a request to `path` is refused with in this phase, or None when it is served."""
        if self.status == "retired":
            return self._retired(path)
        if self.window is None or (headers.get("x-brownout-opt-out") or "").strip().lower() not in _NO:
            return None
        return Unavailable(
            self._sentence(),
            retry_after=max(1, int(-(-(self.window.end - now) // 1))),
            slug="version-brownout",
            title="Scheduled brownout",
            **self._members(path),
        )

    def _retired(self, path: str) -> Gone:
        return Gone(self._sentence(), slug="version-retired", title="Version retired", **self._members(path))

    def _sentence(self) -> str:
        return self.headers["x-api-warn"]

    def _members(self, path: str) -> dict[str, Any]:  # Any: JSON
        if not self._successor:
            return self.extensions
        return {**self.extensions, "successor": self._successor + reference(path)}


def phase(registry: VersionRegistry, version: ApiVersion, now: float) -> Phase:
    """The phase of `version` at `now` (epoch seconds); good for every instant from its `since` until its `until`."""
    return Phase(registry, version, now)


def _bounds(registry: VersionRegistry, version: ApiVersion, now: float) -> tuple[float, float]:
    """The published moments around `now`. Sunsets of other versions count: they change who is named as successor."""
    moments = [version.released_at, version.deprecated_at, *(each.sunset_at for each in registry)]
    for window in version.brownouts:
        moments += (window.start, window.end)
    known = [moment for moment in moments if moment is not None]
    before = [moment for moment in known if moment <= now]
    after = [moment for moment in known if moment > now]
    return max(before, default=float("-inf")), min(after, default=float("inf"))


def _successor(registry: VersionRegistry, version: ApiVersion, now: float) -> ApiVersion | None:
    """The next version that is not itself retired."""
    found = registry.successor(version)
    while found is not None and found.is_retired(now):
        found = registry.successor(found)
    return found


def _static_links(registry: VersionRegistry, version: ApiVersion) -> str:
    links = []
    if version.migration:
        links.append(f'<{version.migration}>; rel="deprecation"; type="text/html"')
        if version.sunset_at is not None:
            links.append(f'<{version.migration}>; rel="sunset"; type="text/html"')
    links.append(f'<{registry.history}>; rel="version-history"')
    return ", ".join(links)


def _static_headers(version: ApiVersion, status: Status, successor: ApiVersion | None, now: float) -> dict[str, str]:
    headers = {}
    if version.deprecated_at is not None:
        headers["deprecation"] = f"@{int(version.deprecated_at)}"
    if version.sunset_at is not None:
        headers["sunset"] = http_date(version.sunset_at)
    headers["x-api-warn"] = _warning(version, status, successor, now)
    return headers


def _warning(version: ApiVersion, status: Status, successor: ApiVersion | None, now: float) -> str:
    """The sentence for people: what happens when, and where to go."""
    name, window = version.name, version.brownout(now)
    deprecated = readable(version.deprecated_at) if version.deprecated_at is not None else ""
    sunset = readable(version.sunset_at) if version.sunset_at is not None else ""
    if status == "retired":
        text = f"Version {name} was retired on {sunset}."
    elif window is not None:
        text = (
            f"Version {name} is in a scheduled brownout until {readable(window.end)}, so that its callers notice "
            f"before it is retired on {sunset}."
        )
    elif status == "deprecated":
        retired = f" and will be retired on {sunset}" if sunset else ""
        text = f"Version {name} is deprecated since {deprecated}{retired}."
        following = next((each for each in version.brownouts if each.start > now), None)
        if following is not None:
            text += f" Next brownout: {readable(following.start)} to {readable(following.end)}."
    else:
        retired = f" and retired on {sunset}" if sunset else ""
        text = f"Version {name} will be deprecated on {deprecated}{retired}."
    if successor is not None:
        text += f" Use {successor.name} instead"
        text += f": see {version.migration}." if version.migration else "."
    if window is not None and status == "brownout":
        text += f" To go on while you test, send {OPT_OUT}: 1."
    return text


def _extensions(registry: VersionRegistry, version: ApiVersion, window: Brownout | None, now: float) -> dict[str, Any]:
    """The members of a refusal's problem document that are the same for every request. Any: JSON."""
    members: dict[str, Any] = {"version": version.name}
    members["supported"] = [each.name for each in registry.supported(now)]
    if version.sunset_at is not None:
        members["sunset_at"] = rfc3339(version.sunset_at)
    if version.migration:
        members["migration"] = version.migration
    if window is not None:
        members["window"] = window.document()
        members["next_windows"] = [each.document() for each in version.brownouts if each.start > now]
        members["opt_out"] = f"{OPT_OUT}: 1"
    return members


def reference(path: str) -> str:
    """The path with whatever cannot stand in a URI reference percent-encoded (RFC 3986 section 2.1)."""
    if path.isascii() and path.isprintable() and _DELIMITERS.isdisjoint(path):
        return path
    return "".join(
        f"%{byte:02X}" if byte <= 0x20 or byte >= 0x7F or chr(byte) in _DELIMITERS else chr(byte)
        for byte in path.encode("utf-8", "replace")
    )
