"""Proxy responses on their way to the client, over real sockets."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.gateway.compression import accepted_coding
from lanner.local.plan import FunctionUrlPlan, MockResponse
from tests.local.gateway.gateway_cloud import Serve, cloud, function_plan, http_api, ok, rest_api, route

PNG = bytes(range(256))
ENCODED = base64.b64encode(PNG).decode()


def test_a_rest_answer_has_api_gateways_headers(serve: Serve) -> None:
    """JSON unless the function says otherwise, ids and a trace id; a missing status is 200."""
    answer = serve(cloud(rest_api(route("GET /x"))), {"Fn": lambda event: {"body": "{}"}}).get("/prod/x")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["x-amzn-requestid"]
    assert answer.headers["x-amz-apigw-id"]
    assert answer.headers["x-amzn-trace-id"].startswith("Root=1-")


def test_rest_answers_merge_single_and_multi_value_headers(serve: Serve) -> None:
    """One list of both; a pair that is in both counts once."""
    response = {
        "statusCode": "201",
        "headers": {"X-One": "1", "X-Both": "a", "X-Flag": True},
        "multiValueHeaders": {"X-Both": ["a", "b"], "Set-Cookie": ["a=1", "b=2"]},
        "body": "made",
    }
    answer = serve(cloud(rest_api(route("POST /x"))), {"Fn": lambda event: response}).request("POST", "/prod/x")
    assert (answer.status_code, answer.text) == (201, "made")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers.get_list("x-both") == ["a", "b"]
    assert (answer.headers["x-one"], answer.headers["x-flag"]) == ("1", "true")


def test_rest_apis_rename_headers_that_are_theirs(serve: Serve) -> None:
    """`x-amzn-Remapped-*` for Date, Server, Connection, WWW-Authenticate and Content-Length."""
    sent = {
        "Date": "never",
        "Server": "mine",
        "Connection": "close",
        "WWW-Authenticate": "Bearer",
        "Content-Length": "99",
        "Transfer-Encoding": "chunked",
    }
    answer = serve(cloud(rest_api(route("GET /x"))), {"Fn": ok(headers=sent)}).get("/prod/x")
    for name in ("Date", "Server", "Connection", "WWW-Authenticate", "Content-Length"):
        assert answer.headers[f"x-amzn-remapped-{name}"] == sent[name]
    assert (answer.headers["content-length"], answer.headers["connection"]) == ("2", "keep-alive")
    assert "server" not in answer.headers
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize("kind", ["rest", "http", "url"])
def test_a_function_cannot_frame_the_body_itself(serve: Serve, kind: str) -> None:
    """Transfer-Encoding and Content-Length of a function leave the answer readable, and the connection usable."""
    headers = {"Transfer-Encoding": "chunked", "Content-Length": "1", "Keep-Alive": "timeout=1", "X-Mine": "1"}
    api = rest_api(route("GET /x")) if kind == "rest" else http_api(route("GET /x"))
    plan = cloud(api, functions=[function_plan("Fn", url=FunctionUrlPlan())])
    served = serve(plan, {"Fn": ok("hello", headers=headers)})
    path, host = ("/prod/x" if kind == "rest" else "/x"), ("Fn.localhost" if kind == "url" else "127.0.0.1")
    for _ in range(2):
        answer = served.get(path, headers={"Host": host})
        assert (answer.status_code, answer.text, answer.headers["x-mine"]) == (200, "hello", "1")
        assert answer.headers.get_list("content-length") == ["5"]
        assert not {"transfer-encoding", "keep-alive"} & set(answer.headers)


@pytest.mark.parametrize(
    ("types", "accept", "binary"),
    [
        (("image/png",), "image/png", True),
        (("image/png",), "image/png,*/*;q=0.8", True),
        (("image/*",), "image/webp", True),
        (("*/*",), "*/*", True),
        (("*/*",), "text/html", True),
        (("image/png",), "*/*", False),
        (("image/png",), "text/html,image/png", False),
        ((), "image/png", False),
    ],
)
def test_base64_is_decoded_as_accept_and_the_api_say(
    serve: Serve, types: tuple[str, ...], accept: str, binary: bool
) -> None:
    """The first type of Accept against the binary media types; otherwise the client gets the base64 text."""
    function = ok(ENCODED, headers={"Content-Type": "image/png"}, isBase64Encoded=True)
    served = serve(cloud(rest_api(route("GET /x"), binary_media_types=types)), {"Fn": function})
    answer = served.get("/prod/x", headers={"Accept": accept})
    assert answer.content == (PNG if binary else ENCODED.encode())


def test_without_accept_the_answers_type_decides(serve: Serve) -> None:
    """A client that sends no Accept at all."""
    function = ok(ENCODED, headers={"Content-Type": "image/png"}, isBase64Encoded=True)
    served = serve(cloud(rest_api(route("GET /x"), binary_media_types=("image/png",))), {"Fn": function})
    assert served.exchange("/prod/x")[1] == PNG


def test_base64_that_is_none_is_malformed(serve: Serve) -> None:
    """502, not a broken body."""
    function = ok("no base64!", isBase64Encoded=True)
    served = serve(cloud(rest_api(route("GET /x"), binary_media_types=("*/*",))), {"Fn": function})
    assert served.get("/prod/x").status_code == 502


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ({"message": "hi"}, b'{"message": "hi"}'),
        ("Hello from Lambda!", b"Hello from Lambda!"),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
    ],
)
def test_an_http_api_infers_an_answer_without_status(serve: Serve, returned: object, body: bytes) -> None:
    """Format 2.0: 200, JSON, and the result as the body."""
    served = serve(cloud(http_api(route("GET /x", payload_version="2.0"))), {"Fn": lambda event: returned})
    answer = served.get("/x")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/json", body)


def test_format_1_0_infers_nothing(serve: Serve) -> None:
    """An HTTP API with payload format 1.0 needs a status code."""
    served = serve(cloud(http_api(route("GET /x"))), {"Fn": lambda event: {"message": "hi"}})
    assert served.get("/x").status_code == 500


def test_http_answers_carry_cookies_and_their_own_defaults(serve: Serve) -> None:
    """Each cookie is a Set-Cookie; text/plain by default; numbers are accepted as header values."""
    function = ok("hi", cookies=["a=1; Path=/", "b=2"], headers={"X-Count": 3, "Content-Length": "99"})
    answer = serve(cloud(http_api(route("GET /x", payload_version="2.0"))), {"Fn": function}).get("/x")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (answer.headers["x-count"], answer.headers["content-length"]) == ("3", "2")
    assert answer.headers["apigw-requestid"]


def test_http_answers_decode_base64_always(serve: Serve) -> None:
    """HTTP APIs need no binary media types."""
    function = ok(ENCODED, headers={"Content-Type": "image/png"}, isBase64Encoded=True)
    assert serve(cloud(http_api(route("GET /x", payload_version="2.0"))), {"Fn": function}).get("/x").content == PNG


def test_a_function_url_answers_json_by_default_and_renames_headers(serve: Serve) -> None:
    """Function URLs remap WWW-Authenticate as Lambda does."""
    plan = cloud(functions=[function_plan("Fn", url=FunctionUrlPlan())])
    function = ok("{}", headers={"WWW-Authenticate": "Bearer"}, cookies=["a=1"])
    answer = serve(plan, {"Fn": function}).get("/", headers={"Host": "Fn.localhost"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    assert answer.headers["set-cookie"] == "a=1"


def test_a_mock_answers_without_a_function(serve: Serve) -> None:
    """What SAM's REST `Cors` makes of OPTIONS."""
    mock = MockResponse(200, {"Access-Control-Allow-Origin": "*"}, "{}\n")
    served = serve(cloud(rest_api(route("OPTIONS /x", None, mock=mock))))
    answer = served.request("OPTIONS", "/prod/x")
    assert (answer.status_code, answer.text, answer.headers["access-control-allow-origin"]) == (200, "{}\n", "*")
    assert served.invoker.calls == []


