"""The HTTP server under honest, malformed, slow and greedy clients: raw sockets throughout."""

from __future__ import annotations

import re
import select
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.gateway import ServerLimits
from lanner.local.gateway.chunked import ChunkedDecoder
from lanner.local.gateway.head import MAX_HEADER_BYTES, HeadError, parse_head
from lanner.local.gateway.server import PortTakenError
from tests.local.gateway.gateway_cloud import Serve, cloud, echo, http_api, ok, read_all, rest_api, route

PLAN = cloud(http_api(route("ANY /{proxy+}", payload_version="2.0")))
QUICK = ServerLimits(head_seconds=0.15, body_seconds=0.2, idle_seconds=0.2, linger_seconds=0.2, write_seconds=0.3)


def status_of(data: bytes) -> int:
    return int(data.split(b" ", 2)[1])


def read_answers(connection: socket.socket, count: int) -> list[tuple[bytes, bytes]]:
    """So many answers from a kept-alive connection: head and body of each."""
    data = b""
    answers: list[tuple[bytes, bytes]] = []
    while len(answers) < count:
        head, separator, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if separator and len(rest) >= (size := int(length[1]) if length else 0):
            answers.append((head, rest[:size]))
            data = rest[size:]
            continue
        chunk = connection.recv(65536)
        assert chunk, "the gateway closed too early"
        data += chunk
    return answers


CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
MALFORMED = {
    "bare LF": b"GET /x HTTP/1.1\nHost: a\n\n",
    "bare LF in headers": b"GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare CR in a value": b"GET /x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "folded line": b"GET /x HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "space before colon": b"GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
    "NUL in a value": b"GET /x HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "no Host": b"GET /x HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "Host with a path": b"GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with user": b"GET /x HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "empty Host": b"GET /x HTTP/1.1\r\nHost:\r\n\r\n",
    "two Content-Lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "Content-Length list": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx",
    "signed Content-Length": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
    "length and coding": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "unknown coding": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding in HTTP/1.0": b"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown method": b"FOO /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "space in target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "authority target": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk target": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    "bad chunk size": CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
    "chunk with bare LF": CHUNKED + b"\r\n1\na\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_requests_are_refused_and_closed(serve: Serve, data: bytes) -> None:
    """400, the connection closed, and no function sees anything."""
    served = serve(PLAN)
    answer = served.raw(data)
    assert status_of(answer) == 400
    assert b"Connection: close" in answer
    assert served.invoker.calls == []


def test_other_versions_and_expectations_have_their_own_status(serve: Serve) -> None:
    """505 for HTTP/2 spoken as text, 417 for an expectation that is not 100-continue."""
    served = serve(PLAN)
    assert status_of(served.raw(b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n")) == 505
    assert status_of(served.raw(b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n")) == 417


def test_headers_up_to_the_quota_pass_and_beyond_are_431(serve: Serve) -> None:
    """API Gateway's 10,240 bytes of request line and header values, to the byte."""
    served = serve(PLAN)
    line, host = b"GET /x HTTP/1.1", b"a"
    fits = MAX_HEADER_BYTES - len(line) - len(host) - len(b"close")
    for extra, expected in ((0, 200), (1, 431)):
        value = b"v" * (fits + extra)
        answer = served.raw(line + b"\r\nHost: a\r\nConnection: close\r\nX: " + value + b"\r\n\r\n")
        assert status_of(answer) == expected


def test_a_head_without_end_is_431(serve: Serve) -> None:
    """Header bytes are not collected for ever."""
    served = serve(PLAN)
    assert status_of(served.raw(b"GET /x HTTP/1.1\r\nHost: a\r\nX: " + b"v" * 40_000)) == 431


@pytest.mark.parametrize("headers", [b"Content-Length: 10485761", b"Transfer-Encoding: chunked"])
def test_a_body_above_10_mb_is_413_in_the_api_s_own_words(serve: Serve, headers: bytes) -> None:
    """Announced or sent in chunks; a client that is still sending gets to read the answer."""
    served = serve(cloud(rest_api(route("POST /x"))))
    with served.connect() as connection:
        connection.sendall(b"POST /prod/x HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n")
        try:
            for _ in range(11):
                connection.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        except OSError:
            pass  # the gateway has stopped reading
        answer = read_all(connection)
    assert status_of(answer) == 413
    assert answer.endswith(b'{"message":"Request Entity Too Large"}')
    assert b"x-amzn-ErrorType: RequestEntityTooLargeException" in answer


def test_a_body_of_10_mb_is_read(serve: Serve) -> None:
    """The quota itself is allowed; what refuses it then is Lambda's 6 MB."""
    served = serve(PLAN)
    answer = served.raw(
        b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10485760\r\n\r\n" + b"x" * 10_485_760
    )
    assert status_of(answer) == 413
    assert "the event is" in served.records[-1].note


def test_slow_headers_are_closed(serve: Serve) -> None:
    """A byte now and then does not prolong the deadline: 408 and the end."""
    served = serve(PLAN, limits=QUICK)
    with served.connect() as connection:
        answered = False
        for byte in b"GET /x HTTP/1.1\r\nHost: a\r\nX: " + b"v" * 1000:
            connection.sendall(bytes([byte]))
            answered = bool(select.select([connection], [], [], 0.02)[0])
            if answered:
                break
        assert answered
        assert status_of(read_all(connection)) == 408
    assert served.invoker.calls == []


def test_slow_bodies_are_closed(serve: Serve) -> None:
    """A body that stops coming is 408."""
    served = serve(PLAN, limits=QUICK)
    assert status_of(served.raw(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")) == 408


def test_idle_connections_are_closed_silently(serve: Serve) -> None:
    """Before a first request and between two."""
    served = serve(PLAN, {"Fn": ok()}, limits=QUICK)
    with served.connect() as connection:
        assert read_all(connection) == b""
    with served.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_all(connection).endswith(b"ok")


def test_a_client_that_does_not_read_is_cut(serve: Serve) -> None:
    """An answer that nobody takes does not hold its connection for ever."""
    served = serve(PLAN, {"Fn": ok("x" * 5_000_000)}, limits=QUICK)
    with served.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 8)
        until(lambda: bool(served.invoker.calls))
        until(lambda: served.gateway.open_connections == 0)
        assert len(served.invoker.calls) < 8


def test_a_slow_function_is_no_slow_client(serve: Serve) -> None:
    """While a function works no deadline of the connection runs."""
    waiting = threading.Event()
    served = serve(PLAN, {"Fn": ok("late")}, limits=QUICK, release={"Fn": waiting})
    with served.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert select.select([connection], [], [], 0.6)[0] == []
        waiting.set()
        assert read_all(connection).endswith(b"late")


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    """Many requests in one packet, with and without bodies: one answer each, in order, on one connection."""
    served = serve(PLAN)
    data = b""
    for number in range(40):
        body = b"%d" % number * (number % 3)
        data += b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % (
            number,
            len(body),
        )
        data += body
    with served.connect() as connection:
        connection.sendall(data)
        answers = read_answers(connection, 40)
    assert [re.search(rb'"rawPath": "/(\d+)"', body)[1] for _, body in answers] == [b"%d" % n for n in range(40)]  # type: ignore[index]
    assert [event.get("body", "") for _, event in served.invoker.calls] == [str(n) * (n % 3) for n in range(40)]


def test_more_pipelined_bytes_than_are_buffered_all_arrive(serve: Serve) -> None:
    """Reading pauses while many bytes wait, and goes on."""
    served = serve(PLAN, {"Fn": ok()})
    request = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000
    with served.connect() as connection:
        sender = threading.Thread(target=connection.sendall, args=(request * 20,))
        sender.start()
        answers = read_answers(connection, 20)
        sender.join(5)
    assert [body for _, body in answers] == [b"ok"] * 20
    assert [len(event["body"]) for _, event in served.invoker.calls] == [50_000] * 20


def test_a_request_may_come_byte_by_byte(serve: Serve) -> None:
    """However the bytes are cut, the request is the same; empty lines before it are ignored."""
    served = serve(PLAN)
    data = b"\r\n\r\nPOST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    data += b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    with served.connect() as connection:
        for byte in data:
            connection.sendall(bytes([byte]))
        assert status_of(read_all(connection)) == 200
    assert served.last_event["body"] == "abcde"


def test_expect_100_continue(serve: Serve) -> None:
    """The interim answer comes before the body is sent, and not where the body is already there."""
    served = serve(PLAN)
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with served.connect() as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hi")
        assert status_of(read_all(connection)) == 200
    assert served.raw(head + b"hi").startswith(b"HTTP/1.1 200")


def test_head_has_the_length_but_no_body(serve: Serve) -> None:
    """Nothing follows the headers of an answer to HEAD; the next request is read correctly."""
    served = serve(PLAN, {"Fn": ok("12345")})
    with served.connect() as connection:
        connection.sendall(
            b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        first, _, rest = read_all(connection).partition(b"\r\n\r\n")
    assert b"Content-Length: 5" in first
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\n12345")


def test_head_without_a_body_claims_no_length(serve: Serve) -> None:
    """RFC 9110 section 8.6: a length that GET's body has not must not be said; the connection stays usable."""
    served = serve(PLAN, {"Fn": ok("")})
    with served.connect() as connection:
        connection.sendall(
            b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        first, _, rest = read_all(connection).partition(b"\r\n\r\n")
    assert b"content-length" not in first.lower()
    assert b"Content-Length: 0" in rest


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_have_none(serve: Serve, status: int) -> None:
    """No bytes and no Content-Length, whatever the function returned."""
    served = serve(PLAN, {"Fn": ok("not sent", statusCode=status)})
    answer = served.raw(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == status
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length" not in answer.lower()


def test_http_1_0_closes_unless_asked_to_stay(serve: Serve) -> None:
    """RFC 9112, section 9.3."""
    served = serve(PLAN, {"Fn": ok()})
    assert served.raw(b"GET /x HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    with served.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
        assert len(read_answers(connection, 2)) == 2


def test_an_answer_has_one_date(serve: Serve) -> None:
    """The server's own, in the format of RFC 9110."""
    served = serve(PLAN, {"Fn": ok(headers={"Date": "yesterday"})})
    date = served.get("/x").headers.get_list("date")
    assert len(date) == 1
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date[0])


def test_an_absolute_target_names_its_host(serve: Serve) -> None:
    """RFC 9112, section 3.2.2: the target's authority counts, not Host."""
    served = serve(cloud(rest_api(route("GET /x"))), {"Fn": echo})
    answer = served.raw(b"GET http://Api.localhost/prod/x?a=1 HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 200
    assert served.last_event["requestContext"]["domainName"] == "api.localhost"


def test_too_many_connections_are_refused(serve: Serve) -> None:
    """503 for the one too many; the others go on."""
    served = serve(PLAN, {"Fn": ok()}, limits=ServerLimits(max_connections=2))
    first, second = served.connect(), served.connect()
    with first, second:
        for connection in (first, second):
            connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_answers(connection, 1)[0][1] == b"ok"
        with served.connect() as third:
            assert status_of(read_all(third)) == 503
        first.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_answers(first, 1)[0][1] == b"ok"


def test_stopping_lets_a_request_finish(serve: Serve) -> None:
    """Idle connections close at once, a busy one after its answer, and nobody new is let in."""
    waiting = threading.Event()
    served = serve(PLAN, {"Fn": ok("done")}, release={"Fn": waiting})
    with served.connect() as idle, served.connect() as busy:
        busy.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: bool(served.invoker.calls))
        stopping = threading.Thread(target=lambda: served.run(served.gateway.stop(grace=5)))
        stopping.start()
        assert read_all(idle) == b""
        with pytest.raises(OSError, match=r"refused|reset"):
            served.connect()
        waiting.set()
        answer = read_all(busy)
        stopping.join(5)
    assert answer.endswith(b"done")
    assert b"Connection: close" in answer


def test_a_client_that_leaves_does_not_stop_its_function(serve: Serve) -> None:
    """The function runs on and the request is recorded."""
    waiting = threading.Event()
    served = serve(PLAN, {"Fn": ok()}, release={"Fn": waiting})
    with served.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: bool(served.invoker.calls))
    waiting.set()
    until(lambda: bool(served.records))
    assert served.records[0].status == 200


def test_a_taken_port_is_a_clear_error(serve: Serve) -> None:
    """The error names the address."""
    served, other = serve(PLAN), serve(PLAN)
    with pytest.raises(PortTakenError, match=f"127.0.0.1:{served.port} cannot be listened on"):
        served.run(other.gateway.start("127.0.0.1", served.port))


def until(condition: object, seconds: float = 5) -> None:
    """Wait for a condition of another thread, with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "the condition did not come true"
        select.select([], [], [], 0.01)


@given(st.binary(max_size=300))
def test_no_head_makes_the_parser_fail_otherwise(data: bytes) -> None:
    """Any bytes are a head or a `HeadError` with a 4xx or 505 status."""
    try:
        head = parse_head(data + b"\r\n\r\n")
    except HeadError as error:
        assert error.status in (400, 417, 431, 505)
    else:
        assert head.path.startswith("/")


@given(st.lists(st.binary(min_size=1, max_size=40)), st.lists(st.integers(1, 7), min_size=1))
def test_chunks_decode_however_they_are_cut(chunks: list[bytes], cuts: list[int]) -> None:
    """Round trip: encoded chunks, fed in pieces, give the bytes back and leave what follows."""
    encoded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n" + b"NEXT"
    decoder, buffer, at, turn = ChunkedDecoder(), bytearray(), 0, 0
    while at < len(encoded):
        step = cuts[turn % len(cuts)]
        buffer += encoded[at : at + step]
        at, turn = at + step, turn + 1
        if not decoder.done:
            decoder.feed(buffer)
    assert (decoder.done, bytes(decoder.body), bytes(buffer)) == (True, b"".join(chunks), b"NEXT")
