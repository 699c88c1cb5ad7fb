"""RFC 9111 section 3: what may be stored, and which of its fields."""

from __future__ import annotations

from typing import Any

import pytest

from lanner.http.message import Response
from tests.unit.cache_response.site import Site, request

FRESH = "max-age=60"


def test_a_fresh_answer_to_get_is_stored_and_reused() -> None:
    """The point of it all: one call of the origin for two requests."""
    site = Site().reply(cache_control=FRESH, content_type="text/plain")
    first, second = site.get(), site.get()
    assert site.calls == 1
    assert (second.status, second.body, second.headers["content-type"]) == (200, b"body", "text/plain")
    assert first.body == second.body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
def test_methods_other_than_get_and_head_are_never_stored(method: str) -> None:
    """Section 3: the method must be understood; only GET is stored here, whatever the answer says."""
    site = Site().reply(cache_control=FRESH)
    site.does(method)
    site.does(method)
    assert site.calls == 2
    assert not site.is_cached()


@pytest.mark.parametrize("status", [100, 103, 199, 600])
def test_a_status_that_is_not_final_is_not_stored(status: int) -> None:
    """Section 3: the status code is final."""
    site = Site().reply(status, cache_control=FRESH)
    site.get()
    assert not site.is_cached()


@pytest.mark.parametrize("status", [206, 304, 412, 416, 428, 429, 431, 511])
def test_statuses_about_one_request_are_never_stored(status: int) -> None:
    """Section 3.3 leaves 206 out; a 304, 412 or 416 answers one request; RFC 6585 forbids the others."""
    site = Site().reply(status, cache_control=FRESH)
    site.get()
    assert not site.is_cached()


@pytest.mark.parametrize(
    "status", [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 599]
)
def test_any_final_status_with_an_explicit_lifetime_is_stored(status: int) -> None:
    """Section 3: explicit freshness is enough, for unknown status codes too."""
    site = Site().reply(status, b"" if status == 204 else b"body", cache_control=FRESH)
    site.get()
    assert site.is_cached()
    assert site.get().status == status


@pytest.mark.parametrize("value", ["no-store", "No-StOrE", "max-age=60, no-store", "no-store=x", 'a="b", no-store'])
def test_no_store_is_not_stored(value: str) -> None:
    """Section 5.2.2.5, in any letter case and company."""
    site = Site().reply(cache_control=value)
    site.get()
    assert not site.is_cached()


def test_an_older_stored_response_survives_an_answer_that_is_not_stored() -> None:
    """A demand for validation that gets no-store does not touch what is still fresh."""
    site = Site().reply(cache_control=FRESH, a="1")
    site.get()
    site.reply(cache_control="no-store", a="2")
    site.get(cache_control="no-cache")
    assert site.get().headers["a"] == "1"


def test_an_older_stored_response_does_not_survive_an_answer_that_is_over_on_arrival() -> None:
    """It would have taken its place, had it lived: a fresh older one is not what the origin says any more."""
    site = Site().reply(cache_control=FRESH, a="1")
    site.get()
    site.reply(cache_control="max-age=1, must-revalidate", age="3", a="2")
    assert site.get(cache_control="no-cache").headers["a"] == "2"
    assert site.get().headers["a"] == "2"
    assert site.calls == 3


@pytest.mark.parametrize("value", ["private, max-age=60", "PRIVATE, max-age=60", 'private="", max-age=60'])
def test_a_shared_cache_does_not_store_private(value: str) -> None:
    """Section 5.2.2.7."""
    site = Site().reply(cache_control=value)
    site.get()
    assert not site.is_cached()


def test_a_private_cache_stores_private() -> None:
    """Section 5.2.2.7: the response is for one user, who is the only one here."""
    site = Site(shared=False).reply(cache_control="private, max-age=60")
    site.get()
    assert site.is_cached()


def test_a_private_cache_stores_private_without_a_lifetime_for_validation() -> None:
    """Section 3: `private` makes it cacheable where the cache is not shared."""
    site = Site(shared=False).reply(222, cache_control="private", etag='"1"')
    site.get()
    site.get()
    assert site.sent[1]["if-none-match"] == '"1"'


def test_qualified_private_keeps_only_the_named_fields_out() -> None:
    """Section 5.2.2.7: a shared cache must not store the listed fields and may store the rest."""
    site = Site().reply(cache_control='private="x-user, X-Mail", max-age=60', x_user="u", x_mail="m", x_other="o")
    first, second = site.get(), site.get()
    assert site.calls == 1
    assert first.headers["x-user"] == "u"
    assert "x-user" not in second.headers and "x-mail" not in second.headers
    assert second.headers["x-other"] == "o"


