"""Which API, stage and base path a request is for.

- Host `<LogicalId>.localhost[:port]`: that API alone, its stage in the path as on `execute-api` (`$default` has none);
  or that function's URL, also as `<LogicalId>Url`, SAM's name for it. `DisableExecuteApiEndpoint` closes this and the
  stage's prefix, as it does on AWS.
- Any other host: the custom domains' routing rules where the domain puts them first, by priority; then the longest
  prefix among base path mappings, stage names and, at the root, a `$default` stage. Where a mapping and a stage have
  the same prefix the mapping wins, since it is what clients of the domain see.
- Any other host of a plan whose only entrance is one function URL: that URL.

A request whose Host is a custom domain's name sees that domain alone, as in AWS.
Two targets of one kind under one prefix are a clash: the first in the template answers, `findings` names the others
and the host name at which each can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lanner.local.gateway.message import HttpHead, host_name
from lanner.local.gateway.resources import DEFAULT_ROUTE, ResourceTree
from lanner.local.plan import ApiPlan, CloudPlan, DomainPlan, Finding, FunctionPlan, HeaderGlob, RoutingRule

Via = Literal["host", "stage", "domain"]


@dataclass(frozen=True, slots=True)
class ApiTarget:
    """An API reached by a prefix. `prefix` ("" or `/v2`) is what stands before the API's own path.

    `strip` is False for a routing rule that hands the base path on to the API's routes.
    """

    api: ApiPlan
    resources: ResourceTree
    prefix: str
    via: Via
    strip: bool = True

    def path_in_api(self, path: str) -> str:
        """`path` as the API's resources see it."""
        return (path[len(self.prefix) :] or "/") if self.strip else path


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """A function URL."""

    function: FunctionPlan


Target = ApiTarget | UrlTarget


@dataclass(frozen=True)
class _Rule:
    rule: RoutingRule
    globs: tuple[tuple[str, re.Pattern[str]], ...]


class Router:
    """The routes of a whole plan. Immutable: a new plan makes a new router."""

    def __init__(self, plan: CloudPlan) -> None:
        self._plan = plan
        self._trees = {name: ResourceTree(api) for name, api in plan.apis.items()}
        self._hosts = {name.lower(): name for name in (*plan.apis, *plan.functions)}
        for name, function in plan.functions.items():
            if function.url is not None:  # SAM names the URL's own resource so
                self._hosts.setdefault(f"{name}Url".lower(), name)
        self._domains = {domain.name.lower(): _Surface(self, [domain]) for domain in plan.domains}
        self._main = _Surface(self, plan.domains, stages=plan.apis.values())
        self.findings: tuple[Finding, ...] = tuple(self._main.clashes)

    def find(self, head: HttpHead) -> Target | None:
        """The target of a request, or None where no API is deployed there."""
        name = host_name(head.host)
        own = self._hosts.get(name.removesuffix(".localhost")) if name.endswith(".localhost") else None
        if own is not None:  # the name of a nested stack's API has dots of its own
            return self._own_host(own, head.path)
        if self._plan.lone_url is not None:
            return UrlTarget(self._plan.lone_url)
        surface = self._domains.get(name, self._main)
        return surface.find(head)

    def prefixes(self) -> list[str]:
        """Every prefix of the main host with its API's logical id, for messages: `/prod -> Api`."""
        return [f"{prefix or '/'} -> {target.api.logical_id}" for prefix, target in self._main.by_prefix]

    def elsewhere(self, head: HttpHead) -> str:
        """Where a path that nobody answers would be answered: ` (did you mean /Prod/hello?)`, or ""."""
        for prefix, target in self._main.by_prefix:
            if prefix and target.resources.match(head.method, head.path) is not None:
                return f" (did you mean {prefix}{head.path}?)"
        return ""

    def kind_at(self, head: HttpHead) -> Literal["rest", "http"]:
        """Which kind of API words the error for a path without any: the host name's own, or all that the plan has."""
        own = self._plan.apis.get(self._hosts.get(host_name(head.host).removesuffix(".localhost"), ""))
        if own is not None:
            return own.kind
        kinds = {api.kind for api in self._plan.apis.values()}
        return "http" if kinds == {"http"} and not self._domains else "rest"

    def _own_host(self, name: str, path: str) -> Target | None:
        function = self._plan.functions.get(name)
        if function is not None:
            return UrlTarget(function) if function.url is not None else None
        api = self._plan.apis[name]
        prefix = stage_prefix(api)
        if api.disable_execute_api or not _under(path, prefix):
            return None
        return self.target(api, prefix, "host")

    def target(self, api: ApiPlan, prefix: str, via: Via, *, strip: bool = True) -> ApiTarget:
        """A target with the API's resources attached."""
        return ApiTarget(api, self._trees[api.logical_id], prefix, via, strip)

    def api(self, logical_id: str) -> ApiPlan | None:
        """An API of the plan by logical id."""
        return self._plan.apis.get(logical_id)


