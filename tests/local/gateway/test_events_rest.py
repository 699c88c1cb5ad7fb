"""REST events against AWS's documented and recorded input format, over real sockets."""

from __future__ import annotations

import base64
import re

import pytest

from lanner.local.plan import BasePathMapping, DomainPlan
from tests.local.gateway.gateway_cloud import Serve, cloud, echo, rest_api, route

# The fields of a recorded proxy event of a REST API (stage URL, no authorizer, no API key).
TOP_LEVEL = {
    "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
    "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "body", "isBase64Encoded",
}  # fmt: skip
CONTEXT = {
    "accountId", "apiId", "deploymentId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "identity",
    "path", "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId", "resourcePath", "stage",
}  # fmt: skip
IDENTITY = {
    "accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
    "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "sourceIp", "user", "userAgent", "userArn",
}  # fmt: skip


def test_an_event_has_every_documented_field(serve: Serve) -> None:
    """Exactly the fields of a recorded event, at every level, with null for what is empty."""
    served = serve(cloud(rest_api(route("GET /users"))))
    event = served.get("/prod/users", headers={"User-Agent": "test"}).json()
    context = event["requestContext"]
    assert set(event) == TOP_LEVEL
    assert set(context) == CONTEXT
    assert set(context["identity"]) == IDENTITY
    for name in (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ):
        assert event[name] is None
    assert event["isBase64Encoded"] is False
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "test"
    assert [value for name, value in context["identity"].items() if name not in ("sourceIp", "userAgent")] == [
        None
    ] * 10


def test_the_request_context_describes_the_request(serve: Serve) -> None:
    """Account, times in both formats, ids of AWS's shapes, stage and resource."""
    served = serve(cloud(rest_api(route("GET /users/{id}"))))
    event = served.get("/prod/users/7").json()
    context = event["requestContext"]
    assert context["accountId"] == "123456789012"
    assert context["requestTime"] == "04/Mar/2020:19:15:17 +0000"
    assert context["requestTimeEpoch"] == 1583349317135
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", context["requestId"])
    assert re.fullmatch(r"[\w-]{15}=", context["extendedRequestId"])
    assert re.fullmatch(r"[a-z0-9]{10}", context["apiId"])
    assert (context["stage"], context["protocol"], context["httpMethod"]) == ("prod", "HTTP/1.1", "GET")
    assert (context["resourcePath"], event["resource"]) == ("/users/{id}", "/users/{id}")
    assert event["pathParameters"] == {"id": "7"}
    assert context["domainName"] == "127.0.0.1"


def test_paths_with_and_without_the_stage(serve: Serve) -> None:
    """`path` has no stage, `requestContext.path` has it; a trailing slash stays in both but not in the parameter."""
    served = serve(cloud(rest_api(route("ANY /{proxy+}"))))
    event = served.get("/prod/a/b/").json()
    assert (event["path"], event["requestContext"]["path"]) == ("/a/b/", "/prod/a/b/")
    assert event["pathParameters"] == {"proxy": "a/b"}


def test_a_base_path_mapping_shows_in_path(serve: Serve) -> None:
    """Behind a custom domain's base path, `path` and `requestContext.path` both have the base path."""
    domain = DomainPlan("api.example.com", (BasePathMapping("shop/v2", "Api", "prod"),))
    served = serve(cloud(rest_api(route("GET /users")), domains=[domain]))
    for host in (f"127.0.0.1:{served.port}", "api.example.com"):
        event = served.get("/shop/v2/users", headers={"Host": host}).json()
        assert (event["path"], event["requestContext"]["path"]) == ("/shop/v2/users", "/shop/v2/users")
        assert (event["resource"], event["requestContext"]["stage"]) == ("/users", "prod")


def test_headers_keep_their_case_and_all_their_values(serve: Serve) -> None:
    """REST as sent; the single map holds the last value; names that differ in case only are one header."""
    served = serve(cloud(rest_api(route("GET /x"))))
    headers = [("tEsT-Header", "aVaLuE"), ("X-Many", "1"), ("X-Many", "2"), ("x-many", "3")]
    event = served.get("/prod/x", headers=headers).json()
    assert event["headers"]["tEsT-Header"] == "aVaLuE"
    assert event["multiValueHeaders"]["X-Many"] == ["1", "2", "3"]
    assert event["headers"]["X-Many"] == "3"
    assert set(event["headers"]) == set(event["multiValueHeaders"])


