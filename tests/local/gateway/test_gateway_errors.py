"""What clients see when things go wrong, by the kind of API: FACTS.md's list of what `sam local` gets wrong."""

from __future__ import annotations

import json
import threading

import pytest

from lanner.local.gateway.answers import failure
from lanner.local.invocation import InvocationResult
from lanner.local.plan import ApiPlan, AuthorizerPlan, FunctionUrlPlan
from tests.local.gateway.gateway_cloud import (
    Event,
    FunctionRaised,
    Serve,
    cloud,
    function_plan,
    http_api,
    ok,
    rest_api,
    route,
)


def failing(outcome: str) -> object:
    def function(event: Event) -> object:
        raise FunctionRaised(outcome)

    return function


def returning(payload: object) -> object:
    return lambda event: payload


@pytest.mark.parametrize("outcome", ["error", "timeout", "crash", "init_error", "too_large"])
def test_a_failing_function_is_502_on_a_rest_api(serve: Serve, outcome: str) -> None:
    """However the function fails, a REST API says 502 with its own body and error type."""
    served = serve(cloud(rest_api(route("GET /x"))), {"Fn": failing(outcome)})
    answer = served.get("/prod/x")
    assert (answer.status_code, answer.json()) == (502, {"message": "Internal server error"})
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


@pytest.mark.parametrize("outcome", ["error", "timeout", "crash", "init_error", "too_large"])
def test_a_failing_function_is_500_on_an_http_api(serve: Serve, outcome: str) -> None:
    """An unhandled exception on an HTTP API is a 500 without the trace (`sam local`: 200 with it)."""
    served = serve(cloud(http_api(route("GET /x", payload_version="2.0"))), {"Fn": failing(outcome)})
    answer = served.get("/x")
    assert (answer.status_code, answer.text) == (500, '{"message":"Internal Server Error"}')
    assert "x-amzn-errortype" not in answer.headers


@pytest.mark.parametrize("outcome", ["error", "timeout", "crash"])
def test_a_failing_function_is_502_at_its_url(serve: Serve, outcome: str) -> None:
    """A function URL answers 502 `Internal Server Error`."""
    plan = cloud(functions=[function_plan("Fn", url=FunctionUrlPlan())])
    served = serve(plan, {"Fn": failing(outcome)})
    answer = served.get("/", headers={"Host": "fn.localhost"})
    assert (answer.status_code, answer.text) == (502, "Internal Server Error")


@pytest.mark.parametrize("api", [rest_api(route("GET /x")), http_api(route("GET /x"), stage="prod")])
def test_reserved_concurrency_is_429(serve: Serve, api: ApiPlan) -> None:
    """A throttled invocation is 429 with API Gateway's body."""
    answer = serve(cloud(api), {"Fn": failing("throttled")}).get("/prod/x")
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests"})


def test_an_unknown_rest_route_is_403_missing_authentication_token(serve: Serve) -> None:
    """A REST API does not say 404."""
    served = serve(cloud(rest_api(route("GET /x"))))
    answer = served.get("/prod/nothing")
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert answer.headers["x-amzn-requestid"]
    assert served.invoker.calls == []


def test_an_undeclared_method_of_a_rest_resource_is_403(serve: Serve) -> None:
    """OPTIONS and HEAD too: only what is declared, or ANY, is served."""
    served = serve(cloud(rest_api(route("GET /x"), route("ANY /{proxy+}"))))
    assert [served.request(method, "/prod/x").status_code for method in ("POST", "HEAD", "OPTIONS")] == [403] * 3
    assert served.request("OPTIONS", "/prod/y").status_code == 200


def test_an_unknown_http_route_is_404(serve: Serve) -> None:
    """An HTTP API says 404 `Not Found`."""
    answer = serve(cloud(http_api(route("GET /x")))).get("/nothing")
    assert (answer.status_code, answer.text) == (404, '{"message":"Not Found"}')


def test_a_path_without_any_api_is_403_forbidden(serve: Serve) -> None:
    """Outside every stage there is what `execute-api` says there, and the record tells the developer what exists."""
    served = serve(cloud(rest_api(route("GET /x"))))
    answer = served.get("/x")
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    assert "/prod -> Api" in served.records[-1].note


def test_a_path_outside_an_http_apis_stage_is_404(serve: Serve) -> None:
    """Where nothing but HTTP APIs could have been meant, and on the host name of one beside a REST API."""
    http = http_api(route("GET /x"), stage="dev", name="Notes")
    alone = serve(cloud(http)).get("/x")
    assert (alone.status_code, alone.text) == (404, '{"message":"Not Found"}')
    assert alone.headers["apigw-requestid"]
    served = serve(cloud(http, rest_api(route("GET /x"))))
    assert served.get("/x").status_code == 403
    assert served.get("/x", headers={"Host": "notes.localhost"}).status_code == 404
    assert served.get("/x", headers={"Host": "api.localhost"}).status_code == 403


MALFORMED_FOR_REST = [
    "just text",
    None,
    {"statusCode": "abc", "body": ""},
    {"statusCode": 99, "body": ""},
    {"statusCode": 200, "body": {"not": "text"}},
    {"statusCode": 200, "headers": ["x"]},
    {"statusCode": 200, "headers": {"X-Count": 1}},
    {"statusCode": 200, "headers": {"X": "a\r\nInjected: yes"}},
    {"statusCode": 200, "headers": {"bad name": "x"}},
    {"statusCode": 200, "multiValueHeaders": {"X": "a"}},
    {"statusCode": 200, "body": "", "cookies": []},
    {"statusCode": 200, "body": "", "isBase64Encoded": "yes"},
    b"no json",
]


