"""Requests of a Memcached cache, each made under the generation that the cache has at that moment.

Memcached cannot list, so `clear` changes the generation, which is part of every name (`lanner.cache.memcached_space`).
Every request starts with a `gets` of it, in the same round trip: where another one cleared the cache meanwhile, the
operation is done again under the new generation, and what was done under the old one is lost with it. A generation
that the server lost, or that is none, is made anew, at random: everything is a miss then.

With TLS each command is a record of its own: Memcached (1.6.18, seen here) reads a value to its end and then waits for
its socket, without looking at what the value's last record has behind it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lanner.cache.errors import CacheUnavailable
from lanner.cache.memcached_space import Space, generation_name
from lanner.cache.memcached_text import STORED, read_items, read_word, retrieval, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lanner.cache.memcached_text import Item
    from lanner.cache.stream import Deadline, Stream
    from lanner.cache.streams import Streams

_MOST_GENERATIONS = 5
_GENERATION_BYTES = 16


class GenerationRequests:
    """Asks a server under the right generation."""

    def __init__(self, streams: Streams, prefix: str, *, tls: bool) -> None:
        self._streams = streams
        self._apart = tls
        self._prefix = prefix
        self._name = generation_name(prefix)
        self._space: Space | None = None

    def run(
        self,
        build: Callable[[Space], tuple[Sequence[bytes], Sequence[bytes]]],
        deadline: Deadline,
        *,
        safe: bool = True,
    ) -> tuple[list[Item | None], list[bytes]]:
        """Do what `build` says for a space: names to read, and commands after that, each answered by a word.

        Returns what was found in the order of the names, and the words. Once more under the right space where the one
        it was built for is not the cache's any more.
        """
        for _ in range(_MOST_GENERATIONS):
            space = self._space or self._learn(deadline)
            names, commands = build(space)
            asked = (self._name, *names)

            def read(
                stream: Stream, asked: tuple[bytes, ...] = asked, count: int = len(commands)
            ) -> tuple[dict[bytes, Item], list[bytes]]:
                items = read_items(stream, asked, deadline.what)
                return items, [read_word(stream, deadline.what) for _ in range(count)]

            pieces = (retrieval(asked), *commands)
            request = pieces if self._apart else (b"".join(pieces),)
            items, words = self._streams.exchange(request, read, deadline, safe=safe)
            current = items.get(self._name)
            if current is not None and current.data == space.generation:
                return [items.get(name) for name in names], words
            self._space = self._space_of(current)
        raise CacheUnavailable(f"{deadline.what}: the cache is cleared faster than it can be used")

    def renew(self, deadline: Deadline) -> Space:
        """Start a new generation, and return its space."""
        made = _new_generation()
        command = storage(b"set", self._name, made)
        word = self._streams.exchange((command,), lambda stream: read_word(stream, deadline.what), deadline)
        if word != STORED:
            raise CacheUnavailable(f"{deadline.what}: the server did not store")
        self._space = Space(self._prefix, made)
        return self._space

    def _learn(self, deadline: Deadline) -> Space:
        """The current generation's space; that of a new one where there is none."""

        def read(stream: Stream) -> Item | None:
            read_word(stream, deadline.what)
            return read_items(stream, (self._name,), deadline.what).get(self._name)

        request = (storage(b"add", self._name, _new_generation()), retrieval((self._name,)))
        current = self._streams.exchange(request, read, deadline)
        self._space = self._space_of(current) or self.renew(deadline)
        return self._space

    def _space_of(self, item: Item | None) -> Space | None:
        """The space of a stored generation; None where nothing is, or something else."""
        if item is None or len(item.data) != _GENERATION_BYTES or not item.data.isalnum():
            return None
        return Space(self._prefix, item.data)


def _new_generation() -> bytes:
    return os.urandom(_GENERATION_BYTES // 2).hex().encode()
