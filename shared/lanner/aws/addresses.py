"""Addresses behind a host name, within a time: the system's resolver has timeouts of its own, of seconds.

    an address         is its own answer; nobody is asked
    asked              one daemon thread per process, host and port asks the system, all who want it wait for that one
    answered           those who wait get it, and whoever comes later asks anew: a failover changes addresses
    answered too late  nobody waited any more: the next caller gets it, up to `KEPT_S` after it was asked for, so that a
                       name server that is slower than every budget still lets a later attempt through

Failure modes: `TimeoutError` when the time is over first, the resolver's `OSError` or `UnicodeError` otherwise. A
silent name server holds one thread per host and port, and not one per request. Threads do not survive a fork, so a
child asks for itself. A thread asks the system's resolver, because no other one knows how the system is configured.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lanner.clock import Clock

    # What getaddrinfo gives; Any: the last part differs by family.
    Found = Sequence[tuple[int, int, int, str, tuple[Any, ...]]]

KEPT_S = 5.0


class _Lookup:
    """One question to the system, and what came of it."""

    __slots__ = ("_asked", "_clock", "_done", "_error", "_found", "_wall")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked, self._wall = clock.monotonic(), clock.now()
        self._done = threading.Event()
        self._found: Found = []
        self._error: Exception | None = None

    def run(self, host: str, port: int) -> None:
        import socket

        try:
            self._found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._error = error
        finally:
            self._done.set()

    def is_over(self) -> bool:
        """Whether it was answered too long ago, by either clock: the monotonic one may stand still in a freeze."""
        age = max(self._clock.monotonic() - self._asked, self._clock.now() - self._wall)
        return self._done.is_set() and age > KEPT_S

    def result(self, timeout: float) -> Found:
        if not self._done.wait(timeout):
            raise TimeoutError("the name server does not answer in time")
        if self._error is not None:
            raise self._error
        return self._found


_lookups: dict[tuple[int, str, int], _Lookup] = {}
"""Under way, or answered and not fetched. Changed by single operations of a dict, so that no lock is held in a fork."""


def resolve(host: str, port: int, timeout: float, clock: Clock) -> Found:
    """What `getaddrinfo` says of a stream to `host` and `port`, within `timeout` seconds. Raises as said above."""
    import socket

    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass  # a name
    key = (os.getpid(), host, port)
    lookup = _lookups.get(key)
    if lookup is not None and lookup.is_over():
        _lookups.pop(key, None)
        lookup = None
    if lookup is None:
        mine = _Lookup(clock)
        lookup = _lookups.setdefault(key, mine)
        if lookup is mine:
            _start(mine, host, port, key)
    try:
        return lookup.result(timeout)
    finally:
        if lookup._done.is_set() and _lookups.get(key) is lookup:
            _lookups.pop(key, None)


def _start(lookup: _Lookup, host: str, port: int, key: tuple[int, str, int]) -> None:
    thread = threading.Thread(target=lookup.run, args=(host, port), name=f"resolve {host}", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # no more threads
        _lookups.pop(key, None)
        raise OSError(f"no thread to look up {host}: {error}") from error
