"""An API while it is read: routes, authorizers and settings arrive from several resources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from lanner.local.plan import (
    ApiPlan,
    AuthorizerPlan,
    CorsPlan,
    GatewayResponsePlan,
    RoutePlan,
    Where,
    stage_key,
)
from lanner.local.template.findings import Findings
from lanner.local.template.reader import Reader
from lanner.local.template.stages import StageDraft, canonical, varies

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY")
IAM = "AWS_IAM"


@dataclass
class ApiDraft:
    """A mutable `ApiPlan` with all of its stages; `default_authorizer` goes to routes that say nothing of their own.

    The `function` of a route or an authorizer may be a URI with stage variables: each stage's plan has the function.
    """

    logical_id: str
    kind: Literal["rest", "http"]
    where: Where
    findings: Findings
    stages: dict[str, StageDraft] = field(default_factory=dict)
    name: str = ""
    routes: dict[tuple[str, str], RoutePlan] = field(default_factory=dict)
    binary_media_types: tuple[str, ...] = ()
    cors: CorsPlan | None = None
    authorizers: dict[str, AuthorizerPlan] = field(default_factory=dict)
    gateway_responses: dict[str, GatewayResponsePlan] = field(default_factory=dict)
    keys_from_authorizer: bool = False
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
        self.routes = {
            key: each
            for key, each in self.routes.items()
            if not each.function or varies(each.function) or each.function in runnable
        }
        for stage in self.stages.values():
            stage.functions = {uri: each for uri, each in stage.functions.items() if each in runnable}
        for name, authorizer in list(self.authorizers.items()):
            if authorizer.function and not varies(authorizer.function) and authorizer.function not in runnable:
                del self.authorizers[name]
                message = f"the authorizer '{name}' cannot run here: its routes are served without it"
                self.findings.unsupported(self.logical_id, message, self.where)
                for key, route in self.routes.items():
                    if route.authorizer == name:
                        self.routes[key] = replace(route, authorizer=None)

    def key_source(self, properties: Reader, key: str) -> None:
        """Where a REST API takes API keys from: the header, or what its Lambda authorizer returns."""
        source = properties.text(key).upper()
        if source not in ("", "HEADER", "AUTHORIZER"):
            properties.wrong(key, "HEADER or AUTHORIZER")
        elif source:
            self.keys_from_authorizer = source == "AUTHORIZER"

    def open_stage(self, name: str) -> StageDraft:
        """Add a stage; the first one is the API's own wherever no stage is named."""
        return self.stages.setdefault(name, StageDraft(name))

    @property
    def stage(self) -> StageDraft:
        """The first stage."""
        return next(iter(self.stages.values()))

    def has_stage(self, stage: str, properties: Reader) -> bool:
        """Whether `properties` name a stage of this API; AWS refuses another one, so it is a finding."""
        if stage not in self.stages:
            message = f"{self.logical_id} has no stage '{stage}' (it has: {', '.join(self.stages)})"
            properties.findings.error(properties.resource, message, properties.at("Stage"))
        return stage in self.stages

    def key(self, stage: str) -> str:
        """A stage's key in the plan."""
        return stage_key(self.logical_id, stage, self.stage.name)

    def resolve(self, function: Callable[[str], str | None]) -> None:
        """Look up, for each stage, the functions of those integrations that its variables choose."""
        for route in self.routes.values():
            said = (f"{route.method} {route.path}: ", " is not a function of this template")
            self._resolve(route.function or "", function, said, route.where)
        for name, authorizer in self.authorizers.items():
            said = (f"the authorizer '{name}' calls ", ", no function of this template: its routes answer 500")
            self._resolve(authorizer.function or "", function, said, self.where)

    def _resolve(self, uri: str, function: Callable[[str], str | None], said: tuple[str, str], where: Where) -> None:
        for stage in self.stages.values() if varies(uri) else ():
            name = stage.fill_in(uri)
            found = function(name)
            if found is not None:
                stage.functions[uri] = found
            else:
                many = f" (stage '{stage.name}')" if len(self.stages) > 1 else ""
                self.findings.unsupported(self.logical_id, f"{said[0]}{name}{said[1]}{many}", where)

    def plans(self) -> list[ApiPlan]:
        """The API as each of its stages serves it."""
        return [self._plan(stage) for stage in self.stages.values()]

    def _plan(self, stage: StageDraft) -> ApiPlan:
        return ApiPlan(
            logical_id=self.logical_id,
            kind=self.kind,
            stage=stage.name,
            routes=tuple(route for each in self.routes.values() if (route := stage.route(each)) is not None),
            name=self.name or self.logical_id,
            stage_variables=stage.variables,
            binary_media_types=self.binary_media_types,
            cors=self.cors,
            authorizers=stage.authorizers(self.authorizers),
            gateway_responses=self.gateway_responses,
            throttle=stage.throttle,
            keys_from_authorizer=self.keys_from_authorizer,
            minimum_compression_size=self.minimum_compression_size,
            disable_execute_api=self.disable_execute_api,
            where=self.where,
        )
