"""HTTP API and function URL events against AWS's documented payload formats, over real sockets."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from lanner.local.plan import BasePathMapping, DomainPlan, FunctionUrlPlan
from tests.local.gateway.gateway_cloud import Serve, Served, cloud, function_plan, http_api, route

# The fields of the documented samples ("Payload format structure"); the optional ones are absent when empty.
V2 = {"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"}
V2_OPTIONAL = {"cookies", "queryStringParameters", "body", "pathParameters", "stageVariables"}
V2_CONTEXT = {
    "accountId", "apiId", "domainName", "domainPrefix", "http", "requestId", "routeKey", "stage", "time", "timeEpoch",
}  # fmt: skip
V1 = {
    "version", "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
    "multiValueQueryStringParameters", "requestContext", "pathParameters", "stageVariables", "body", "isBase64Encoded",
}  # fmt: skip
V1_CONTEXT = {
    "accountId", "apiId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "identity", "path",
    "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId", "resourcePath", "stage",
}  # fmt: skip


def v2(serve: Serve, line: str = "ANY /{proxy+}", **more: Any) -> Served:
    return serve(cloud(http_api(route(line, payload_version="2.0"), **more)))


def test_a_small_v2_event_has_the_required_fields_only(serve: Serve) -> None:
    """What is empty is absent in format 2.0."""
    event = v2(serve, "GET /x").get("/x", headers={"User-Agent": "agent"}).json()
    assert set(event) == V2
    assert set(event["requestContext"]) == V2_CONTEXT
    assert event["requestContext"]["http"] == {
        "method": "GET",
        "path": "/x",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "agent",
    }
    assert (event["version"], event["routeKey"], event["rawQueryString"]) == ("2.0", "GET /x", "")
    assert event["requestContext"]["time"] == "04/Mar/2020:19:15:17 +0000"
    assert event["requestContext"]["timeEpoch"] == 1583349317135


def test_a_full_v2_event_has_every_documented_field(serve: Serve) -> None:
    """Cookies, parameters, stage variables and a body appear when there are some."""
    served = v2(serve, "POST /my/{name}", stage_variables={"stageVariable1": "value1"})
    event = served.request(
        "POST",
        "/my/path?parameter1=value1&parameter1=value2&parameter2=value",
        content=b"Hello",
        headers={"Cookie": "cookie1=a; cookie2=b", "Content-Type": "text/plain"},
    ).json()
    assert set(event) == V2 | V2_OPTIONAL
    assert event["cookies"] == ["cookie1=a", "cookie2=b"]
    assert event["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}
    assert event["rawQueryString"] == "parameter1=value1&parameter1=value2&parameter2=value"
    assert event["pathParameters"] == {"name": "path"}
    assert event["stageVariables"] == {"stageVariable1": "value1"}
    assert (event["body"], event["isBase64Encoded"]) == ("Hello", False)
    assert event["headers"]["content-length"] == "5"


def test_v2_headers_are_lower_case_and_joined(serve: Serve) -> None:
    """Lower case, several values with commas, cookies apart."""
    headers = [("X-One", "A"), ("X-Many", "1"), ("x-many", "2"), ("Cookie", "a=1"), ("TE", "trailers")]
    event = v2(serve).get("/x", headers=headers).json()
    assert (event["headers"]["x-one"], event["headers"]["x-many"]) == ("A", "1,2")
    assert all(name == name.lower() for name in event["headers"])
    assert not {"cookie", "connection", "te", "transfer-encoding"} & set(event["headers"])
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", event["headers"]["x-amzn-trace-id"])


def test_raw_path_is_as_sent_and_parameters_are_decoded(serve: Serve) -> None:
    """`rawPath` keeps `%2F` and `%20`; `pathParameters` have them decoded; neither splits the segment."""
    served = v2(serve, "GET /files/{name}")
    assert served.exchange("/files/a%2Fb%20c?q=%2F+x")[0] == 200
    event = served.last_event
    assert event["rawPath"] == "/files/a%2Fb%20c"
    assert event["requestContext"]["http"]["path"] == "/files/a%2Fb%20c"
    assert event["pathParameters"] == {"name": "a/b c"}
    assert (event["rawQueryString"], event["queryStringParameters"]) == ("q=%2F+x", {"q": "/ x"})


def test_a_named_stage_is_part_of_raw_path(serve: Serve) -> None:
    """`rawPath` begins with the stage unless it is `$default`."""
    event = v2(serve, "GET /x", stage="beta").get("/beta/x").json()
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/beta/x", "beta")


def test_a_base_path_is_no_part_of_raw_path(serve: Serve) -> None:
    """Behind an API mapping `rawPath` lacks the mapping; format 1.0's `path` has it."""
    domain = DomainPlan("api.example.com", (BasePathMapping("shop", "Web", "$default"),))
    api = http_api(route("GET /two", payload_version="2.0"), route("GET /one"))
    served = serve(cloud(api, domains=[domain]))
    assert served.get("/shop/two", headers={"Host": "api.example.com"}).json()["rawPath"] == "/two"
    event = served.get("/shop/one", headers={"Host": "api.example.com"}).json()
    assert (event["path"], event["requestContext"]["path"]) == ("/shop/one", "/shop/one")