@pytest.mark.parametrize("payload", MALFORMED_FOR_REST)
def test_a_malformed_response_is_502_on_a_rest_api(serve: Serve, payload: object) -> None:
    """Whatever is no proxy response is 502, and the record says what was wrong."""
    served = serve(cloud(rest_api(route("GET /x"))), {"Fn": returning(payload)})
    answer = served.get("/prod/x")
    assert (answer.status_code, answer.json()) == (502, {"message": "Internal server error"})
    assert served.records[-1].note.startswith("malformed response: ")


@pytest.mark.parametrize(
    "payload",
    [
        {"statusCode": "abc"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": {"X": "a\nb"}},
        {"statusCode": 200, "cookies": "a=b"},
        b"no json",
    ],
)
def test_a_malformed_response_is_500_on_an_http_api(serve: Serve, payload: object) -> None:
    """An HTTP API says 500 where a REST API says 502."""
    served = serve(cloud(http_api(route("GET /x", payload_version="2.0"))), {"Fn": returning(payload)})
    answer = served.get("/x")
    assert (answer.status_code, answer.text) == (500, '{"message":"Internal Server Error"}')


def test_a_slow_integration_is_504_on_a_rest_api(serve: Serve) -> None:
    """The integration's own limit (29 s by default) is 504, while the function runs on."""
    waiting = threading.Event()
    plan = cloud(rest_api(route("GET /x", timeout_ms=50)))
    served = serve(plan, {"Fn": ok()}, release={"Fn": waiting})
    answer = served.get("/prod/x")
    waiting.set()
    assert (answer.status_code, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_a_slow_integration_is_503_on_an_http_api(serve: Serve) -> None:
    """The same on an HTTP API (30 s) is 503."""
    waiting = threading.Event()
    served = serve(cloud(http_api(route("GET /x", timeout_ms=50))), {"Fn": ok()}, release={"Fn": waiting})
    answer = served.get("/x")
    waiting.set()
    assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})


@pytest.mark.parametrize("api", [rest_api(route("POST /x")), http_api(route("POST /x"), stage="prod")])
def test_an_event_above_6_mb_is_413_without_an_invocation(serve: Serve, api: ApiPlan) -> None:
    """Lambda takes 6 MB although API Gateway takes 10."""
    served = serve(cloud(api))
    answer = served.request("POST", "/prod/x", content=b"x" * 6_300_000, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()) == (413, {"message": "Request Entity Too Large"})
    assert served.invoker.calls == []


def test_a_function_that_is_not_there_is_a_failing_function(serve: Serve) -> None:
    """A route or an authorizer whose function the runtime does not know: 502 and 500, with the name in the record."""
    plan = AuthorizerPlan("Auth", "request", "Gone", ttl=0)
    api = rest_api(route("GET /x", "Gone"), route("GET /y", authorizer="Auth"), authorizers={"Auth": plan})
    served = serve(cloud(api))
    assert [served.get(path).status_code for path in ("/prod/x", "/prod/y")] == [502, 500]
    assert all("there is no function Gone" in record.note for record in served.records)


def test_refused_requests_are_recorded(serve: Serve) -> None:
    """What was not even read to its end appears in the log, with the reason."""
    served = serve(cloud(rest_api(route("POST /x"))))
    served.raw(b"nonsense\r\n\r\n")
    served.raw(b"POST /prod/x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
    assert [(record.status, record.method, record.path) for record in served.records] == [
        (400, "-", "-"),
        (413, "POST", "/prod/x"),
    ]
    assert "99999999 bytes" in served.records[1].note


def test_a_path_without_its_stage_is_told_where_it_is(serve: Serve) -> None:
    """In the log alone: the answer is AWS's."""
    served = serve(cloud(rest_api(route("GET /hello"), stage="Prod")))
    answer = served.get("/hello")
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    assert served.get("/nothing").status_code == 403
    assert "did you mean /Prod/hello?" in served.records[0].note
    assert "did you mean" not in served.records[1].note


def test_a_path_that_another_api_has_is_pointed_to(serve: Serve) -> None:
    """Beside an API at the root, which answers 404 for what it does not know."""
    served = serve(cloud(http_api(route("GET /x")), rest_api(route("GET /hello"), stage="Prod")))
    assert served.get("/hello").status_code == 404
    assert "did you mean /Prod/hello?" in served.records[0].note


@pytest.mark.parametrize(
    ("message", "note"),
    [
        ("no number", "the function ended with error: ValueError: no number"),
        (
            "Unable to marshal response: Object of type coroutine is not JSON serializable",
            "(Lambda does not await an `async def` handler)",
        ),
        ("Unable to import module 'app': No module named 'x'", "--python names another"),
    ],
)
def test_a_function_error_is_noted_in_one_line(serve: Serve, message: str, note: str) -> None:
    """Type and message; an async handler is told what it is, a missing package where it was looked for."""
    kind = "Runtime.ImportModuleError" if "import" in message else "ValueError"

    def fails(event: Event) -> Event:
        raise FunctionRaised("error", {"errorMessage": message, "errorType": kind, "stackTrace": []})

    served = serve(cloud(rest_api(route("GET /x"))), {"Fn": fails})
    assert served.get("/prod/x").status_code == 502
    assert note in served.records[0].note


def test_a_function_that_ran_out_of_memory_is_told_from_one_that_was_killed() -> None:
    """Lambda words both alike; the developer's note has the MemorySize that was not enough."""
    payload = json.dumps({"errorMessage": "signal: killed", "errorType": "Runtime.ExitError"}).encode()
    killed = InvocationResult("crash", payload, "id", max_memory_mb=128)
    starved = InvocationResult("crash", payload, "id", max_memory_mb=128, out_of_memory=True)
    assert failure(killed).note == "the function ended with crash: Runtime.ExitError: signal: killed"
    assert failure(starved).note == failure(killed).note + " (128 MB are not enough)"
