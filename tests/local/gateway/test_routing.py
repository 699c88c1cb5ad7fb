"""Which API and which route a request reaches, over real sockets and as plain functions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.gateway.resources import ResourceTree
from lanner.local.plan import BasePathMapping, DomainPlan, FunctionUrlPlan, HeaderGlob, RoutingRule
from tests.local.gateway.gateway_cloud import Serve, cloud, function_plan, http_api, ok, rest_api, route

V1 = {"Accept": "application/vnd.shop.v1+json"}
V2 = {"Accept": "application/vnd.shop.v2+json"}


def reached(tree: ResourceTree, method: str, path: str) -> str | None:
    match = tree.match(method, path)
    return f"{match.route.method} {match.route.path}" if match else None


REST = ResourceTree(
    rest_api(
        route("GET /"),
        route("GET /users"),
        route("GET /users/{id}"),
        route("GET /users/me"),
        route("ANY /users/{id}/files/{proxy+}"),
        route("POST /users/me/avatar"),
        route("ANY /{proxy+}"),
    )
)


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /", "GET /"),
        ("GET /users", "GET /users"),
        ("GET /users/", "GET /users"),
        ("GET /users/me", "GET /users/me"),
        ("GET /users/7", "GET /users/{id}"),
        ("POST /users/7", None),
        ("POST /users", None),
        ("GET /users/me/files/a/b", "ANY /users/{id}/files/{proxy+}"),
        ("GET /users/me/avatar", None),
        ("GET /users/7/avatar", "ANY /{proxy+}"),
        ("GET /users/7/files", "ANY /{proxy+}"),
        ("DELETE /other/thing", "ANY /{proxy+}"),
        ("GET /%75sers", "GET /users"),
        ("GET /users/a%2Fb", "GET /users/{id}"),
    ],
)
def test_a_rest_resource_is_chosen_by_path_alone(request_line: str, expected: str | None) -> None:
    """Exact before parameter before greedy at every level; a missing method does not look further."""
    method, path = request_line.split(" ")
    assert reached(REST, method, path) == expected


# AWS's own example of route priorities, with more beside it.
HTTP = ResourceTree(
    http_api(
        route("GET /pets/dog/1"),
        route("GET /pets/dog/{id}"),
        route("GET /pets/{proxy+}"),
        route("ANY /{proxy+}"),
        route("POST /both"),
        route("ANY /both"),
        route("$default"),
    )
)


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /pets/dog/1", "GET /pets/dog/1"),
        ("GET /pets/dog/2", "GET /pets/dog/{id}"),
        ("GET /pets/cat/1", "GET /pets/{proxy+}"),
        ("POST /test/5", "ANY /{proxy+}"),
        ("POST /pets/dog/1", "ANY /{proxy+}"),
        ("GET /", "ANY $default"),
        ("POST /both", "POST /both"),
        ("PUT /both", "ANY /both"),
        ("GET /pets/dog/1/", "GET /pets/{proxy+}"),
    ],
)
def test_an_http_route_is_chosen_by_method_and_path(request_line: str, expected: str) -> None:
    """AWS's documented example: full match, greedy path, `$default`; the method over ANY."""
    method, path = request_line.split(" ")
    assert reached(HTTP, method, path) == expected


templates = st.lists(st.sampled_from(["a", "b", "{x}", "{p+}"]), min_size=1, max_size=4)
words = st.lists(st.sampled_from(["a", "b", "c", "%2F"]), min_size=1, max_size=5)
ORDER = {"a": "0", "b": "0", "{x}": "1", "{p+}": "2"}


def as_pattern(path: str) -> re.Pattern[str]:
    groups = {"{p+}": "(.+)", "{x}": "([^/]+)"}
    return re.compile("".join("/" + groups.get(part, part) for part in path[1:].split("/")))


@given(st.lists(templates, min_size=1, max_size=6), words)
def test_the_most_specific_fitting_route_is_found(shapes: list[list[str]], path: list[str]) -> None:
    """Against a regular expression per route: the first that fits, compared segment by segment, with its parameters."""
    paths = {"/" + "/".join(part for part in shape[:-1] if part != "{p+}") + "/" + shape[-1] for shape in shapes}
    paths = {path.replace("//", "/") for path in paths}
    tree = ResourceTree(http_api(*(route(f"GET {path}") for path in sorted(paths))))
    target = "/" + "/".join(path)
    fits = {path: fit.groups() for path in paths if (fit := as_pattern(path).fullmatch(target))}
    best = min(fits, key=lambda path: [ORDER[part] for part in path[1:].split("/")], default=None)
    match = tree.match("GET", target)
    assert (match.route.path if match else None) == best
    if match is not None and best is not None:
        assert tuple(value for _, value in match.parameters) == fits[best]


