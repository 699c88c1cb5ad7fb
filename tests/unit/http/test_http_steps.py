"""The steps `cors`, `compress` and `conditional`, around handlers that answer what a test says."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from lanner.group import RouteGroup
from lanner.http.conditional import strong_etag
from lanner.http.cors import CorsPolicy
from lanner.http.events import read
from lanner.http.message import Handler, Request, Response
from lanner.http.problems import Forbidden, NotFound
from lanner.http.step import TAGGED_SIZE, compress, conditional, cors
from lanner.versioning.registry import ApiVersion, VersionRegistry
from tests.builders import Context, rest_event

REGISTRY = VersionRegistry(
    (ApiVersion("v1", released_at="2024-01-01"), ApiVersion("v2", released_at="2025-01-01")), default="v2"
)
LONG = b'{"name": "Ada Lovelace"}' * 100
PAGE = "https://app.example.com"


def group(**declaration: Any) -> RouteGroup:
    return RouteGroup(
        "things", registry=REGISTRY, paths={"/things": "GET POST", "/things/{id}": "GET PUT"}, **declaration
    )


def request(method: str = "GET", path: str = "/v2/things/1", **headers: str) -> Request:
    """A request whose header names are given with underscores, matched to its route."""
    event = rest_event(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    made = read(event, Context())
    made.route = "/things" if path.endswith("/things") else "/things/{id}" if "/things/" in path else ""
    return made


def answering(status: int = 200, body: bytes = LONG, **headers: str) -> Handler:
    """A handler that always answers this, as JSON unless it says otherwise."""
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Response(status, {name: value for name, value in named.items() if value}, body)


def never(_: Request) -> Response:
    raise AssertionError("the step should have answered")


class TestConditional:
    """304 and 412 for reads."""

    @pytest.fixture
    def validated(self, module: Callable[..., str]) -> tuple[RouteGroup, list[str]]:
        """A group whose things have the tag "one", and the list of the paths that were asked for."""
        asked: list[str] = []

        def current(asking: Request) -> str | None:
            asked.append(asking.path)
            return None if asking.path.endswith("gone") else '"one"'

        return group(validators={"/things/{id}": f"{module('things_validators', current=current)}:current"}), asked

    def test_a_current_tag_is_answered_without_the_application(self, validated: tuple[RouteGroup, list[str]]) -> None:
        """The point of a validator."""
        response = conditional(validated[0], never)(request(if_none_match='"one"'))
        assert (response.status, response.headers, response.body) == (304, {"etag": '"one"'}, b"")

    def test_a_304_repeats_what_the_validator_says_about_caching(self, module: Callable[..., str]) -> None:
        """RFC 9110 section 15.4.5 wants the 200's Cache-Control on its 304."""

        def current(asking: Request) -> str:
            asking.state["not_modified"] = {"cache-control": "private, no-cache"}
            return '"one"'

        declared = group(validators={"/things/{id}": f"{module('caching_validators', current=current)}:current"})
        response = conditional(declared, never)(request(if_none_match='"one"'))
        assert response.headers == {"etag": '"one"', "cache-control": "private, no-cache"}

    def test_a_failed_if_match_on_a_read_is_412(self, validated: tuple[RouteGroup, list[str]]) -> None:
        """If-Match comes before If-None-Match (RFC 9110 section 13.2.2)."""
        response = conditional(validated[0], never)(request(if_none_match='"one"', if_match='"two"'))
        assert response.status == 412
        assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("first", [{"if_match": '"two"'}, {"if_unmodified_since": "Sun, 06 Nov 1994 08:49:36 GMT"}])
    @pytest.mark.parametrize("also", [{}, {"if_none_match": '"one"'}, {"range": "bytes=0-3"}])
    def test_what_goes_first_decides_over_a_cache_inside(self, first: dict[str, str], also: dict[str, str]) -> None:
        """Neither its 304 nor its 206 hides that the first condition is false."""
        date = "Sun, 06 Nov 1994 08:49:37 GMT"

        def cached(asking: Request) -> Response:
            status = 304 if "if-none-match" in asking.headers else 206 if "range" in asking.headers else 200
            return Response(status, {"etag": '"one"', "last-modified": date}, b"" if status == 304 else b"abcd")

        step = conditional(group(), cached)
        assert step(request(**first, **also)).status == 412
        holds = {"if_match": '"one"'} if "if_match" in first else {"if_unmodified_since": date}
        expected = 304 if "if_none_match" in also else 206 if "range" in also else 200
        assert step(request(**holds, **also)).status == expected

    @pytest.mark.parametrize(("path", "tag"), [("/v2/things/1", '"old"'), ("/v2/things/gone", '"one"')])
    def test_a_stale_tag_or_a_missing_thing_goes_on(
        self, validated: tuple[RouteGroup, list[str]], path: str, tag: str
    ) -> None:
        """The application decides what there is to say."""
        response = conditional(validated[0], answering(etag='"new"'))(request(path=path, if_none_match=tag))
        assert (response.status, response.body) == (200, LONG)

    def test_a_validator_is_asked_only_for_conditional_reads(self, validated: tuple[RouteGroup, list[str]]) -> None:
        """No work that a request does not need."""
        step = conditional(validated[0], answering())
        for each in (request(), request("PUT", if_none_match='"one"'), request(path="/v2/things", if_none_match='"a"')):
            step(each)
        assert validated[1] == []

    def test_an_answer_without_a_tag_gets_one_from_its_bytes(self) -> None:
        """And it is honoured the next time."""
        step = conditional(group(), answering())
        first = step(request())
        assert first.headers["etag"] == strong_etag(LONG, " application/json")
        second = step(request(if_none_match=first.headers["etag"]))
        assert (second.status, second.headers["etag"], second.body) == (304, first.headers["etag"], b"")
        assert "content-type" not in second.headers

    def test_the_tag_depends_on_version_and_media_type(self) -> None:
        """Two representations with equal bytes are two representations."""
        tags = set()
        for version in REGISTRY:
            for content_type in ("application/json", "application/vnd.lanner+json"):
                asking = request()
                asking.version = version
                tags.add(conditional(group(), answering(content_type=content_type))(asking).headers["etag"])
        assert len(tags) == 4

    def test_the_applications_own_tag_and_date_are_used(self) -> None:
        """What it sends is not replaced."""
        date = "Sun, 06 Nov 1994 08:49:37 GMT"
        step = conditional(group(), answering(etag='"own"', last_modified=date, cache_control="no-cache"))
        assert step(request()).headers["etag"] == '"own"'
        found = step(request(if_none_match='W/"own"'))
        assert (found.status, found.headers) == (304, {"etag": '"own"', "cache-control": "no-cache"})
        assert step(request(if_modified_since=date)).status == 304
        assert step(request(if_match='"other"')).status == 412

    @pytest.mark.parametrize(
        "handler",
        [
            answering(cache_control="private, no-store"),
            answering(body=b""),
            answering(body=b"x" * (TAGGED_SIZE + 1)),
            answering(404),
            answering(201),
        ],
    )
    def test_what_is_not_tagged(self, handler: Handler) -> None:
        """Not what may not be stored, what is empty or huge, nor what is no 200."""
        before = handler(request())
        response = conditional(group(), handler)(request(if_none_match='"x"'))
        assert (response.status, response.headers) == (before.status, before.headers)

    def test_writes_pass_through(self) -> None:
        """A PUT decides on its conditions itself; the step must not answer 304 after it has happened."""
        step = conditional(group(), answering(etag='"one"'))
        assert step(request("PUT", if_none_match='"one"', if_match='"two"')).status == 200

    def test_head_is_as_get(self) -> None:
        """The same tag and the same 304."""
        step = conditional(group(), answering())
        tag = step(request()).headers["etag"]
        assert step(request("HEAD")).headers["etag"] == tag
        assert step(request("HEAD", if_none_match=tag)).status == 304


