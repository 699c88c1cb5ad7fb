"""What a plan serves, as rows for a table: routes with their URLs, function URLs, functions with their files."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import urlsplit

from lanner.local.plan import CloudPlan
from lanner.local.runtime.interpreter import Interpreter
from lanner.local.runtime.private_mounts import OPT, TMP
from lanner.local.seeding import SeedRequest

Row = tuple[str, str, str, str]


def api_addresses(plan: CloudPlan, base: str) -> dict[str, str]:
    """Where each stage of each API is reached, by its key: under its name on the main host, or on the API's own host
    where that is taken.

    A `$default` stage is at the root. `base` is the main host's URL without a slash at its end.
    """
    addresses: dict[str, str] = {}
    taken: dict[str, tuple[str, str]] = {}
    for mapping in (mapping for domain in plan.domains for mapping in domain.mappings):
        base_path = mapping.base_path.strip("/")
        taken.setdefault(f"/{base_path}" if base_path else "", (mapping.api, mapping.stage))
    for key, api in plan.apis.items():
        free = taken.setdefault(api.prefix, api.identity) == api.identity
        addresses[key] = f"{base}{api.prefix}" if free else own_address(api.logical_id, base) + api.prefix
    return addresses


def own_address(logical_id: str, base: str) -> str:
    """The host name that an API (without a stage) or a function URL has for itself."""
    port = urlsplit(base).port
    return f"http://{logical_id.lower()}.localhost" + (f":{port}" if port else "")


def mount_lines(plan: CloudPlan, refusal: str) -> list[str]:
    """What environments do not have of their own: `/tmp` and `/opt`, where the machine gives no mounts (`refusal`)."""
    lines: list[str] = []
    if refusal:
        lines.append(f"{TMP} is this machine's, not each environment's own ({refusal}); TMPDIR is")
    why = refusal or ("" if Path(OPT).is_dir() else f"it has no {OPT}")
    if why and any(function.layers for function in plan.functions.values()):
        lines.append(f"layers are not at {OPT} ({why}); their python/, bin/ and lib/ are on the paths")
    return lines


def url_address(plan: CloudPlan, logical_id: str, base: str) -> str:
    """The address of a function URL: the main host where it is all there is, else a host name of its own."""
    return base if plan.lone_url is not None else own_address(logical_id, base)


def route_rows(plan: CloudPlan, base: str) -> list[Row]:
    """Every route and function URL: method, URL on the local cloud, function, place in the template."""
    addresses = api_addresses(plan, base)
    rows = []
    for key, api in plan.apis.items():
        for route in sorted(api.routes, key=lambda each: (each.path, each.method)):
            path = "/*" if route.path == "$default" else route.path
            target = route.function or ("(mock)" if route.mock else "")
            rows.append((route.method, f"{addresses[key]}{path}", target, str(route.where)))
    for function in plan.functions.values():
        if function.url is not None:
            address = url_address(plan, function.logical_id, base)
            rows.append(("ANY", f"{address}/", function.logical_id, str(function.where)))
    return rows


def host_rows(plan: CloudPlan, base: str) -> list[tuple[str, str, str]]:
    """Every stage of every API on the API's host name: logical id, kind and stage, URL; worth showing where there are
    several.
    """
    return [
        (api.logical_id, f"{api.kind} {api.stage}", f"{own_address(api.logical_id, base)}{api.prefix}/")
        for api in plan.apis.values()
    ]


def interpreter_line(interpreter: Interpreter, plan: CloudPlan) -> str:
    """Which Python runs the functions, with what, and where its version is not the template's."""
    client = "awslambdaric" if interpreter.has_ric else "our own Runtime API client"
    wanted = sorted({function.runtime for function in plan.functions.values()} - {f"python{interpreter.version}"})
    differs = f"; the template asks for {', '.join(wanted)}" if wanted else ""
    return f"{interpreter.path} (Python {interpreter.version}, {client}){differs}"


