"""Which route of one API a method and a path reach.

REST and HTTP APIs share the order of specificity, segment by segment: an exact segment, then `{param}`, then
`{proxy+}`; and differ in what happens when the method is missing:

- REST: the path alone selects the resource; if it has neither the method nor ANY the answer is 403 Missing
  Authentication Token, whatever a `{proxy+}` further up would accept. A trailing slash is ignored.
- HTTP: method and path select together, so a greedy route with the right method wins over a full match without it;
  `$default` takes what is left. A trailing slash counts.
  (AWS, "Routing API requests" in "Create routes for HTTP APIs")

Paths are matched as sent, segment by segment: `%2F` never separates, and each segment is compared decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from lanner.local.plan import ApiPlan, RoutePlan

DEFAULT_ROUTE = "$default"


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its path parameters, still percent-encoded as sent."""

    route: RoutePlan
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass
class _Node:
    exact: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    greedy: _Node | None = None
    routes: dict[str, RoutePlan] = field(default_factory=dict)  # by method


class ResourceTree:
    """The routes of one API as a tree of path segments."""

    def __init__(self, api: ApiPlan) -> None:
        self._rest = api.kind == "rest"
        self._root = _Node()
        self._default: RoutePlan | None = None
        for route in api.routes:
            self._add(route)

    def match(self, method: str, path: str) -> Match | None:
        """The route for a request, or None. `path` begins with a slash and is as sent."""
        segments = path[1:].split("/")
        if self._rest:
            segments = [segment for segment in segments if segment]
        elif segments == [""]:
            segments = []
        for node, values in self._walk(self._root, segments, 0):
            route = node.routes.get(method) or node.routes.get("ANY")
            if route is not None:
                return Match(route, _named(route.path, values))
            if self._rest:
                return None
        return Match(self._default) if self._default is not None else None

    def methods(self, path: str) -> list[str]:
        """The methods declared on what `path` reaches first, sorted; for messages."""
        segments = [segment for segment in path[1:].split("/") if segment]
        for node, _ in self._walk(self._root, segments, 0):
            return sorted(node.routes)
        return []

    def _add(self, route: RoutePlan) -> None:
        if route.path == DEFAULT_ROUTE:
            self._default = route
            return
        node = self._root
        for segment in _segments(route.path):
            if not segment.startswith("{"):
                node = node.exact.setdefault(segment, _Node())
            elif segment.endswith("+}"):
                node.greedy = node = node.greedy or _Node()
            else:
                node.parameter = node = node.parameter or _Node()
        node.routes.setdefault(route.method.upper(), route)

    def _walk(self, node: _Node, segments: list[str], at: int) -> Iterator[tuple[_Node, tuple[str, ...]]]:
        """Every node with routes that the segments reach, the most specific first, and the values on the way."""
        if at == len(segments):
            if node.routes:
                yield node, ()
            return
        segment = segments[at]
        exact = node.exact.get(segment) or (node.exact.get(unquote(segment)) if "%" in segment else None)
        if exact is not None:
            yield from self._walk(exact, segments, at + 1)
        if node.parameter is not None and segment:
            for found, values in self._walk(node.parameter, segments, at + 1):
                yield found, (segment, *values)
        if node.greedy is not None and node.greedy.routes and any(segments[at:]):
            yield node.greedy, ("/".join(segments[at:]),)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _named(path: str, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if not values:
        return ()
    names = [segment.strip("{}").removesuffix("+") for segment in _segments(path) if segment.startswith("{")]
    return tuple(zip(names, values, strict=True))
