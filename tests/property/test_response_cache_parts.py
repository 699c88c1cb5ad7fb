"""Whatever is asked in whatever order, no answer mixes two versions of a resource, and every part is what it says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.cache.response.ranges import parse
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import Site, request

SIZE = 12
POSITION = st.integers(0, SIZE + 1)
QUARTERS = ["0-2", "3-5", "6-8", "9-11", "0-5", "6-11", "3-"]  # parts that touch
RANGES = st.one_of(
    st.sampled_from(QUARTERS).map(lambda each: f"bytes={each}"),
    st.sampled_from(QUARTERS).map(lambda each: f"bytes={each}"),
    st.tuples(POSITION, POSITION).map(lambda each: f"bytes={min(each)}-{max(each)}"),
    POSITION.map(lambda each: f"bytes={each}-"),
    POSITION.map(lambda each: f"bytes=-{each}"),
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "range": RANGES,
        "if-range": st.sampled_from(['"v1"', '"v2"']),
        "if-none-match": st.sampled_from(['"v1"', '"v2"']),
        "cache-control": st.sampled_from(["no-cache", "max-age=1", "no-store"]),
    },
)
STEP = st.one_of(
    st.tuples(st.just("GET"), ASKED),
    st.tuples(st.just("GET"), ASKED),
    RANGES.map(lambda each: ("GET", {"range": each})),
    st.tuples(st.just("HEAD"), st.just({})),
    st.tuples(st.just("POST"), st.just({})),
    st.just(("change", {})),
    st.just(("wait", {})),
)


class Origin:
    """A resource of which every version has its own bytes; it serves ranges, one at a time."""

    def __init__(self, validator: str) -> None:
        self.version = 1
        self.validator = validator

    def body(self, version: int) -> bytes:
        return bytes(version * 16 + place for place in range(SIZE))

    def __call__(self, asked: Request) -> Response:
        if asked.method == "POST":
            self.version = self.version % 7 + 1
            return Response(204)
        body = self.body(self.version)
        fields = {"cache-control": "max-age=5", "version": str(self.version)}
        etag = {"strong": f'"v{self.version}"', "weak": f'W/"v{self.version}"', "none": ""}[self.validator]
        if etag:
            fields["etag"] = etag
        if etag and etag in asked.headers.get("if-none-match", "").split(", "):
            return Response(304, fields)
        condition = asked.headers.get("if-range")
        spans = parse(asked.headers["range"], SIZE) if "range" in asked.headers else None
        if asked.method == "HEAD" or spans is None or (condition is not None and condition != etag):
            return Response(200, fields, b"" if asked.method == "HEAD" else body)
        if not spans:
            return Response(416, {"content-range": f"bytes */{SIZE}"})
        first, last = spans[0]
        fields["content-range"] = f"bytes {first}-{last}/{SIZE}"
        return Response(206, fields, body[first : last + 1])


def must_be_consistent(origin: Origin, asked: dict[str, str], answer: Response) -> None:
    """The bytes are those of the one version that the head names, at the place that it names."""
    if answer.status not in (200, 206):
        return
    whole = origin.body(int(answer.headers["version"]))
    if answer.status == 200:
        assert answer.body == whole
        assert "content-range" not in answer.headers
        return
    first, last = map(int, answer.headers["content-range"].removeprefix("bytes ").partition("/")[0].split("-"))
    assert answer.body == whole[first : last + 1]
    assert parse(asked["range"], SIZE) == [(first, last)]


@settings(max_examples=400, deadline=None)
@given(validator=st.sampled_from(["strong", "strong", "weak", "none"]), steps=st.lists(STEP, min_size=2, max_size=14))
def test_no_answer_mixes_two_versions(validator: str, steps: list[tuple[str, dict[str, str]]]) -> None:
    """Also while the resource changes between one part and the next, behind the cache's back."""
    origin = Origin(validator)
    site = Site(uncacheable_ms=1).replies(origin)
    for kind, headers in steps:
        if kind == "change":
            origin.version = origin.version % 7 + 1
        elif kind == "wait":
            site.wait(3)
        elif kind != "HEAD" or validator != "none":  # a HEAD without validators agrees with anything (section 4.3.5)
            asked = request(kind)
            asked.headers.update(headers)
            answer = site.send(asked)
            if kind == "GET":
                must_be_consistent(origin, headers, answer)
                assert "range" in headers or answer.status in (200, 304)
    counts = site.cache.statistics()
    assert (counts["errors"], counts["unreadable"]) == (0, 0)
