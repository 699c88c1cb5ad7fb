"""Lambda authorizers of REST and HTTP APIs: events, decisions, cache and errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.gateway.policy import PolicyError, evaluate
from lanner.local.plan import AuthorizerPlan, GatewayResponsePlan, ThrottlePlan, UsagePlan
from tests.local.gateway.gateway_cloud import (
    Event,
    FunctionRaised,
    Serve,
    Served,
    cloud,
    echo,
    http_api,
    rest_api,
    route,
)

TOKEN = ("method.request.header.Authorization",)
HEADER = ("$request.header.Authorization",)


def policy(effect: str = "Allow", resource: str = "*", **more: Any) -> Event:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, **more}


def rest(serve: Serve, answer: Any, **authorizer: Any) -> Served:
    """A REST API whose `/{proxy+}` is behind an authorizer that returns `answer`, or what it makes of the event."""
    authorizer = {"kind": "token", "identity_sources": TOKEN, **authorizer}
    plan = AuthorizerPlan("Auth", function="Auth", **authorizer)
    api = rest_api(route("ANY /{proxy+}", authorizer="Auth"), authorizers={"Auth": plan})
    return serve(cloud(api), {"Fn": echo, "Auth": answer if callable(answer) else lambda event: answer})


def http(serve: Serve, answer: Any, version: str = "2.0", **authorizer: Any) -> Served:
    authorizer = {"identity_sources": HEADER, "payload_version": "2.0", **authorizer}
    plan = AuthorizerPlan("Auth", "request", "Auth", **authorizer)
    api = http_api(route("GET /users/{id}", authorizer="Auth", payload_version=version), authorizers={"Auth": plan})
    return serve(cloud(api), {"Fn": echo, "Auth": answer if callable(answer) else lambda event: answer})


def calls(served: Served, function: str = "Auth") -> list[Event]:
    return [event for name, event in served.invoker.calls if name == function]


def auth(value: str = "Bearer t") -> dict[str, str]:
    return {"Authorization": value}


def test_a_token_authorizer_gets_token_and_method_arn(serve: Serve) -> None:
    """The documented event, and its context as text in the function's event."""
    served = rest(serve, policy(context={"tenant": "a", "level": 3, "admin": True, "nothing": None}))
    event = served.get("/prod/a/b?x=1", headers=auth()).json()
    [asked] = calls(served)
    api_id = event["requestContext"]["apiId"]
    assert asked == {
        "type": "TOKEN",
        "methodArn": f"arn:aws:execute-api:eu-west-1:123456789012:{api_id}/prod/GET/a/b",
        "authorizationToken": "Bearer t",
    }
    authorizer = event["requestContext"]["authorizer"]
    assert authorizer.pop("integrationLatency") >= 0
    assert authorizer == {"principalId": "me", "tenant": "a", "level": "3", "admin": "true", "nothing": None}


