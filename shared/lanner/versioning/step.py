"""The version step of the edge: chooses, refuses what has ended, and writes on every answer which version it was.

Contract, for every request:

- `request.version` and `request.version_by` are set before anything further in runs, also where choosing failed (then
  the default answers, by "default"), so that errors and the request line can name a version.
- Every response has `x-api-version` and `Vary: Accept, X-API-Version`, and those of a version with an end the headers
  of `lifecycle`. `ApiError`s from further in are answered here for that reason; any other exception passes, after the
  lifecycle headers were left in `request.state["version_headers"]` for whoever makes a response of it.
- A retired version is answered 410 and one in a brownout 503, without the application, before a sibling is asked. A
  group with `lifecycle = False` outlives its versions: no refusals, no lifecycle headers.
- A version that the group does not serve goes to `group.forward`, whose answer is decorated by the sibling already;
  where there is none, 404 `version-not-here` lists what the group serves.

Cost: what says nothing about a version (no X-API-Version, no query, no "vnd." in Accept) costs one look at each; the
clock is read only for a version with dates.
"""

from __future__ import annotations

from lanner.http.message import Request, Response
from lanner.http.problems import ApiError, NotFound
from lanner.versioning.readers import choose

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from lanner.clock import Clock
    from lanner.http.message import Handler
    from lanner.versioning.lifecycle import Phase
    from lanner.versioning.registry import ApiVersion, VersionRegistry

    class Versioned(Protocol):
        """What this step needs of a route group; `versions` empty means all of the registry's."""

        @property
        def registry(self) -> VersionRegistry: ...
        @property
        def versions(self) -> tuple[str, ...]: ...
        @property
        def lifecycle(self) -> bool: ...
        @property
        def clock(self) -> Clock: ...
        @property
        def forward(self) -> Callable[[Request, str], Response | None] | None: ...


VARY = "Accept, X-API-Version"


def version(group: Versioned, handler: Handler) -> Handler:
    """The step for `group` around `handler`."""
    registry = group.registry
    default = registry.default
    by_name = {each.name: each for each in registry}
    served = frozenset(group.versions or registry.names)
    # Versions that need more than a name on the answer.
    special = {each for each in registry if each.name not in served or (group.lifecycle and each.has_lifecycle)}
    deal_with = _Special(group, handler, served)

    def handle(request: Request) -> Response:
        headers = request.headers
        accept = headers.get("accept")
        segment = request.path_version
        if "x-api-version" in headers or request.has_query or (accept is not None and "vnd." in accept.lower()):
            try:
                chosen, request.version_by = choose(request, registry, group.clock.now)
            except ApiError as error:
                return _refuse(error, request, default)
        elif segment is None:
            chosen, request.version_by = default, "default"
        elif segment in by_name:
            chosen, request.version_by = by_name[segment], "path"
        else:
            return _refuse_path(request, registry, group.clock)
        request.version = chosen
        if chosen in special:
            return deal_with(request, chosen)
        try:
            response = handler(request)
        except ApiError as error:
            response = error.response(request)
        answer = response.headers
        answer["x-api-version"] = chosen.name
        if "vary" in answer:
            response.vary("Accept", "X-API-Version")
        else:
            answer["vary"] = VARY
        return response

    return handle


def _refuse_path(request: Request, registry: VersionRegistry, clock: Clock) -> Response:
    try:
        choose(request, registry, clock.now)
    except ApiError as error:
        return _refuse(error, request, registry.default)
    raise AssertionError(f"{request.path_version!r} was no version a moment ago")


def _refuse(error: ApiError, request: Request, default: ApiVersion) -> Response:
    """The answer to a request that chose no version: in the name of the default."""
    request.version, request.version_by = default, "default"
    return _named(error.response(request), default)


def _named(response: Response, chosen: ApiVersion) -> Response:
    response.headers["x-api-version"] = chosen.name
    response.vary("Accept", "X-API-Version")
    return response


class _Special:
    """Requests for versions that have an end, or that live in another function."""

    __slots__ = ("_group", "_handler", "_phases", "_served")

    def __init__(self, group: Versioned, handler: Handler, served: frozenset[str]) -> None:
        self._group = group
        self._handler = handler
        self._served = served
        self._phases: dict[str, Phase] = {}

    def __call__(self, request: Request, chosen: ApiVersion) -> Response:
        group = self._group
        current: Phase | None = None
        now = 0.0
        if chosen.has_lifecycle and group.lifecycle:
            now = group.clock.now()
            current = self._phase(chosen, now)
        try:
            refusal = None if current is None else current.refusal(request.path, request.headers, now)
            if refusal is not None:
                response = refusal.response(request)
            elif chosen.name in self._served:
                response = self._handler(request)
            else:
                response = self._elsewhere(request, chosen)
        except ApiError as error:
            response = error.response(request)
        except Exception:
            # Passes on to the errors step, which cannot import this one: it finds the headers in the state.
            if current is not None:
                request.state["version_headers"] = _decorate(Response(), request, chosen, current).headers
            raise
        if "x-api-version" in response.headers:  # a sibling's answer, decorated there
            return response
        return _decorate(response, request, chosen, current)

    def _phase(self, chosen: ApiVersion, now: float) -> Phase:
        current = self._phases.get(chosen.name)
        if current is None or not current.since <= now < current.until:
            from lanner.versioning.lifecycle import phase

            current = self._phases[chosen.name] = phase(self._group.registry, chosen, now)
        return current

    def _elsewhere(self, request: Request, chosen: ApiVersion) -> Response:
        forward = self._group.forward
        response = forward(request, chosen.name) if forward is not None else None
        if response is not None:
            return response
        here = [name for name in self._group.registry.names if name in self._served]
        raise NotFound(
            f"{chosen.name} is not served at this address, which has {', '.join(here)}; "
            f"ask for /{chosen.name}{request.path}",
            slug="version-not-here",
            title="Version not here",
            supported=here,
        )


def _decorate(response: Response, request: Request, chosen: ApiVersion, current: Phase | None) -> Response:
    _named(response, chosen)
    if current is None:
        return response
    headers = response.headers
    headers.update(current.headers)
    present = headers.get("link")
    links = current.link(request.path)
    headers["link"] = f"{present}, {links}" if present else links
    if current.window is not None:
        response.vary("X-Brownout-Opt-Out")
    return response
