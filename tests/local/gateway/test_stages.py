"""Several stages of one API over a socket: where each answers, and what each keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.local.plan import (
    AuthorizerPlan,
    BasePathMapping,
    DomainPlan,
    HeaderGlob,
    RoutingRule,
    ThrottlePlan,
    UsagePlan,
)
from tests.local.gateway.gateway_cloud import Event, Serve, Served, cloud, echo, http_api, ok, rest_api, route


def shop(stage: str, *routes: Any, **more: Any) -> Any:
    return rest_api(*(routes or (route("GET /x"),)), name="Shop", stage=stage, **more)


def web(stage: str, **more: Any) -> Any:
    return http_api(route("GET /x", payload_version="2.0"), name="Web", stage=stage, **more)


def at(served: Served, host: str, path: str, **headers: str) -> Any:
    return served.get(path, headers={"Host": host, **headers})


@pytest.mark.parametrize("host", ["shop.localhost", "127.0.0.1"])
def test_each_stage_of_a_rest_api_answers_under_its_name(serve: Serve, host: str) -> None:
    """With its own variables; path, resource and API id are the same in both; no stage is 403."""
    plan = cloud(shop("prod", stage_variables={"table": "live"}), shop("beta", stage_variables={"table": "trial"}))
    served = serve(plan)
    prod, beta = (at(served, host, f"/{stage}/x").json() for stage in ("prod", "beta"))
    for event, stage, table in ((prod, "prod", "live"), (beta, "beta", "trial")):
        context = event["requestContext"]
        assert (context["stage"], context["path"]) == (stage, f"/{stage}/x")
        assert (event["path"], event["stageVariables"]) == ("/x", {"table": table})
    assert prod["requestContext"]["apiId"] == beta["requestContext"]["apiId"]
    assert [at(served, host, path).status_code for path in ("/x", "/gone/x", "/betas/x", "/beta/none")] == [403] * 4
    assert served.gateway.findings == ()


@pytest.mark.parametrize("host", ["web.localhost", "127.0.0.1"])
def test_a_default_stage_is_at_the_root_beside_named_ones(serve: Serve, host: str) -> None:
    """The longest prefix wins: a named stage before `$default`, which takes everything else."""
    plan = cloud(web("$default", stage_variables={"mode": "plain"}), web("beta", stage_variables={"mode": "bright"}))
    served = serve(plan)
    plain, bright = at(served, host, "/x").json(), at(served, host, "/beta/x").json()
    assert (plain["requestContext"]["stage"], plain["rawPath"]) == ("$default", "/x")
    assert (bright["requestContext"]["stage"], bright["rawPath"]) == ("beta", "/beta/x")
    assert [event["stageVariables"]["mode"] for event in (plain, bright)] == ["plain", "bright"]
    assert at(served, host, "/betas/x").status_code == 404
    assert at(served, host, "/beta").status_code == 404


def test_stages_of_one_api_may_call_different_functions(serve: Serve) -> None:
    """As stage variables in an integration's URI make them."""
    plan = cloud(shop("prod", route("GET /x", "Calm")), shop("beta", route("GET /x", "Bold")))
    served = serve(plan, {"Calm": ok("calm"), "Bold": ok("bold")})
    assert [served.get(f"/{stage}/x").text for stage in ("prod", "beta")] == ["calm", "bold"]


def test_each_stage_has_throttles_of_its_own(serve: Serve) -> None:
    """One stage's empty bucket leaves the other's alone, for the stage and for a route of the same path."""
    slow = ThrottlePlan(rate=1, burst=1)
    plan = cloud(
        shop("prod", throttle=slow),
        shop("beta", throttle=slow),
        shop("open", route("GET /x", throttle=ThrottlePlan(rate=1, burst=2))),
    )
    served = serve(plan)
    statuses = [served.get(f"/{stage}/x").status_code for stage in ("prod", "prod", "beta", "beta")]
    assert statuses == [200, 429, 200, 429]
    assert [served.get("/open/x").status_code for _ in range(3)] == [200, 200, 429]


def test_a_cached_authorization_is_for_one_stage(serve: Serve) -> None:
    """The same token is asked about once in each stage, with the stage in the ARN."""

    def allow(event: Event) -> Event:
        statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
        return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}

    guard = AuthorizerPlan("Guard", "token", "Guard", ("method.request.header.Authorization",))
    stages = (shop(stage, route("GET /x", authorizer="Guard"), authorizers={"Guard": guard}) for stage in ("a", "b"))
    served = serve(cloud(*stages), {"Fn": echo, "Guard": allow})
    answers = [at(served, "127.0.0.1", f"/{stage}/x", Authorization="t").status_code for stage in ("a", "b", "a", "b")]
    assert answers == [200] * 4
    asked = [event["methodArn"].split("/")[1] for name, event in served.invoker.calls if name == "Guard"]
    assert asked == ["a", "b"]