def test_a_request_authorizer_gets_the_request_without_its_body(serve: Serve) -> None:
    """Type, ARN and the REST event's fields; no body."""
    served = rest(serve, policy(), kind="request", identity_sources=("method.request.querystring.key",))
    served.request("POST", "/prod/a?key=k", content=b"secret")
    [asked] = calls(served)
    assert (asked["type"], asked["httpMethod"], asked["path"]) == ("REQUEST", "POST", "/a")
    assert asked["queryStringParameters"] == {"key": "k"}
    assert asked["requestContext"]["resourcePath"] == "/{proxy+}"
    assert "body" not in asked
    assert "authorizer" not in asked["requestContext"]


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_maps_of_the_request_that_have_nothing_are_empty_and_not_null(serve: Serve, kind: str) -> None:
    """As in the documented events of REQUEST authorizers, whose examples read them without a check."""
    authorizers = {"Auth": AuthorizerPlan("Auth", "request", "Auth")}
    api = (rest_api if kind == "rest" else http_api)(route("GET /x", authorizer="Auth"), authorizers=authorizers)
    served = serve(cloud(api), {"Fn": echo, "Auth": lambda event: policy()})
    assert served.get("/prod/x" if kind == "rest" else "/x").status_code == 200
    [asked] = calls(served)
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables"):
        assert asked[name] == {}


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}])
def test_a_missing_token_is_401_without_a_call(serve: Serve, headers: dict[str, str]) -> None:
    """`Unauthorized`, and the authorizer is not asked."""
    served = rest(serve, policy())
    answer = served.get("/prod/a", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["x-amzn-errortype"] == "UnauthorizedException"
    assert served.invoker.calls == []


def test_every_identity_source_of_a_request_authorizer_is_needed(serve: Serve) -> None:
    """One missing source is 401; stage variables and context count too."""
    sources = (
        "method.request.header.X-A",
        "method.request.querystring.b",
        "context.httpMethod",
        "context.identity.sourceIp",
    )
    served = rest(serve, policy(), kind="request", identity_sources=sources)
    assert served.get("/prod/a", headers={"X-A": "1"}).status_code == 401
    assert served.get("/prod/a?b=", headers={"X-A": "1"}).status_code == 401
    assert served.get("/prod/a?b=2", headers={"X-A": "1"}).status_code == 200
    absent = rest(serve, policy(), kind="request", identity_sources=("stageVariables.none",))
    assert absent.get("/prod/a").status_code == 401


def test_the_validation_regex_is_tried_before_the_function(serve: Serve) -> None:
    """A token that does not match is 401 without a call."""
    served = rest(serve, policy(), validation_regex=r"Bearer \w+")
    assert served.get("/prod/a", headers=auth("Basic x")).status_code == 401
    assert calls(served) == []
    assert served.get("/prod/a", headers=auth("Bearer x")).status_code == 200


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (policy("Deny"), "User is not authorized to access this resource with an explicit deny"),
        (policy("Allow", "arn:aws:execute-api:*:*:*/prod/POST/*"), "User is not authorized to access this resource"),
    ],
)
def test_a_policy_that_does_not_allow_is_403(serve: Serve, answer: Event, message: str) -> None:
    """Access denied, with the words for an explicit or an implicit deny."""
    got = rest(serve, answer).get("/prod/a", headers=auth())
    assert (got.status_code, got.json()) == (403, {"message": message})
    assert got.headers["x-amzn-errortype"] == "AccessDeniedException"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        {"principalId": "me"},
        {"policyDocument": policy()["policyDocument"]},
        policy("Maybe"),
        policy(context={"list": [1]}),
        policy(context="text"),
        {"principalId": "me", "policyDocument": {"Statement": [{"Effect": "Allow"}]}},
        {
            "principalId": "me",
            "policyDocument": {
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {}}}]
            },
        },
        b"no json",
    ],
)
def test_an_unusable_answer_is_500(serve: Serve, answer: object) -> None:
    """AuthorizerConfigurationException with a null message, as AWS sends; the record says what was wrong."""
    served = rest(serve, answer)
    got = served.get("/prod/a", headers=auth())
    assert (got.status_code, got.json()) == (500, {"message": None})
    assert got.headers["x-amzn-errortype"] == "AuthorizerConfigurationException"
    assert "returned what cannot be used" in served.records[-1].note
    assert calls(served, "Fn") == []


def test_raising_unauthorized_is_401_and_anything_else_500(serve: Serve) -> None:
    """`raise Exception("Unauthorized")` is the documented way to a 401."""

    def authorizer(event: Event) -> Event:
        message = "Unauthorized" if event["authorizationToken"] == "no" else "broken"
        raise FunctionRaised("error", {"errorMessage": message, "errorType": "Exception"})

    served = rest(serve, authorizer)
    assert served.get("/prod/a", headers=auth("no")).status_code == 401
    broken = served.get("/prod/a", headers=auth("other"))
    assert (broken.status_code, broken.json()) == (500, {"message": None})


def test_results_are_cached_by_identity_until_their_ttl(serve: Serve) -> None:
    """One call per identity and 300 s; the cached policy is evaluated for each method anew."""
    served = rest(serve, policy("Allow", "arn:aws:execute-api:*:*:*/prod/GET/*"), ttl=300)
    requests = [("GET", "a", "1"), ("GET", "b", "1"), ("POST", "a", "1"), ("GET", "a", "2")]
    statuses = [
        served.request(method, f"/prod/{path}", headers=auth(token)).status_code for method, path, token in requests
    ]
    assert statuses == [200, 200, 403, 200]
    assert [event["authorizationToken"] for event in calls(served)] == ["1", "2"]
    served.clock.advance(299)
    served.get("/prod/a", headers=auth("1"))
    assert len(calls(served)) == 2
    served.clock.advance(1)
    served.get("/prod/a", headers=auth("1"))
    assert len(calls(served)) == 3


