"""Events of every gateway become the same request, and its answer goes back in each gateway's format."""

from __future__ import annotations

import base64

import pytest

from lanner.http.events import UnknownEventError, read
from lanner.http.message import Response
from lanner.http.problems import BadRequest
from tests.builders import Context, alb_event, http_event, rest_event

EVERY_KIND = [
    rest_event("PUT", "/v2/users/1", headers={"X-A": "b"}, query=[("q", "a b"), ("q", "c")], body="hi"),
    http_event("PUT", "/v2/users/1", headers={"X-A": "b"}, query=[("q", "a b"), ("q", "c")], body="hi"),
    alb_event(
        "PUT", "/v2/users/1", headers=[("X-A", "b")], query=[("q", "a b"), ("q", "c")], body="hi", multi_value=True
    ),
]


@pytest.mark.parametrize("event", EVERY_KIND, ids=["rest", "http", "alb"])
def test_every_gateway_gives_the_same_request(event: dict) -> None:
    """Method, paths, version, headers, query and body do not depend on who sent the event."""
    request = read(event, Context())
    assert (request.method, request.public_path, request.path, request.path_version) == (
        "PUT",
        "/v2/users/1",
        "/users/1",
        "v2",
    )
    assert request.headers["x-a"] == "b"
    assert request.has_query
    assert request.query == [("q", "a b"), ("q", "c")]
    assert request.query_values("q") == ["a b", "c"]
    assert request.body == b"hi"
    assert request.query_string in (b"q=a+b&q=c", b"q=a%20b&q=c")


def test_a_stage_that_is_no_version_is_not_part_of_the_path() -> None:
    """`/prod/users` on an execute-api URL is `/users`."""
    assert read(rest_event(path="/prod/users", stage="prod")).public_path == "/users"
    assert read(rest_event(path="/prod", stage="prod")).public_path == "/"
    assert read(rest_event(path="/products", stage="prod")).public_path == "/products"
    assert read(http_event(path="/prod/users", stage="prod")).public_path == "/users"
    assert read(http_event(path="/prod/users")).public_path == "/prod/users"


def test_a_stage_that_is_a_version_chooses_the_version() -> None:
    """The stage `v2` stays in the public path and is taken off the path."""
    request = read(rest_event(path="/v2/users", stage="v2"))
    assert (request.public_path, request.path, request.path_version) == ("/v2/users", "/users", "v2")
    root = read(rest_event(path="/users", stage="v2"))
    assert (root.public_path, root.path, root.path_version, root.stage) == ("/users", "/users", None, "v2")


def test_a_base_path_is_taken_off() -> None:
    """An API mapped under /api on a custom domain serves the same paths."""
    request = read(rest_event(path="/api/v1/users", stage="v1"), None, "/api")
    assert (request.public_path, request.path_version) == ("/v1/users", "v1")
    assert read(rest_event(path="/apiary", stage="v1"), None, "/api").public_path == "/apiary"


def test_header_values_are_joined_and_names_are_lower_case() -> None:
    """Repeated headers are one comma-separated value, cookies are joined by semicolons, case does not divide."""
    event = rest_event(headers=[("X-A", "1"), ("X-A", "2"), ("x-a", "3"), ("Cookie", "a=1"), ("Cookie", "b=2")])
    request = read(event)
    assert request.headers["x-a"] == "1, 2, 3"
    assert request.cookies == ["a=1", "b=2"]


def test_cookies_of_payload_two_reach_the_cookie_header() -> None:
    """HTTP APIs hand cookies over apart from the headers."""
    request = read(http_event(cookies=["a=1", "b=2"]))
    assert request.headers["cookie"] == "a=1; b=2"
    assert request.cookies == ["a=1", "b=2"]


def test_a_binary_body_is_decoded_and_a_broken_one_is_the_clients_error() -> None:
    """base64 comes off; what only says that it is base64 is a 400."""
    assert read(rest_event(body=b"\x00\xff")).body == b"\x00\xff"
    broken = rest_event(body="x")
    broken["isBase64Encoded"] = True
    with pytest.raises(BadRequest, match="base64"):
        read(broken).body  # noqa: B018


def test_the_source_address_is_the_gateways_word() -> None:
    """What a client writes into X-Forwarded-For counts only as far as the load balancer appended to it."""
    assert read(rest_event(headers={"X-Forwarded-For": "6.6.6.6"})).source_ip == "203.0.113.9"
    assert read(http_event(headers={"X-Forwarded-For": "6.6.6.6"})).source_ip == "203.0.113.9"
    assert read(alb_event(headers=[("x-forwarded-for", "6.6.6.6, 203.0.113.9")])).source_ip == "203.0.113.9"


