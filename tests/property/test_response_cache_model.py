"""The response cache against a naive reading of RFC 9111 that keeps all history and shares no code with it.

The model knows every exchange that the origin ever had. After each answer it asks: if the origin was not called, which
stored exchange could this be, and was it allowed to be used? If the origin was called, was there one that had to be
used (a cache that never hits would be correct and useless)?
"""

from __future__ import annotations

from copy import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site, request

LIFETIMES = [None, 0, 1, 5, 30]
FOO = st.sampled_from([None, "1", "2"])
URLS = st.sampled_from(["/a", "/b", "/a?x=1"])


class Exchange:
    """One answer of the origin to a GET: what was asked, what was said, when."""

    def __init__(
        self, number: int, url: str, foo: str | None, authorised: bool, now: float, said: dict[str, Any]
    ) -> None:
        self.number = number
        self.url = url
        self.foo = foo
        self.authorised = authorised
        self.validated_at = now
        self.said = said
        self.dead = False

    def may_be_stored(self) -> bool:
        """Section 3, for what this origin can say."""
        said = self.said
        if said["no_store"] or said["private"] or said["request_no_store"]:
            return False
        if self.authorised and not permits_sharing(said):
            return False
        return (
            said["status"] in (200, 203, 404)
            or said["max_age"] is not None
            or said["s_maxage"] is not None
            or said["public"]
        )

    def lifetime(self) -> int:
        """Section 4.2.1, without Expires and heuristics, which this origin never gives occasion for."""
        stated = self.said["s_maxage"] if self.said["s_maxage"] is not None else self.said["max_age"]
        return stated or 0

    def age(self, now: float) -> float:
        """Section 4.2.3: the origin's Date is right and its answers take no time."""
        return self.said["age"] + now - self.validated_at

    def is_fresh(self, now: float) -> bool:
        return self.lifetime() > self.age(now)

    def may_be_stale_for(self) -> float:
        """Section 4.2.4: seconds of staleness that the origin permits."""
        said = self.said
        if said["must_revalidate"] or said["no_cache"] or said["s_maxage"] is not None:
            return 0
        return float(said["swr"])

    def fits(self, url: str, foo: str | None) -> bool:
        """Section 4.1."""
        return self.url == url and (not self.said["vary"] or self.foo == foo)


def permits_sharing(said: dict[str, Any]) -> bool:
    """Section 3.5."""
    return said["public"] or said["must_revalidate"] or said["s_maxage"] is not None


SAID = st.fixed_dictionaries(
    {
        "status": st.sampled_from([200, 200, 200, 404, 500, 203, 299]),
        "max_age": st.sampled_from(LIFETIMES),
        "s_maxage": st.sampled_from([None, None, 0, 5]),
        "no_store": st.sampled_from([False, False, False, True]),
        "private": st.sampled_from([False, False, False, True]),
        "no_cache": st.sampled_from([False, False, False, True]),
        "public": st.booleans(),
        "must_revalidate": st.sampled_from([False, False, True]),
        "swr": st.sampled_from([0, 0, 4]),
        "age": st.sampled_from([0, 0, 0, 3]),
        "vary": st.booleans(),
        "etag": st.booleans(),
        "confirms": st.booleans(),
    }
)