def test_the_default_route_names_itself(serve: Serve) -> None:
    """`routeKey` is `$default` in both places."""
    event = v2(serve, "$default").get("/any/thing").json()
    assert (event["routeKey"], event["requestContext"]["routeKey"]) == ("$default", "$default")


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", True),
        ("application/problem+json; charset=utf-8", True),
        ("text/csv", True),
        ("application/x-www-form-urlencoded", False),
        ("application/octet-stream", False),
        ("image/png", False),
    ],
)
def test_the_content_type_decides_about_base64(serve: Serve, content_type: str, text: bool) -> None:
    """HTTP APIs have no binary media types: what is not text arrives in base64, forms too."""
    served = v2(serve)
    event = served.request("POST", "/x", content=b"a=1", headers={"Content-Type": content_type}).json()
    assert event["isBase64Encoded"] is not text
    assert (event["body"] if text else base64.b64decode(event["body"]).decode()) == "a=1"


def test_bytes_that_are_no_utf8_arrive_in_base64(serve: Serve) -> None:
    """Whatever the type says, no byte is lost."""
    raw = b"\x00\xff\xfe"
    event = v2(serve).request("POST", "/x", content=raw, headers={"Content-Type": "text/plain"}).json()
    assert (event["isBase64Encoded"], base64.b64decode(event["body"])) == (True, raw)


def test_a_v1_event_has_every_documented_field(serve: Serve) -> None:
    """Format 1.0: multi-value maps, lower-case headers, null for what is empty."""
    served = serve(cloud(http_api(route("GET /my/{name}"))))
    event = served.get("/my/path?a=1&a=2", headers=[("X-Many", "1"), ("X-Many", "2")]).json()
    assert set(event) == V1
    assert set(event["requestContext"]) == V1_CONTEXT
    assert event["version"] == "1.0"
    assert event["multiValueHeaders"]["x-many"] == ["1", "2"]
    assert event["headers"]["x-many"] == "2"
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["pathParameters"] == {"name": "path"}
    assert (event["stageVariables"], event["body"], event["isBase64Encoded"]) == (None, None, False)
    assert (event["path"], event["resource"]) == ("/my/path", "/my/{name}")


def test_a_function_url_event(serve: Serve) -> None:
    """Format 2.0 with `$default` everywhere, an anonymous account and the URL's own domain."""
    served = serve(cloud(functions=[function_plan("Fn", url=FunctionUrlPlan())]))
    host = f"Fn.localhost:{served.port}"
    event = served.request("POST", "/a%20b?x=1", content=b"{}", headers={"Host": host, "Cookie": "c=1"}).json()
    context = event["requestContext"]
    assert set(event) == V2 | V2_OPTIONAL
    assert set(context) == V2_CONTEXT | {"authentication"}
    assert (event["rawPath"], event["routeKey"], event["cookies"]) == ("/a%20b", "$default", ["c=1"])
    assert (context["accountId"], context["authentication"]) == ("anonymous", None)
    assert (context["domainName"], context["domainPrefix"], context["stage"]) == ("fn.localhost", "fn", "$default")
    assert (event["pathParameters"], event["stageVariables"]) == (None, None)


def test_a_function_url_with_iam_needs_a_signature(serve: Serve) -> None:
    """AWS_IAM refuses what is not signed at all."""
    served = serve(cloud(functions=[function_plan("Fn", url=FunctionUrlPlan("AWS_IAM"))]))
    answer = served.get("/", headers={"Host": "Fn.localhost"})
    assert (answer.status_code, answer.json()) == (403, {"Message": "Forbidden"})
    signed = "AWS4-HMAC-SHA256 Credential=x/20200304/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
    assert served.get("/", headers={"Host": "Fn.localhost", "Authorization": signed}).status_code == 200