def test_a_load_balancer_without_request_ids_gets_the_invocations() -> None:
    """Every request has an id that the log can be searched for."""
    assert read(alb_event(), Context()).request_id == Context.aws_request_id
    assert read(alb_event(headers=[("x-amzn-trace-id", "Root=1-2")])).request_id == "Root=1-2"


@pytest.mark.parametrize(
    "event",
    [{}, {"Records": []}, {"version": "2.0"}, {"httpMethod": "GET"}, {"source": "aws.events", "detail": {}}],
)
def test_what_is_not_http_is_named(event: dict) -> None:
    """An event of another kind fails the invocation with a message that says what it is."""
    with pytest.raises(UnknownEventError, match=r"HTTP request|complete"):
        read(event)


def test_answers_take_each_gateways_form() -> None:
    """Status, headers, cookies and body where each integration looks for them."""
    response = Response(201, {"content-type": "application/json"}, b"{}", ["a=1", "b=2"])
    rest = read(rest_event()).source.write(response)
    assert rest == {
        "statusCode": 201,
        "headers": {"content-type": "application/json"},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
        "body": "{}",
        "isBase64Encoded": False,
    }
    http = read(http_event()).source.write(response)
    assert http["cookies"] == ["a=1", "b=2"]
    multi = read(alb_event(multi_value=True)).source.write(response)
    assert multi["statusDescription"] == "201 Created"
    assert multi["multiValueHeaders"] == {"content-type": ["application/json"], "set-cookie": ["a=1", "b=2"]}
    single = read(alb_event()).source.write(response)
    cookies = [value for name, value in single["headers"].items() if name.lower() == "set-cookie"]
    assert cookies == ["a=1", "b=2"]


@pytest.mark.parametrize("body", ["%%%", "YQ", "Y Q = =", "YWJj\u00e9"])
def test_what_is_no_base64_is_never_read_as_an_empty_body(body: str) -> None:
    """Characters outside the alphabet and missing padding are errors (RFC 4648 section 3)."""
    event = rest_event("POST", body=body)
    event["isBase64Encoded"] = True
    with pytest.raises(BadRequest, match="base64"):
        _ = read(event).body


def test_a_parameter_without_a_value_is_empty() -> None:
    """Some gateways and test consoles write null for `?flag`."""
    event = rest_event() | {"queryStringParameters": {"flag": None}}
    assert read(event).query == [("flag", "")]
    event["multiValueQueryStringParameters"] = {"flag": [None, "1"]}
    assert read(event).query == [("flag", ""), ("flag", "1")]


@pytest.mark.parametrize(
    ("content_type", "as_text"),
    [
        ("application/json", True),
        ("application/problem+json", True),
        ("application/vnd.lanner.v2+json; charset=utf-8", True),
        ("text/html", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("", False),
    ],
)
def test_only_what_is_not_text_travels_as_base64(content_type: str, as_text: bool) -> None:
    """JSON in any of its types stays readable; unknown bytes are encoded."""
    answer = read(rest_event()).source.write(Response(200, {"content-type": content_type}, b"abc"))
    assert answer["isBase64Encoded"] is not as_text
    assert answer["body"] == ("abc" if as_text else base64.b64encode(b"abc").decode())


def test_text_that_is_no_utf8_and_compressed_text_travel_as_base64() -> None:
    """The content type is a claim; the bytes decide."""
    write = read(rest_event()).source.write
    assert write(Response(200, {"content-type": "text/plain"}, b"\xff"))["isBase64Encoded"] is True
    packed = Response(200, {"content-type": "text/plain", "content-encoding": "gzip"}, b"abc")
    assert write(packed)["isBase64Encoded"] is True


def test_the_gateways_word_on_the_caller_is_read() -> None:
    """API keys, Lambda authorizers and JWT authorizers name the consumer."""
    by_key = rest_event(identity={"apiKeyId": "k1", "sourceIp": "1.1.1.1"})
    assert read(by_key).source.consumer(by_key) == "key:k1"
    by_application = rest_event(authorizer={"principalId": "ana@example.com", "consumer": "billing"})
    assert read(by_application).source.consumer(by_application) == "client:billing"
    by_authorizer = rest_event(authorizer={"principalId": "ana@example.com"})
    found = read(by_authorizer).source.consumer(by_authorizer)
    assert found.startswith("principal:")
    assert "ana" not in found
    assert read(by_authorizer).source.consumer(by_authorizer) == found
    by_token = http_event(authorizer={"jwt": {"claims": {"client_id": "app", "sub": "u"}}})
    assert read(by_token).source.consumer(by_token) == "client:app"
    assert read(alb_event()).source.consumer(alb_event()) == ""
