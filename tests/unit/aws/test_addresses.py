"""Looking up hosts within a time, against a resolver of the tests' own that answers when it is told to."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lanner.aws import addresses
from lanner.aws.addresses import KEPT_S, resolve
from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.errors import AwsUnavailable
from lanner.aws.wire import AwsJsonClient
from lanner.cache.errors import CacheUnavailable
from lanner.cache.stream import Deadline, Stream
from lanner.cache.streams import Streams
from lanner.clock import ManualClock, SystemClock

NAME = "cache.test.invalid"
LONG = 30.0  # seconds; no test that passes waits for them
AT_ONCE = 0.001


class NameServer:
    """Stands for the system's resolver. `asked` counts the names that it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = threading.Event()
        self.asked: list[str] = []
        self.address = "127.0.0.1"
        self.fault: Exception | None = None
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if options.get("flags", 0) & socket.AI_NUMERICHOST:
            return self._real(host, port, *arguments, **options)
        self.asked.append(host)
        fault, address = self.fault, self.address
        self.free.wait(LONG)
        if fault is not None:
            raise fault
        return self._real(address, port, *arguments, **options)

    def finish(self) -> None:
        """Answer everything, and wait until nobody asks any more."""
        self.free.set()
        for thread in threading.enumerate():
            if thread.name == f"resolve {NAME}":
                thread.join(LONG)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """Silent, until its `free` is set."""
    server = NameServer(monkeypatch)
    yield server
    server.finish()
    addresses._lookups.clear()


def hosts(found: addresses.Found) -> list[str]:
    return [str(entry[4][0]) for entry in found]


def threads() -> int:
    return sum(thread.name == f"resolve {NAME}" for thread in threading.enumerate())


def test_no_client_waits_for_a_silent_name_server_beyond_its_budget(server: NameServer) -> None:
    """A call of AWS and a stream of a cache say so, with one look-up between two calls of each."""
    clock = SystemClock()
    keys = StaticCredentials(Credentials("AKIDEXAMPLE", "secret-of-example"))
    client = AwsJsonClient(
        "dynamodb", "DynamoDB_20120810", region="eu-west-1", endpoint=f"http://{NAME}", credentials=keys, clock=clock
    )
    for _ in range(2):
        with pytest.raises(AwsUnavailable):
            client.call("GetItem", {}, budget_ms=5)
        with pytest.raises(CacheUnavailable):
            Streams(NAME, 6379, tls=False, clock=clock).exchange([b"PING\r\n"], Stream.line, Deadline(clock, 5, "get"))
    assert server.asked == [NAME, NAME]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_asks_nobody(server: NameServer, address: str) -> None:
    """Nor does it start a thread."""
    assert hosts(resolve(address, 6379, AT_ONCE, ManualClock())) == [address]
    assert server.asked == []


def test_a_name_is_looked_up_for_each_connection(server: NameServer) -> None:
    """Nothing is kept of an answer in time: a failover moves the name."""
    server.free.set()
    clock = ManualClock()
    assert hosts(resolve(NAME, 6379, LONG, clock)) == ["127.0.0.1"]
    server.address = "127.0.0.2"
    assert hosts(resolve(NAME, 6379, LONG, clock)) == ["127.0.0.2"]
    assert server.asked == [NAME, NAME]


def test_a_silent_name_server_costs_the_time_and_one_thread(server: NameServer) -> None:
    """However often it is asked for."""
    for _ in range(5):
        with pytest.raises(TimeoutError, match="name server"):
            resolve(NAME, 6379, AT_ONCE, ManualClock())
    assert (server.asked, threads()) == ([NAME], 1)


def test_a_late_answer_is_for_the_next_caller(server: NameServer) -> None:
    """Once, and not when it has become old."""
    clock = ManualClock()
    with pytest.raises(TimeoutError):
        resolve(NAME, 6379, AT_ONCE, clock)
    server.finish()
    server.address = "127.0.0.2"
    assert hosts(resolve(NAME, 6379, LONG, clock)) == ["127.0.0.1"]
    assert hosts(resolve(NAME, 6379, LONG, clock)) == ["127.0.0.2"]


def test_an_old_late_answer_is_asked_for_anew(server: NameServer) -> None:
    """The name may have moved since."""
    clock = ManualClock()
    with pytest.raises(TimeoutError):
        resolve(NAME, 6379, AT_ONCE, clock)
    server.finish()
    server.address = "127.0.0.2"
    clock.advance(KEPT_S + 0.1)
    assert hosts(resolve(NAME, 6379, LONG, clock)) == ["127.0.0.2"]


@pytest.mark.parametrize("fault", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_what_the_resolver_raises_is_raised(server: NameServer, fault: Exception) -> None:
    """And the next caller asks again."""
    server.fault = fault
    server.free.set()
    with pytest.raises(type(fault)):
        resolve(NAME, 6379, LONG, ManualClock())
    server.fault = None
    assert hosts(resolve(NAME, 6379, LONG, ManualClock())) == ["127.0.0.1"]


def test_a_child_asks_for_itself(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that its parent waits for is not in a forked process."""
    clock = ManualClock()
    with pytest.raises(TimeoutError):
        resolve(NAME, 6379, AT_ONCE, clock)
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(TimeoutError):
        resolve(NAME, 6379, AT_ONCE, clock)
    assert server.asked == [NAME, NAME]