def test_api_gateway_adds_and_drops_headers(serve: Serve) -> None:
    """Forwarding and trace headers are added, hop-by-hop headers and Content-Length never arrive."""
    served = serve(cloud(rest_api(route("POST /x"))))
    sent = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "TE": "trailers", "Content-MD5": "x"}
    headers = served.request("POST", "/prod/x", content=b"{}", headers=sent).json()["headers"]
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert (headers["X-Forwarded-Port"], headers["X-Forwarded-Proto"]) == (str(served.port), "http")
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["X-Amzn-Trace-Id"])
    assert not {"connection", "content-length", "te", "content-md5"} & {name.lower() for name in headers}


def test_a_trace_id_of_the_client_is_kept(serve: Serve) -> None:
    """A caller's X-Ray header goes through unchanged."""
    served = serve(cloud(rest_api(route("GET /x"))))
    sent = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    event = served.get("/prod/x", headers={"x-amzn-trace-id": sent}).json()
    assert event["headers"]["X-Amzn-Trace-Id"] == sent


def test_query_parameters_are_decoded_and_keep_every_value(serve: Serve) -> None:
    """Decoded, `+` as a space, the last value in the single map (as recorded from AWS)."""
    served = serve(cloud(rest_api(route("GET /x"))))
    target = "/prod/x?category=electronics&category=books&email=test%2Balias@gmail.com&plus=a+b&empty="
    served.exchange(target)
    event = served.last_event
    assert event["multiValueQueryStringParameters"] == {
        "category": ["electronics", "books"],
        "email": ["test+alias@gmail.com"],
        "plus": ["a b"],
        "empty": [""],
    }
    assert event["queryStringParameters"] == {
        "category": "books",
        "email": "test+alias@gmail.com",
        "plus": "a b",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("target", "path", "parameters"),
    [
        ("/prod/files/a%2Fb", "/files/a%2Fb", {"name": "a%2Fb"}),
        ("/prod/files/test%2Balias@gmail.com", "/files/test%2Balias@gmail.com", {"name": "test%2Balias@gmail.com"}),
        ("/prod/tree/x%20y/z+w", "/tree/x%20y/z+w", {"proxy": "x%20y/z+w"}),
    ],
)
def test_encoded_paths_arrive_as_sent(serve: Serve, target: str, path: str, parameters: dict[str, str]) -> None:
    """`%2F` does not split a segment, and neither path nor parameters are decoded."""
    served = serve(cloud(rest_api(route("GET /files/{name}"), route("GET /tree/{proxy+}"))))
    assert served.exchange(target)[0] == 200
    assert (served.last_event["path"], served.last_event["pathParameters"]) == (path, parameters)


def test_binary_media_types_decide_about_base64(serve: Serve) -> None:
    """A body whose type the API declares binary arrives in base64, another as text."""
    served = serve(cloud(rest_api(route("POST /x"), binary_media_types=("image/*", "application~1zip"))))
    raw = bytes(range(256))
    for content_type in ("image/png", "application/zip", "IMAGE/gif; a=b"):
        event = served.request("POST", "/prod/x", content=raw, headers={"Content-Type": content_type}).json()
        assert event["isBase64Encoded"] is True
        assert base64.b64decode(event["body"]) == raw
    event = served.request("POST", "/prod/x", content="grün", headers={"Content-Type": "text/plain"}).json()
    assert (event["body"], event["isBase64Encoded"]) == ("grün", False)


def test_a_body_that_is_not_declared_binary_is_text(serve: Serve) -> None:
    """Without binary media types bytes that are no UTF-8 are replaced, which is what AWS does to them too."""
    served = serve(cloud(rest_api(route("POST /x"))))
    event = served.request("POST", "/prod/x", content=b"a\xff", headers={"Content-Type": "image/png"}).json()
    assert (event["body"], event["isBase64Encoded"]) == ("a�", False)


def test_each_api_has_its_own_stage_and_variables(serve: Serve) -> None:
    """Stage and stage variables belong to the API that answered."""
    one = rest_api(route("GET /x"), name="One", stage="dev", stage_variables={"table": "a", "mode": "b"})
    two = rest_api(route("GET /x", "Other"), name="Two", stage="live")
    served = serve(cloud(one, two), {"Fn": echo, "Other": echo})
    first, second = served.get("/dev/x").json(), served.get("/live/x").json()
    assert first["stageVariables"] == {"table": "a", "mode": "b"}
    assert second["stageVariables"] is None
    assert (first["requestContext"]["stage"], second["requestContext"]["stage"]) == ("dev", "live")
    assert first["requestContext"]["apiId"] != second["requestContext"]["apiId"]