def test_what_an_authorizer_lacks_is_said_once_for_all_stages(serve: Serve) -> None:
    """One finding for a JWT authorizer without keys, however many stages use it."""
    jwt = AuthorizerPlan("Jwt", "jwt", issuer="https://issuer.example")
    stages = (shop(stage, route("GET /x", authorizer="Jwt"), authorizers={"Jwt": jwt}) for stage in ("a", "b"))
    assert len(serve(cloud(*stages)).gateway.findings) == 1


def test_a_usage_plan_covers_the_stages_that_it_names(serve: Serve) -> None:
    """A key of another stage is unknown; what a key may spend counts over all stages of its plan."""
    keyed = route("GET /x", api_key_required=True)
    plans = [
        UsagePlan("trial", ("Shop/beta",), {"b": "b-id"}),
        UsagePlan("both", ("Shop", "Shop/beta"), {"c": "c-id"}, ThrottlePlan(rate=1, burst=2)),
    ]
    served = serve(cloud(shop("prod", keyed), shop("beta", keyed), usage_plans=plans))

    def status(stage: str, key: str) -> int:
        return served.get(f"/{stage}/x", headers={"x-api-key": key}).status_code

    assert (status("prod", "b"), status("beta", "b")) == (403, 200)
    assert [status(stage, "c") for stage in ("prod", "beta", "prod", "beta")] == [200, 200, 429, 429]


def test_mappings_and_rules_reach_the_stage_that_they_name(serve: Serve) -> None:
    """A base path for one stage, a header for another, on the domain's name and on the main host."""
    rule = RoutingRule(1, "Shop", "beta", headers=(HeaderGlob("X-Trial", "yes"),))
    mappings = (BasePathMapping("", "Shop", "prod"), BasePathMapping("new", "Shop", "beta"))
    domain = DomainPlan("api.example.com", mappings, (rule,), rules_first=True)
    served = serve(cloud(shop("prod"), shop("beta"), domains=[domain]))
    for host in ("api.example.com", "127.0.0.1"):
        answers = [at(served, host, "/x"), at(served, host, "/new/x"), at(served, host, "/x", **{"X-Trial": "yes"})]
        assert [each.json()["requestContext"]["stage"] for each in answers] == ["prod", "beta", "beta"]


def test_a_rule_or_mapping_to_no_stage_of_the_api_is_passed_over(serve: Serve) -> None:
    """It never falls back to another stage."""
    rule = RoutingRule(1, "Shop", "gone", base_paths=("rule",))
    domain = DomainPlan("api.example.com", (BasePathMapping("map", "Shop", "gone"),), (rule,), rules_first=True)
    served = serve(cloud(shop("prod"), domains=[domain]))
    assert [at(served, "api.example.com", path).status_code for path in ("/rule", "/map/x")] == [403, 403]


def test_a_clash_with_one_stage_of_another_api_is_reported(serve: Serve) -> None:
    """The other stage of that API keeps its place on the main host, both keep their own host name."""
    other = rest_api(route("GET /x", "Two"), name="Other", stage="beta")
    served = serve(cloud(shop("prod"), shop("beta"), other), {"Fn": ok("shop"), "Two": ok("other")})
    [finding] = served.gateway.findings
    assert (finding.resource, "Shop already answers at /beta" in finding.message) == ("Other", True)
    assert "http://Other.localhost/beta" in finding.message
    assert [served.get(f"/{stage}/x").text for stage in ("prod", "beta")] == ["shop", "shop"]
    assert at(served, "other.localhost", "/beta/x").text == "other"


def test_a_mapping_that_hides_a_stage_of_its_own_api_is_reported(serve: Serve) -> None:
    """The base path `beta` of another stage wins on the main host; the API's own host has the stage."""
    domain = DomainPlan("api.example.com", (BasePathMapping("beta", "Shop", "prod"),))
    served = serve(cloud(shop("prod"), shop("beta"), domains=[domain]))
    [finding] = served.gateway.findings
    assert "Shop (stage beta) is reached at http://Shop.localhost/beta only" in finding.message
    assert served.get("/beta/x").json()["requestContext"]["stage"] == "prod"
    assert at(served, "shop.localhost", "/beta/x").json()["requestContext"]["stage"] == "beta"


def test_a_disabled_endpoint_closes_every_stage(serve: Serve) -> None:
    """Only the custom domain reaches them."""
    domain = DomainPlan("api.example.com", (BasePathMapping("new", "Shop", "beta"),))
    stages = (shop(stage, disable_execute_api=True) for stage in ("prod", "beta"))
    served = serve(cloud(*stages, domains=[domain]))
    assert [at(served, "shop.localhost", f"/{stage}/x").status_code for stage in ("prod", "beta")] == [403, 403]
    assert served.get("/beta/x").status_code == 403
    assert at(served, "api.example.com", "/new/x").json()["requestContext"]["stage"] == "beta"


def test_the_page_lists_each_stage(serve: Serve) -> None:
    """One entry for each stage, of the same API."""
    served = serve(cloud(shop("prod"), shop("beta")))
    apis = served.get("/_local/api/overview").json()["apis"]
    assert [(each["logical_id"], each["stage"]) for each in apis] == [("Shop", "prod"), ("Shop", "beta")]
