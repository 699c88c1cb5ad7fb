"""Cursors, page sizes, offsets and the links between pages."""

from __future__ import annotations

import pytest

from lanner.clock import ManualClock
from lanner.http.pagination import Cursor, CursorCodec, offset, page_links, page_size
from lanner.http.problems import BadRequest

OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
SCOPE = "v2/users"


def why(codec: CursorCodec, text: str, **changes: object) -> str:
    """The reason for which a cursor is refused, after checking that it is the client's error."""
    arguments = {"scope": SCOPE, "filters": {"email": "a@example.com"}, **changes}
    with pytest.raises(BadRequest) as caught:
        codec.decode(text, **arguments)  # type: ignore[arg-type]
    assert (caught.value.slug, caught.value.errors[0]["pointer"]) == ("invalid-cursor", "?cursor")
    return caught.value.errors[0]["detail"]


@pytest.fixture
def codec() -> CursorCodec:
    return CursorCodec([NEW, OLD])


@pytest.fixture
def text(codec: CursorCodec) -> str:
    return codec.encode(["2026-11-23T00:00:00Z", "id"], scope=SCOPE, filters={"email": "a@example.com"})


def test_a_cursor_comes_back_as_it_went(codec: CursorCodec, text: str) -> None:
    """Position and direction; in characters that need no escaping in a URL."""
    decoded = codec.decode(text, scope=SCOPE, filters={"email": "a@example.com"})
    assert decoded == Cursor(["2026-11-23T00:00:00Z", "id"], "next")
    assert text.replace("-", "").replace("_", "").isalnum()
    back = codec.encode([1], scope=SCOPE, filters={}, direction="prev")
    assert codec.decode(back, scope=SCOPE, filters={}) == Cursor([1], "prev")


def test_filters_that_were_not_given_do_not_count(codec: CursorCodec) -> None:
    """None is absent, and the order of filters means nothing."""
    text = codec.encode([1], scope=SCOPE, filters={"a": "1", "b": "2", "c": None})
    assert codec.decode(text, scope=SCOPE, filters={"b": "2", "a": "1"}).position == [1]


def test_each_refusal_says_what_is_wrong(codec: CursorCodec, text: str) -> None:
    """And nothing about keys, hashes or positions."""
    assert "other filters" in why(codec, text, filters={"email": "b@example.com"})
    assert "other filters" in why(codec, text, filters={})
    assert "another list or another API version" in why(codec, text, scope="v3/users")
    assert "malformed or cut off" in why(codec, text[:20])
    assert "malformed" in why(codec, "")
    assert "malformed" in why(codec, text + "=")
    assert "malformed" in why(codec, text.replace(text[3], "ü", 1))
    assert "malformed" in why(codec, "A" * 100_000)
    assert "signature" in why(codec, text[:-3])
    assert "signature" in why(codec, ("B" if text[0] == "A" else "A") + text[1:])


def test_a_cursor_of_another_system_is_refused(codec: CursorCodec) -> None:
    """Signed with a key that is not ours."""
    stranger = CursorCodec([FOREIGN]).encode([1], scope=SCOPE, filters={"email": "a@example.com"})
    assert "signature" in why(codec, stranger)


def test_keys_rotate() -> None:
    """Old cursors live as long as the old key is listed, and new ones are signed by the first."""
    before, during, after = CursorCodec([OLD]), CursorCodec([NEW, OLD]), CursorCodec([NEW])
    old = before.encode([1], scope=SCOPE, filters={})
    new = during.encode([1], scope=SCOPE, filters={})
    assert during.decode(old, scope=SCOPE, filters={}).position == [1]
    assert after.decode(new, scope=SCOPE, filters={}).position == [1]
    assert "retired" in why(after, old, filters={})


def test_a_cursor_expires() -> None:
    """At its second, not after it."""
    clock = ManualClock()
    codec = CursorCodec([NEW], ttl=60, clock=clock)
    text = codec.encode([1], scope=SCOPE, filters={})
    clock.advance(59)
    assert codec.decode(text, scope=SCOPE, filters={}).expires_at == int(clock.now()) + 1
    clock.advance(1)
    assert "expired" in why(codec, text, filters={})