class TestCompress:
    """Bodies, Vary, and the tags of compressed representations."""

    def test_a_long_text_is_compressed_for_who_accepts_it(self) -> None:
        """With its own tag, its own length, and Vary."""
        step = compress(group(), answering(etag='"one"', content_length="2400"))
        response = step(request(accept_encoding="gzip"))
        assert gzip.decompress(response.body) == LONG
        assert response.headers == {
            "content-type": "application/json",
            "content-encoding": "gzip",
            "content-length": str(len(response.body)),
            "etag": '"one-gzip"',
            "vary": "Accept-Encoding",
        }

    @pytest.mark.parametrize("headers", [{}, {"accept_encoding": "identity"}, {"accept_encoding": "gzip;q=0"}])
    def test_others_get_it_plain_and_vary_all_the_same(self, headers: dict[str, str]) -> None:
        """A shared cache has to know that there are two."""
        response = compress(group(), answering(etag='"one"', vary="Accept"))(request(**headers))
        assert (response.body, response.headers["etag"]) == (LONG, '"one"')
        assert response.headers["vary"] == "Accept, Accept-Encoding"

    def test_a_short_text_stays_plain(self) -> None:
        """It fits into one packet anyway."""
        response = compress(group(), answering(body=b"{}"))(request(accept_encoding="gzip"))
        assert response.body == b"{}"
        assert "content-encoding" not in response.headers

    @pytest.mark.parametrize(
        "handler",
        [
            answering(content_type="image/png"),
            answering(content_type=""),
            answering(cache_control="public, no-transform"),
            answering(content_encoding="br"),
            answering(206, content_type="image/png"),
            answering(206, cache_control="no-transform"),
            answering(206, content_encoding="br"),
            answering(204, b""),
            answering(304, b"", content_type="", cache_control="no-transform"),
        ],
    )
    def test_what_must_stay_as_it_is(self, handler: Handler) -> None:
        """Not text, not to be transformed, encoded already, a part, or nothing at all."""
        before = handler(request())
        response = compress(group(), handler)(request(accept_encoding="gzip"))
        assert (response.body, response.headers) == (before.body, before.headers)

    @pytest.mark.parametrize("kind", ["application/json", "multipart/byteranges; boundary=x"])
    def test_a_part_stays_plain_and_varies_as_its_whole(self, kind: str) -> None:
        """RFC 9110 section 15.3.7."""
        response = compress(group(), answering(206, content_type=kind, vary="Accept"))(request(accept_encoding="gzip"))
        assert (response.body, response.headers["vary"]) == (LONG, "Accept, Accept-Encoding")
        assert "content-encoding" not in response.headers

    def test_a_compressed_tag_is_understood_when_it_comes_back(self) -> None:
        """Inside, nobody knows about codings; the 304 names the form that the client holds."""
        step = compress(group(), conditional(group(), answering(etag='"one"')))
        for method in ("GET", "HEAD"):
            response = step(request(method, accept_encoding="gzip", if_none_match='"zero", "one-gzip"'))
            assert (response.status, response.headers["etag"]) == (304, '"one-gzip"')
            assert response.headers["vary"] == "Accept-Encoding"
        plain = step(request(accept_encoding="gzip", if_none_match='"one"'))
        assert (plain.status, plain.headers["etag"]) == (304, '"one"')

    def test_conditions_reach_the_inside_without_codings(self) -> None:
        """If-Match too; and the event's own headers are left alone."""
        seen: dict[str, str] = {}

        def handler(inside: Request) -> Response:
            seen.update(inside.headers)
            return Response(204)

        asking = request("PUT", if_match='"one-gzip", "two"', if_none_match='"x-zstd"')
        outside = asking.headers
        compress(group(), handler)(asking)
        assert (seen["if-match"], seen["if-none-match"]) == ('"one", "two"', '"x"')
        assert outside["if-match"] == '"one-gzip", "two"'

    def test_get_and_head_have_the_same_headers(self) -> None:
        """RFC 9110 section 9.3.2."""
        step = compress(group(), conditional(group(), answering()))
        get, head = (step(request(method, accept_encoding="gzip")) for method in ("GET", "HEAD"))
        assert get.headers == head.headers
        assert get.headers["etag"].endswith('-gzip"')

    def test_the_answer_of_a_write_is_compressed_too(self) -> None:
        """A PUT that gives the new representation gives the tag of what it sends."""
        step = compress(group(), answering(etag='"two"'))
        assert step(request("PUT", accept_encoding="gzip")).headers["etag"] == '"two-gzip"'