def test_each_api_has_a_host_name_of_its_own(serve: Serve) -> None:
    """`<LogicalId>.localhost` is that API with its stage in the path; `$default` has none; case does not matter."""
    plan = cloud(
        rest_api(route("GET /x"), name="Shop"),
        http_api(route("GET /x", "Web"), name="Site"),
        functions=[function_plan("Page", url=FunctionUrlPlan())],
    )
    served = serve(plan, {"Fn": ok("rest"), "Web": ok("http"), "Page": ok("url")})
    assert served.get("/prod/x", headers={"Host": f"shop.localhost:{served.port}"}).text == "rest"
    assert served.get("/x", headers={"Host": "SITE.localhost"}).text == "http"
    assert served.get("/any", headers={"Host": "Page.localhost"}).text == "url"
    assert served.get("/x", headers={"Host": "Shop.localhost"}).status_code == 403


def test_an_api_of_a_nested_stack_has_a_host_name_of_its_own(serve: Serve) -> None:
    """Its logical id has a dot: `Child.Web.localhost`."""
    plan = cloud(
        http_api(route("GET /x", "One"), name="Web"),
        http_api(route("GET /x", "Two"), name="Child.Web"),
        functions=[function_plan("Child.Two", url=FunctionUrlPlan())],
    )
    served = serve(plan, {"One": ok("one"), "Two": ok("two"), "Child.Two": ok("url")})
    assert served.get("/x", headers={"Host": "web.localhost"}).text == "one"
    assert served.get("/x", headers={"Host": f"child.web.localhost:{served.port}"}).text == "two"
    assert served.get("/x", headers={"Host": "Child.Two.localhost"}).text == "url"
    assert served.get("/x", headers={"Host": "other.web.localhost"}).text == "one"


def test_a_function_url_that_is_all_there_is_answers_at_the_root_too(serve: Serve) -> None:
    """And on the host names of its function and of the URL's resource."""
    served = serve(cloud(functions=[function_plan("Fn", url=FunctionUrlPlan())]), {"Fn": ok("url")})
    for host in ("127.0.0.1", "Fn.localhost", "fnurl.localhost", "localhost"):
        assert served.get("/any/path", headers={"Host": host}).text == "url"


def test_a_function_url_beside_others_is_reached_by_its_host_alone(serve: Serve) -> None:
    """Nothing says which of two the root would be."""
    functions = [function_plan(name, url=FunctionUrlPlan()) for name in ("One", "Two")]
    served = serve(cloud(functions=functions), {name: ok(name) for name in ("One", "Two")})
    assert served.get("/", headers={"Host": "OneUrl.localhost"}).text == "One"
    assert served.get("/", headers={"Host": "two.localhost"}).text == "Two"
    assert served.get("/").status_code == 403


def test_the_longest_prefix_answers_on_the_main_host(serve: Serve) -> None:
    """A mapping `a/b` before a stage `a` before `$default` at the root."""
    domain = DomainPlan("api.example.com", (BasePathMapping("a/b", "Deep", "s"),))
    plan = cloud(
        http_api(route("ANY /{proxy+}", "Root"), name="Root"),
        rest_api(route("ANY /{proxy+}", "Stage"), name="Stage", stage="a"),
        rest_api(route("GET /x", "Deep"), name="Deep", stage="s"),
        domains=[domain],
    )
    served = serve(plan, {name: ok(name) for name in ("Root", "Stage", "Deep")})
    assert [served.get(path).text for path in ("/a/b/x", "/a/x", "/x", "/ab/x")] == ["Deep", "Stage", "Root", "Root"]
    assert served.gateway.findings == ()


def test_a_clash_is_reported_and_both_apis_stay_reachable(serve: Serve) -> None:
    """Two APIs with one stage name: the first answers, the finding says where the second one is."""
    plan = cloud(rest_api(route("GET /x"), name="One"), rest_api(route("GET /x", "Two"), name="Two"))
    served = serve(plan, {"Fn": ok("one"), "Two": ok("two")})
    [finding] = served.gateway.findings
    assert finding.resource == "Two"
    assert "http://Two.localhost/prod" in finding.message
    assert served.get("/prod/x").text == "one"
    assert served.get("/prod/x", headers={"Host": "Two.localhost"}).text == "two"