def test_the_error_points_to_the_parameter_it_came_in(codec: CursorCodec) -> None:
    """A list may call it otherwise."""
    with pytest.raises(BadRequest) as caught:
        codec.decode("x", scope=SCOPE, filters={}, name="page_token")
    assert caught.value.errors[0]["pointer"] == "?page_token"


def test_mistakes_of_ours_are_not_the_clients() -> None:
    """Keys and positions that cannot work raise at once."""
    with pytest.raises(ValueError, match="at least one"):
        CursorCodec([])
    with pytest.raises(ValueError, match="key 2 of 2"):
        CursorCodec([NEW, b"short"])
    with pytest.raises(ValueError, match="ttl"):
        CursorCodec([NEW], ttl=0)
    with pytest.raises(ValueError, match="characters"):
        CursorCodec([NEW]).encode(["x" * 2000], scope=SCOPE, filters={})


@pytest.mark.parametrize(
    ("values", "size"),
    [([], 20), (["1"], 1), (["100"], 100), (["101"], 100), (["0" * 50 + "7"], 7), (["9" * 5000], 100)],
)
def test_a_page_size_is_clamped(values: list[str], size: int) -> None:
    """AIP-158: more than the maximum is the maximum."""
    assert page_size(values, 20, 100) == size


@pytest.mark.parametrize("value", ["0", "-1", "+1", "1.5", "ten", "", " 1", "1_0", "\u0661"])
def test_what_is_no_page_size_is_an_error(value: str) -> None:
    """It names the parameter and repeats what was sent."""
    with pytest.raises(BadRequest) as caught:
        page_size([value], 20, 100)
    assert caught.value.errors[0]["pointer"] == "?limit"
    assert repr(value) in caught.value.errors[0]["detail"]


def test_a_repeated_parameter_is_an_error() -> None:
    """Even with one value twice: which was meant?"""
    with pytest.raises(BadRequest, match="2 times"):
        page_size(["5", "5"], 20, 100)
    with pytest.raises(BadRequest, match="2 times"):
        offset(["5", "6"], 1000)


def test_offsets_are_bounded() -> None:
    """The error says what to use instead."""
    assert [offset(values, 1000) for values in ([], ["0"], ["1000"])] == [0, 0, 1000]
    with pytest.raises(BadRequest, match="goes up to 1000; read on with the cursor of /v2/users"):
        offset(["1001"], 1000, beyond="read on with the cursor of /v2/users")
    with pytest.raises(BadRequest, match="0 or more"):
        offset(["-1"], 1000)


def test_links_keep_the_other_parameters() -> None:
    """first, prev, next in that order; the cursor alone is exchanged, and what is special is escaped."""
    query = [("limit", "2"), ("email", "a+b@c"), ("cursor", "old"), ("fields", "id,email")]
    assert page_links("/v2/users", query, {"next": "n", "prev": "p"}) == (
        '</v2/users?limit=2&email=a%2Bb%40c&fields=id%2Cemail>; rel="first", '
        '</v2/users?limit=2&email=a%2Bb%40c&fields=id%2Cemail&cursor=p>; rel="prev", '
        '</v2/users?limit=2&email=a%2Bb%40c&fields=id%2Cemail&cursor=n>; rel="next"'
    )


def test_the_last_page_has_no_next_link() -> None:
    """The only sign of the end; a path without parameters stays one."""
    assert page_links("/v2/users", [], {"next": None}) == '</v2/users>; rel="first"'


def test_links_go_by_offset_too() -> None:
    """v1 pages are numbered by items."""
    links = page_links("/v1/users", [("offset", "20")], {"prev": "0", "next": "40"}, name="offset")
    assert links == ('</v1/users>; rel="first", </v1/users?offset=0>; rel="prev", </v1/users?offset=40>; rel="next"')


def test_whatever_stands_in_a_query_makes_a_valid_link() -> None:
    """Neither half a surrogate pair nor a line break gets into the header."""
    links = page_links("/v2/ü r", [("q\r\n", '\ud800">')], {})
    assert links == '</v2/%C3%BC%20r?q%0D%0A=%3F%22%3E>; rel="first"'
