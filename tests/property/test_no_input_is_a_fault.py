"""Whatever a client sends is answered: with what it asked for or with what was wrong with it, never with a 500."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import Context, rest_event
from tests.functions.api_client import JSON as JSON_TYPE
from tests.functions.api_client import MERGE_PATCH, Client, handler_of
from tests.functions.gateway_events import Answer

pytestmark = pytest.mark.usefixtures("users_table", "catalog_table")
FAST = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

VERSIONS = st.sampled_from(["v1", "v2"])
TEXT = st.text(max_size=12)
VALUES = st.one_of(
    TEXT,
    st.sampled_from(["", "0", "1", "-1", "100", "1e3", "id,email", "a@b.co", "2026-01-01T00:00:00Z", "9" * 30]),
)
NAMES = st.sampled_from(["limit", "offset", "cursor", "email", "created_after", "fields", "version", "colour"])
QUERIES = st.lists(st.tuples(NAMES | TEXT, VALUES), max_size=3)
PATHS = st.sampled_from(
    ["/users", "/catalog/categories", "/catalog/translations", "/catalog/settings", "/catalog/translations/en"]
) | TEXT.map(lambda text: f"/users/{quote(text, safe='')}" if text else "/users")
USER_MEMBERS = ("id", "name", "given_name", "family_name", "email", "locale", "created_at", "updated_at")
MEMBERS = st.sampled_from((*USER_MEMBERS, "data", "settings", "messages", "children", "slug"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(["a@b.co", "en", "2026-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS | TEXT, inner, max_size=4),
    max_leaves=15,
)
TAGS = st.sampled_from(["*", '"v2.1-1"', 'W/"v2.1-1"', '"v1.1-1", "x"', "nonsense", "", ",", '"']) | TEXT.filter(
    str.isascii
)


def check(answer: Any) -> None:
    """A success, a 304, or a problem that says what is wrong."""
    assert answer.status in (200, 201, 204, 304, 400, 404, 405, 406, 409, 412, 415, 422), answer.body
    if answer.status >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status
        assert problem["detail"]


@FAST
@given(VERSIONS, PATHS, QUERIES, st.sampled_from(["GET", "HEAD", "DELETE", "OPTIONS"]), TAGS)
def test_any_address(version: str, path: str, query: list[tuple[str, str]], method: str, tag: str) -> None:
    """Paths, parameters and conditions of any kind; a cursor among them that nobody made."""
    target = f"/{version}{path}?{urlencode(query, errors='replace')}"
    answer = Client()(method, target, headers={"If-None-Match": tag, "If-Match": tag} if tag else None)
    if method == "HEAD":
        assert answer.status < 500
        assert answer.body == b""
    else:
        check(answer)


@FAST
@given(VERSIONS, PATHS, st.sampled_from(["POST", "PUT", "PATCH"]), JSON, TAGS)
def test_any_json(version: str, path: str, method: str, body: Any, tag: str) -> None:
    """Documents of any shape, with the members' names in any place."""
    content_type = MERGE_PATCH if method == "PATCH" else "application/json"
    headers = {"If-Match": tag} if tag else None
    client = Client()
    check(client(method, f"/{version}{path}", orjson.dumps(body), content_type=content_type, headers=headers))


@FAST
@given(VERSIONS, JSON, st.sampled_from(["PUT", "PATCH"]))
def test_any_json_for_a_user_who_is_there(version: str, body: Any, method: str) -> None:
    """And whatever was accepted can be read, and written back, in both versions."""
    client = Client()
    found = client.get("/v2/users?email=there@example.com").json()["data"]
    user = found[0] if found else client.post("/v2/users", {"given_name": "A", "email": "there@example.com"}).json()
    sent = {**body, "email": "there@example.com"} if isinstance(body, dict) else body
    content_type = MERGE_PATCH if method == "PATCH" else "application/json"
    check(client(method, f"/{version}/users/{user['id']}", orjson.dumps(sent), content_type=content_type))
    for each in ("v1", "v2"):
        shown = client.get(f"/{each}/users/{user['id']}").json()
        assert client.put(f"/{each}/users/{user['id']}", shown).json() == shown


@FAST
@given(st.binary(max_size=40), st.sampled_from(["application/json", MERGE_PATCH, "", "text/plain", "a/b;c=d;charset="]))
def test_any_bytes(body: bytes, content_type: str) -> None:
    """Bodies that are no JSON, of types that are none."""
    check(Client()("POST", "/v2/users", body, content_type=content_type))
    check(Client()("PUT", "/v1/catalog/settings", body, content_type=content_type))


LONE = st.sampled_from(["\ud800", "a\udfffb", "\udc00@example.com"])
PLACES = st.sampled_from(
    ["path", "route", "name", "value", "email", "fields", "type", "agent", "accept", "tag", "body"]
)


@FAST
@given(LONE, PLACES, st.sampled_from(["GET", "POST", "PUT"]), st.sampled_from(["/users", "/catalog/settings"]))
def test_what_no_utf8_can_hold(text: str, place: str, method: str, path: str) -> None:
    """An event is JSON, and JSON can write half a character anywhere (RFC 8259 section 8.2)."""
    client = Client()
    target = f"/v2{path}"
    headers = {"Content-Type": JSON_TYPE if place != "type" else text}
    headers |= {name: text for name, at in (("User-Agent", "agent"), ("Accept", "accept")) if at == place}
    headers |= {"If-None-Match": f'"{text}"', "If-Match": f'"{text}"'} if place == "tag" else {}
    query = {
        "name": [(text, "1")],
        "value": [("limit", text)],
        "email": [("email", text)],
        "fields": [("fields", text)],
    }
    event = rest_event(
        method,
        {"path": f"{target}/{text}", "route": f"/v2/{text}"}.get(place, target),
        headers=headers,
        query=query.get(place),
        body=f'{{"given_name": "{text}"}}' if place == "body" else '{"settings": {}}',
    )
    assert client.get(target).status == 200
    check(Answer(handler_of(target)(event, Context())))
