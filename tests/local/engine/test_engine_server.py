"""The engine's process over real sockets: one request at a time, connections kept, and an end that leaves nothing."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from lanner.local.engine import Engine, EngineError
from lanner.local.engine.client import AwsClient

Client = Callable[..., Any]
SHARED = Path(__file__).parents[3] / "shared"
DEADLINE = 20.0  # seconds to wait for an event that has to come


def address(engine: Engine) -> tuple[str, int]:
    """Where to connect."""
    parts = urlsplit(engine.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def until(happened: Callable[[], bool]) -> bool:
    """Poll for an event in another process."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.02)
    return False


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def head_of(name: str, body: bytes = b"{}", extra: str = "") -> bytes:
    """A DynamoDB request as bytes."""
    scope = "Credential=x/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    return (
        f"POST / HTTP/1.1\r\nhost: engine\r\nx-amz-target: DynamoDB_20120810.{name}\r\n"
        f"authorization: AWS4-HMAC-SHA256 {scope}\r\n{extra}"
        f"content-type: application/x-amz-json-1.0\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


def test_one_connection_carries_many_requests(engine: Engine) -> None:
    """HTTP/1.1 keep-alive: the socket stays the same."""
    connection = http.client.HTTPConnection(*address(engine), timeout=DEADLINE)
    connection.connect()
    first = connection.sock.getsockname()
    for _ in range(20):
        connection.request("GET", "/moto-api/data.json")
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        assert connection.sock.getsockname() == first
    connection.close()


def test_pipelined_requests_are_answered_in_order(engine: Engine) -> None:
    """A wrong one in the middle does not disturb the others."""
    with socket.create_connection(address(engine), timeout=DEADLINE) as peer:
        peer.sendall(head_of("ListTables") + head_of("DescribeTable", b'{"TableName":"no"}') + head_of("ListTables"))
        received = b""
        while received.count(b"HTTP/1.1 ") < 3 or not received.endswith(b"}"):
            received += peer.recv(65536)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"400", b"200"]


def test_a_request_in_small_pieces_is_put_together(engine: Engine) -> None:
    """Byte by byte, head and body."""
    with socket.create_connection(address(engine), timeout=DEADLINE) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head_of("ListTables", b'{"Limit": 1}'):
            peer.sendall(bytes([byte]))
        assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_expects_100_continue_gets_it(engine: Engine) -> None:
    """S3 clients wait for it before they send a body."""
    body = b'{"Limit": 1}'
    with socket.create_connection(address(engine), timeout=DEADLINE) as peer:
        peer.sendall(head_of("ListTables", body, "expect: 100-continue\r\n").removesuffix(body))
        assert peer.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(body)
        assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\x01\x02\r\n\r\n"])
def test_a_malformed_request_is_refused_and_its_connection_closed(engine: Engine, garbage: bytes) -> None:
    """And the next client is served."""
    with socket.create_connection(address(engine), timeout=DEADLINE) as peer:
        peer.sendall(garbage)
        received = b""
        while chunk := peer.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 400 ")
    assert AwsClient(engine.url, "eu-west-1").json("dynamodb", "ListTables", {})["TableNames"] is not None


def test_a_transaction_is_applied_as_a_whole_while_others_write(engine: Engine, client: Client) -> None:
    """Transfers between two accounts by many threads: the sum never changes, for readers neither."""
    dynamodb = client("dynamodb")
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    definitions = [{"AttributeName": "id", "AttributeType": "S"}]
    dynamodb.create_table(
        TableName="accounts", KeySchema=keys, AttributeDefinitions=definitions, BillingMode="PAY_PER_REQUEST"
    )
    for name in ("a", "b"):
        dynamodb.put_item(TableName="accounts", Item={"id": {"S": name}, "n": {"N": "100"}})

    def change(name: str, by: int) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": "accounts",
                "Key": {"id": {"S": name}},
                "UpdateExpression": "SET n = n + :by",
                "ConditionExpression": "n >= :least",
                "ExpressionAttributeValues": {":by": {"N": str(by)}, ":least": {"N": str(max(0, -by))}},
            }
        }

    sums = set()

    def work(number: int) -> None:
        own = AwsClient(engine.url, "eu-west-1")
        for step in range(10):
            amount = (number * 7 + step * 3) % 40 + 1
            way = ("a", "b") if (number + step) % 2 else ("b", "a")
            try:
                items = [change(way[0], -amount), change(way[1], amount)]
                own.json("dynamodb", "TransactWriteItems", {"TransactItems": items})
            except Exception as error:  # a transfer without cover is cancelled, which is part of the test
                assert "TransactionCanceled" in str(error)
            gets = [{"Get": {"TableName": "accounts", "Key": {"id": {"S": name}}}} for name in ("a", "b")]
            found = own.json("dynamodb", "TransactGetItems", {"TransactItems": gets})["Responses"]
            sums.add(sum(int(each["Item"]["n"]["N"]) for each in found))

    with ThreadPoolExecutor(6) as pool:
        for outcome in [pool.submit(work, number) for number in range(6)]:
            outcome.result()
    assert sums == {200}