def versions_domain() -> DomainPlan:
    rules = (
        RoutingRule(10, "V1", "v1", headers=(HeaderGlob("Accept", "*vnd.shop.v1*"),)),
        RoutingRule(20, "V2", "v2", headers=(HeaderGlob("accept", "*vnd.shop.v2*"),)),
    )
    mappings = (BasePathMapping("v1", "V1", "v1"), BasePathMapping("v2", "V2", "v2"), BasePathMapping("", "V2", "v2"))
    return DomainPlan("api.example.com", mappings, rules, rules_first=True)


def test_routing_rules_come_before_base_paths(serve: Serve) -> None:
    """A header chooses the API; without one the base path does; both on the domain's name and on the main host."""
    plan = cloud(
        rest_api(route("GET /users", "One"), name="V1", stage="v1"),
        rest_api(route("GET /users", "Two"), name="V2", stage="v2"),
        domains=[versions_domain()],
    )
    served = serve(plan, {"One": ok("1"), "Two": ok("2")})
    for host in ("api.example.com", "127.0.0.1"):
        requests: list[tuple[str, dict[str, str]]] = [
            ("/users", V1), ("/users", V2), ("/users", {}), ("/v1/users", {}), ("/v2/users", {}),
        ]  # fmt: skip
        answers = [served.get(path, headers={**headers, "Host": host}).text for path, headers in requests]
        assert answers == ["1", "2", "2", "1", "2"]


def test_header_globs_match_the_whole_value_and_its_case(serve: Serve) -> None:
    """A glob without `*` is the value itself; case counts; two header conditions must both hold."""
    rules = (
        RoutingRule(1, "Api", "prod", headers=(HeaderGlob("X-A", "on"), HeaderGlob("X-B", "b*"))),
        RoutingRule(2, "Api", "prod", base_paths=("kept",)),
        RoutingRule(3, "Api", "prod", base_paths=("gone",), strip_base_path=True),
    )
    api = rest_api(route("GET /x"), route("GET /kept/x"), disable_execute_api=True)
    served = serve(cloud(api, domains=[DomainPlan("d.example", rules=rules, rules_first=True)]))

    def status(path: str, **headers: str) -> int:
        return served.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()}).status_code

    assert status("/x", X_A="on", X_B="beta") == 200
    assert [status("/x", X_A="on"), status("/x", X_A="ON", X_B="b"), status("/x", X_A="on2", X_B="b")] == [403] * 3
    assert (status("/kept/x"), status("/gone/x"), status("/prod/x")) == (200, 200, 403)
    assert served.invoker.calls[-1][1]["path"] == "/gone/x"


def test_rules_do_not_count_unless_the_domain_says_so(serve: Serve) -> None:
    """Without ROUTING_RULE_THEN_BASE_PATH_MAPPING a domain has base path mappings only."""
    rule = RoutingRule(1, "Api", "prod", headers=(HeaderGlob("X-A", "*"),))
    served = serve(cloud(rest_api(route("GET /x")), domains=[DomainPlan("d.example", rules=(rule,))]))
    assert served.get("/x", headers={"X-A": "1"}).status_code == 403


def test_a_custom_domain_shows_nothing_but_its_mappings(serve: Serve) -> None:
    """On the domain's own name stages are not reachable by their names."""
    domain = DomainPlan("api.example.com", (BasePathMapping("v1", "Api", "prod"),))
    served = serve(cloud(rest_api(route("GET /x")), domains=[domain]))
    host = {"Host": "api.example.com"}
    assert (served.get("/v1/x", headers=host).status_code, served.get("/prod/x", headers=host).status_code) == (
        200,
        403,
    )


def test_a_new_plan_is_served_from_the_next_request_on(serve: Serve) -> None:
    """`update` replaces routes without a new socket."""
    served = serve(cloud(rest_api(route("GET /old"))))
    assert (served.get("/prod/old").status_code, served.get("/prod/new").status_code) == (200, 403)
    served.run(served.gateway.update(cloud(rest_api(route("GET /new")))))
    assert (served.get("/prod/old").status_code, served.get("/prod/new").status_code) == (403, 200)
