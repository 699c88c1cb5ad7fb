"""RESP2 and hash slots, against their specifications' examples and at random."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.cache.redis_servers import _redirection, _slot_map
from lanner.cache.resp import ErrorReply, Reply, Session, encode, expect, read_reply, refused, replies
from lanner.cache.slots import SLOTS, companion_tag, hash_tag, slot
from lanner.cache.stream import Deadline, Ended, Garbled, Stream
from lanner.clock import ManualClock

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def parsed(data: bytes) -> Reply:
    """The reply that these bytes are; the connection ends after them."""
    left, right = socket.socketpair()
    with left, right:
        right.sendall(data)
        right.shutdown(socket.SHUT_WR)
        stream = Stream(left, tls=False)
        stream.begin(Deadline(ManualClock(), 20_000, "test"))
        return read_reply(stream)


def test_a_command_is_an_array_of_bulk_strings() -> None:
    """The specification's example, and bytes of any kind."""
    assert encode(b"LLEN", b"mylist") == b"*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n"
    assert encode(b"", b"\r\n\0") == b"*2\r\n$0\r\n\r\n$3\r\n\r\n\0\r\n"


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"+OK\r\n", b"OK"),
        (b":1000\r\n", 1000),
        (b":-42\r\n", -42),
        (b"$5\r\nhello\r\n", b"hello"),
        (b"$0\r\n\r\n", b""),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"*0\r\n", []),
        (b"*3\r\n$5\r\nhello\r\n$-1\r\n$5\r\nworld\r\n", [b"hello", None, b"world"]),
        (b"*2\r\n*3\r\n:1\r\n:2\r\n:3\r\n*2\r\n+Hello\r\n+World\r\n", [[1, 2, 3], [b"Hello", b"World"]]),
    ],
)
def test_replies(data: bytes, reply: Reply) -> None:
    """The five kinds, as in the specification."""
    assert parsed(data) == reply


def test_an_error_is_a_value() -> None:
    """So that a pipeline is read to its end."""
    reply = parsed(b"*2\r\n-WRONGTYPE Operation against a key\r\n:1\r\n")
    assert isinstance(reply, list)
    assert isinstance(reply[0], ErrorReply) and reply[0].code == "WRONGTYPE" and reply[1] == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.sampled_from([b"", b"$", b"*", b":", b"+", b"-", b"*2\r\n$3\r\nabc\r\n"]))
def test_any_bytes_are_a_reply_or_garbled(data: bytes, start: bytes) -> None:
    """Nothing else is raised, whatever a peer says, and what is read is one of the five kinds."""
    try:
        reply = parsed(start + data)
    except Garbled:
        return
    assert reply is None or isinstance(reply, (bytes, int, list, ErrorReply))


def as_reply(value: bytes | int | None) -> bytes:
    """How a server sends it."""
    if value is None:
        return b"$-1\r\n"
    return b":%d\r\n" % value if isinstance(value, int) else b"$%d\r\n%b\r\n" % (len(value), value)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1)), max_size=8))
@settings(max_examples=50, deadline=None)
def test_a_pipeline_is_read_in_order(values: list[bytes | int | None]) -> None:
    """Reply by reply, and to the end of what was sent."""
    data = b"".join(map(as_reply, values))
    left, right = socket.socketpair()
    with left, right:
        right.sendall(data)
        stream = Stream(left, tls=False)
        stream.begin(Deadline(ManualClock(), 20_000, "test"))
        assert replies(len(values))(stream) == values
        assert stream.in_step()


def test_a_reply_that_ends_early() -> None:
    """Is no reply."""
    for data in (b"", b"$5\r\nhel", b"*2\r\n:1\r\n", b":1"):
        with pytest.raises(Ended):
            parsed(data)


def test_errors_say_what_they_are_about() -> None:
    """The value, or the server; never the server's words."""
    about_value = [
        b"WRONGTYPE Operation against a key holding the wrong kind of value",
        b"ERR value is not an integer or out of range",
        b"ERR increment or decrement would overflow",
        b"ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        b"ERR Error running script (call to f_1): @user_script:7: WRONGTYPE Operation against a key",
    ]
    for text in about_value:
        assert isinstance(refused("redis get", ErrorReply(text)), CacheValueError)
    for text in (b"OOM command not allowed", b"READONLY You can't write", b"", b"secret text", b"Moved on"):
        error = refused("redis get", ErrorReply(text))
        assert isinstance(error, CacheUnavailable)
        assert "secret" not in str(error) and "redis get" in str(error)
    with pytest.raises(CacheUnavailable, match="another command"):
        expect("redis get", 5, bytes)


