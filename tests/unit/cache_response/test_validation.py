"""RFC 9111 section 4.3: conditions for the origin, what a 304 brings, HEAD, and the client's own conditions."""

from __future__ import annotations

import pytest

from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site, modified_by


def test_a_stale_response_is_validated_by_its_entity_tag() -> None:
    """Section 4.3.1, and the 304 makes it fresh again."""
    site = Site().replies(modified_by('"1"'))
    site.get()
    answer = site.wait(61).get()
    assert site.sent[1]["if-none-match"] == '"1"'
    assert (answer.status, answer.body, answer.headers["age"]) == (200, b'body of "1"', "0")
    assert site.wait(59).is_cached()


def test_a_stale_response_is_validated_by_its_date() -> None:
    """Section 4.3.1: If-Modified-Since with the stored Last-Modified, to the letter."""
    site = Site()
    modified = site.date(-1000)
    site.reply(cache_control="max-age=1", last_modified=modified)
    site.get()
    site.reply(304, b"", cache_control="max-age=60", last_modified=modified)
    answer = site.wait(2).get()
    assert site.sent[1]["if-modified-since"] == modified
    assert (answer.status, answer.body) == (200, b"body")


@pytest.mark.parametrize("etag", ['W/"1"', "unquoted", '"a,b"', '"ü"'])
def test_any_entity_tag_is_sent_as_it_was_received(etag: str) -> None:
    """Weak ones too; what the origin made up is its own to recognise."""
    site = Site().reply(cache_control="max-age=1", etag=etag)
    site.get()
    site.wait(2).get()
    assert site.sent[1]["if-none-match"] == etag


def test_the_selecting_fields_go_with_a_validation() -> None:
    """The origin must be able to choose the same representation."""
    site = Site().reply(cache_control="max-age=1", etag='"1"', vary="abc")
    site.get(abc="123")
    site.wait(2).get(abc="123")
    assert (site.sent[1]["abc"], site.sent[1]["if-none-match"]) == ("123", '"1"')


def test_another_variants_tag_is_not_sent() -> None:
    """A 304 for it would give one client what was made for another."""
    site = Site().reply(cache_control="max-age=60", etag='"1"', vary="abc")
    site.get(abc="123")
    site.get(abc="456")
    assert "if-none-match" not in site.sent[1]


def test_no_cache_is_stored_and_validated_each_time() -> None:
    """Section 5.2.2.4."""
    site = Site().replies(modified_by('"1"', "no-cache, max-age=600"))
    site.get()
    for _ in range(2):
        assert site.get().body == b'body of "1"'
    assert [each.get("if-none-match") for each in site.sent] == [None, '"1"', '"1"']


def test_a_full_answer_replaces_the_stored_one() -> None:
    """Section 4.3.3."""
    site = Site().replies(modified_by('"1"'))
    site.get()
    site.replies(modified_by('"2"'))
    assert site.wait(61).get().body == b'body of "2"'
    assert site.get().body == b'body of "2"'
    assert site.calls == 2


@pytest.mark.parametrize("status", [404, 410, 301])
def test_another_answer_ends_the_stored_one(status: int) -> None:
    """Section 4.3.3: what the origin answers now counts, stored or not."""
    site = Site().replies(modified_by('"1"'))
    site.get()
    site.reply(status, b"gone", cache_control="no-store")
    assert site.wait(61).get().status == status
    site.get()
    assert "if-none-match" not in site.sent[2]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("test-header", "A", "B"),
        ("content-type", "text/plain", "text/plain;charset=utf-8"),
        ("content-location", "/foo", "/bar"),
        ("content-security-policy", "default-src 'self'", "default-src 'self' cdn.example.com"),
        ("x-frame-options", "deny", "sameorigin"),
        ("cache-control", "max-age=1", "max-age=3600"),
        ("clear-site-data", "cache", "cookies"),
        ("content-foo", "A", "B"),
    ],
)
@pytest.mark.parametrize("validator", ["etag", "last-modified"])
def test_a_304_updates_the_stored_fields(name: str, old: str, new: str, validator: str) -> None:
    """Section 3.2: in the answer and in the store."""
    site = Site()
    proof = '"1"' if validator == "etag" else site.date(-86_400)
    fields = {validator: proof, "cache-control": "max-age=1", name: old}
    site.replies(lambda _: Response(200, dict(fields), b"body"))
    site.get()
    site.replies(lambda _: Response(304, {**fields, "cache-control": "max-age=3600", name: new}))
    assert site.wait(2).get().headers[name] == new
    assert site.wait(2).get().headers[name] == new
    assert site.calls == 2


