"""Where a command goes: to the one server, or to the master that has the slot of its name.

States: *single*, where everything goes to the seed; *clustered*, asked for or learned from a first MOVED. A clustered
one has a map of slots, which is *stale* at first, after a MOVED and after a master failed: the next operation then
asks `CLUSTER SLOTS` first, of the seed or of another master. A MOVED also corrects its own slot at once; an ASK sends
that one command elsewhere. More than `MAX_REDIRECTIONS` in a row, or a map that cannot be had, is `CacheUnavailable`.

Commands for many names are pipelined, one pipeline to each master, one name to a command: no CROSSSLOT and no
TRYAGAIN, and every name can be redirected by itself. ElastiCache Serverless is one host for all slots; a host that is
empty or `?` in its answers is the one that was asked (Redis documentation of CLUSTER SLOTS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lanner.cache.errors import CacheBudgetSpent, CacheUnavailable
from lanner.cache.resp import ErrorReply, encode, read_reply, replies
from lanner.cache.slots import SLOTS, slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lanner.cache.resp import Reply
    from lanner.cache.stream import Deadline
    from lanner.cache.streams import Streams

Address: TypeAlias = "tuple[str, int]"

MAX_REDIRECTIONS = 5
PIPELINE_COMMANDS = 256
PIPELINE_BYTES = 1024 * 1024

_CLUSTER_SLOTS = encode(b"CLUSTER", b"SLOTS")
_ASKING = encode(b"ASKING")
_ELSEWHERE = frozenset({"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH"})
"""After these another connection may reach a server that serves: a failover moves the host name."""


class Servers:
    """The server, or the cluster's masters; `connect` makes the streams to an address."""

    def __init__(self, host: str, port: int, *, cluster: bool, connect: Callable[[str, int], Streams]) -> None:
        self._seed: Address = (host, port)
        self._connect = connect
        self._streams: dict[Address, Streams] = {self._seed: connect(host, port)}
        self._map: list[Address] = [self._seed] * SLOTS
        self.clustered = self._stale = cluster
        self._suspect: Address | None = None

    def one(self, name: bytes, command: bytes, deadline: Deadline, *, safe: bool = True) -> Reply:
        """The reply to a command about `name`; `safe` says that the command may be done twice."""
        address = self._address(name, deadline) if self.clustered else self._seed
        reply = self._exchange(address, [command], deadline, safe=safe)[0]
        return self._follow(reply, address, command, deadline, safe=safe) if type(reply) is ErrorReply else reply

    def many(self, requests: Sequence[tuple[bytes, bytes]], deadline: Deadline) -> list[Reply]:
        """The replies to (name, command) pairs, each safe to do twice, in their order."""
        answers: list[Reply] = [None] * len(requests)
        by_address: dict[Address, list[int]] = {}
        for index, (name, _) in enumerate(requests):
            address = self._address(name, deadline) if self.clustered else self._seed
            by_address.setdefault(address, []).append(index)
        for address, indices in by_address.items():
            for batch in _batches(indices, requests):
                got = self._exchange(address, [requests[index][1] for index in batch], deadline)
                for index, reply in zip(batch, got, strict=True):
                    answers[index] = (
                        self._follow(reply, address, requests[index][1], deadline)
                        if type(reply) is ErrorReply
                        else reply
                    )
        return answers

    def masters(self, deadline: Deadline) -> list[Address]:
        """Every server that has keys."""
        if not self.clustered:
            # A cluster that nobody has met yet would show a third of its keys.
            told = self._exchange(self._seed, [_CLUSTER_SLOTS], deadline)[0]
            if not isinstance(told, list) or not told:
                return [self._seed]
            self.clustered = True
        self._stale = True
        self._learn(deadline)
        return list(dict.fromkeys(self._map))

    def at(self, address: Address, command: bytes, deadline: Deadline) -> Reply:
        """The reply of one server to a command that is about no name."""
        return self._exchange(address, [command], deadline)[0]

    def reset(self) -> None:
        """Drop connections, and what was learned about slots."""
        for streams in list(self._streams.values()):
            streams.reset()
        self._stale = self.clustered

    def close(self) -> None:
        """Drop connections for good."""
        for streams in list(self._streams.values()):
            streams.close()

    def _to(self, address: Address) -> Streams:
        streams = self._streams.get(address)
        if streams is None:
            streams = self._streams.setdefault(address, self._connect(*address))
        return streams

    def _address(self, name: bytes, deadline: Deadline) -> Address:
        if self._stale:
            self._learn(deadline)
        return self._map[slot(name)]

    def _exchange(
        self, address: Address, commands: list[bytes], deadline: Deadline, *, safe: bool = True, asking: bool = False
    ) -> list[Reply]:
        streams = self._to(address)
        try:
            if len(commands) == 1 and not asking:
                got: list[Reply] = [streams.exchange(commands, read_reply, deadline, safe=safe)]
            else:
                sent = [_ASKING, *commands] if asking else commands
                got = streams.exchange((b"".join(sent),), replies(len(sent)), deadline, safe=safe)[asking:]
        except CacheUnavailable:
            if self.clustered:
                self._stale, self._suspect = True, address
            raise
        for reply in got:
            if type(reply) is ErrorReply and reply.code in _ELSEWHERE:
                streams.drop()
                self._stale = self.clustered
        return got

    def _follow(
        self, reply: Reply, address: Address, command: bytes, deadline: Deadline, *, safe: bool = True
    ) -> Reply:
        for _ in range(MAX_REDIRECTIONS):
            where = _redirection(reply, address)
            if where is None:
                return reply
            number, address, asked = where
            self.clustered = True
            if not asked:
                self._map[number] = address
                self._stale = True
            reply = self._exchange(address, [command], deadline, safe=safe, asking=asked)[0]
        if _redirection(reply, address) is not None:
            raise CacheUnavailable(f"{deadline.what}: redirected more than {MAX_REDIRECTIONS} times")
        return reply

    def _learn(self, deadline: Deadline) -> None:
        """Ask for the map of slots; an older map serves where nobody tells."""
        known = list(dict.fromkeys((self._seed, *self._map)))
        known.sort(key=lambda address: address == self._suspect)
        failure: CacheUnavailable | None = None
        for address in known:
            try:
                reply = self._to(address).exchange((_CLUSTER_SLOTS,), read_reply, deadline)
                self._map = _slot_map(reply, address, deadline)
            except CacheBudgetSpent:
                self._suspect = address  # the next operation asks another one first
                raise
            except CacheUnavailable as error:
                failure = error
                continue
            self._stale, self._suspect = False, None
            self._forget_others()
            return
        raise failure or CacheUnavailable(f"{deadline.what}: nobody knows the cluster's slots")

    def _forget_others(self) -> None:
        """Masters that have no slots any more keep no connections."""
        for address in set(self._streams) - set(self._map) - {self._seed}:
            self._streams.pop(address).reset()


