"""A stage of an API while it is read: its variables, its throttles, the functions that its variables choose.

All stages of an API serve the same routes. What differs between them is here: `${stageVariables.x}` in an integration's
URI is filled in for each stage on its own, as API Gateway does at each request.

Source: API Gateway Developer Guide, "Use stage variables for a REST API", "Use stage variables for HTTP APIs".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lanner.local.plan import AuthorizerPlan, RoutePlan, ThrottlePlan
from lanner.local.template.reader import Reader

_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")


@dataclass
class StageDraft:
    """What one stage adds to its API. `implied` is a stage that no resource writes: quick create's `$default`."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    throttle: ThrottlePlan = field(default_factory=ThrottlePlan)
    throttles: dict[tuple[str, str], ThrottlePlan] = field(default_factory=dict)  # by method and path, `*` for any
    functions: dict[str, str] = field(default_factory=dict)  # by integration URI, where the URI names variables
    implied: bool = False

    def method_settings(self, settings: Reader) -> None:
        """One entry of a REST stage's MethodSettings; slashes inside its path may be written `~1`."""
        if "ThrottlingRateLimit" not in settings and "ThrottlingBurstLimit" not in settings:
            return
        path = settings.text("ResourcePath").replace("~1", "/").replace("//", "/")
        method = settings.text("HttpMethod", "*").upper()
        if path in ("/*", "*") and method == "*":
            self.throttle = throttle_of(settings)
        else:
            self.throttles[method, "*" if path in ("/*", "*") else canonical(path)] = throttle_of(settings)

    def route_settings(self, properties: Reader) -> None:
        """An HTTP stage's DefaultRouteSettings and its RouteSettings by route key, `GET /users/{id}`."""
        self.throttle = throttle_of(properties.child("DefaultRouteSettings"))
        for key, settings in properties.named("RouteSettings"):
            method, _, path = key.rpartition(" ")
            self.throttles[(method or "ANY").upper(), canonical(path)] = throttle_of(settings)

    def route(self, route: RoutePlan) -> RoutePlan | None:
        """A route as this stage serves it; None where the stage's variables name no function for it."""
        if varies(route.function):
            function = self.functions.get(route.function or "")
            if function is None:
                return None
            route = replace(route, function=function)
        path = canonical(route.path)
        for key in ((route.method, path), ("*", path), (route.method, "*")):
            if key in self.throttles:
                return replace(route, throttle=self.throttles[key])
        return route

    def authorizers(self, authorizers: Mapping[str, AuthorizerPlan]) -> dict[str, AuthorizerPlan]:
        """Authorizers as this stage calls them, without one whose function it does not name: its routes answer 500."""
        found = {}
        for name, authorizer in authorizers.items():
            if not varies(authorizer.function):
                found[name] = authorizer
            elif (function := self.functions.get(authorizer.function or "")) is not None:
                found[name] = replace(authorizer, function=function)
        return found

    def fill_in(self, uri: str) -> str:
        """An integration URI with this stage's variables; one that the stage does not have stays as it is."""
        return _VARIABLE.sub(lambda found: self.variables.get(found[1], found[0]), uri)


def varies(uri: str | None) -> bool:
    """Whether an integration URI names a stage variable, so that each stage has a function of its own."""
    return bool(uri) and _VARIABLE.search(uri or "") is not None


def canonical(path: str) -> str:
    """A path with the names of its parameters left out: `/a/{x}` and `/a/{y}` are one resource in API Gateway."""
    return "/".join(
        ("{+}" if part.endswith("+}") else "{}") if part.startswith("{") and part.endswith("}") else part
        for part in path.split("/")
    )


def throttle_of(
    settings: Reader, rate: str = "ThrottlingRateLimit", burst: str = "ThrottlingBurstLimit"
) -> ThrottlePlan:
    """A throttle from a method's or a route's settings."""
    most = settings.optional_number(burst)
    return ThrottlePlan(rate=settings.optional_number(rate), burst=None if most is None else int(most))
