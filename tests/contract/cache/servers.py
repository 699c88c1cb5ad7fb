"""Real Redis and Memcached processes on free ports of loopback, for a test session."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lanner.cache.resp import Reply, encode, read_reply
from lanner.cache.stream import Deadline
from lanner.cache.streams import Streams
from lanner.clock import SystemClock

HOST = "127.0.0.1"
START_DEADLINE_S = 20.0
START_ATTEMPTS = 5
CLUSTER_BUS_OFFSET = 10_000
PASSWORD = "a password of tests"  # with spaces, as they may have


class Server:
    """A process and the port it listens on."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def required(program: str) -> str:
    """The path of a program; without it the test skips on a laptop, and fails in CI."""
    found = shutil.which(program)
    if found is None:
        reason = f"{program} is not installed"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, which CI must have")
        pytest.skip(reason)
    return found


def free_port(also: int = 0) -> int:
    """A port that nobody listens on now, with the one `also` above it."""
    while True:
        with socket.create_server((HOST, 0)) as sock:
            port: int = sock.getsockname()[1]
        if not also:
            return port
        if port + also < 65536:
            try:
                socket.create_server((HOST, port + also)).close()
            except OSError:
                continue
            return port


def start(command: Callable[[int], list[str]], *, also: int = 0) -> Server:
    """A started server that accepts connections; another port where somebody was faster."""
    for _ in range(START_ATTEMPTS):
        port = free_port(also)
        process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_DEADLINE_S
        while process.poll() is None:
            try:
                socket.create_connection((HOST, port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, f"{command(port)[0]} does not listen"
                time.sleep(0.02)
            else:
                return Server(process, port)
    raise AssertionError(f"{command(0)[0]} does not start")


def start_redis(folder: Path, *options: str, tls: Path | None = None, also: int = 0) -> Server:
    """A Redis that keeps nothing on disk; with `tls`, it speaks that only, with the certificate of that file."""
    program = required("redis-server")

    def command(port: int) -> list[str]:
        ports = ["--port", str(port)]
        if tls is not None:
            ports = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
            ports += ["--tls-cert-file", str(tls), "--tls-key-file", str(tls), "--tls-ca-cert-file", str(tls)]
        kept_nothing = ["--save", "", "--appendonly", "no", "--dir", str(folder), "--bind", HOST]
        return [program, *ports, *kept_nothing, *options]

    return start(command, also=also)


def start_memcached(*options: str, tls: Path | None = None) -> Server:
    """A Memcached without UDP; with `tls`, it speaks that only, with the certificate of that file."""
    program = required("memcached")
    user = ["-u", getpass.getuser()]  # who may read the certificate; root is refused otherwise
    secure = [] if tls is None else ["-Z", "-o", f"ssl_chain_cert={tls},ssl_key={tls}"]
    return start(lambda port: [program, "-l", HOST, "-p", str(port), "-U", "0", *user, *secure, *options])


def ask(port: int, *arguments: bytes) -> Reply:
    """A Redis server's reply to one command."""
    clock = SystemClock()
    streams = Streams(HOST, port, tls=False, clock=clock)
    try:
        return streams.exchange((encode(*arguments),), read_reply, Deadline(clock, 10_000, "redis of tests"))
    finally:
        streams.close()


def start_cluster(folder: Path, masters: int = 3) -> list[Server]:
    """A cluster of masters that share the slots, joined and agreed."""
    servers = []
    for number in range(masters):
        own = folder / str(number)
        own.mkdir()
        options = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "5000")
        servers.append(start_redis(own, *options, also=CLUSTER_BUS_OFFSET))
    for number, server in enumerate(servers):
        first, last = number * 16384 // masters, (number + 1) * 16384 // masters - 1
        assert ask(server.port, b"CLUSTER", b"SET-CONFIG-EPOCH", b"%d" % (number + 1)) == b"OK"
        slots = [b"%d" % slot for slot in range(first, last + 1)]
        assert ask(server.port, b"CLUSTER", b"ADDSLOTS", *slots) == b"OK"
    for server in servers[1:]:
        assert ask(servers[0].port, b"CLUSTER", b"MEET", HOST.encode(), b"%d" % server.port) == b"OK"
    deadline = time.monotonic() + START_DEADLINE_S
    while not all(_agrees(server.port, masters) for server in servers):
        assert time.monotonic() < deadline, "the cluster does not agree"
        time.sleep(0.05)
    return servers


def _agrees(port: int, masters: int) -> bool:
    told = ask(port, b"CLUSTER", b"INFO")
    slots = ask(port, b"CLUSTER", b"SLOTS")
    assert isinstance(told, bytes)
    return b"cluster_state:ok" in told and isinstance(slots, list) and len(slots) == masters