def test_a_ttl_of_zero_asks_each_time(serve: Serve) -> None:
    """No cache, and failures are never cached either."""
    served = rest(serve, policy(), ttl=0)
    for _ in range(3):
        served.get("/prod/a", headers=auth())
    assert len(calls(served)) == 3
    failing = rest(serve, None)
    for _ in range(2):
        failing.get("/prod/a", headers=auth())
    assert len(calls(failing)) == 2


def test_an_http_authorizer_with_simple_responses(serve: Serve) -> None:
    """Format 2.0: the event's identity source and route ARN; the context as it is under `lambda`."""
    served = http(serve, {"isAuthorized": True, "context": {"list": [1], "n": 2}}, simple_responses=True)
    event = served.get("/users/7?x=1", headers=auth()).json()
    [asked] = calls(served)
    assert (asked["version"], asked["type"], asked["identitySource"]) == ("2.0", "REQUEST", ["Bearer t"])
    assert asked["routeArn"].endswith("/$default/GET/users/7")
    assert (asked["routeKey"], asked["rawPath"]) == ("GET /users/{id}", "/users/7")
    assert asked["pathParameters"] == {"id": "7"}
    assert "body" not in asked
    assert event["requestContext"]["authorizer"] == {"lambda": {"list": [1], "n": 2}}


def test_an_http_authorizer_that_says_no(serve: Serve) -> None:
    """403 `Forbidden` for isAuthorized false, 401 without identity, 500 for an answer that is none."""
    served = http(serve, {"isAuthorized": False}, simple_responses=True)
    denied = served.get("/users/7", headers=auth())
    assert (denied.status_code, denied.json()) == (403, {"message": "Forbidden"})
    missing = served.get("/users/7")
    assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})
    broken = http(serve, {"isAuthorized": "yes"}, simple_responses=True).get("/users/7", headers=auth())
    assert (broken.status_code, broken.json()) == (500, {"message": "Internal Server Error"})


def test_an_http_authorizer_with_payload_1_0(serve: Serve) -> None:
    """The REST-compatible event and an IAM policy; `methodArn` instead of `routeArn`."""
    served = http(serve, policy(context={"k": "v"}), version="1.0", payload_version="1.0")
    event = served.get("/users/7", headers=auth()).json()
    [asked] = calls(served)
    assert (asked["version"], asked["type"], asked["identitySource"]) == ("1.0", "REQUEST", "Bearer t")
    assert asked["authorizationToken"] == "Bearer t"
    assert asked["methodArn"].endswith("/$default/GET/users/7")
    assert event["requestContext"]["authorizer"] == {"principalId": "me", "k": "v"}
    assert http(serve, policy("Deny")).get("/users/7", headers=auth()).json() == {"message": "Forbidden"}


def test_route_keys_can_be_part_of_the_identity(serve: Serve) -> None:
    """`$context.routeKey` caches per route."""
    plan = AuthorizerPlan(
        "Auth", "request", "Auth", (*HEADER, "$context.routeKey"), payload_version="2.0", simple_responses=True
    )
    api = http_api(route("GET /a", authorizer="Auth"), route("GET /b", authorizer="Auth"), authorizers={"Auth": plan})
    served = serve(cloud(api), {"Fn": echo, "Auth": lambda event: {"isAuthorized": True}})
    for path in ("/a", "/b", "/a"):
        assert served.get(path, headers=auth()).status_code == 200
    assert [event["identitySource"] for event in calls(served)] == [["Bearer t", "GET /a"], ["Bearer t", "GET /b"]]


def test_iam_routes_need_a_signature_and_say_so_at_start(serve: Serve) -> None:
    """What is not signed is 403; that the signature is not verified is a finding."""
    api = rest_api(route("GET /x", authorizer="Iam"), authorizers={"Iam": AuthorizerPlan("Iam", "iam")})
    served = serve(cloud(api))
    answer = served.get("/prod/x")
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
    assert served.get("/prod/x", headers=auth("AWS4-HMAC-SHA256 Credential=...")).status_code == 200
    assert "not verified locally" in served.gateway.findings[0].message


