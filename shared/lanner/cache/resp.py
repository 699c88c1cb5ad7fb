"""RESP2, the protocol of Redis and Valkey: commands as arrays of bulk strings, five kinds of replies.

Source: redis.io/docs/latest/develop/reference/protocol-spec. A reply that is none of the five is `Garbled`: the
connection is out of step and has to go. An error reply is a value, `ErrorReply`, so that a pipeline is read to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lanner.cache.errors import CacheUnavailable, CacheValueError
from lanner.cache.stream import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.cache.stream import Deadline, Stream

BULK_LIMIT = 512 * 1024 * 1024
"""The longest string that Redis holds (proto-max-bulk-len)."""

_DEEPEST = 8
_DIGITS_LIMIT = 20


class ErrorReply:
    """An error as the server put it. Only `code` is fit for a message: the text may repeat what was sent."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text

    @property
    def code(self) -> str:
        """The first word, such as WRONGTYPE, where it is one; else ERR."""
        word = self.text.split(b" ", 1)[0]
        return word.decode() if word.isalpha() and word.isupper() and len(word) <= 24 else "ERR"


class Status(bytes):
    """A simple string such as OK: no value, although it has bytes."""

    __slots__ = ()


Reply: TypeAlias = "bytes | int | list[Reply] | ErrorReply | None"


def encode(*arguments: bytes) -> bytes:
    """A command."""
    head = b"*%d\r\n" % len(arguments)
    return head + b"".join([b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments])


def read_reply(stream: Stream) -> Reply:
    """The next reply. Raises `Garbled`, and what the stream raises."""
    return _read(stream, 0)


def replies(count: int) -> Callable[[Stream], list[Reply]]:
    """A reader of as many replies as commands were sent."""
    return lambda stream: [_read(stream, 0) for _ in range(count)]


def _read(stream: Stream, depth: int) -> Reply:
    line = stream.line()
    kind, rest = line[:1], line[1:]
    if kind == b"$":
        size = _number(rest)
        if size == -1:
            return None
        if not 0 <= size <= BULK_LIMIT:
            raise Garbled("a reply has an impossible length")
        return stream.block(size)
    if kind == b"+":
        return Status(rest)
    if kind == b":":
        return _number(rest)
    if kind == b"-":
        return ErrorReply(rest)
    if kind == b"*" and depth < _DEEPEST:
        count = _number(rest)
        if count == -1:
            return None
        if count < 0:
            raise Garbled("a reply has an impossible length")
        return [_read(stream, depth + 1) for _ in range(count)]
    raise Garbled("not a RESP2 reply")


def _number(digits: bytes) -> int:
    unsigned = digits[1:] if digits[:1] == b"-" else digits
    if not unsigned.isdigit() or len(digits) > _DIGITS_LIMIT:
        raise Garbled("a reply's number is none")
    return int(digits)


class Session:
    """What a new connection says first: who is there, and which database. Its `repr` says nothing of that."""

    __slots__ = ("_commands",)

    def __init__(self, *, username: str | None, password: str | None, database: int) -> None:
        commands: list[bytes] = []
        if password is not None:
            who = () if username is None else (username.encode(),)
            commands.append(encode(b"AUTH", *who, password.encode()))
        if database:
            commands.append(encode(b"SELECT", b"%d" % database))
        self._commands = tuple(commands)

    def prepare(self, stream: Stream, deadline: Deadline) -> None:
        """Introduce the connection. Raises `CacheUnavailable` with the server's code, and none of its words."""
        if not self._commands:
            return
        stream.send(b"".join(self._commands))
        for reply in replies(len(self._commands))(stream):
            if reply != b"OK":
                code = reply.code if isinstance(reply, ErrorReply) else "no OK"
                raise CacheUnavailable(f"{deadline.what}: the server refused the login or the database ({code})")


def refused(what: str, reply: ErrorReply) -> CacheUnavailable | CacheValueError:
    """The error that an error reply is: about the value, or about the server.

    Redis 6 wraps an error within a script into one of its own (`ERR Error running script ...`), hence the search.
    """
    if b"WRONGTYPE" in reply.text:
        return CacheValueError(f"{what}: the key holds something that is no string (WRONGTYPE)")
    if b"not an integer" in reply.text or b"would overflow" in reply.text:
        return CacheValueError(f"{what}: the value is no integer of 64 bits, or the result is none")
    if b"exceeds maximum allowed size" in reply.text:
        return CacheValueError(f"{what}: the value is longer than the server's proto-max-bulk-len")
    return CacheUnavailable(f"{what}: the server refused ({reply.code})")


def expect(what: str, reply: Reply, kind: type | Sequence[type]) -> None:
    """Raise where a reply is an error, or not what the command answers with."""
    if isinstance(reply, ErrorReply):
        raise refused(what, reply)
    kinds = (kind,) if isinstance(kind, type) else tuple(kind)
    if not isinstance(reply, kinds) or isinstance(reply, Status):
        raise CacheUnavailable(f"{what}: the server's reply is of another command")
