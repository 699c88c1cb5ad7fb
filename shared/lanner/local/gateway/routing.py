"""Which API, stage and base path a request is for.

- Host `<LogicalId>.localhost[:port]`: that API alone, the stage in the path as on `execute-api` (`$default` has none
  and takes what no other stage's name begins); or that function's URL, also as `<LogicalId>Url`, SAM's name for it.
  `DisableExecuteApiEndpoint` closes this and the stages' prefixes, as it does on AWS.
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
from lanner.local.gateway.resources import ResourceTree
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
        self._apis = {api.identity: api for api in plan.apis.values()}
        self._trees = {identity: ResourceTree(api) for identity, api in self._apis.items()}
        self._own: dict[str, list[ApiTarget]] = {}
        for api in sorted(self._apis.values(), key=lambda each: not each.prefix):  # `$default` takes what is left
            self._own.setdefault(api.logical_id, []).append(self.target(api, api.prefix, "host"))
        self._hosts = {name.lower(): name for name in (*self._own, *plan.functions)}
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
        own = self._own.get(self._hosts.get(host_name(head.host).removesuffix(".localhost"), ""))
        if own:
            return own[0].api.kind
        kinds = {api.kind for api in self._plan.apis.values()}
        return "http" if kinds == {"http"} and not self._domains else "rest"

    def _own_host(self, name: str, path: str) -> Target | None:
        function = self._plan.functions.get(name)
        if function is not None:
            return UrlTarget(function) if function.url is not None else None
        for target in self._own[name]:
            if _under(path, target.prefix) and not target.api.disable_execute_api:
                return target
        return None

    def target(self, api: ApiPlan, prefix: str, via: Via, *, strip: bool = True) -> ApiTarget:
        """A target with the API's resources attached."""
        return ApiTarget(api, self._trees[api.identity], prefix, via, strip)

    def api(self, logical_id: str, stage: str) -> ApiPlan | None:
        """A stage of an API of the plan."""
        return self._apis.get((logical_id, stage))


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
                api = router.api(mapping.api, mapping.stage)
                prefix = "/" + mapping.base_path.strip("/") if mapping.base_path.strip("/") else ""
                if api is not None:
                    self._offer(prefixes, router.target(api, prefix, "domain"))
        for api in stages:
            if api.disable_execute_api:
                continue
            self._offer(prefixes, router.target(api, api.prefix, "stage"))
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
        api = self._router.api(rule.api, rule.stage)
        return self._router.target(api, prefix, "domain", strip=rule.strip_base_path) if api is not None else None

    def _offer(self, prefixes: dict[str, ApiTarget], target: ApiTarget) -> None:
        taken = prefixes.setdefault(target.prefix, target)
        if taken.api is target.api:
            return
        api = target.api
        reached = f"{api.logical_id}.localhost{api.prefix or '/'}"
        message = (
            f"{taken.api.logical_id} already answers at {target.prefix or '/'} of the main host, so {api.logical_id} "
            f"(stage {api.stage}) is reached at http://{reached} only; another stage name or base path would end that"
        )
        self.clashes.append(Finding("unsupported", api.logical_id, message, api.where))


def _under(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix + "/")


def _compile(rule: RoutingRule) -> _Rule:
    return _Rule(rule, tuple((glob.header.lower(), _glob(glob)) for glob in rule.headers))


def _glob(glob: HeaderGlob) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in glob.value_glob.split("*")))
