"""Properties of every event, and the gateway under many clients at once."""

from __future__ import annotations

import json
import threading
from urllib.parse import unquote, urlencode

import httpx
import orjson
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.gateway.call import new_call, query_pairs
from lanner.local.gateway.events_http import http_event
from lanner.local.gateway.events_rest import rest_event
from lanner.local.gateway.head import parse_head
from lanner.local.gateway.message import HttpRequest
from lanner.local.gateway.routing import ApiTarget, Router
from tests.local.gateway.gateway_cloud import Serve, cloud, http_api, rest_api, route

PLAN = cloud(
    rest_api(route("ANY /{proxy+}"), binary_media_types=("application/octet-stream",)),
    http_api(route("ANY /{proxy+}"), name="One"),
    http_api(route("ANY /{proxy+}"), name="Two"),
)
ROUTER = Router(PLAN)

path_text = st.text(st.sampled_from("abzAZ09-._~!$&'()*+,;=:@%2F"), min_size=1, max_size=20)
query_text = st.text(st.sampled_from("ab=&+%20%C3%A9;/?"), max_size=30)
header_value = st.text(st.sampled_from('ab,;=% "é~'), max_size=20)
headers = st.lists(st.tuples(st.sampled_from(["X-A", "x-a", "Cookie", "Accept"]), header_value), max_size=6)
bodies = st.binary(max_size=40)


@given(path_text, query_text, headers, bodies, st.sampled_from(["Api", "One", "Two"]))
def test_every_request_makes_an_event(
    path: str, query: str, sent: list[tuple[str, str]], body: bytes, api: str
) -> None:
    """Whatever a client may send becomes JSON that holds it: the path as sent, every value, the body's bytes."""
    prefix = "/prod" if api == "Api" else ""
    lines = [
        f"POST {prefix}/{path}?{query} HTTP/1.1",
        f"Host: {api}.localhost",
        "Content-Type: application/octet-stream",
    ]
    lines += [f"{name}: {value}" for name, value in sent]
    head = parse_head("\r\n".join([*lines, "", ""]).encode("latin-1"))
    target = ROUTER.find(head)
    assert isinstance(target, ApiTarget)
    match = target.resources.match("POST", target.path_in_api(head.path))
    call = new_call(HttpRequest(head, body), PLAN, target, match, 0.0)
    event = rest_event(call) if api == "Api" else http_event(call, "2.0" if api == "Two" else "1.0")
    event = json.loads(orjson.dumps(event))
    assert (event.get("rawPath") or event["path"]) == f"/{path}"
    assert event["isBase64Encoded"] is bool(body)
    values = [value.strip(" \t") for name, value in sent if name.lower() == "x-a"]
    if api != "Two":
        arrived: list[str] = next((v for n, v in event["multiValueHeaders"].items() if n.lower() == "x-a"), [])
        assert arrived == values
    else:
        assert event["headers"].get("x-a", "") == ",".join(values)
        assert event["rawQueryString"] == query
        parameters = event.get("pathParameters", {"proxy": ""})
        assert unquote(path) == parameters["proxy"] or match is None


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=5))
def test_query_strings_round_trip(pairs: list[tuple[str, str]]) -> None:
    """What a client encodes is what a function reads."""
    query = urlencode(pairs)
    assert query_pairs(query) == pairs


def test_many_clients_at_once_lose_nothing(serve: Serve) -> None:
    """16 kept-alive connections, 100 requests each: every answer belongs to its request."""
    plan = cloud(rest_api(route("GET /{proxy+}")))
    served = serve(plan, {"Fn": lambda event: {"statusCode": 200, "body": event["path"]}})
    wrong: list[str] = []

    def client(number: int) -> None:
        with httpx.Client(base_url=served.url, trust_env=False) as connection:
            for turn in range(100):
                path = f"/{number}/{turn}"
                answer = connection.get(f"/prod{path}")
                if answer.status_code != 200 or answer.text != path:
                    wrong.append(f"{path}: {answer.status_code} {answer.text}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert len(served.records) == 1600