def test_required_parameters_are_checked_by_the_gateway(serve: Serve) -> None:
    """A REST method's required parameters: 400 with their names, before any function."""
    needed = ("method.request.querystring.q", "method.request.header.X-Tenant")
    served = serve(cloud(rest_api(route("GET /x", required_parameters=needed))))
    answer = served.get("/prod/x")
    assert answer.status_code == 400
    assert answer.json() == {"message": "Missing required request parameters: [q, X-Tenant]"}
    assert served.get("/prod/x?q=", headers={"X-Tenant": "a"}).status_code == 200


def test_large_answers_are_compressed_where_the_client_accepts_it(serve: Serve) -> None:
    """From the minimum size on, gzip or deflate, never twice."""
    text = "word " * 200
    served = serve(cloud(rest_api(route("GET /x"), minimum_compression_size=100)), {"Fn": ok(text)})
    headers = {"Accept-Encoding": "gzip"}
    with served.connect():
        answer = served.get("/prod/x", headers=headers)
        assert (answer.headers["content-encoding"], answer.text) == ("gzip", text)
        assert int(answer.headers["content-length"]) < 200
    _, raw = served.exchange("/prod/x", "Accept-Encoding: deflate;q=0.9, gzip;q=0.1")
    assert zlib.decompress(raw).decode() == text
    assert served.exchange("/prod/x", "Accept-Encoding: br")[1].decode() == text
    small = serve(cloud(rest_api(route("GET /x"), minimum_compression_size=100)), {"Fn": ok("small")})
    assert "content-encoding" not in small.get("/prod/x", headers=headers).headers


