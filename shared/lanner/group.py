"""`RouteGroup`: everything that an author declares about one group of routes, and the handler made from it.

A group is one Lambda function. Its `app.py` declares the group and nothing else, so importing it costs next to
nothing; what is heavy is named by a string, `"users_v2.routes:router"`, and loaded by the first request that needs it
(or during INIT under SnapStart and provisioned concurrency, where INIT is free of charge to the caller).

Failure modes: a declaration that cannot work raises `GroupError` at import, so that the deployment fails and not a
request; a name that does not resolve raises it at the first use, and `lanner check` (a test) resolves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lanner.clock import Clock, SystemClock
from lanner.http.message import Request, Response
from lanner.http.paths import PathTable

if TYPE_CHECKING:
    from lanner.cache.policy import CachePolicy
    from lanner.http.cors import CorsPolicy
    from lanner.idempotency.policy import IdempotencyPolicy
    from lanner.versioning.registry import VersionRegistry

EdgeAnswer = Callable[[Request], Response]
Validator = Callable[[Request], "str | None"]
Forward = Callable[[Request, str], "Response | None"]


class GroupError(Exception):
    """The declaration of a group cannot work; the message names the group, the part and what would be right."""


class RouteGroup:
    """One group of routes.

    - `versions`: the names it serves; None for every version that `registry` has.
    - `paths`: route template -> methods (`{"/users/{id}": "GET PUT"}`); HEAD follows GET and OPTIONS is always there.
      What is not in it is answered 404 or 405 without the framework.
    - `routes`: where the FastAPI router (or application) is, `"module:attribute"`; one for all versions, or one each.
    - `edge`: `"GET /health"` -> `"module:function"`, answered without the framework.
    - `validators`: route template -> `"module:function"` giving the current strong ETag of what a request addresses,
      or None where there is nothing: what lets the edge answer 304 without the framework.
    - `lifecycle`: False for routes that outlive their version (health, the list of versions).
    - `cors`: what browsers of other origins may do; None for nothing.
    - `idempotency`: what an Idempotency-Key does on the POST routes; None where it is not looked at.
    - `cache`: route template -> `CachePolicy`; what GET answers there may be kept, by whom and for how long.
    - `refresh`: `"module:function"` of a request and its policy, which has a stale answer rendered again elsewhere and
      says whether it will be; where there is none, one request in many renders it.
    - `accept_patch`: the media types that PATCH reads, which OPTIONS then says (RFC 5789 section 3.1).
    - `forward`: answers for a version that this group does not serve; made from the environment when not given.
    """

    def __init__(
        self,
        name: str,
        *,
        registry: VersionRegistry,
        paths: Mapping[str, str],
        versions: Sequence[str] | None = None,
        routes: str | Mapping[str, str] = "",
        edge: Mapping[str, str] | None = None,
        validators: Mapping[str, str] | None = None,
        lifecycle: bool = True,
        cors: CorsPolicy | None = None,
        idempotency: IdempotencyPolicy | None = None,
        cache: Mapping[str, CachePolicy] | None = None,
        refresh: str = "",
        accept_patch: str = "",
        forward: Forward | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.registry = registry
        self.versions = tuple(versions) if versions is not None else tuple(registry.names)
        self.table = PathTable(paths)
        self.lifecycle = lifecycle
        self.cors = cors
        self.idempotency = idempotency
        self.cache = dict(cache or {})
        self.refresh = refresh
        self.accept_patch = accept_patch
        self.forward = forward
        self.clock: Clock = clock or SystemClock()
        self.routes = dict.fromkeys(self.versions, routes) if isinstance(routes, str) else dict(routes)
        self.edge = dict(edge or {})
        self.validators = dict(validators or {})
        self.cold = True  # until the first request has been answered
        self._resolved: dict[str, Any] = {}  # Any: whatever a declared name stands for
        self._check()

    def _check(self) -> None:
        unknown = [version for version in self.versions if version not in self.registry.names]
        if unknown:
            raise GroupError(
                f"group {self.name}: unknown version {', '.join(unknown)}; "
                f"the registry has {', '.join(self.registry.names)}"
            )
        missing = [version for version in self.versions if version not in self.routes]
        if missing:
            raise GroupError(f"group {self.name}: no routes for {', '.join(missing)}")
        for key in self.edge:
            method, _, template = key.partition(" ")
            if method not in self.table.methods.get(template, ()):
                raise GroupError(f"group {self.name}: the edge answers {key!r}, which is not in its paths")
        for template in self.validators:
            if template not in self.table.methods:
                raise GroupError(f"group {self.name}: a validator for {template!r}, which is not in its paths")
        for template in () if self.idempotency is None else sorted(self.idempotency.required):
            if "POST" not in self.table.methods.get(template, ()):
                raise GroupError(f"group {self.name}: a key is required for POST {template}, which is not in its paths")
        for template, policy in self.cache.items():
            if "GET" not in self.table.methods.get(template, ()):
                raise GroupError(f"group {self.name}: a cache policy for GET {template}, which is not in its paths")
            lacking = [name for name in policy.parameters if f"{{{name}}}" not in template.replace("+}", "}")]
            if lacking:
                raise GroupError(f"group {self.name}: a cache tag names {lacking[0]!r}, which {template} has not")
        for target in (*self.routes.values(), *self.edge.values(), *self.validators.values(), self.refresh):
            if target and target.count(":") != 1:
                raise GroupError(f"group {self.name}: {target!r} is not of the form 'module:attribute'")

    def resolve(self, target: str) -> Any:  # Any: whatever the declared name stands for
        """What `"module:attribute"` names, imported once. Raises `GroupError` where it does not exist."""
        found = self._resolved.get(target)
        if found is None:
            from importlib import import_module

            module, _, attribute = target.partition(":")
            try:
                found = getattr(import_module(module), attribute)
            except (ModuleNotFoundError, AttributeError) as error:
                raise GroupError(f"group {self.name}: {target!r} cannot be loaded: {error}") from error
            self._resolved[target] = found
        return found

    def edge_answer(self, method: str, route: str) -> EdgeAnswer | None:
        """The function that answers a route without the framework, or None. HEAD is answered by GET's."""
        target = self.edge.get(f"{'GET' if method == 'HEAD' else method} {route}")
        return self.resolve(target) if target else None

    def validator(self, route: str) -> Validator | None:
        """The function that gives the current ETag of what a request to `route` addresses, or None."""
        target = self.validators.get(route)
        return self.resolve(target) if target else None

    def refresh_stale(self, request: Request) -> bool:
        """Have what a request addresses rendered elsewhere, by the group's `refresh`; whether it will be."""
        return bool(self.resolve(self.refresh)(request, self.cache[request.route]))

    def handler(self) -> Callable[[Any, Any], Any]:  # Any: Lambda's own event, context and answer
        """The Lambda handler: `lambda_handler = GROUP.handler()`."""
        from lanner.pipeline.entry import lambda_handler

        return lambda_handler(self)
