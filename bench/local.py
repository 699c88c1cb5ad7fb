"""`python -m bench.local`: the local cloud against a bare Runtime API loop, and against bare uvicorn + FastAPI.

Latency: one caller at a time over one kept-alive connection. The bare loop is the least that can run the same
function under the same runtime client: a blocking socket that hands over an event and reads the answer, without HTTP
in front, gateway, events, logs or freezing. It is called twice: in the bench's own process, which is the hardest
comparison that there is, and over HTTP through a second blocking socket, which is what a client of ours sees.
Queues: a receive and a send behind boto3 at two depths, because a queue that slows with its depth stalls its workers.
Throughput: several connections at once, against `lanner dev` with two
environments and against one uvicorn worker; every answer is checked, and none may be lost.

Runs alternate within one invocation and the ratios are of medians, because the machine is shared.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Bar, verdicts

BODY = b'{"id":"1","name":"Ada"}'

FUNCTION = """
def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"id":"1","name":"Ada"}'}
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  User:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: .
      Handler: app.handler
      Events: {Get: {Type: HttpApi, Properties: {Path: "/users/{id}", Method: get}}}
"""

FASTAPI = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/users/{id}")
async def user(id: str):
    return {"id": "1", "name": "Ada"}
"""

_EVENT = b'{"version":"2.0","rawPath":"/users/1","headers":{"host":"localhost"},"isBase64Encoded":false}'
_START_WITHIN = 30.0