@pytest.mark.parametrize("name", ["content-length", "content-encoding", "content-range", "transfer-encoding"])
def test_a_304_does_not_change_what_belongs_to_the_bytes(name: str) -> None:
    """Section 3.2: Content-Length never; the others would contradict the stored body."""
    kept = {"content-length": "4", "content-encoding": "gzip"}
    site = Site().replies(lambda _: Response(200, {"etag": '"1"', "cache-control": "max-age=1", **kept}, b"body"))
    site.get()
    site.replies(lambda _: Response(304, {"etag": '"1"', "cache-control": "max-age=60", name: "0"}))
    answer = site.wait(2).get()
    assert answer.headers.get(name) == kept.get(name)
    assert site.get().headers.get(name) == kept.get(name)


def test_a_304_leaves_the_fields_that_it_omits() -> None:
    """Section 3.2: nothing is removed."""
    site = Site().reply(cache_control="max-age=1", etag='"1"', test_header="A")
    site.get()
    site.reply(304, b"", cache_control="max-age=60", etag='"1"')
    assert site.wait(2).get().headers["test-header"] == "A"


def test_a_304_sets_date_and_age_anew() -> None:
    """Otherwise the response would stay as old as it was."""
    site = Site().reply(cache_control="max-age=10", etag='"1"', age="5", date=Site().date())
    site.get()
    site.reply(304, b"", etag='"1"')
    answer = site.wait(20).get()
    assert (answer.headers["age"], answer.headers["date"]) == ("0", site.date())
    assert site.wait(9).is_cached()


def test_a_304_brings_the_age_of_the_cache_that_sent_it() -> None:
    """Section 4.2.3 applies to the new message."""
    site = Site().reply(cache_control="max-age=10", etag='"1"')
    site.get()
    site.reply(304, b"", etag='"1"', age="4")
    assert site.wait(20).get().headers["age"] == "4"
    assert not site.wait(6).is_cached()


@pytest.mark.parametrize("value", ["no-store", "private, max-age=60"])
def test_a_304_that_forbids_storing_ends_the_stored_response(value: str) -> None:
    """Section 3 holds for what a 304 says too; this request still has its answer."""
    site = Site().reply(cache_control="max-age=1", etag='"1"')
    site.get()
    site.reply(304, b"", etag='"1"', cache_control=value)
    assert site.wait(2).get().body == b"body"
    site.reply(cache_control="max-age=60")
    site.get()
    assert "if-none-match" not in site.sent[2]


def test_a_304_to_an_authorised_request_updates_nothing_that_it_may_not() -> None:
    """Section 3.5 holds for its fields: the stored response stays as it was."""
    site = Site().reply(cache_control="max-age=1", etag='"1"')
    site.get()
    site.reply(304, b"", etag='"1"', cache_control="max-age=60", x_user="u")
    answer = site.wait(2).get(authorization="Bearer x")
    assert (answer.body, answer.headers["x-user"]) == (b"body", "u")
    kept = site.get(cache_control="only-if-cached, max-stale")
    assert (kept.status, "x-user" in kept.headers) == (200, False)


@pytest.mark.parametrize("fields", [{"etag": '"other"'}, {"last_modified": "Mon, 01 Jan 2001 00:00:00 GMT"}])
def test_a_304_about_something_else_is_not_believed(fields: dict[str, str]) -> None:
    """Section 4.3.4: no stored response has that validator; the request is repeated without conditions."""

    def answer(asked: Request) -> Response:
        if "if-none-match" in asked.headers:
            return Response(304, {name.replace("_", "-"): value for name, value in fields.items()})
        return Response(200, {"cache-control": "max-age=60"}, b"new")

    site = Site().reply(cache_control="max-age=1", etag='"1"')
    site.get()
    site.replies(answer)
    assert site.wait(2).get().body == b"new"
    assert "if-none-match" not in site.sent[2]
    assert site.get().body == b"new"


def test_a_304_that_leaves_nothing_to_be_cacheable_by_ends_it() -> None:
    """Section 3.2: the lifetime is replaced by what came, and a 299 is not stored without one."""
    site = Site().reply(299, cache_control="max-age=60", etag='"1"')
    site.get()
    site.reply(304, b"", cache_control="no-transform")
    assert site.get(cache_control="no-cache").status == 299
    site.reply(299, b"new", cache_control="max-age=60")
    assert site.get().body == b"new"
    assert "if-none-match" not in site.sent[-1]