def function_rows(plan: CloudPlan) -> list[tuple[str, str, str]]:
    """Every function: logical id, handler, and the file (with a line, so that terminals link it)."""
    rows = []
    for function in plan.functions.values():
        module = function.handler.rpartition(".")[0].replace(".", "/")
        rows.append((function.logical_id, function.handler, f"{function.code / module}.py:1"))
    return rows


def key_rows(plan: CloudPlan) -> list[tuple[str, str]]:
    """Every API key of the usage plans: the header to send, and the APIs that take it, with stages where it matters.

    An API that takes keys from its authorizer has another name for them.
    """
    several = {api.logical_id for key, api in plan.apis.items() if key != api.logical_id}
    names = {key: f"{api.logical_id} {api.stage}" for key, api in plan.apis.items() if api.logical_id in several}
    rows = []
    for usage in plan.usage_plans:
        returned = [each for each in usage.apis if each in plan.apis and plan.apis[each].keys_from_authorizer]
        sent = [each for each in usage.apis if each not in returned]
        for header, takers in (("x-api-key", sent), ("usageIdentifierKey", returned)):
            shown = ", ".join(names.get(each, each) for each in takers)
            rows += [(f"{header}: {value}", shown) for value in usage.keys if takers]
    return rows


def domain_rows(plan: CloudPlan, base: str) -> list[tuple[str, str, str]]:
    """What custom domains add at the root: URL, the header that chooses if one does, API and stage.

    Without a header, a base path's own mapping; a rule that only repeats one is not listed again.
    """
    rows = []
    for domain in plan.domains:
        rows += [(f"{base}/{each.base_path.strip('/')}", "", f"{each.api} {each.stage}") for each in domain.mappings]
        for rule in domain.rules if domain.rules_first else ():
            headers = " and ".join(f"{glob.header}: {glob.value_glob}" for glob in rule.headers)
            for path in rule.base_paths or ("",):
                row = (f"{base}/{path.strip('/')}", headers, f"{rule.api} {rule.stage}")
                if row not in rows:
                    rows.append(row)
    return rows


def curl_lines(plan: CloudPlan, url: str, limit: int = 5) -> list[str]:
    """At most `limit` lines to paste: GET routes that need neither parameters nor a caller's credentials come first,
    each at its shortest address (that of a custom domain's root rather than a version's prefix) and an API's first
    stage before its others, never a catch-all.
    """
    addresses = api_addresses(plan, url)
    keys = {api.identity: key for key, api in plan.apis.items()}
    for domain in plan.domains:
        for mapping in domain.mappings:
            if not mapping.base_path.strip("/") and (mapping.api, mapping.stage) in keys:
                addresses[keys[mapping.api, mapping.stage]] = url
    rooted = {key for key, address in addresses.items() if address == url} or set(addresses)
    found = {}
    for key, api in plan.apis.items():
        for route in api.routes:
            if route.method not in ("GET", "ANY") or "+}" in route.path or route.path == "$default":
                continue
            guarded = route.authorizer is not None or route.api_key_required
            order = (
                guarded,
                "{" in route.path,
                key != api.logical_id,
                key not in rooted,
                route.path == "/",
                len(route.path),
            )
            found[f"{addresses[key]}{route.path}"] = order
    for function in plan.functions.values():
        if function.url is not None:
            found[url_address(plan, function.logical_id, url) + "/"] = (
                function.url.auth != "NONE",
                False,
                False,
                False,
                True,
                1,
            )
    return [f"curl -s {shlex.quote(address)}" for address in sorted(found, key=lambda each: (found[each], each))][
        :limit
    ]


def curl_line(request: SeedRequest, url: str) -> str:
    """A request of a seed file as a line to paste."""
    words = ["curl", "-s", "-X", request.method, f"{url}{request.path}"]
    for name, value in request.headers.items():
        words += ["-H", f"{name}: {value}"]
    if request.body:
        words += ["-d", request.body.decode()]
    return " ".join(shlex.quote(word) for word in words)
