"""What makes two requests the same."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from lanner.http.events import read
from lanner.http.message import Principal, Request
from lanner.idempotency.fingerprint import fingerprint, record_id
from tests.builders import Context, http_event

TEXT = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
REQUESTS = st.fixed_dictionaries(
    {
        "path": TEXT.map(lambda name: f"/{name}"),
        "query": st.lists(st.tuples(TEXT, TEXT), max_size=2),
        "content_type": st.sampled_from(["application/json", "text/plain"]),
        "body": st.binary(max_size=5),
    }
)


def request(path: str, query: list[tuple[str, str]], content_type: str, body: bytes) -> Request:
    made = read(http_event("POST", path, headers={"Content-Type": content_type}, query=query, body=body), Context())
    made.route = path
    return made


@given(REQUESTS, REQUESTS)
def test_requests_differ_when_any_part_does(one: dict[str, Any], two: dict[str, Any]) -> None:
    """And only then; no two lists of parts look alike."""
    for each in (one, two):
        assume(all(name != "version" for name, _ in each["query"]))
    assert (fingerprint(request(**one)) == fingerprint(request(**two))) is (one == two)


@given(TEXT, TEXT, TEXT, TEXT)
def test_records_belong_to_a_caller_and_a_key(who: str, key: str, other: str, another: str) -> None:
    """The same caller and key, or another record; nothing of either is readable in the id."""
    mine, others = request("/a", [], "a/b", b""), request("/a", [], "a/b", b"")
    mine.principal, others.principal = Principal(who, "app"), Principal(other, "app")
    found = record_id(mine, key)
    assert (found == record_id(others, another)) is ((who, key) == (other, another))
    assert len(found) == 64
    assert found.isalnum()


def test_the_choice_of_a_version_is_no_part_of_the_query() -> None:
    """`?version=2` is how the version was found, which counts by itself."""
    plain = request("/a", [("x", "1")], "a/b", b"")
    chosen = request("/a", [("version", "2"), ("x", "1")], "a/b", b"")
    assert fingerprint(plain) == fingerprint(chosen)