def test_tags_without_quotes_are_told_apart_to_the_last_character() -> None:
    """They are no entity-tags (RFC 9110 section 8.8.3), and still each is itself and no other."""
    site = Site().reply(cache_control="max-age=1", etag="abcdef")
    site.get()
    site.replies(lambda asked: Response(304, {"etag": "abcdeg"}) if "if-none-match" in asked.headers else Response(410))
    assert site.wait(2).get().status == 410


def test_a_304_without_validators_confirms_the_only_one_asked_about() -> None:
    """Section 4.3.4: there is one stored response, and no other condition was sent."""
    site = Site().reply(cache_control="max-age=1", etag='"1"')
    site.get()
    site.reply(304, b"", cache_control="max-age=60")
    assert site.wait(2).get().body == b"body"
    assert site.is_cached()


def test_a_strong_tag_in_a_304_says_nothing_about_a_weak_one() -> None:
    """Section 4.3.4: none of what is stored has that strong validator, so it updates nothing."""
    site = Site().reply(200, b"old", cache_control="max-age=1", etag='W/"1"')
    site.get()
    site.replies(
        lambda asked: Response(304, {"etag": '"1"'}) if "if-none-match" in asked.headers else Response(200, {}, b"new")
    )
    assert site.wait(2).get().body == b"new"
    assert "if-none-match" not in site.sent[2]


def test_a_weak_tag_never_becomes_a_strong_one() -> None:
    """A server that compresses weakens its tag in a 200 and not in a 304: Last-Modified tells that it still holds."""
    modified = Site().date(-1000)
    site = Site().reply(200, b"zip", cache_control="max-age=1", etag='W/"1"', last_modified=modified)
    site.get()
    site.reply(304, b"", cache_control="max-age=60", etag='"1"', last_modified=modified)
    answer = site.wait(2).get()
    assert (answer.body, answer.headers["etag"], site.calls) == (b"zip", 'W/"1"', 2)
    assert site.get(range="bytes=0-1", if_range='"1"').status == 200
    assert site.calls == 2


def test_a_304_brings_all_up_to_date_that_have_its_strong_tag() -> None:
    """Section 4.3.4: one with Vary and one without fit the request, and both are fresh again."""
    site = Site().reply(200, b"one", cache_control="max-age=10", etag='"1"', vary="foo")
    site.get(foo="1")
    site.reply(200, b"one", cache_control="max-age=10", etag='"1"')
    site.get(foo="2")
    site.reply(304, b"", cache_control="max-age=60", etag='"1"', x="new")
    site.wait(20)
    assert site.get(foo="1").headers["vary"] == "foo"
    other = site.get(foo="2")
    assert ("vary" in other.headers, other.headers["x"], site.calls) == (False, "new", 3)


def test_all_entity_tags_of_what_matches_are_sent() -> None:
    """Section 4.3.1: several stored responses may fit one request; the 304 chooses."""
    site = Site()
    site.reply(200, b"one", cache_control="max-age=9", vary="foo", etag='"1"', date=site.date(-5))
    site.get(foo="1", bar="1")
    site.reply(200, b"two", cache_control="max-age=9", vary="bar", etag='"2"', date=site.date(-1))
    site.get(foo="2", bar="2")
    site.reply(304, b"", cache_control="max-age=60", vary="foo", etag='"1"')
    answer = site.wait(10).get(foo="1", bar="2")
    assert site.sent[2]["if-none-match"] == '"2", "1"'
    assert answer.body == b"one"


def test_a_304_to_a_condition_of_the_client_is_passed_on() -> None:
    """Nothing is stored, so the condition is the client's and so is the answer."""
    site = Site().reply(304, b"", etag='"c"', cache_control="max-age=60")
    answer = site.get(if_none_match='"c"')
    assert site.sent[0]["if-none-match"] == '"c"'
    assert answer.status == 304
    assert not site.is_cached()


def test_conditions_can_be_kept_back_to_fill_the_store() -> None:
    """The option `strip_conditions`: the origin gives the whole, the condition is judged here."""
    site = Site(strip_conditions=True).reply(cache_control="max-age=60", etag='"c"')
    answer = site.get(if_none_match='"c"', if_modified_since=site.date())
    assert "if-none-match" not in site.sent[0] and "if-modified-since" not in site.sent[0]
    assert (answer.status, answer.body) == (304, b"")
    assert site.get().body == b"body"
    assert site.calls == 1