class TestCors:
    """Preflights and actual requests."""

    def policy(self, **options: Any) -> RouteGroup:
        return group(cors=CorsPolicy(options.pop("origins", [PAGE]), expose=["ETag"], **options))

    def test_no_policy_no_step(self) -> None:
        """It costs nothing where nobody wants it."""
        assert cors(group(), never) is None

    def step(self, handler: Handler, **options: Any) -> Handler:
        made = cors(self.policy(**options), handler)
        assert made is not None
        return made

    @pytest.mark.parametrize("status", [204, 410, 503])
    def test_a_preflight_is_granted_here(self, status: int) -> None:
        """204 whatever becomes of the request itself, with the version that would serve it as on every answer."""
        asking = request("OPTIONS", origin=PAGE, access_control_request_method="PUT")
        ordinary = answering(status, b"{}", allow="GET", x_api_version="v2", vary="Accept, X-API-Version")
        response = self.step(ordinary, methods=["GET", "PUT"], headers=["If-Match"])(asking)
        assert (response.status, response.body) == (204, b"")
        assert response.headers == {
            "x-api-version": "v2",
            "access-control-allow-origin": PAGE,
            "access-control-allow-methods": "GET, PUT",
            "access-control-allow-headers": "If-Match",
            "access-control-max-age": "7200",
            "vary": "Accept, X-API-Version, Origin",
        }

    @pytest.mark.parametrize("origin", ["https://evil.example", "null"])
    def test_a_foreign_preflight_is_an_ordinary_options(self, origin: str) -> None:
        """The route's own answer, without a grant."""
        asking = request("OPTIONS", origin=origin, access_control_request_method="PUT")
        response = self.step(answering(204, b"", allow="GET, PUT", content_type=""))(asking)
        assert response.headers == {"allow": "GET, PUT", "vary": "Origin"}

    def test_options_without_a_request_method_is_no_preflight(self) -> None:
        """It asks for Allow, and its answer may be read by the page."""
        response = self.step(answering(204, b"", allow="GET", content_type=""))(request("OPTIONS", origin=PAGE))
        assert (response.headers["allow"], response.headers["access-control-allow-origin"]) == ("GET", PAGE)

    def test_a_preflight_for_nothing_is_not_granted(self) -> None:
        """What has no route goes on to its 404."""
        asking = request("OPTIONS", "/v2/other", origin=PAGE, access_control_request_method="GET")
        assert self.step(answering(404))(asking).status == 404

    def test_an_actual_answer_is_decorated(self) -> None:
        """Origin, exposed headers, Vary beside what was there."""
        response = self.step(answering(vary="Accept"), credentials=True)(request(origin=PAGE))
        assert response.headers["access-control-allow-origin"] == PAGE
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["access-control-expose-headers"] == "ETag"
        assert response.headers["vary"] == "Accept, Origin"

    @pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}])
    def test_answers_to_others_vary_too(self, headers: dict[str, str]) -> None:
        """Or a cache would hand the undecorated answer to the page."""
        response = self.step(answering())(request(**headers))
        assert response.headers["vary"] == "Origin"
        assert not any(name.startswith("access-control") for name in response.headers)

    @pytest.mark.parametrize("headers", [{}, {"origin": PAGE}, {"origin": "null"}])
    def test_a_policy_for_everybody_does_not_vary(self, headers: dict[str, str]) -> None:
        """One answer for all, marked for pages even when none asked: a cache may hand it to one."""
        response = self.step(answering(), origins=["*"])(request(**headers))
        assert response.headers["access-control-allow-origin"] == "*"
        assert "vary" not in response.headers

    def test_errors_from_inside_can_be_read_by_the_page(self) -> None:
        """They pass as exceptions, and carry the headers with them."""

        def refuse(_: Request) -> Response:
            raise Forbidden("no", headers={"vary": "Authorization", "x": "y"})

        with pytest.raises(Forbidden) as caught:
            self.step(refuse)(request(origin=PAGE))
        answer = caught.value.response(request())
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert (answer.headers["vary"], answer.headers["x"]) == ("Authorization, Origin", "y")

    def test_errors_without_headers_get_them(self) -> None:
        """The common case of the same."""

        def refuse(_: Request) -> Response:
            raise NotFound("nothing here")

        with pytest.raises(NotFound) as caught:
            self.step(refuse)(request(origin="https://evil.example"))
        assert dict(caught.value.headers or {}) == {"vary": "Origin"}