def test_a_private_cache_keeps_the_fields_of_qualified_private() -> None:
    """They are limited to a single user, who this cache is for."""
    site = Site(shared=False).reply(cache_control='private="x-user", max-age=60', x_user="u")
    site.get()
    assert site.get().headers["x-user"] == "u"


@pytest.mark.parametrize("value", ['no-cache="a"', 'no-cache="a, B"', "no-cache=a"])
def test_fields_of_qualified_no_cache_are_not_reused(value: str) -> None:
    """Section 5.2.2.4: the listed fields must not be sent without validation; the rest may be."""
    site = Site().reply(cache_control=f"{value}, max-age=60", a="1", c="3")
    assert site.get().headers["a"] == "1"
    second = site.get()
    assert site.calls == 1
    assert "a" not in second.headers
    assert second.headers["c"] == "3"


@pytest.mark.parametrize("value", ["public, max-age=60", "must-revalidate, max-age=60", "s-maxage=60"])
def test_an_answer_to_an_authorised_request_is_shared_where_it_says_so(value: str) -> None:
    """Section 3.5."""
    site = Site().reply(cache_control=value)
    site.get(authorization="Bearer x")
    assert site.is_cached()


@pytest.mark.parametrize(
    "value", ["max-age=60", "proxy-revalidate, max-age=60", "public=1, max-age=60", "immutable, max-age=9"]
)
def test_an_answer_to_an_authorised_request_is_otherwise_not_stored(value: str) -> None:
    """Section 3.5, and a `public` with an argument is not that directive."""
    site = Site().reply(cache_control=value)
    site.get(authorization="Bearer x")
    assert not site.is_cached()


def test_expires_alone_does_not_make_an_authorised_answer_shared() -> None:
    """Section 3.5 names three directives and no field."""
    site = Site()
    site.reply(expires=site.date(3600), date=site.date())
    site.get(authorization="Basic x")
    assert not site.is_cached()


def test_a_private_cache_stores_answers_to_authorised_requests() -> None:
    """Section 3.5 is about shared caches."""
    site = Site(shared=False).reply(cache_control=FRESH)
    site.get(authorization="Bearer x")
    assert site.is_cached(authorization="Bearer x")


@pytest.mark.parametrize("status", [200, 404, 503])
def test_must_understand_overrides_no_store_for_an_understood_status(status: int) -> None:
    """Section 5.2.2.3."""
    site = Site().reply(status, cache_control="must-understand, no-store, max-age=60")
    site.get()
    assert site.is_cached()


@pytest.mark.parametrize("status", [299, 499, 599, 218])
def test_must_understand_forbids_storing_what_is_not_understood(status: int) -> None:
    """Section 3: a cache that does not know the status code's rules must not store it, without no-store too."""
    site = Site().reply(status, cache_control="must-understand, max-age=60")
    site.get()
    assert not site.is_cached()


@pytest.mark.parametrize("status", [201, 202, 302, 307, 400, 403, 500, 502, 503, 504, 599])
def test_without_any_sign_of_cacheability_nothing_is_stored(status: int) -> None:
    """Section 3, last condition: not heuristically cacheable and nothing explicit."""
    site = Site()
    site.reply(status, last_modified=site.date(-86_400), date=site.date(), etag='"1"')
    site.get()
    site.get()
    assert "if-none-match" not in site.sent[1]


def test_an_answer_that_could_never_be_used_is_not_stored() -> None:
    """No lifetime and no validator: it would only take room."""
    site = Site().reply()
    assert "stored" not in site.get().headers["cache-status"]


@pytest.mark.parametrize("length", ["3", "5", "", "x", "4, 4", "-4"])
def test_an_incomplete_answer_is_not_stored(length: str) -> None:
    """Section 3.3: Content-Length tells that bytes are missing, or too many, or cannot be trusted."""
    site = Site().reply(cache_control=FRESH, content_length=length)
    site.get()
    assert not site.is_cached()


def test_an_answer_with_its_right_length_is_stored() -> None:
    """Section 3.3, the good case."""
    site = Site().reply(cache_control=FRESH, content_length="4")
    site.get()
    assert site.is_cached()