def test_a_long_poll_holds_nobody_up_and_ends_when_a_message_comes(client: Client) -> None:
    """Many receivers wait; others are served; one message wakes exactly one of them."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="long-poll")["QueueUrl"]
    received: list[str] = []

    def receive() -> None:
        messages = client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
        received.extend(message["Body"] for message in messages)

    threads = [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert client("dynamodb").list_tables()["TableNames"] is not None  # would wait 2 s or more behind a held lock
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    for thread in threads:
        thread.join(DEADLINE)
    assert received == ["hello"]


def test_the_queues_own_wait_time_counts_where_the_request_names_none(client: Client) -> None:
    """A delayed message arrives within one receive."""
    sqs = client("sqs")
    attributes = {"ReceiveMessageWaitTimeSeconds": "5"}
    url = sqs.create_queue(QueueName="patient", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=url)["Messages"]] == ["later"]


def test_a_receive_of_a_queue_that_does_not_exist_is_aws_error(engine: Engine, client: Client) -> None:
    """With a wait time too."""
    with pytest.raises(ClientError, match="NonExistentQueue"):
        client("sqs").receive_message(QueueUrl=f"{engine.url}/123456789012/nobody", WaitTimeSeconds=3)


def test_a_client_that_goes_away_while_it_waits_harms_nobody(engine: Engine, client: Client) -> None:
    """Its poll is given up, and a message that comes later goes to the next receiver."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="left")["QueueUrl"]
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    request = head_of("x", body).replace(b"DynamoDB_20120810.x", b"AmazonSQS.ReceiveMessage")
    with socket.create_connection(address(engine), timeout=DEADLINE) as peer:
        peer.sendall(request.replace(b"/dynamodb/", b"/sqs/"))
    later = client("sqs")
    for _ in range(3):  # a connection made after that one: when it is answered, the other's end has been seen
        later.list_queues()
    sqs.send_message(QueueUrl=url, MessageBody="for the next")
    found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)
    assert [each["Body"] for each in found["Messages"]] == ["for the next"]


def test_objects_of_any_name_and_size_come_back(client: Client) -> None:
    """Spaces, slashes, letters beyond ASCII; streamed and ranged."""
    s3 = client("s3")
    s3.create_bucket(Bucket="objects", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    content = os.urandom(3_000_000)
    s3.put_object(Bucket="objects", Key="a b/ü+%.bin", Body=content, Metadata={"who": "me"})
    found = s3.get_object(Bucket="objects", Key="a b/ü+%.bin")
    assert (found["Body"].read(), found["Metadata"]) == (content, {"who": "me"})
    part = s3.get_object(Bucket="objects", Key="a b/ü+%.bin", Range="bytes=10-19")
    assert part["Body"].read() == content[10:20]
    assert s3.head_object(Bucket="objects", Key="a b/ü+%.bin")["ContentLength"] == len(content)


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    """By its number."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"cannot listen on 127.0.0.1:{port}"):
            Engine.start((), port)


def test_requests_before_ready_wait_and_are_answered() -> None:
    """The port is open before moto is loaded."""
    engine = Engine.start((), wait=False)
    try:
        assert AwsClient(engine.url, "eu-west-1").json("sqs", "ListQueues", {}) == {}
        engine.wait_ready()
    finally:
        engine.stop()
    assert not listens(*address(engine))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_engine_ends_when_its_parent_is_killed() -> None:
    """By the end of its standard input: nobody is there to end it otherwise."""
    code = "from lanner.local.engine import Engine\nprint(Engine.start(()).url, flush=True)\ninput()"
    environment = {**os.environ, "PYTHONPATH": str(SHARED)}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    parts = urlsplit(parent.stdout.readline().strip())
    assert parts.hostname
    assert parts.port
    host, port = parts.hostname, parts.port
    assert listens(host, port)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert until(lambda: not listens(host, port))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_is_the_parents_and_sigterm_ends_the_engine() -> None:
    """SIGINT goes to a whole terminal; the engine waits for its parent to end it."""
    command = [sys.executable, "-m", "lanner.local.engine.server"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(SHARED)}
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().split()[1] for _ in range(2)]
    assert lines == ["listening", "ready"]
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.terminate()
    assert process.wait(DEADLINE) == 0
    process.communicate()
