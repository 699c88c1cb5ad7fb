"""What a DynamoDB GetItem costs the client: our wire against boto3, in CPU time and in imports.

A server in a process of its own answers every POST with one canned item over kept-alive connections, so only the
client's CPU is in `process_time`. Both clients take turns in short rounds; medians over the rounds are compared.
Imports are CPU of fresh interpreters, the interpreter's own start subtracted; boto3's side is always its import and
its first client. orjson, which the wire loads at its first call, is in every Lanner process anyway.

`python -m bench.wire` prints the table, `make bench` prints it among the others.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lanner.aws.credentials import EnvironmentCredentials
from lanner.aws.wire import AwsJsonClient
from lanner.clock import SystemClock

CALLS_A_ROUND = 40
IMPORT_RUNS = 5
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token" * 100,
    "AWS_EC2_METADATA_DISABLED": "true",
}
KEY: dict[str, Any] = {"TableName": "users", "Key": {"pk": {"S": "user#0190a3c0-7f00-7000-8000-000000000000"}}}
BODY = (
    b'{"Item":{"pk":{"S":"user#0190a3c0-7f00-7000-8000-000000000000"},"given_name":{"S":"Ada"},'
    b'"family_name":{"S":"Lovelace"},"email":{"S":"ada@example.com"},"locale":{"S":"en-GB"},'
    b'"created_at":{"S":"2026-01-02T03:04:05Z"},"updated_at":{"S":"2026-01-02T03:04:05Z"},"revision":{"N":"7"}}}'
)


def answer(body: bytes) -> bytes:
    """An HTTP answer as DynamoDB sends it, around a JSON body."""
    return (
        b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Mon, 23 Nov 2026 04:00:00 GMT\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
        b"x-amzn-RequestId: VQ4L0J6PJ2D8E0B8F1M8G0V9LFVV4KQNSO5AEMVJF66Q9ASUAAJG\r\nx-amz-crc32: %d\r\n\r\n%s"
    ) % (len(body), zlib.crc32(body), body)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: ours and boto3's in the same unit, and the ratio that must not be above `bar`."""

    what: str
    unit: str
    ours: float
    boto3: float
    bar: float | None

    @property
    def ratio(self) -> float:
        """Ours as a part of boto3's."""
        return self.ours / self.boto3


def serve(body: bytes = BODY) -> None:
    """The server process: prints its port, then answers every POST with `body` until its parent's pipe closes."""
    canned = answer(body)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    import threading

    def talk(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        while piece := sock.recv(65536):
            data += piece
            while (end := data.find(b"\r\n\r\n")) >= 0:
                head = data[:end].lower()
                at = head.find(b"content-length:") + 15
                total = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
                if len(data) < total:
                    break
                data = data[total:]
                sock.sendall(canned)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=talk, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


@contextmanager
def server(body: bytes = BODY) -> Iterator[str]:
    """The URL of a server process that lives as long as the block."""
    command = [sys.executable, "-c", "import sys; from bench.wire import serve; serve(bytes.fromhex(sys.argv[1]))"]
    command.append(body.hex())
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def _environment(bytecode: str | None = None) -> dict[str, str]:
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(root), str(root / "shared")])
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
    if bytecode is not None:
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = bytecode
    return environment


def _round(call: Callable[[], object]) -> float:
    """CPU microseconds of a call, the mean over one round."""
    start = time.process_time()
    for _ in range(CALLS_A_ROUND):
        call()
    return (time.process_time() - start) / CALLS_A_ROUND * 1e6


def measure_calls(rounds: int) -> Row:
    """CPU of a GetItem, both clients in turns against one server."""
    import boto3
    from botocore.config import Config

    with server() as url:
        ours = AwsJsonClient(
            "dynamodb",
            "DynamoDB_20120810",
            region=ENVIRONMENT["AWS_REGION"],
            endpoint=url,
            credentials=EnvironmentCredentials(ENVIRONMENT),
            clock=SystemClock(),
        )
        theirs = boto3.session.Session(
            ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            ENVIRONMENT["AWS_SESSION_TOKEN"],
            ENVIRONMENT["AWS_REGION"],
        ).client("dynamodb", endpoint_url=url, config=Config(retries={"mode": "standard"}))
        assert ours.call("GetItem", KEY)["Item"] == theirs.get_item(**KEY)["Item"]
        mine: list[float] = []
        other: list[float] = []
        for number in range(rounds):
            turns = [(mine, lambda: ours.call("GetItem", KEY)), (other, lambda: theirs.get_item(**KEY))]
            for results, call in turns if number % 2 else reversed(turns):
                results.append(_round(call))
        ours.reset()
        theirs.close()
    return Row("CPU of a GetItem", "us", statistics.median(mine), statistics.median(other), 0.35)


def _cpu_of(code: str, bytecode: str) -> float:
    """CPU milliseconds of a fresh interpreter from start to the end of `code`."""
    command = [sys.executable, "-c", f"{code}\nimport time; print(time.process_time() * 1000)"]
    result = subprocess.run(command, env=_environment(bytecode), check=True, capture_output=True, text=True)
    return float(result.stdout)


IMPORTS = {
    "bare": "pass",
    "orjson": "import orjson",
    "wire": "import lanner.aws.wire",
    "ready": "import orjson, lanner.aws.wire; lanner.aws.wire.dynamodb()",
    "boto3": "import boto3; boto3.client('dynamodb')",
}


def measure_imports(runs: int = IMPORT_RUNS) -> list[Row]:
    """CPU of fresh interpreters that import, or import and make the first client, all from compiled bytecode."""
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    with tempfile.TemporaryDirectory() as bytecode:
        for code in IMPORTS.values():
            _cpu_of(code, bytecode)  # compiles
        for _ in range(runs):
            for name, code in IMPORTS.items():
                times[name].append(_cpu_of(code, bytecode))
    cpu = {name: statistics.median(values) for name, values in times.items()}
    boto3 = cpu["boto3"] - cpu["bare"]
    return [
        Row("import wire", "ms", cpu["wire"] - cpu["bare"], boto3, 0.1),
        Row("first client, beside a loaded orjson", "ms", cpu["ready"] - cpu["orjson"], boto3, None),
        Row("first client, orjson included", "ms", cpu["ready"] - cpu["bare"], boto3, None),
    ]


def run(rounds: int = 60) -> list[Row]:
    """Every measurement of this file; `rounds` of `CALLS_A_ROUND` calls for each client."""
    return [measure_calls(rounds), *measure_imports()]


def markdown() -> list[str]:
    """The table as lines of Markdown."""
    lines = ["| AWS wire against boto3 | ours | boto3 | ratio | at most | |", "|---|---:|---:|---:|---:|---|"]
    for row in run():
        bar = "" if row.bar is None else f"{row.bar:.2f}"
        verdict = "" if row.bar is None else "reached" if row.ratio <= row.bar else "MISSED"
        lines.append(
            f"| {row.what}, {row.unit} | {row.ours:.1f} | {row.boto3:.1f} | {row.ratio:.2f} | {bar} | {verdict} |"
        )
    return [*lines, ""]


if __name__ == "__main__":
    print("\n".join(markdown()))
