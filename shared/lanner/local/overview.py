"""What a plan serves, as rows for a table: routes with their URLs, function URLs, functions with their files."""

from __future__ import annotations

from urllib.parse import urlsplit

from lanner.local.plan import ApiPlan, CloudPlan
from lanner.local.runtime.interpreter import Interpreter

Row = tuple[str, str, str, str]


def api_addresses(plan: CloudPlan, base: str) -> dict[str, str]:
    """Where each API is reached: under its stage on the main host, or on its own where that is taken.

    A `$default` stage is at the root. `base` is the main host's URL without a slash at its end.
    """
    addresses: dict[str, str] = {}
    taken: set[str] = set()
    for api in plan.apis.values():
        prefix = _stage_prefix(api)
        addresses[api.logical_id] = (
            f"{base}{prefix}" if prefix not in taken else own_address(plan, api.logical_id, base)
        )
        taken.add(prefix)
    return addresses


def own_address(plan: CloudPlan, logical_id: str, base: str) -> str:
    """The address of an API or a function URL on a host name of its own."""
    port = urlsplit(base).port
    host = f"http://{logical_id.lower()}.localhost" + (f":{port}" if port else "")
    api = plan.apis.get(logical_id)
    return host + (_stage_prefix(api) if api is not None else "")


def _stage_prefix(api: ApiPlan) -> str:
    return "" if api.stage in ("$default", "") else f"/{api.stage}"


def route_rows(plan: CloudPlan, base: str) -> list[Row]:
    """Every route and function URL: method, URL on the local cloud, function, place in the template."""
    addresses = api_addresses(plan, base)
    rows = []
    for api in plan.apis.values():
        for route in sorted(api.routes, key=lambda each: (each.path, each.method)):
            path = "/*" if route.path == "$default" else route.path
            target = route.function or ("(mock)" if route.mock else "")
            rows.append((route.method, f"{addresses[api.logical_id]}{path}", target, str(route.where)))
    for function in plan.functions.values():
        if function.url is not None:
            address = own_address(plan, function.logical_id, base)
            rows.append(("ANY", f"{address}/", function.logical_id, str(function.where)))
    return rows


def host_rows(plan: CloudPlan, base: str) -> list[tuple[str, str, str]]:
    """Every API with its host name: logical id, kind and stage, URL; worth showing where there are several."""
    return [
        (api.logical_id, f"{api.kind} {api.stage}", own_address(plan, api.logical_id, base) + "/")
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
    """Every API key of the usage plans: the header to send, and the APIs that take it."""
    return [(f"x-api-key: {value}", ", ".join(usage.apis)) for usage in plan.usage_plans for value in usage.keys]


def curl_lines(plan: CloudPlan, url: str) -> list[str]:
    """Lines to paste: GET routes, those without parameters first, never a catch-all."""
    gets = [row for row in route_rows(plan, url) if row[0] in ("GET", "ANY") and not {"*", "+"} & set(row[1])]
    gets.sort(key=lambda row: ("{" in row[1], len(row[1])))
    return [f"curl -s {_quoted(row[1])}" for row in gets]


def _quoted(url: str) -> str:
    return f"'{url}'" if any(each in url for each in "{}&?$") else url