def _batches(indices: list[int], requests: Sequence[tuple[bytes, bytes]]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for index in indices:
        batch.append(index)
        size += len(requests[index][1])
        if len(batch) >= PIPELINE_COMMANDS or size >= PIPELINE_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _redirection(reply: Reply, asked: Address) -> tuple[int, Address, bool] | None:
    """Slot, address and whether it is ASK, of `MOVED 3999 127.0.0.1:6381` or `ASK ...`; None for other replies."""
    if not isinstance(reply, ErrorReply):
        return None
    words = reply.text.split(b" ")
    if len(words) != 3 or words[0] not in (b"MOVED", b"ASK") or not words[1].isdigit():
        return None
    number = int(words[1])
    host, _, port = words[2].rpartition(b":")
    if number >= SLOTS or not port.isdigit():
        return None
    return number, (_host(host, asked), int(port)), words[0] == b"ASK"


def _host(told: object, asked: Address) -> str:
    if isinstance(told, bytes) and told not in (b"", b"?"):
        return told.decode("latin-1")
    return asked[0]


def _slot_map(reply: Reply, asked: Address, deadline: Deadline) -> list[Address]:
    if isinstance(reply, ErrorReply):
        if b"cluster support disabled" in reply.text:  # a single server: it has them all
            return [asked] * SLOTS
        raise CacheUnavailable(f"{deadline.what}: the server does not tell the cluster's slots ({reply.code})")
    made = [asked] * SLOTS
    for each in reply if isinstance(reply, list) else ():
        # First slot, last slot, master (host, port, id, ...), replicas.
        if not isinstance(each, list) or len(each) < 3:
            continue
        first, last, master = each[:3]
        if not (isinstance(first, int) and isinstance(last, int) and isinstance(master, list) and len(master) >= 2):
            continue
        host, port = master[:2]
        if isinstance(port, int) and 0 <= first <= last < SLOTS:
            made[first : last + 1] = [(_host(host, asked), port)] * (last + 1 - first)
    return made
