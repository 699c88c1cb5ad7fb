"""The small HTTP server for runtimes and SDKs: framing by property, refusals by example."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanner.local.runtime.logbook import LineSplitter
from lanner.local.runtime.wire import BadRequestError, BodyReader, WireServer, parse_head


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans(), st.lists(st.integers(1, 20)), st.binary(max_size=9))
def test_a_body_is_the_same_however_it_is_framed_and_cut(pieces, by_length, cuts, rest):
    """Content-Length or chunked, arriving in any pieces: the same body, and what follows is left alone."""
    body = b"".join(pieces)
    headers = {"content-length": str(len(body))} if by_length else {"transfer-encoding": "chunked"}
    framed = (body if by_length else chunked(pieces)) + rest
    reader = BodyReader(headers, limit=1000)
    buffer = bytearray()
    done = reader.feed(buffer)
    position = 0
    sizes = iter([*cuts, len(framed) + 1])
    while not done:
        size = next(sizes)
        buffer += framed[position : position + size]
        position += size
        done = reader.feed(buffer)
    assert reader.body == body
    assert bytes(buffer) + framed[position:] == rest


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(0, 100))
def test_a_body_above_the_limit_is_read_to_its_end_and_marked(pieces, limit):
    """Nothing of it is kept, and the framing stays intact."""
    body = b"".join(pieces)
    buffer = bytearray(chunked(pieces) + b"next")
    reader = BodyReader({"transfer-encoding": "chunked"}, limit=limit)
    assert reader.feed(buffer)
    assert reader.too_large == (len(body) > limit)
    assert reader.body == (b"" if len(body) > limit else body)
    assert bytes(buffer) == b"next"


@pytest.mark.parametrize(
    "head",
    [b"GET /", b"GET / HTTP/2.0", b"GET / HTTP/1.1\r\nno colon", b"GET / HTTP/1.1\r\n folded: x", b"\r\n"],
)
def test_a_malformed_head_is_named(head):
    """The message quotes the line."""
    with pytest.raises(BadRequestError):
        parse_head(head)


@pytest.mark.parametrize("headers", [{"content-length": "-1"}, {"content-length": "1x"}, {"content-length": "²"}])
def test_a_length_that_is_no_number_is_refused(headers):
    """Only ASCII digits count."""
    with pytest.raises(BadRequestError):
        BodyReader(headers, 10)


def exchange(data: bytes, limit: int = 100) -> bytes:
    """Send raw bytes to a server that echoes method, target and body; returns everything until it closes."""

    async def scenario() -> bytes:
        def handle(request, connection):
            text = f"{request.method} {request.target} {len(request.body)} {request.too_large}"
            connection.reply(200, text.encode())

        server = WireServer(handle, limit=limit)
        port = await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        server.close()
        return answer

    return asyncio.run(scenario())


def test_pipelined_requests_are_answered_in_order():
    """Two requests in one packet, two answers."""
    request = b"POST /%d HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    answer = exchange(request % 1 + request % 2 + b"GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.index(b"POST /1 3 False") < answer.index(b"POST /2 3 False") < answer.index(b"GET /3 0 False")


def test_expect_continue_is_answered_before_the_body():
    """libcurl waits for it with large bodies."""
    answer = exchange(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_malformed_input_gets_400_and_the_connection_ends():
    """The reason is in the body."""
    answer = exchange(b"NONSENSE\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"NONSENSE" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=30), max_size=10))
def test_lines_are_the_same_however_the_bytes_arrive(pieces):
    """Cutting output into reads does not change its lines."""
    splitter, whole = LineSplitter(), LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)] + list(splitter.flush())
    assert lines == list(whole.feed(b"".join(pieces))) + list(whole.flush())
