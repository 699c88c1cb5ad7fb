"""The answer reader: framing, pieces, and what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.aws.answer import BODY_LIMIT, HEAD_LIMIT, Answer, AnswerReader, Malformed, Truncated


def pieces(data: bytes, cuts: list[int]) -> Callable[[], bytes]:
    """A `receive` that hands out `data` cut at `cuts`, then the connection's end."""
    bounds = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    parts = [data[a:b] for a, b in itertools.pairwise(bounds)]
    queue = iter([part for part in parts if part])
    return lambda: next(queue, b"")


def read(data: bytes, cuts: list[int] | None = None) -> Answer:
    """The first answer in `data`."""
    return AnswerReader(pieces(data, cuts or [])).read()


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@given(body=st.binary(max_size=300), cuts=CUTS)
def test_reads_a_body_by_its_length_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    """Content-Length frames the body, in whatever pieces it arrives."""
    answer = read(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-A:  b \r\n\r\n%s" % (len(body), body), cuts)
    assert (answer.status, answer.body, answer.reusable) == (200, body, True)
    assert answer.header(b"x-a") == "b"


@given(chunks=st.lists(st.binary(min_size=1, max_size=80), max_size=5), trailer=st.booleans(), cuts=CUTS)
def test_reads_a_chunked_body_however_it_is_cut(chunks: list[bytes], trailer: bool, cuts: list[int]) -> None:
    """Chunks are joined, extensions and trailers ignored, and the connection stays usable."""
    coded = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = b"0\r\nx-trailer: y\r\n\r\n" if trailer else b"0\r\n\r\n"
    answer = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + coded + end, cuts)
    assert answer.body == b"".join(chunks)
    assert answer.reusable


@given(body=st.binary(max_size=100), cuts=CUTS)
def test_reads_to_the_end_where_nothing_frames_the_body(body: bytes, cuts: list[int]) -> None:
    """Without length or coding the connection's end is the body's, and nothing follows on it."""
    answer = read(b"HTTP/1.1 200 OK\r\n\r\n" + body, cuts)
    assert (answer.body, answer.reusable) == (body, False)


@given(data=st.binary(max_size=300), cuts=CUTS)
def test_answers_or_refuses_any_bytes(data: bytes, cuts: list[int]) -> None:
    """No input raises anything but Malformed, and what is accepted is an answer."""
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"):
        try:
            answer = read(prefix + data, cuts)
        except Malformed:
            continue
        assert 200 <= answer.status <= 999


def test_skips_interim_answers() -> None:
    """100 Continue and 103 Early Hints come before the answer that counts."""
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n"
    answer = read(data)
    assert (answer.status, answer.body, answer.reusable) == (204, b"", True)


def test_reads_two_answers_from_one_connection() -> None:
    """The second answer starts where the first one ended."""
    one = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"
    reader = AnswerReader(pieces(one + one.replace(b"\r\na", b"\r\nb"), [5, len(one)]))
    assert [reader.read().body, reader.read().body] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nconnection: Close", False),
        (b"HTTP/1.1 200 OK\r\nconnection: keep-alive", True),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive", True),
    ],
)
def test_knows_whether_the_connection_lives_on(head: bytes, reusable: bool) -> None:
    """Connection and the HTTP version decide about reuse (RFC 9112, section 9.3)."""
    assert read(head + b"\r\ncontent-length: 0\r\n\r\n").reusable is reusable


def test_bytes_after_the_answer_end_the_connections_use() -> None:
    """A peer that says more than was asked is out of step."""
    assert not read(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc").reusable


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : value\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (BODY_LIMIT + 1),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % (BODY_LIMIT + 1),
        b"HTTP/1.1 200 OK\r\na: " + b"b" * HEAD_LIMIT * 2,
    ],
)
def test_refuses_what_is_not_a_clean_answer(data: bytes) -> None:
    """Anything that two readers could understand differently is refused."""
    with pytest.raises(Malformed) as caught:
        read(data)
    assert not isinstance(caught.value, Truncated)


def test_the_same_length_twice_is_one_length() -> None:
    """Repeated equal Content-Length values are allowed (RFC 9112, section 6.3)."""
    assert read(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na").body == b"a"


@pytest.mark.parametrize(
    ("data", "started"),
    [
        (b"", False),
        (b"HTTP/1.1 200", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", True),
    ],
)
def test_an_early_end_says_whether_anything_had_come(data: bytes, started: bool) -> None:
    """A truncated answer is told from none at all, which decides about a retry."""
    with pytest.raises(Truncated) as caught:
        read(data)
    assert caught.value.started is started