def test_content_range_means_nothing_in_a_200() -> None:
    """RFC 9110 section 14.4: only a 206 or 416 gives it a meaning; the response is a whole like any other."""
    site = Site().reply(cache_control=FRESH, content_range="bytes 0-3/9")
    site.get()
    assert site.is_cached()
    assert site.get().headers["content-range"] == "bytes 0-3/9"
    assert site.get(range="bytes=0-1").headers["content-range"] == "bytes 0-1/4"


def test_a_200_with_content_range_to_a_request_for_a_part_is_not_stored() -> None:
    """Somebody forgot to say 206."""
    site = Site().reply(cache_control=FRESH, content_range="bytes 0-3/9")
    site.get(range="bytes=0-3")
    assert not site.is_cached()


def test_a_partial_answer_is_never_used_for_the_whole() -> None:
    """Section 3.3: a 206 is passed on, and a request for the whole goes to the origin."""
    site = Site().reply(206, b"bo", cache_control=FRESH, content_range="bytes 0-1/4")
    assert site.get(range="bytes=0-1").status == 206
    site.reply(cache_control=FRESH)
    assert site.get().body == b"body"
    assert site.calls == 2


def test_an_error_about_a_range_is_not_stored_for_the_resource() -> None:
    """A 404 or 503 with a lifetime that answers a range request is not known to be about the whole."""
    site = Site().reply(404, cache_control=FRESH)
    site.get(range="bytes=0-1")
    assert not site.is_cached()


def test_an_answer_with_cookies_is_not_stored() -> None:
    """The house rule, stricter than RFC 6265 and RFC 9111 section 7.3: a cookie is somebody's."""
    site = Site().reply(cache_control="public, max-age=60", cookies=("a=b",))
    assert site.get().cookies == ["a=b"]
    assert not site.is_cached()
    site = Site().reply(cache_control="public, max-age=60", set_cookie="a=b")
    site.get()
    assert not site.is_cached()


def test_an_answer_with_cookies_is_stored_when_told_to() -> None:
    """The option, for those who know."""
    site = Site(allow_cookies=True).reply(cache_control=FRESH, cookies=("a=b",))
    site.get()
    assert site.get().cookies == ["a=b"]
    assert site.calls == 1


@pytest.mark.parametrize("directive", ['private="Set-Cookie"', 'no-cache="a, set-cookie"'])
@pytest.mark.parametrize("fields", [{"cookies": ("a=b",)}, {"set_cookie": "a=b"}])
def test_a_cookie_that_a_directive_keeps_out_keeps_nothing_else_out(directive: str, fields: dict[str, Any]) -> None:
    """Sections 5.2.2.4 and 5.2.2.7: the answer is stored without the field that is named."""
    site = Site().reply(cache_control=f"max-age=60, {directive}", **fields)
    assert site.get().cookies == ["a=b"]
    kept = site.get()
    assert (site.calls, kept.cookies, "set-cookie" in kept.headers) == (1, [], False)


def test_a_private_cache_keeps_a_cookie_that_is_private() -> None:
    """It is for its one user, and the house rule applies."""
    site = Site(shared=False).reply(cache_control='max-age=60, private="set-cookie"', cookies=("a=b",))
    site.get()
    assert not site.is_cached()


def test_fields_of_a_connection_are_not_passed_on() -> None:
    """RFC 9110 section 7.6.1: Connection goes with what it lists; what is for the client stays."""
    site = Site().reply(407, b"", connection="x-a, Close", keep_alive="timeout=5", x_a="1", proxy_authenticate="Basic")
    for answer in (site.get(), site.does("POST")):
        assert not {"connection", "keep-alive", "x-a"} & answer.headers.keys()
        assert answer.headers["proxy-authenticate"] == "Basic"
    site.reply(426, b"", connection="upgrade", upgrade="h2c")
    assert site.get().headers["upgrade"] == "h2c"


def test_names_in_any_letter_case_and_values_that_are_no_text() -> None:
    """An origin made by hand is read as it is meant, and keeps its object."""
    fields: Any = {"Cache-Control": "max-age=60", "cache-control": "public", "Content-Length": 4, "X-None": None}
    made = Response(200, {**fields, "Set-Cookie": "a=b"}, b"body")
    site = Site(allow_cookies=True).replies(lambda _: made)
    site.get()
    kept = site.get()
    assert (site.calls, kept.headers["cache-control"], kept.cookies) == (1, "max-age=60, public", ["a=b"])
    assert kept.headers["content-length"] == "4"
    assert "x-none" not in kept.headers
    assert list(made.headers) == [*fields, "Set-Cookie"]
    site.replies(lambda _: Response(200, {"Location": "/b"}))
    site.does("POST", "/c")
    assert "location" in site.does("PUT", "/c").headers


