"""RFC 9211: what `Cache-Status` says, on every answer."""

from __future__ import annotations

import pytest

from lanner.cache.response.status import member_name, quoted
from lanner.http.message import Response
from lanner.http.structured import Item, parse_list
from tests.unit.cache_response.site import Site, modified_by


def said(answer: Response) -> dict[str, object]:
    """The parameters of the last member, read as RFC 9651 has it."""
    member = parse_list(answer.headers["cache-status"])[-1]
    assert isinstance(member, Item)
    assert member.value == "Lanner"
    return dict(member.params)


def test_a_miss_and_a_hit() -> None:
    """Sections 2.1 to 2.5."""
    site = Site().reply(cache_control="max-age=60")
    assert said(site.get()) == {"fwd": "uri-miss", "fwd-status": 200, "ttl": 60, "stored": True}
    assert said(site.wait(10).get()) == {"hit": True, "ttl": 50}


def test_another_variant_is_a_vary_miss() -> None:
    """Section 2.2: the URI is there, what was asked for is not."""
    site = Site().reply(cache_control="max-age=60", vary="foo")
    site.get(foo="1")
    assert said(site.get(foo="2"))["fwd"] == "vary-miss"
    assert said(site.get(foo="3"))["fwd"] == "vary-miss"


def test_a_validation() -> None:
    """Section 2.2 and 2.3: stale, and the status that the origin gave."""
    site = Site().replies(modified_by('"1"'))
    site.get()
    assert said(site.wait(61).get()) == {"fwd": "stale", "fwd-status": 304, "ttl": 60, "stored": True}


def test_a_demand_of_the_request() -> None:
    """Section 2.2: there was a fresh response, which the request did not want."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    assert said(site.get(cache_control="no-cache"))["fwd"] == "request"


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_a_method(method: str) -> None:
    """Section 2.2: the method's semantics require forwarding."""
    assert said(Site().reply(204, b"").does(method)) == {"fwd": "method", "fwd-status": 204}


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"cache_control": "no-store"}, "no-store"),
        ({"cache_control": "private"}, "private"),
        ({}, "no-lifetime"),
        ({"cache_control": "max-age=9", "vary": "*"}, "vary"),
        ({"cache_control": "max-age=9", "content_length": "99"}, "incomplete"),
        ({"cache_control": "max-age=9", "set_cookie": "a=b"}, "set-cookie"),
    ],
)
def test_why_something_is_not_stored(fields: dict[str, str], detail: str) -> None:
    """Section 2.8: for who wonders."""
    parameters = said(Site().reply(**fields).get())
    assert parameters["detail"] == detail
    assert "stored" not in parameters


def test_a_stale_answer_has_a_negative_ttl() -> None:
    """Section 2.5; and it says what was tried."""
    site = Site().reply(cache_control="max-age=10, stale-if-error=60")
    site.get()
    site.reply(503).takes = 0.01
    assert said(site.wait(15).get()) == {"fwd": "stale", "fwd-status": 503, "ttl": -5, "detail": "stale-if-error"}
    assert said(site.get()) == {"hit": True, "ttl": -5, "detail": "stale-if-error"}


def test_ours_is_appended_to_what_others_said() -> None:
    """Section 2: the origin's side first, also when it comes from the store."""
    site = Site().reply(cache_control="max-age=60", cache_status="Inner; hit; ttl=5")
    assert site.get().headers["cache-status"].startswith("Inner; hit; ttl=5, Lanner; fwd=uri-miss")
    for _ in range(2):
        assert site.get().headers["cache-status"] == "Inner; hit; ttl=5, Lanner; hit; ttl=60"


def test_the_key_is_shown_only_when_wanted() -> None:
    """Section 2.7 and 6: it may tell too much."""
    site = Site().reply(cache_control="max-age=60")
    assert "key" not in said(site.get())
    site = Site(expose_key=True).reply(cache_control="max-age=60")
    assert (
        said(site.get('/a"?x=1'))["key"] == said(site.get('/a"?x=1'))["key"] == 'response:15:api.example.com0:3:/a"?x=1'
    )
    site = Site(expose_key_header="X-Debug").reply(cache_control="max-age=60")
    assert "key" not in said(site.get())
    assert "key" in said(site.get(x_debug="1"))
    assert "key" not in said(site.get())


def test_names_that_are_no_tokens_are_strings() -> None:
    """Section 2: a String or a Token."""
    assert (member_name("Lanner"), member_name("my cache"), member_name("9")) == ("Lanner", '"my cache"', '"9"')
    assert quoted('a"\\ü\n') == '"a\\"\\\\%C3%BC%0A"'
    site = Site(name="edge 1").reply(cache_control="max-age=60")
    assert site.get().headers["cache-status"].startswith('"edge 1"; fwd=')


def test_what_steps_outside_are_told() -> None:
    """`request.state`, for the log line and for keeping compressed forms."""
    site = Site().reply(cache_control="max-age=60")
    site.get()
    site.get()
    first, second = site.asked[0], site.asked[-1]
    assert first.state["cache"] == "miss"
    assert first is second
    from tests.unit.cache_response.site import request

    asked = request("GET")
    site.send(asked)
    assert asked.state["cache"] == "hit"
    record = asked.state["cache_record"]
    record.encoded["gzip"] = b"small"
    again = request("GET")
    site.send(again)
    assert again.state["cache_record"].encoded == {"gzip": b"small"}


def test_statistics() -> None:
    """Every count that is promised."""
    site = Site().replies(modified_by('"1"', "max-age=60, stale-if-error=60"))
    site.get()
    site.get()
    site.wait(61).get()
    site.reply(503)
    site.wait(61).get()
    site.does("POST", "/b")
    assert site.cache.statistics() == {
        "bypass": 1,
        "collapsed": 0,
        "hits": 1,
        "misses": 1,
        "revalidated": 1,
        "stale": 1,
        "stored": 2,
        "errors": 0,
        "unreadable": 0,
    }