def test_a_session_keeps_its_password_to_itself(pair: tuple[socket.socket, socket.socket]) -> None:
    """It is sent once, in one pipeline with the database, and is in no error."""
    mine, theirs = pair
    theirs.sendall(b"-ERR unknown command `AUTH`, with args beginning with: `who`, `pass word`\r\n+OK\r\n")
    stream = Stream(mine, tls=False)
    deadline = Deadline(ManualClock(), 20_000, "redis get")
    stream.begin(deadline)
    session = Session(username="who", password="pass word", database=3)
    with pytest.raises(CacheUnavailable) as caught:
        session.prepare(stream, deadline)
    assert theirs.recv(1000) == encode(b"AUTH", b"who", b"pass word") + encode(b"SELECT", b"3")
    assert "pass word" not in f"{caught.value} {session!r}" and "who" not in str(caught.value)


def test_slots_of_the_specification() -> None:
    """CRC16 of 123456789 is 0x31C3; a tag is between the first brace and the next closing one, if not empty."""
    assert slot(b"123456789") == 0x31C3 % SLOTS
    assert slot(b"{user1000}.following") == slot(b"{user1000}.followers") == slot(b"user1000")
    assert hash_tag(b"foo{}{bar}") == b"foo{}{bar}"
    assert hash_tag(b"foo{{bar}}zap") == b"{bar"
    assert hash_tag(b"foo{bar}{zap}") == b"bar"
    assert slot(b"") == 0


@given(st.binary(max_size=30) | st.text(alphabet="{}ab", max_size=12).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_a_companion_is_in_the_same_slot(name: bytes) -> None:
    """Whatever braces a name has."""
    tag = companion_tag(name)
    assert b"}" not in tag
    if tag:
        assert slot(b"lease{%b}%b" % (tag, name)) == slot(name)


def test_redirections() -> None:
    """MOVED and ASK with a host, without one, with an IPv6 address; nothing else."""
    asked = ("seed", 6379)
    assert _redirection(ErrorReply(b"MOVED 3999 127.0.0.1:6381"), asked) == (3999, ("127.0.0.1", 6381), False)
    assert _redirection(ErrorReply(b"ASK 3999 :6381"), asked) == (3999, ("seed", 6381), True)
    assert _redirection(ErrorReply(b"MOVED 1 ?:7000"), asked) == (1, ("seed", 7000), False)
    assert _redirection(ErrorReply(b"MOVED 1 ::1:7000"), asked) == (1, ("::1", 7000), False)
    for other in (b"MOVED 1", b"MOVED x y:1", b"MOVED 16384 h:1", b"MOVED 1 h:x", b"ERR x y:1"):
        assert _redirection(ErrorReply(other), asked) is None
    assert _redirection(b"MOVED 1 h:1", asked) is None


def test_a_map_of_slots() -> None:
    """As Redis tells it, as ElastiCache Serverless does (one host), and as it makes no sense."""
    deadline = Deadline(ManualClock(), 20_000, "redis get")
    asked = ("seed", 6379)
    told: Reply = [[0, 8191, [b"one", 1, b"id"], [b"replica", 2, b"id"]], [8192, 16383, [None, 3, b"id"]]]
    made = _slot_map(told, asked, deadline)
    assert (made[0], made[8191], made[8192], made[16383]) == (("one", 1), ("one", 1), ("seed", 3), ("seed", 3))
    nonsense: Reply = [1, [], [5], [0, 99999, [b"x", 1]], [b"a", b"b", []], [0, 1, [b"x"]]]
    assert _slot_map(nonsense, asked, deadline) == [asked] * SLOTS
    assert _slot_map(ErrorReply(b"ERR This instance has cluster support disabled"), asked, deadline)[7] == asked
    with pytest.raises(CacheUnavailable, match="NOPERM"):
        _slot_map(ErrorReply(b"NOPERM no"), asked, deadline)
