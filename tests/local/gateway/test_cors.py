"""CORS as HTTP APIs and function URLs answer it themselves."""

from __future__ import annotations

from lanner.local.plan import CorsPlan, FunctionUrlPlan
from tests.local.gateway.gateway_cloud import Serve, cloud, function_plan, http_api, ok, route

ORIGIN = "https://app.example.com"
CORS = CorsPlan(
    allow_origins=(ORIGIN, "http://*"),
    allow_methods=("GET", "POST"),
    allow_headers=("Content-Type", "X-Api-Version"),
    expose_headers=("X-Request-Id",),
    max_age=300,
    allow_credentials=True,
)


def preflight(origin: str = ORIGIN, method: str = "POST", headers: str = "content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


def test_a_preflight_is_answered_without_a_route_or_a_function(serve: Serve) -> None:
    """204 with what the configuration allows, also where no OPTIONS route exists."""
    served = serve(cloud(http_api(route("POST /x"), cors=CORS)))
    answer = served.request("OPTIONS", "/x", headers=preflight())
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-allow-headers"] == "Content-Type,X-Api-Version"
    assert answer.headers["access-control-max-age"] == "300"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert served.invoker.calls == []


def test_a_preflight_for_what_is_not_allowed_has_no_headers(serve: Serve) -> None:
    """Another origin, method or header: 204 without any CORS header, which the browser takes as a no."""
    served = serve(cloud(http_api(route("POST /x"), cors=CORS)))
    for headers in (preflight("https://evil.example"), preflight(method="DELETE"), preflight(headers="x-other")):
        answer = served.request("OPTIONS", "/x", headers=headers)
        assert answer.status_code == 204
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_other_options_requests_go_to_their_route(serve: Serve) -> None:
    """OPTIONS without the preflight's headers is a request like any other."""
    served = serve(cloud(http_api(route("OPTIONS /x"), cors=CORS)), {"Fn": ok("options")})
    assert served.request("OPTIONS", "/x").text == "options"


def test_answers_carry_the_configurations_headers_only(serve: Serve) -> None:
    """The function's CORS headers are ignored; errors of the gateway carry the configuration's too."""
    function = ok(headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT"})
    served = serve(cloud(http_api(route("GET /x"), cors=CORS)), {"Fn": function})
    for path in ("/x", "/unknown"):
        answer = served.get(path, headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-expose-headers"] == "X-Request-Id"
        assert "access-control-allow-methods" not in answer.headers
    assert "access-control-allow-origin" not in served.get("/x").headers
    assert served.get("/x", headers={"Origin": "http://any.example"}).headers["vary"] == "Origin"


def test_a_wildcard_origin_stays_a_wildcard(serve: Serve) -> None:
    """`*` without credentials is sent as `*`."""
    served = serve(cloud(http_api(route("GET /x"), cors=CorsPlan(allow_origins=("*",)))), {"Fn": ok()})
    assert served.get("/x", headers={"Origin": ORIGIN}).headers["access-control-allow-origin"] == "*"


def test_function_urls_do_the_same(serve: Serve) -> None:
    """A function URL's `Cors` answers preflights and adds headers."""
    plan = cloud(functions=[function_plan("Fn", url=FunctionUrlPlan(cors=CORS))])
    served = serve(plan, {"Fn": ok()})
    host = {"Host": "Fn.localhost"}
    assert served.request("OPTIONS", "/", headers={**preflight(), **host}).status_code == 204
    assert served.invoker.calls == []
    assert served.get("/", headers={"Origin": ORIGIN, **host}).headers["access-control-allow-origin"] == ORIGIN