class BareLoop:
    """The same function under awslambdaric and the smallest Runtime API that works."""

    def __init__(self, folder: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        environ = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._listener.getsockname()[1]}",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        }
        argv = [sys.executable, "-m", "awslambdaric", "app.handler"]
        self._process = subprocess.Popen(argv, cwd=folder, env=environ)
        self._client, _ = self._listener.accept()
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._read()

    def _read(self) -> bytes:
        """One request with its body."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self._buffer = rest
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def _receive(self) -> None:
        data = self._client.recv(65536)
        if not data:  # curl opens another connection
            self._client, _ = self._listener.accept()
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer += data

    def call(self) -> bytes:
        """One invocation: hand over the event, read the answer, wait until the runtime asks for more."""
        answer = self.start_call()
        self.finish_call()
        return answer

    def start_call(self) -> bytes:
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
            b"Lambda-Runtime-Deadline-Ms: 9999999999999\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n"
            b"Lambda-Runtime-Trace-Id: Root=1-0-0\r\nContent-Length: %d\r\n\r\n" % len(_EVENT)
        )
        self._client.sendall(head + _EVENT)
        return self._read()

    def finish_call(self) -> None:
        self._client.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self._read()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._client.close()
        self._listener.close()


def serve_bare(folder: Path, port: int) -> None:
    """The bare loop behind one more blocking socket: a request in, an invocation, an answer out, until killed."""
    bare = BareLoop(folder)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            client, _ = listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client:
                while client.recv(65536):
                    bare.start_call()
                    client.sendall(answer)
                    bare.finish_call()


class KeptAlive:
    """One caller over one connection; reads answers as plainly as they can be read."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self) -> bytes:
        self._socket.sendall(b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        while BODY not in data:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionError(f"closed after {data!r}")
            data += received
        return data

    def close(self) -> None:
        self._socket.close()


def p50_ms(call: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


async def _load(port: int, connections: int, total: int) -> tuple[float, int]:
    """Requests per second, and how many answers were right."""
    left = total
    right = 0

    async def one() -> None:
        nonlocal left, right
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            writer.write(b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(len(BODY))
            right += head.startswith(b"HTTP/1.1 200") and body == BODY
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return total / (time.perf_counter() - started), right


def load(port: int, connections: int, total: int) -> tuple[float, int]:
    """`_load` in this process."""
    return asyncio.run(_load(port, connections, total))


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while True:
        try:
            KeptAlive(port).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(argv: list[str], folder: Path, port: int) -> Iterator[None]:
    """A server process that answers on `port`, ended at the end."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "shared"), str(folder)])
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(argv, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log)
        try:
            _wait_for(port)
            yield
        finally:
            process.terminate()
            process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=300, help="calls per round of latency")
    parser.add_argument("--requests", type=int, default=3000, help="requests per round of throughput")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--lost", type=int, default=20_000, help="requests of which none may be lost")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.py").write_text(FUNCTION)
        (folder / "template.yaml").write_text(TEMPLATE)
        (folder / "peer.py").write_text(FASTAPI)
        return measure(folder, options)


def measure(folder: Path, options: argparse.Namespace) -> int:
    ours, peer, bare = _free_port(), _free_port(), _free_port()
    dev = [sys.executable, "-m", "lanner.cli", "dev", "--port", str(ours), "--environments", "2", "--no-watch"]
    program = f"from bench.local import *; serve_bare(Path({str(folder)!r}), {bare})"
    uvicorn = [sys.executable, "-m", "uvicorn", "peer:app", "--port", str(peer), "--no-access-log"]
    with serving([*dev, "--python", sys.executable], folder, ours), serving(uvicorn, folder, peer):
        with serving([sys.executable, "-c", program], folder, bare):
            values = latencies(folder, ours, bare, options)
        values |= throughputs(ours, peer, options)
        values |= queue_depths()
        _, right = load(ours, options.connections, options.lost)
    print(f"| local cloud | {'value':>8} |\n|---|---:|")
    for name, value in values.items():
        print(f"| {name} | {value:.2f} |")
    print(f"| right answers of {options.lost} | {right} |\n")
    bars = [
        Bar("warm p50 over HTTP, x bare loop over HTTP", "dev p50 ms", "bare loop over HTTP p50 ms", 3.0),
        Bar("warm p50 over HTTP, x bare loop in process", "dev p50 ms", "bare loop p50 ms", 3.0),
        Bar("uvicorn + FastAPI requests/s, x ours with 2 environments", "uvicorn requests/s", "dev requests/s", 4.0),
        Bar("SQS receive of 10 at depth 5,000, x depth 70", "receive ms at 5000", "receive ms at 70", 3.0),
    ]
    print("\n".join(verdicts(bars, values)))
    return 0 if right == options.lost else 1


def latencies(folder: Path, ours: int, over_http: int, options: argparse.Namespace) -> dict[str, float]:
    bare, caller, bare_caller = BareLoop(folder), KeptAlive(ours), KeptAlive(over_http)
    calls: dict[str, Callable[[], object]] = {
        "bare loop p50 ms": bare.call,
        "bare loop over HTTP p50 ms": bare_caller.call,
        "dev p50 ms": caller.call,
    }
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        p50_ms(call, options.calls)  # warm
    for _ in range(options.rounds):
        for name, call in calls.items():
            rounds[name].append(p50_ms(call, options.calls))
    bare.close()
    caller.close()
    bare_caller.close()
    return {name: statistics.median(each) for name, each in rounds.items()}


def queue_depths() -> dict[str, float]:
    """Milliseconds of a receive of ten and of a send, through boto3, at a small and a large depth."""
    import boto3

    from lanner.local.engine import Engine

    engine = Engine.start(services=("sqs",))
    try:
        session: Any = boto3.session.Session("a", "b", region_name="eu-west-1")  # Any: boto3 makes clients at run time
        sqs = session.client("sqs", endpoint_url=engine.url)
        url = sqs.create_queue(QueueName="deep", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
        values: dict[str, float] = {}
        sent = 0
        for depth in (70, 5000):
            while sent < depth:
                entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
                sqs.send_message_batch(QueueUrl=url, Entries=entries)
                sent += 10
            receive = p50_ms(lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10), 5)
            send = p50_ms(lambda: sqs.send_message(QueueUrl=url, MessageBody="x"), 50)
            values |= {f"receive ms at {depth}": receive, f"send ms at {depth}": send}
        return values
    finally:
        engine.stop()


def throughputs(ours: int, peer: int, options: argparse.Namespace) -> dict[str, float]:
    rounds: dict[str, list[float]] = {"uvicorn requests/s": [], "dev requests/s": []}
    for turn in range(options.rounds + 1):
        for name, port in (("uvicorn requests/s", peer), ("dev requests/s", ours)):
            rate, _ = load(port, options.connections, options.requests)
            if turn:  # the first is for warming
                rounds[name].append(rate)
    return {name: statistics.median(each) for name, each in rounds.items()}


if __name__ == "__main__":
    sys.exit(main())