class CacheMachine(RuleBasedStateMachine):
    """Random requests, answers, writes and time."""

    @initialize(refreshed_first=st.booleans())
    def begin(self, refreshed_first: bool) -> None:
        self.site = Site(early=False, uncacheable_ms=1, refreshed_first=refreshed_first)
        self.refreshed_first = refreshed_first
        self.site.replies(self.answer)
        self.history: list[Exchange] = []
        self.next: dict[str, Any] = {}
        self.request_no_store = False
        self.confirmed: Exchange | None = None
        self.confirmed_age: int | None = None
        self.was_dead = False

    def answer(self, asked: Request) -> Response:
        """Say what the rule wants said; a validation of the newest version of a URL is a 304 where it wants so."""
        said = dict(self.next)
        url = asked.public_path + (f"?{asked.query_string.decode()}" if asked.has_query else "")
        number = len(self.history) + 1
        directives = [
            *(
                f"{name}={said[key]}"
                for name, key in (("max-age", "max_age"), ("s-maxage", "s_maxage"))
                if said[key] is not None
            ),
            *(
                name
                for name in ("no-store", "private", "no-cache", "public", "must-revalidate")
                if said[name.replace("-", "_")]
            ),
            *([f"stale-while-revalidate={said['swr']}"] if said["swr"] else []),
        ]
        headers = {"date": self.site.date(), "cache-control": ", ".join(directives) or "x", "number": str(number)}
        if said["age"]:
            headers["age"] = str(said["age"])
        if said["vary"]:
            headers["vary"] = "foo"
        if said["etag"]:
            headers["etag"] = f'"{number}"'
        said["request_no_store"] = self.request_no_store
        foo = asked.headers.get("foo")
        if said["confirms"] and "if-none-match" in asked.headers:
            return self.confirm(asked, headers, said)
        self.history.append(Exchange(number, url, foo, "authorization" in asked.headers, self.site.clock.now(), said))
        return Response(said["status"], headers, b"%d" % number)

    def begin_request(self) -> None:
        self.confirmed = None

    def confirm(self, asked: Request, headers: dict[str, str], said: dict[str, Any]) -> Response:
        """Section 4.3.4: a 304 makes an exchange new again, with what it says now; it keeps its tag and its Vary."""
        tag = asked.headers["if-none-match"].partition(",")[0]
        old = self.history[int(tag.strip('"')) - 1]
        kept = {name: old.said[name] for name in ("status", "vary", "etag")}
        self.confirmed = old
        self.confirmed_age = said["age"]
        self.was_dead = old.dead
        if said["request_no_store"]:
            pass  # nothing of it may be kept
        elif "authorization" in asked.headers and not permits_sharing(said):
            old.dead = old.dead or said["no_store"] or said["private"]  # nor of this; what it forbids is over
            self.confirmed_age = None
        else:
            old.said = {**said, **kept}
            old.validated_at = self.site.clock.now()
            old.authorised = "authorization" in asked.headers
        headers["etag"] = tag
        headers.pop("vary", None)
        return Response(304, headers)

    @rule(
        url=URLS,
        foo=FOO,
        said=SAID,
        authorised=st.booleans(),
        directive=st.sampled_from(["", "", "no-cache", "no-store", "max-age=2", "max-stale", "only-if-cached"]),
    )
    def get(self, url: str, foo: str | None, said: dict[str, Any], authorised: bool, directive: str) -> None:
        """A GET, and everything that must be true of its answer."""
        now = self.site.clock.now()
        self.next, self.request_no_store = said, directive == "no-store"
        asked = request("GET", url)
        if foo is not None:
            asked.headers["foo"] = foo
        if authorised:
            asked.headers["authorization"] = "x"
        if directive:
            asked.headers["cache-control"] = directive
        before = len(self.history)
        stored = [copy(each) for each in self.history]
        self.begin_request()
        answer = self.site.send(asked)
        went = len(self.history) > before
        meanwhile = answer.headers["cache-status"].endswith("detail=stale-while-revalidate")
        if meanwhile and (went or self.confirmed is not None):
            self.must_have_been_served_meanwhile(stored, answer, url, foo, now, directive)
        elif self.confirmed is not None and not went:
            self.must_be_confirmed(self.confirmed, answer, url, foo)
        elif went:
            # What the origin just said, or something that may be served in place of an error or of a refresh.
            newest = self.history[-1]
            if answer.body != b"%d" % newest.number:
                self.must_have_been_usable(answer, url, foo, now, directive, before)
                newest.dead = True  # something stood in for it, and stays in its place
            if directive == "only-if-cached":
                raise AssertionError("the origin was asked")
            self.must_have_been_necessary(newest, url, foo, now, directive)
        elif answer.status == 504 and answer.body.startswith(b"{"):
            assert directive == "only-if-cached"
        else:
            self.must_have_been_usable(answer, url, foo, now, directive, before)

    def must_have_been_served_meanwhile(
        self, stored: list[Exchange], answer: Response, url: str, foo: str | None, now: float, directive: str
    ) -> None:
        """RFC 5861 section 3: one that was usable before the refresh is served; what the refresh gave is kept."""
        assert not self.refreshed_first
        assert stored[int(answer.body) - 1].may_be_stale_for()
        self.must_have_been_usable(answer, url, foo, now, directive, len(stored), stored)
        newest = self.history[-1]
        if len(self.history) > len(stored):
            newest.dead = newest.said["status"] == 500  # the stored one stays in its place
        elif self.confirmed is not None and self.confirmed_age is not None:
            assert not self.was_dead
            self.confirmed.dead = not self.confirmed.may_be_stored()

    def must_be_confirmed(self, old: Exchange, answer: Response, url: str, foo: str | None) -> None:
        """Section 4.3.4: the response that the origin confirmed is used, now; it is kept if it may be stored now."""
        assert answer.body == b"%d" % old.number
        assert old.fits(url, foo)
        assert not self.was_dead
        assert answer.status == old.said["status"]
        if not self.request_no_store and self.confirmed_age is not None:
            assert answer.headers["age"] == str(int(old.age(self.site.clock.now())))
            old.dead = not old.may_be_stored()

    def must_have_been_usable(
        self,
        answer: Response,
        url: str,
        foo: str | None,
        now: float,
        directive: str,
        before: int,
        stored: list[Exchange] | None = None,
    ) -> None:
        """Section 4: everything that a stored response must satisfy to be used; `before` exchanges were stored."""
        history = self.history if stored is None else stored
        used = history[int(answer.body) - 1]
        assert used.fits(url, foo)
        assert used.may_be_stored()
        assert not used.dead
        assert not used.said["no_cache"]
        newer = [each for each in history[used.number : before] if each.url == url and each.foo == foo]
        newer = [each for each in newer if not each.dead and not each.said["no_cache"]]
        assert not any(each.may_be_stored() and each.lifetime() for each in newer)
        assert directive != "no-cache"
        assert answer.status == used.said["status"]
        assert answer.headers["age"] == str(int(used.age(now)))
        if directive == "max-age=2":
            assert used.age(now) <= 2
        if not used.is_fresh(now):
            prohibited = used.said["must_revalidate"] or used.said["s_maxage"] is not None
            permitted = directive == "max-stale" and not prohibited
            assert permitted or used.age(now) - used.lifetime() <= used.may_be_stale_for()

    def must_have_been_necessary(self, newest: Exchange, url: str, foo: str | None, now: float, directive: str) -> None:
        """The newest exchange for these fields was not one that had to be a plain hit."""
        if directive:
            return
        same = [each for each in self.history[:-1] if each.url == url and each.foo == foo]
        if same:
            last = same[-1]
            stays = (
                last.may_be_stored()
                and not last.said["no_cache"]
                and last.is_fresh(now)
                and not last.dead
                and not self.was_replaced(last)
            )
            assert not stays, f"{last.number} was fresh and {newest.number} was asked for"

    def was_replaced(self, old: Exchange) -> bool:
        """Whether the origin has answered a request since that this one fits: storably, or one for another variant."""
        later = [each for each in self.history[old.number : -1] if old.fits(each.url, each.foo)]
        return any(each.may_be_stored() or each.foo != old.foo for each in later)

    @rule(url=URLS, status=st.sampled_from([200, 204, 303, 400, 500]), method=st.sampled_from(["POST", "PUT", "FOO"]))
    def write(self, url: str, status: int, method: str) -> None:
        """Section 4.4."""
        self.site.replies(lambda _: Response(status))
        self.site.does(method, url)
        self.site.replies(self.answer)
        if status < 400:
            for each in self.history:
                each.dead = each.dead or each.url == url

    @rule(seconds=st.sampled_from([0.5, 1, 2, 4, 7, 40]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.site.wait(seconds)

    @invariant()
    def nothing_went_wrong(self) -> None:
        """No error was swallowed."""
        if hasattr(self, "site"):
            counts = self.site.cache.statistics()
            assert (counts["errors"], counts["unreadable"]) == (0, 0)


CacheMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCacheModel = CacheMachine.TestCase
