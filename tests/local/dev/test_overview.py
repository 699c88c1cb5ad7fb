"""What is listed at start: addresses of a custom domain, and lines to paste."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from lanner.local.overview import curl_line, curl_lines, domain_rows, host_rows, key_rows, mount_lines, route_rows
from lanner.local.plan import (
    ApiPlan,
    BasePathMapping,
    CloudPlan,
    DomainPlan,
    FunctionPlan,
    FunctionUrlPlan,
    HeaderGlob,
    RoutePlan,
    RoutingRule,
    UsagePlan,
    by_stage,
)
from lanner.local.seeding import SeedRequest

BASE = "http://127.0.0.1:3000"


def api(name, stage, *routes, kind="rest"):
    return ApiPlan(name, kind, stage, tuple(routes))


def plan(*apis, domains=(), functions=()):
    return CloudPlan(
        Path("template.yaml"),
        "stack",
        "eu-west-1",
        "123456789012",
        {function.logical_id: function for function in functions},
        by_stage(apis),
        domains=tuple(domains),
    )


def test_a_domain_lists_its_base_paths_and_what_headers_choose():
    """A rule that says the same as a mapping is not listed again; rules count only where they come first."""
    mappings = (BasePathMapping("v1", "One", "a"), BasePathMapping("", "Two", "b"))
    rules = (
        RoutingRule(10, "One", "a", ("v1",)),
        RoutingRule(20, "One", "a", (), (HeaderGlob("X-Version", "1"), HeaderGlob("X-More", "*"))),
    )
    expected = [(f"{BASE}/v1", "", "One a"), (f"{BASE}/", "", "Two b")]
    assert domain_rows(plan(domains=[DomainPlan("d", mappings, rules)]), BASE) == expected
    by_header = (f"{BASE}/", "X-Version: 1 and X-More: *", "One a")
    assert domain_rows(plan(domains=[DomainPlan("d", mappings, rules, True)]), BASE) == [*expected, by_header]


def test_lines_to_paste_begin_with_what_anybody_can_get():
    """Open routes without parameters, then with, then guarded ones; never a catch-all, never another method."""
    routes = (
        RoutePlan("GET", "/", "Fn"),
        RoutePlan("GET", "/guarded", "Fn", authorizer="A"),
        RoutePlan("GET", "/keyed", "Fn", api_key_required=True),
        RoutePlan("ANY", "/open", "Fn"),
        RoutePlan("GET", "/open/{id}", "Fn"),
        RoutePlan("GET", "/all/{proxy+}", "Fn"),
        RoutePlan("POST", "/send", "Fn"),
        RoutePlan("$default", "$default", "Fn"),
    )
    lines = curl_lines(plan(api("Api", "Prod", *routes)), BASE, limit=9)
    paths = [shlex.split(line)[-1].removeprefix(f"{BASE}/Prod") for line in lines]
    assert paths == ["/open", "/", "/open/{id}", "/keyed", "/guarded"]
    assert len(curl_lines(plan(api("Api", "Prod", *routes)), BASE, limit=2)) == 2


def test_the_root_of_a_custom_domain_is_preferred_to_a_versions_prefix():
    """One address for each route, the shortest."""
    apis = [api(name, stage, RoutePlan("GET", "/users", "Fn")) for name, stage in (("One", "v1"), ("Two", "v2"))]
    domain = DomainPlan("d", (BasePathMapping("v1", "One", "v1"), BasePathMapping("", "Two", "v2")))
    assert curl_lines(plan(*apis, domains=[domain]), BASE) == [f"curl -s {BASE}/users", f"curl -s {BASE}/v1/users"]


@pytest.mark.parametrize(("auth", "first"), [("NONE", True), ("AWS_IAM", False)])
def test_a_function_url_has_a_line_on_its_own_host(auth, first):
    """After what is guarded when it wants a signature."""
    function = FunctionPlan("Page", "page", "app.handler", "python3.13", Path("src"), url=FunctionUrlPlan(auth))
    guarded = api("Api", "Prod", RoutePlan("GET", "/guarded", "Fn", authorizer="A"))
    lines = curl_lines(plan(guarded, functions=[function]), BASE)
    assert sorted(lines) == [f"curl -s {BASE}/Prod/guarded", "curl -s http://page.localhost:3000/"]
    assert (lines[0] == "curl -s http://page.localhost:3000/") == first


def test_a_function_url_that_is_all_there_is_is_listed_at_the_root():
    """It needs no host name of its own."""
    function = FunctionPlan("Page", "page", "app.handler", "python3.13", Path("src"), url=FunctionUrlPlan())
    assert [row[1] for row in route_rows(plan(functions=[function]), BASE)] == [f"{BASE}/"]
    assert curl_lines(plan(functions=[function]), BASE) == [f"curl -s {BASE}/"]


def test_a_request_of_a_seed_file_is_one_line_that_a_shell_reads():
    """Method, headers and body survive its quoting."""
    body = """{"name": "O'Hara $HOME"}"""
    line = curl_line(SeedRequest("POST", "/users?a=1&b=2", {"X-A": "b c"}, body.encode()), BASE)
    assert shlex.split(line) == [
        "curl", "-s", "-X", "POST", f"{BASE}/users?a=1&b=2", "-H", "X-A: b c", "-d", body,
    ]  # fmt: skip


def test_every_stage_of_an_api_is_listed_with_its_own_address():
    """Routes, host names, lines to paste, and the stages that a key opens."""
    hello = RoutePlan("GET", "/x", "Fn")
    rest = [api("Shop", "prod", hello), api("Shop", "beta", hello)]
    made = plan(*rest, api("Web", "$default", hello, kind="http"), api("Web", "beta", hello, kind="http"))
    assert [row[1] for row in route_rows(made, BASE)] == [
        f"{BASE}/prod/x",
        f"{BASE}/beta/x",
        f"{BASE}/x",
        "http://web.localhost:3000/beta/x",
    ]
    assert host_rows(made, BASE) == [
        ("Shop", "rest prod", "http://shop.localhost:3000/prod/"),
        ("Shop", "rest beta", "http://shop.localhost:3000/beta/"),
        ("Web", "http $default", "http://web.localhost:3000/"),
        ("Web", "http beta", "http://web.localhost:3000/beta/"),
    ]
    assert [line.removeprefix("curl -s ") for line in curl_lines(made, BASE)] == [
        f"{BASE}/x",
        f"{BASE}/prod/x",
        f"{BASE}/beta/x",
        "http://web.localhost:3000/beta/x",
    ]
    usage = UsagePlan("gold", ("Shop/beta", "Single", "Own"), {"k": "id"})
    own = replace(api("Own", "o", hello), keys_from_authorizer=True)
    keyed = replace(plan(*rest, api("Single", "s", hello), own), usage_plans=(usage,))
    assert key_rows(keyed) == [("x-api-key: k", "Shop beta, Single"), ("usageIdentifierKey: k", "Own")]


def test_a_stage_that_a_mapping_hides_is_listed_on_its_own_host():
    """The address that is listed is one that answers."""
    domain = DomainPlan("d", (BasePathMapping("beta", "Shop", "prod"), BasePathMapping("prod", "Shop", "prod")))
    stages = [api("Shop", stage, RoutePlan("GET", "/x", "Fn")) for stage in ("prod", "beta")]
    rows = route_rows(plan(*stages, domains=[domain]), BASE)
    assert [row[1] for row in rows] == [f"{BASE}/prod/x", "http://shop.localhost:3000/beta/x"]


def test_what_environments_share_with_the_machine_is_said():
    """`/tmp` always, `/opt` only to those who have layers; nothing where mounts are allowed."""
    function = FunctionPlan("F", "s-F", "app.handler", "python3.13", Path())
    with_layers = plan(functions=[replace(function, layers=(Path("layer"),))])
    assert mount_lines(plan(functions=[function]), "forbidden") == [
        "/tmp is this machine's, not each environment's own (forbidden); TMPDIR is"
    ]
    assert mount_lines(with_layers, "forbidden")[1:] == [
        "layers are not at /opt (forbidden); their python/, bin/ and lib/ are on the paths"
    ]
    assert mount_lines(plan(functions=[function]), "") == []