def test_fields_of_a_connection_or_proxy_are_not_stored() -> None:
    """Section 3.1, and RFC 9110 section 7.6.1."""
    site = Site().reply(
        cache_control=FRESH,
        connection="x-a, X-B, close",
        keep_alive="timeout=5",
        proxy_authenticate="Basic",
        proxy_authentication_info="x",
        proxy_authorization="x",
        proxy_connection="close",
        te="trailers",
        trailer="x-sum",
        transfer_encoding="chunked",
        upgrade="h2c",
        x_a="1",
        x_b="2",
        x_c="3",
    )
    site.get()
    stored = site.get().headers
    assert stored["x-c"] == "3"
    assert (
        not {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-a", "x-b"} & stored.keys()
    )
    assert not [name for name in stored if name.startswith("proxy-")]


def test_directives_are_passed_on() -> None:
    """Section 5.2: a proxy passes them through, whether it understands them or not."""
    value = 'max-age=60, private="x", immutable, community="UCI", no-transform'
    site = Site().reply(cache_control=value)
    assert site.get().headers["cache-control"] == site.get().headers["cache-control"] == value
    assert site.calls == 1
    site.get("/b", cache_control="no-transform, foo=1")
    assert site.sent[1]["cache-control"] == "no-transform, foo=1"


def test_no_transform_leaves_every_byte() -> None:
    """Section 5.2.2.6: this cache transforms nothing, with or without it."""
    site = Site().reply(200, bytes(range(256)), cache_control="max-age=60, no-transform", content_encoding="x-odd")
    site.get()
    answer = site.get()
    assert (answer.body, answer.headers["content-encoding"]) == (bytes(range(256)), "x-odd")


def test_unknown_fields_are_stored() -> None:
    """Section 3.1: caches must include all other received fields, recognised or not."""
    site = Site().reply(cache_control=FRESH, x_anything="1", www_authenticate="Basic", clear_site_data='"cookies"')
    site.get()
    stored = site.get().headers
    assert stored["x-anything"] == "1"
    assert stored["www-authenticate"] == "Basic"
    assert stored["clear-site-data"] == '"cookies"'


@pytest.mark.parametrize("name", ["pragma", "surrogate_control", "surrogate_key", "warning", "x_cache"])
def test_fields_that_are_not_ours_change_nothing(name: str) -> None:
    """Section 5.4 and 5.5: Pragma and Warning in responses mean nothing; Surrogate-* is another protocol's."""
    site = Site().reply(cache_control=FRESH, **{name: "no-cache, no-store"})
    site.get()
    assert site.is_cached()
    assert site.get().headers[name.replace("_", "-")] == "no-cache, no-store"


def test_an_unsafe_request_is_answered_by_the_origin() -> None:
    """Section 4: written through, and what the origin answers is the answer."""
    site = Site().reply(cache_control=FRESH)
    site.get()
    site.reply(201, b"made", cache_control=FRESH)
    answer = site.does("POST")
    assert (answer.status, answer.body, site.calls) == (201, b"made", 2)
    assert "age" not in answer.headers


def test_a_request_with_no_store_leaves_nothing() -> None:
    """Section 5.2.1.5."""
    site = Site().reply(cache_control=FRESH)
    site.get(cache_control="no-store")
    assert not site.is_cached()


def test_the_callers_headers_are_its_own() -> None:
    """What a caller does to an answer is not seen by the next one, nor by the origin."""
    answer = Response(200, {"cache-control": FRESH, "x-a": "1"}, b"body")
    site = Site().replies(lambda _: answer)
    for _ in range(3):
        response = site.get()
        response.headers["x-a"] = "changed"
        response.headers["x-b"] = "added"
    assert site.get().headers["x-a"] == "1"
    assert answer.headers == {"cache-control": FRESH, "x-a": "1"}


def test_a_request_keeps_its_headers() -> None:
    """Conditions that are sent to the origin are not left on the request."""
    site = Site().reply(cache_control="no-cache", etag='"1"')
    site.get()
    asked = request("GET", accept="text/plain")
    site.send(asked)
    assert asked.headers == {"host": "api.example.com", "accept": "text/plain"}