def test_an_unsigned_request_to_an_http_api_is_forbidden(serve: Serve) -> None:
    """An HTTP API words it `Forbidden`."""
    api = http_api(route("GET /x", authorizer="Iam"), authorizers={"Iam": AuthorizerPlan("Iam", "iam")})
    answer = serve(cloud(api)).get("/x")
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_a_gateway_response_may_quote_the_context_of_who_is_denied(serve: Serve) -> None:
    """`$context.authorizer...` is the authorizer's context also where its policy denies."""
    quoted = '{"who":"$context.authorizer.principalId","why":"$context.authorizer.reason"}'
    api = rest_api(
        route("GET /x", authorizer="Auth"),
        authorizers={"Auth": AuthorizerPlan("Auth", "token", "Auth", TOKEN)},
        gateway_responses={
            "ACCESS_DENIED": GatewayResponsePlan("ACCESS_DENIED", templates={"application/json": quoted})
        },
    )
    served = serve(cloud(api), {"Fn": echo, "Auth": lambda event: policy("Deny", context={"reason": "unpaid"})})
    assert served.get("/prod/x", headers=auth()).json() == {"who": "me", "why": "unpaid"}


def test_an_authorizer_may_return_the_api_key(serve: Serve) -> None:
    """With `ApiKeySourceType: AUTHORIZER` the usage plan counts `usageIdentifierKey`, and the header means nothing."""
    api = rest_api(
        route("GET /x", authorizer="Auth", api_key_required=True),
        authorizers={"Auth": AuthorizerPlan("Auth", "token", "Auth", TOKEN)},
        keys_from_authorizer=True,
    )
    usage = UsagePlan("gold", ("Api",), {"secret": "key-1"}, ThrottlePlan(quota=2, quota_period="DAY"))
    keys = {"good": "secret", "wrong": "other", "none": None, "odd": 5}
    functions = {"Fn": echo, "Auth": lambda event: policy(usageIdentifierKey=keys[event["authorizationToken"]])}
    served = serve(cloud(api, usage_plans=[usage]), functions)
    first = served.get("/prod/x", headers=auth("good"))
    assert first.json()["requestContext"]["identity"]["apiKey"] == "secret"
    tokens = ["wrong", "none", "odd", "good", "good"]
    answers = [served.get("/prod/x", headers={**auth(token), "X-API-Key": "secret"}).status_code for token in tokens]
    assert answers == [403, 403, 500, 200, 429]


ARN = "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/users/7"


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        ([], "implicit deny"),
        ([("Allow", "*", ARN)], "allow"),
        ([("Allow", "execute-api:*", "arn:aws:execute-api:*:*:abc/*/GET/users/?")], "allow"),
        ([("Allow", "EXECUTE-API:INVOKE", "*")], "allow"),
        ([("Allow", "s3:*", "*")], "implicit deny"),
        ([("Allow", "*", ARN + "/more")], "implicit deny"),
        ([("Allow", "*", "*"), ("Deny", "*", "*/users/*")], "explicit deny"),
        ([("Deny", "*", "*/other/*"), ("Allow", "*", "*")], "allow"),
    ],
)
def test_policies_are_evaluated_as_iam_does(statements: list[tuple[str, str, str]], decision: str) -> None:
    """Explicit deny, then allow, then implicit deny; wildcards reach over slashes."""
    document = {"Statement": [{"Effect": e, "Action": a, "Resource": [r]} for e, a, r in statements]}
    assert evaluate(document, ARN) == decision


def test_not_resource_and_a_single_statement() -> None:
    """`NotResource`, and a statement that is no list."""
    assert evaluate({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "*/POST/*"}}, ARN) == "allow"
    assert evaluate({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": ARN}}, ARN) == "implicit deny"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Statement", "Effect", "Action", "x"]), inner)
    ),
    max_leaves=8,
)


@given(json_values)
def test_any_document_is_decided_or_refused(document: object) -> None:
    """No JSON makes the evaluation fail otherwise."""
    try:
        assert evaluate(document, ARN) in ("allow", "explicit deny", "implicit deny")
    except PolicyError as error:
        assert str(error)