def test_the_clients_condition_is_judged_after_a_validation() -> None:
    """Section 4.3.2: our validator goes to the origin, the client's is compared with what came of it."""
    site = Site().replies(modified_by('"1"'))
    site.get()
    assert site.wait(61).get(if_none_match='"1"').status == 304
    assert site.wait(61).get(if_none_match='"0"').status == 200
    assert site.sent[2]["if-none-match"] == '"1"'
    site.replies(modified_by('"0"'))
    assert site.wait(61).get(if_none_match='"0"').status == 304
    assert site.is_cached()


def head(etag: str = '"1"', **more: str) -> Response:
    return Response(200, {"etag": etag, "cache-control": "max-age=60", **more})


def test_head_is_answered_from_a_stored_get() -> None:
    """Section 4: the method of the stored response allows it. RFC 9110 section 9.3.2: no content, the same fields."""
    site = Site().reply(cache_control="max-age=60", x_a="1")
    site.get()
    answer = site.wait(3).head()
    assert site.calls == 1
    assert (answer.status, answer.body, answer.headers["x-a"], answer.headers["age"]) == (200, b"", "1", "3")
    assert answer.headers["content-length"] == "4"


def test_head_keeps_its_body_where_somebody_outside_drops_it() -> None:
    """The option `head_bodies`, for a pipeline that treats HEAD as GET until the end; it then fills the store too."""
    site = Site(head_bodies=True).reply(cache_control="max-age=60")
    assert site.head().body == b"body"
    assert site.get().body == site.head().body == b"body"
    assert site.calls == 1
    site = Site(head_bodies=True).reply(200, b"", cache_control="max-age=60")
    site.head()
    assert not site.is_cached()


def test_an_answer_to_head_is_not_stored_for_get() -> None:
    """It has no content to answer with."""
    site = Site().reply(200, b"", cache_control="max-age=60")
    site.head()
    assert not site.is_cached()


def test_a_304_to_head_freshens_the_stored_get() -> None:
    """Section 4.3.4: a validating HEAD is a validation."""
    site = Site().replies(modified_by('"1"'))
    site.get()
    answer = site.wait(61).head()
    assert (answer.status, answer.body, site.sent[1]["if-none-match"]) == (200, b"", '"1"')
    assert site.is_cached()


def test_a_200_to_head_updates_the_stored_get_that_it_agrees_with() -> None:
    """Section 4.3.5: same validators, same length."""
    site = Site().replies(lambda _: Response(200, {"etag": '"1"', "cache-control": "max-age=1", "x-a": "1"}, b"body"))
    site.get()
    site.replies(lambda _: head(**{"content-length": "4", "x-a": "2"}))
    site.wait(2).head()
    answer = site.get()
    assert site.calls == 2
    assert (answer.body, answer.headers["x-a"]) == (b"body", "2")


@pytest.mark.parametrize(
    "fields", [{"etag": '"2"'}, {"content-length": "5"}, {"last-modified": "Mon, 01 Jan 2001 00:00:00 GMT"}]
)
def test_a_200_to_head_ends_the_stored_get_that_it_contradicts(fields: dict[str, str]) -> None:
    """Section 4.3.5: another validator or length."""
    site = Site().replies(lambda _: Response(200, {"etag": '"1"', "cache-control": "max-age=60"}, b"body"))
    site.get()
    site.replies(lambda _: head(**fields))
    site.head(cache_control="no-cache")
    assert not site.is_cached()


def fresh_site() -> Site:
    site = Site()
    site.reply(
        cache_control="max-age=600",
        etag='"abc"',
        last_modified=site.date(-3000),
        vary="foo",
        content_location="/c",
        expires=site.date(600),
        content_type="text/plain",
        content_language="de",
    )
    site.get()
    return site


@pytest.mark.parametrize(
    "value", ['"abc"', 'W/"abc"', '"x", "abc"', '"abc", "x"', '"x" , W/"abc" ,"y"', "*", '"a,b", "abc"']
)
def test_if_none_match_that_names_the_stored_tag_is_a_304(value: str) -> None:
    """Section 4.3.2 and RFC 9110 section 13.1.2: weak comparison, lists, `*`."""
    site = fresh_site()
    answer = site.wait(5).get(if_none_match=value)
    assert site.calls == 1
    assert (answer.status, answer.body, answer.headers["age"]) == (304, b"", "5")