class _Surface:
    """What one host name offers: rules first, then prefixes from the longest to the shortest."""

    def __init__(self, router: Router, domains: Sequence[DomainPlan], stages: Iterable[ApiPlan] = ()) -> None:
        self._router = router
        rules = [rule for domain in domains if domain.rules_first for rule in domain.rules]
        self._rules = [_compile(rule) for rule in sorted(rules, key=lambda rule: rule.priority)]
        self.clashes: list[Finding] = []
        prefixes: dict[str, ApiTarget] = {}
        for domain in domains:
            for mapping in domain.mappings:
                api = router.api(mapping.api)
                prefix = "/" + mapping.base_path.strip("/") if mapping.base_path.strip("/") else ""
                if api is not None:
                    self._offer(prefixes, router.target(api, prefix, "domain"))
        for api in stages:
            if api.disable_execute_api:
                continue
            self._offer(prefixes, router.target(api, stage_prefix(api), "stage"))
        self.by_prefix = sorted(prefixes.items(), key=lambda entry: entry[0].count("/"), reverse=True)

    def find(self, head: HttpHead) -> Target | None:
        for rule in self._rules:
            target = self._by_rule(rule, head)
            if target is not None:
                return target
        for prefix, candidate in self.by_prefix:
            if _under(head.path, prefix):
                return candidate
        return None

    def _by_rule(self, compiled: _Rule, head: HttpHead) -> Target | None:
        rule = compiled.rule
        for header, glob in compiled.globs:
            value = head.fields.get(header)
            if value is None or not glob.fullmatch(value):
                return None
        prefix = ""
        if rule.base_paths:
            prefixes = ["/" + base.strip("/") for base in rule.base_paths]
            matching = [prefix for prefix in prefixes if _under(head.path, prefix)]
            if not matching:
                return None
            prefix = max(matching, key=len)
        api = self._router.api(rule.api)
        return self._router.target(api, prefix, "domain", strip=rule.strip_base_path) if api is not None else None

    def _offer(self, prefixes: dict[str, ApiTarget], target: ApiTarget) -> None:
        taken = prefixes.setdefault(target.prefix, target)
        if taken.api is target.api:
            return
        api = target.api
        reached = f"{api.logical_id}.localhost{stage_prefix(api) or '/'}"
        message = (
            f"{taken.api.logical_id} already answers at {target.prefix or '/'} of the main host, so {api.logical_id} "
            f"(stage {api.stage}) is reached at http://{reached} only; another stage name or base path would end that"
        )
        self.clashes.append(Finding("unsupported", api.logical_id, message, api.where))


def stage_prefix(api: ApiPlan) -> str:
    """`/prod`, or "" for the `$default` stage."""
    return "" if api.stage in (DEFAULT_ROUTE, "") else f"/{api.stage}"


def _under(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix + "/")


def _compile(rule: RoutingRule) -> _Rule:
    return _Rule(rule, tuple((glob.header.lower(), _glob(glob)) for glob in rule.headers))


def _glob(glob: HeaderGlob) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in glob.value_glob.split("*")))