def test_an_encoded_answer_is_not_compressed_again(serve: Serve) -> None:
    """The function's own Content-Encoding stays as it is."""
    packed = base64.b64encode(gzip.compress(b"x" * 500)).decode()
    function = ok(packed, headers={"Content-Encoding": "gzip"}, isBase64Encoded=True)
    api = rest_api(route("GET /x"), binary_media_types=("*/*",), minimum_compression_size=0)
    answer = serve(cloud(api), {"Fn": function}).get("/prod/x", headers={"Accept-Encoding": "gzip"})
    assert answer.content == b"x" * 500


def test_compressed_requests_are_unpacked(serve: Serve) -> None:
    """An API with compression hands functions the plain body; a lie is 400, a bomb 413."""
    served = serve(cloud(rest_api(route("POST /x"), minimum_compression_size=0)))

    def send(body: bytes, coding: str) -> tuple[int, object]:
        headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
        answer = served.request("POST", "/prod/x", content=body, headers=headers)
        return answer.status_code, answer.json().get("body")

    assert send(gzip.compress(b'{"a":1}'), "gzip") == (200, '{"a":1}')
    assert send(zlib.compress(b'{"a":1}'), "deflate") == (200, '{"a":1}')
    assert "Content-Encoding" not in served.last_event["headers"]
    assert send(b"plain", "gzip")[0] == 400
    assert send(gzip.compress(bytes(11 * 1024 * 1024)), "gzip")[0] == 413
    plain = serve(cloud(rest_api(route("POST /x"), binary_media_types=("*/*",))))
    packed = gzip.compress(b"x")
    plain.request("POST", "/prod/x", content=packed, headers={"Content-Encoding": "gzip"})
    assert base64.b64decode(plain.last_event["body"]) == packed


@given(st.text(max_size=60))
def test_any_accept_encoding_is_understood_or_ignored(value: str) -> None:
    """No header value breaks the reading of Accept-Encoding."""
    assert accepted_coding(value) in (None, "gzip", "deflate")


def test_each_request_leaves_a_record(serve: Serve) -> None:
    """What the console and the page show: route, function, status, cold start, version, cache outcome, documents."""
    function = ok("hi", headers={"X-API-Version": "v2", "Cache-Status": "lanner; hit"})
    served = serve(cloud(rest_api(route("GET /users/{id}"))), {"Fn": function})
    served.get("/prod/users/1?x=1")
    [record] = served.records
    assert (record.method, record.path, record.route) == ("GET", "/prod/users/1?x=1", "GET /users/{id}")
    assert (record.api, record.function, record.status, record.cold) == ("Api", "Fn", 200, True)
    assert (record.version, record.cache, record.logs) == ("v2", "lanner; hit", b"a log line\n")
    assert b'"resource":"/users/{id}"' in record.event
    assert b'"statusCode": 200' in record.answer
    assert record.body_bytes == 2
    assert record.time == served.clock.now()