@pytest.mark.parametrize("value", ['"x"', '"ABC"', '"x", "y"', "abcd", '""', ""])
def test_if_none_match_that_names_others_is_a_200(value: str) -> None:
    """The stored response is what the client does not have."""
    site = fresh_site()
    assert site.get(if_none_match=value, if_modified_since=site.date()).status == 200
    assert site.calls == 1


def test_a_304_repeats_what_its_200_says_about_caching() -> None:
    """RFC 9110 section 15.4.5: Cache-Control, Content-Location, Date, ETag, Expires, Vary; not the representation's."""
    answer = fresh_site().get(if_none_match='"abc"')
    assert {"cache-control", "content-location", "date", "etag", "expires", "vary", "age"} <= answer.headers.keys()
    assert not {"content-type", "content-language", "content-length"} & answer.headers.keys()


@pytest.mark.parametrize(("offset", "status"), [(-3000, 304), (-2000, 304), (0, 304), (-3001, 200)])
def test_if_modified_since_against_last_modified(offset: float, status: int) -> None:
    """Section 4.3.2: earlier than or equal to the client's date is not modified."""
    site = fresh_site()
    assert site.get(if_modified_since=site.date(offset)).status == status
    assert site.calls == 1


def test_if_modified_since_in_the_old_forms() -> None:
    """RFC 9110 section 5.6.7: rfc850 and asctime dates count."""
    site = Site().reply(cache_control="max-age=60", last_modified="Sun, 06 Nov 1994 08:49:37 GMT")
    site.get()
    for value in ("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 GMT"):
        assert site.get(if_modified_since=value).status == 304
    assert site.get(if_modified_since="yesterday").status == 200
    assert site.get(if_modified_since="Sun, 06 Nov 1994 08:49:36 GMT").status == 200


@pytest.mark.parametrize(("offset", "status"), [(0, 304), (10, 304), (-1, 200)])
def test_if_modified_since_without_last_modified_is_judged_by_date(offset: float, status: int) -> None:
    """Section 4.3.2: Date stands in for it."""
    site = Site().reply(cache_control="max-age=60", date=Site().date())
    site.get()
    assert site.get(if_modified_since=site.date(offset)).status == status


def test_if_none_match_takes_precedence() -> None:
    """RFC 9110 section 13.2.2."""
    site = fresh_site()
    assert site.get(if_none_match='"abc"', if_modified_since=site.date(-9999)).status == 304
    assert site.get(if_none_match='"x"', if_modified_since=site.date()).status == 200


@pytest.mark.parametrize("status", [404, 301, 503])
def test_conditions_do_not_apply_to_stored_errors(status: int) -> None:
    """Section 4.3.2: only a stored 200 or 206 is judged (RFC 9110 section 13.2.1)."""
    site = Site().reply(status, cache_control="max-age=60", etag='"1"')
    site.get()
    assert site.get(if_none_match='"1"').status == status


def test_conditions_for_the_origin_are_ignored_by_the_store() -> None:
    """Section 4.3.2: If-Match and If-Unmodified-Since are not for a cache."""
    site = fresh_site()
    assert site.get(if_match='"x"', if_unmodified_since=site.date(-9999)).status == 200
    assert site.calls == 1


def test_conditions_for_the_origin_go_to_it() -> None:
    """And their 412 is not stored."""
    site = Site().reply(412, b"", cache_control="max-age=60")
    assert site.get(if_match='"x"').status == 412
    assert site.sent[0]["if-match"] == '"x"'
    assert not site.is_cached()


@pytest.mark.parametrize("status", [401, 403, 412, 429])
def test_an_error_about_one_request_leaves_the_stored_response(status: int) -> None:
    """It says nothing about the resource: who comes next validates what is there."""
    site = Site().reply(cache_control="max-age=1", etag='"1"')
    site.get()
    site.reply(status, b"")
    assert site.wait(2).get(if_match='"x"').status == status
    assert (site.sent[1]["if-match"], site.sent[1]["if-none-match"]) == ('"x"', '"1"')
    assert site.get().status == status
    site.reply(304, b"", etag='"1"', cache_control="max-age=60")
    assert site.get().body == b"body"
    assert site.is_cached()


def test_head_is_conditional_too() -> None:
    """RFC 9110 section 13.1.2: GET and HEAD."""
    assert fresh_site().head(if_none_match='"abc"').status == 304