class TestWholeStack:
    """The three steps in their places, under a real group with its real handler."""

    def test_a_page_reads_a_compressed_error_free_answer_twice(
        self, api: Callable[..., Any], module: Callable[..., str]
    ) -> None:
        """200 with a tag of its coding, then 304 for that tag, both for the page's origin."""
        name = module("stack_answers", listing=answering())
        things = api(
            paths={"/things": "GET"},
            edge={"GET /things": f"{name}:listing"},
            cors=CorsPolicy([PAGE], expose=["ETag"]),
        )
        headers = {"Origin": PAGE, "Accept-Encoding": "gzip"}
        answer = things.handler(rest_event("GET", "/v2/things", headers=headers), Context())
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
        got = answer["headers"]
        assert got["etag"].endswith('-gzip"')
        assert got["vary"] == "Accept, X-API-Version, Accept-Encoding, Origin"
        assert got["access-control-allow-origin"] == PAGE
        again = things.handler(
            rest_event("GET", "/v2/things", headers={**headers, "If-None-Match": got["etag"]}), Context()
        )
        assert (again["statusCode"], again["body"]) == (304, "")
        kept = again["headers"]
        assert (kept["etag"], kept["vary"], kept["x-api-version"]) == (got["etag"], got["vary"], "v2")
        assert "content-encoding" not in kept

    def test_a_page_can_read_that_an_answer_has_a_bug(
        self, api: Callable[..., Any], module: Callable[..., str]
    ) -> None:
        """A function of the edge that breaks is a 500 with everything that any answer has."""

        def broken(_: Request) -> Response:
            raise ZeroDivisionError

        name = module("stack_answers", broken=broken)
        things = api(
            paths={"/things": "GET"}, edge={"GET /things": f"{name}:broken"}, cors=CorsPolicy([PAGE], expose=["ETag"])
        )
        status, headers, _ = things(rest_event("GET", "/v2/things", headers={"Origin": PAGE}))
        assert (status, headers["access-control-allow-origin"]) == (500, PAGE)
        assert headers["vary"] == "Accept, X-API-Version, Accept-Encoding, Origin"

    def test_a_page_can_read_a_404(self, api: Callable[..., Any]) -> None:
        """Errors are decorated like answers."""
        things = api(paths={"/things": "GET"}, cors=CorsPolicy([PAGE]))
        status, headers, body = things(rest_event("GET", "/v2/nothing", headers={"Origin": PAGE}))
        assert (status, body["status"], headers["access-control-allow-origin"]) == (404, 404, PAGE)
        assert "Origin" in headers["vary"]
