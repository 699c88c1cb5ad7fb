"""The version step of the edge: chooses, refuses what has ended, and writes on every answer which version it was.

Contract, for every request:

- `request.version` and `request.version_by` are set before anything further in runs, also where choosing failed (then
  the default answers, by "default"), so that errors and the request line can name a version.
- Every response has `x-api-version` and `Vary: Accept, X-API-Version`, and those of a version with an end the headers
  of `lifecycle`. `ApiError`s from further in are answered here for that reason; any other exception passes, after the
  lifecycle headers were left in `request.state["version_headers"]` for whoever makes a response of it.
- A retired version is answered 410 and one in a brownout 503, without the application, before a sibling is asked;
  `request.state["refused"]` then says "retired" or "brownout": a 503 on schedule is no fault that should raise an
  alarm or roll a deployment back.
- A group with `lifecycle = False` outlives its versions: no refusals, no lifecycle headers.
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
    special = _Special(group, handler)
    plain = special.plain()

    def handle(request: Request) -> Response:
        headers = request.headers
        accept = headers.get("accept")
        segment = request.path_version
        chosen = by_name.get(request.stage, default) if segment is None else by_name.get(segment)
        if (
            chosen is None
            or "x-api-version" in headers
            or request.has_query
            or (accept is not None and "vnd." in accept.lower())
        ):
            try:
                chosen, request.version_by = choose(
                    request, registry, group.clock.now, by_name.get(request.stage, default)
                )
            except ApiError as error:
                return special.unchosen(error, request)
        else:
            request.version_by = "default" if segment is None else "path"
        request.version = chosen
        if chosen not in plain:
            return special.answer(request, chosen)
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


class _Special:
    """Requests for versions that have an end, or that live in another function."""

    __slots__ = ("_group", "_handler", "_phases", "_served")

    def __init__(self, group: Versioned, handler: Handler) -> None:
        self._group = group
        self._handler = handler
        self._served = frozenset(group.versions or group.registry.names)
        self._phases: dict[str, Phase] = {}

    def plain(self) -> frozenset[ApiVersion]:
        """The versions whose answers need their name and Vary only."""
        ends = self._group.lifecycle
        return frozenset(
            each for each in self._group.registry if each.name in self._served and not (ends and each.has_lifecycle)
        )

    def answer(self, request: Request, chosen: ApiVersion) -> Response:
        """Refuses, serves or forwards; everything but a sibling's answer is decorated here."""
        now, current = self._phase(chosen)
        try:
            refused = current.answer(request, now) if current is not None else None
            if refused is not None and current is not None:
                request.state["refused"] = current.status
                response = refused
            elif chosen.name in self._served:
                response = self._handler(request)
            else:
                return self._elsewhere(request, chosen)
        except ApiError as error:
            response = error.response(request)
        except Exception:
            # Passes on to the errors step, which makes the response and finds these headers in the state.
            request.state["version_headers"] = _decorated(Response(), request, chosen, current).headers
            raise
        return _decorated(response, request, chosen, current)

    def unchosen(self, error: ApiError, request: Request) -> Response:
        """The answer to a request that chose no version: in the name of the default."""
        default = self._group.registry.default
        request.version, request.version_by = default, "default"
        return _decorated(error.response(request), request, default, self._phase(default)[1])

    def _phase(self, chosen: ApiVersion) -> tuple[float, Phase | None]:
        """Now, and the phase of `chosen`, made by the first request that meets it; None where it has no end here."""
        if not (chosen.has_lifecycle and self._group.lifecycle):
            return 0.0, None
        now = self._group.clock.now()
        current = self._phases.get(chosen.name)
        if current is None or not current.since <= now < current.until:
            from lanner.versioning.lifecycle import phase

            current = self._phases[chosen.name] = phase(self._group.registry, chosen, now)
        return now, current

    def _elsewhere(self, request: Request, chosen: ApiVersion) -> Response:
        """The sibling's answer as it is: its own version step has decorated it. Raises `NotFound` without one."""
        forward = self._group.forward
        response = forward(request, chosen.name) if forward is not None else None
        if response is not None:
            return response
        from lanner.versioning.lifecycle import reference

        here = [name for name in self._group.registry.names if name in self._served]
        raise NotFound(
            f"{chosen.name} is not served at this address, which has {', '.join(here)}; "
            f"ask for /{chosen.name}{reference(request.path)}",
            slug="version-not-here",
            title="Version not here",
            supported=here,
        )


def _decorated(response: Response, request: Request, chosen: ApiVersion, current: Phase | None) -> Response:
    """The response with the version's name, Vary, and what the version's phase says to everybody."""
    headers = response.headers
    headers["x-api-version"] = chosen.name
    if "vary" in headers:
        response.vary("Accept", "X-API-Version")
    else:
        headers["vary"] = VARY
    if current is None:
        return response
    headers.update(current.headers)
    links = current.link(request.path)
    present = headers.get("link")
    headers["link"] = f"{present}, {links}" if present else links
    if current.window is not None:
        response.vary("X-Brownout-Opt-Out")
    return response
