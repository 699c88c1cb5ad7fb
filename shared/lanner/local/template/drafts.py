"""An API while it is read: routes, authorizers and settings arrive from several resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from lanner.local.plan import (
    ApiPlan,
    AuthorizerPlan,
    CorsPlan,
    GatewayResponsePlan,
    RoutePlan,
    ThrottlePlan,
    Where,
)
from lanner.local.template.findings import Findings
from lanner.local.template.reader import Reader

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY")
IAM = "AWS_IAM"


@dataclass
class ApiDraft:
    """A mutable `ApiPlan`; `default_authorizer` goes to routes that say nothing of their own."""

    logical_id: str
    kind: Literal["rest", "http"]
    stage: str
    where: Where
    findings: Findings
    name: str = ""
    routes: dict[tuple[str, str], RoutePlan] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    binary_media_types: tuple[str, ...] = ()
    cors: CorsPlan | None = None
    authorizers: dict[str, AuthorizerPlan] = field(default_factory=dict)
    gateway_responses: dict[str, GatewayResponsePlan] = field(default_factory=dict)
    throttle: ThrottlePlan = field(default_factory=ThrottlePlan)
    throttles: dict[tuple[str, str], ThrottlePlan] = field(default_factory=dict)  # by method and path, `*` for any
    minimum_compression_size: int | None = None
    disable_execute_api: bool = False
    default_authorizer: str | None = None
    default_scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by authorizer
    api_key_required: bool = False  # of routes that say nothing of their own
    unreachable: set[str] = field(default_factory=set)  # authorizers whose function is not here
    defined: bool = False  # its routes come from an OpenAPI document alone: SAM's events add none

    def add(self, route: RoutePlan, resource: str) -> None:
        """Add a route; a second one of the same method and path is a finding and is dropped."""
        key = (route.method, canonical(route.path))
        first = self.routes.get(key)
        if first is not None:
            message = f"{route.method} {route.path} of {self.logical_id} is defined twice (first at {first.where})"
            self.findings.error(resource, message, route.where)
            return
        if route.method not in METHODS:
            self.findings.error(resource, f"'{route.method}' is not a method: {', '.join(METHODS)}", route.where)
            return
        if not route.path.startswith("/") and route.path != "$default":
            self.findings.error(resource, f"path '{route.path}' must start with /", route.where)
            route = replace(route, path=f"/{route.path}")
        self.routes[key] = route

    def authorizer(self, name: str | None, resource: str, where: Where) -> str | None:
        """A route's authorizer by name; an unknown one is a finding. `AWS_IAM` needs no declaration."""
        if not name or name == "NONE":
            return None
        if name == IAM:
            self.authorizers.setdefault(IAM, AuthorizerPlan(IAM, "iam", ttl=0))
        elif name in self.unreachable:
            return None
        elif name not in self.authorizers:
            known = ", ".join(self.authorizers) or "none"
            message = f"{self.logical_id} has no authorizer '{name}' (it has: {known})"
            self.findings.error(resource, message, where)
            return None
        return name

    def keep(self, runnable: set[str]) -> None:
        """Drop routes to functions that cannot run; the functions' findings have said so."""
        self.routes = {key: each for key, each in self.routes.items() if not each.function or each.function in runnable}
        for name, authorizer in list(self.authorizers.items()):
            if authorizer.function and authorizer.function not in runnable:
                del self.authorizers[name]
                message = f"the authorizer '{name}' cannot run here: its routes are served without it"
                self.findings.unsupported(self.logical_id, message, self.where)
                for key, route in self.routes.items():
                    if route.authorizer == name:
                        self.routes[key] = replace(route, authorizer=None)

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

    def _throttled(self, route: RoutePlan) -> RoutePlan:
        path = canonical(route.path)
        for key in ((route.method, path), ("*", path), (route.method, "*")):
            if key in self.throttles:
                return replace(route, throttle=self.throttles[key])
        return route

    def plan(self) -> ApiPlan:
        return ApiPlan(
            logical_id=self.logical_id,
            kind=self.kind,
            stage=self.stage,
            routes=tuple(self._throttled(each) for each in self.routes.values()),
            name=self.name or self.logical_id,
            stage_variables=self.stage_variables,
            binary_media_types=self.binary_media_types,
            cors=self.cors,
            authorizers=self.authorizers,
            gateway_responses=self.gateway_responses,
            throttle=self.throttle,
            minimum_compression_size=self.minimum_compression_size,
            disable_execute_api=self.disable_execute_api,
            where=self.where,
        )


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
