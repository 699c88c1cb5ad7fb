"""The wire against a peer that fails in every way it knows."""

from __future__ import annotations

import os
import socket
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lanner.aws import retry
from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.errors import (
    AwsRejected,
    AwsThrottled,
    AwsUnavailable,
    BudgetSpent,
    ConditionFailed,
    StaleConnection,
    TransactionCanceled,
)
from lanner.aws.retry import BACKOFF_CAP_S, MAX_ATTEMPTS
from lanner.aws.wire import AwsJsonClient
from lanner.clock import ManualClock, SystemClock
from tests.unit.aws.fault_server import FaultServer, Peer, Step, answer, echo, error, raw, rst, silent, stalled

READ = ("GetItem", {"TableName": "t", "Key": {"pk": {"S": "a"}}})
WRITE = ("PutItem", {"TableName": "t", "Item": {"pk": {"S": "a"}}})


def made(url: str, clock: ManualClock | SystemClock, **options: float) -> AwsJsonClient:
    """A client of `url`."""
    return AwsJsonClient(
        "dynamodb",
        "DynamoDB_20120810",
        region="eu-central-1",
        endpoint=url,
        credentials=StaticCredentials(Credentials("AKIDEXAMPLE", "secret-of-example")),
        clock=clock,
        connect_timeout_ms=options.get("connect_timeout_ms", 1000),
    )


@pytest.fixture
def refusing() -> Iterator[str]:
    """The URL of a port that refuses connections for as long as the test runs: bound, never listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


def test_sends_what_the_protocol_asks_for(client: AwsJsonClient, server: FaultServer) -> None:
    """POST / with target, content type, date, signature and length; the answer is the JSON object."""
    server.script = [answer(b'{"Item":{"pk":{"S":"a"}}}')]
    assert client.call(*READ) == {"Item": {"pk": {"S": "a"}}}
    (request,) = server.requests
    assert request.line == "POST / HTTP/1.1"
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert (
        "/eu-central-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target"
        in (request.headers["authorization"])
    )
    assert request.body == b'{"TableName":"t","Key":{"pk":{"S":"a"}}}'


def test_keeps_one_connection(client: AwsJsonClient, server: FaultServer) -> None:
    """Calls of one thread share a connection; another thread has its own."""
    for _ in range(3):
        client.call(*READ)
    thread = threading.Thread(target=client.call, args=READ)
    thread.start()
    thread.join()
    assert [request.connection for request in server.requests] == [0, 0, 0, 1]


def test_threads_get_their_own_answers(client: AwsJsonClient, server: FaultServer) -> None:
    """Eight threads at once: every call is answered with what it asked."""
    server.script = [echo] * 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: client.call("GetItem", {"n": number}), range(200)))
    assert answers == [{"n": number} for number in range(200)]
    assert server.connections <= 8


def test_refused_connections_are_tried_again_then_unavailable(refusing: str, clock: ManualClock) -> None:
    """Nothing listens: a few attempts, then AwsUnavailable that names the call and the peer, and nothing happened."""
    before = clock.monotonic()
    with pytest.raises(AwsUnavailable, match=r"dynamodb PutItem at 127\.0\.0\.1:\d+: .*refused") as caught:
        made(refusing, clock).call(*WRITE)
    assert not caught.value.outcome_unknown
    assert clock.monotonic() - before <= (MAX_ATTEMPTS - 1) * BACKOFF_CAP_S


def test_an_unknown_host_is_unavailable(clock: ManualClock) -> None:
    """A name that does not resolve is an error that says so."""
    with pytest.raises(AwsUnavailable, match="does not resolve"):
        made("http://no-such-host.invalid", clock).call(*READ)


@pytest.mark.parametrize(
    "fault",
    [
        rst,
        Peer.close,
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-le"),
        raw(b"garbage\r\n\r\n"),
        answer(b"<html>", 200),
        answer(b"{}", 200, x_amz_crc32="1"),
        answer(b"{}", 200, x_amz_crc32="no"),
        error("InternalServerError", 500),
        answer(b"<html>busy</html>", 503),
        answer(b"", 301),
    ],
)
def test_reads_survive_a_fault_and_writes_report_it(fault: Step, client: AwsJsonClient, server: FaultServer) -> None:
    """After one fault a read is repeated and succeeds; a write is not repeated and its outcome is called unknown."""
    server.script = [fault, answer(b'{"Item":{}}')]
    assert client.call(*READ) == {"Item": {}}
    assert len(server.requests) == 2
    server.script = [fault, answer(b'{"Item":{}}')]
    with pytest.raises(AwsUnavailable) as caught:
        client.call(*WRITE)
    assert caught.value.outcome_unknown
    assert len(server.requests) == 3


def test_an_empty_answer_is_an_empty_object_unless_a_checksum_came_with_it(
    client: AwsJsonClient, server: FaultServer
) -> None:
    """SQS answers DeleteMessage with no body; DynamoDB, which sends checksums, always sends an object."""
    server.script = [answer(b""), answer(b"", 200, x_amz_crc32="0"), answer(b'{"a":1}')]
    assert client.call("DeleteMessage", {}) == {}
    assert client.call(*READ) == {"a": 1}


def test_the_caller_may_declare_a_write_idempotent_and_a_read_not(client: AwsJsonClient, server: FaultServer) -> None:
    """`idempotent` overrides what the operation's name says."""
    server.script = [rst, answer()]
    assert client.call(*WRITE, idempotent=True) == {}
    server.script = [rst, answer()]
    with pytest.raises(AwsUnavailable):
        client.call(*READ, idempotent=False)


def test_a_transaction_is_repeated_under_one_token(client: AwsJsonClient, server: FaultServer) -> None:
    """TransactWriteItems gets a ClientRequestToken, the same for every attempt, another for every call."""
    server.script = [rst, answer(), answer()]
    for _ in range(2):
        client.call("TransactWriteItems", {"TransactItems": []})
    first, second, third = (request.body for request in server.requests)
    assert b'"ClientRequestToken":"' in first
    assert first == second != third


def test_a_callers_own_transaction_token_is_kept(client: AwsJsonClient, server: FaultServer) -> None:
    """A ClientRequestToken in the payload wins."""
    client.call("TransactWriteItems", {"TransactItems": [], "ClientRequestToken": "mine"})
    assert b'"ClientRequestToken":"mine"' in server.requests[0].body


def test_throttling_is_waited_out(client: AwsJsonClient, server: FaultServer, clock: ManualClock) -> None:
    """A throttled write was not done: it is sent again after a wait on the clock."""
    before = clock.monotonic()
    server.script = [error("ProvisionedThroughputExceededException"), error("ThrottlingException"), answer()]
    assert client.call(*WRITE) == {}
    assert clock.monotonic() > before


def test_lasting_throttling_ends_after_a_few_attempts(client: AwsJsonClient, server: FaultServer) -> None:
    """The number of attempts is fixed; the error carries AWS's code."""
    server.script = [error("ThrottlingException") for _ in range(MAX_ATTEMPTS + 1)]
    with pytest.raises(AwsThrottled, match="dynamodb GetItem: ThrottlingException: as told") as caught:
        client.call(*READ)
    assert caught.value.code == "ThrottlingException"
    assert len(server.requests) == MAX_ATTEMPTS


def test_no_wait_longer_than_the_budget(
    server: FaultServer, client: AwsJsonClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the next wait would not fit, the last error is raised at once."""
    monkeypatch.setattr(retry, "BACKOFF_BASE_S", 1e12)
    monkeypatch.setattr(retry, "BACKOFF_CAP_S", 1e12)
    server.script = [error("ThrottlingException") for _ in range(MAX_ATTEMPTS)]
    before = clock.monotonic()
    with pytest.raises(AwsThrottled):
        client.call(*READ, budget_ms=60_000)
    assert clock.monotonic() == before
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [silent, stalled])
def test_a_silent_peer_costs_the_budget_and_no_more(fault: Step, server: FaultServer) -> None:
    """A peer that never answers, or stops within its answer: one attempt, and the error names the budget."""
    server.script = [fault]
    client = made(server.url, SystemClock())
    with pytest.raises(BudgetSpent, match=r"dynamodb GetItem: the budget of 300 ms is spent") as caught:
        client.call(*READ, budget_ms=300)
    assert caught.value.outcome_unknown
    assert len(server.requests) == 1


def test_a_budget_that_is_gone_sends_nothing(client: AwsJsonClient, server: FaultServer) -> None:
    """Zero and negative budgets fail before a socket is touched."""
    for budget_ms in (0, -5):
        with pytest.raises(BudgetSpent, match="no time for the call"):
            client.call(*READ, budget_ms=budget_ms)
    assert server.connections == 0


def test_waits_count_against_the_budget(server: FaultServer, clock: ManualClock) -> None:
    """Time that passes while a peer answers slowly is taken from the retries."""

    def slow(peer: Peer) -> None:
        clock.advance(2)
        error("InternalServerError", 500)(peer)

    server.script = [slow, answer()]
    with pytest.raises(AwsUnavailable):
        made(server.url, clock).call(*READ, budget_ms=1000)
    assert len(server.requests) == 1


def test_a_connection_closed_while_idle_is_noticed_before_use(client: AwsJsonClient, server: FaultServer) -> None:
    """After a freeze the peer has hung up: even a write goes out once, on a fresh connection."""
    client.call(*READ)
    server.hang_up()
    assert client.call(*WRITE) == {}
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_connection_idle_for_long_is_not_trusted_with_a_write(
    client: AwsJsonClient, server: FaultServer, clock: ManualClock
) -> None:
    """Reads use a connection idle for 20 s, writes do not; nobody uses one idle for more than a minute."""
    client.call(*READ)
    clock.advance(20)
    client.call(*READ)
    clock.advance(20)
    client.call(*WRITE)
    clock.advance(61)
    client.call(*READ)
    assert [request.connection for request in server.requests] == [0, 0, 1, 2]


def test_a_freeze_that_stopped_the_monotonic_clock_still_counts(
    client: AwsJsonClient, server: FaultServer, clock: ManualClock
) -> None:
    """The wall clock alone moved on: the connection is old all the same."""
    client.call(*READ)
    clock.set(clock.now() + 3600)
    client.call(*READ)
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_dead_connection_that_shows_only_in_use_is_retried_at_once_for_reads(
    client: AwsJsonClient, server: FaultServer, clock: ManualClock
) -> None:
    """Reset by the peer upon the second request: no wait for a read, StaleConnection for a write."""
    before = clock.monotonic()
    server.script = [answer(), rst, answer()]
    client.call(*READ)
    assert client.call(*READ) == {}
    assert clock.monotonic() == before
    server.script = [rst]
    with pytest.raises(StaleConnection) as caught:
        client.call(*WRITE)
    assert caught.value.outcome_unknown


def test_a_peer_that_says_close_is_believed(client: AwsJsonClient, server: FaultServer) -> None:
    """Connection: close in an answer: the next call connects anew."""
    server.script = [answer(b"{}", 200, connection="close"), answer()]
    client.call(*READ)
    client.call(*READ)
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_right_checksum_passes(client: AwsJsonClient, server: FaultServer) -> None:
    """x-amz-crc32 of the bytes sent is accepted."""
    server.script = [answer(b'{"a":1}', 200, x_amz_crc32=str(zlib.crc32(b'{"a":1}')))]
    assert client.call(*READ) == {"a": 1}


def test_condition_failures_carry_the_old_item(client: AwsJsonClient, server: FaultServer) -> None:
    """ConditionalCheckFailedException maps to ConditionFailed and is not retried."""
    body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Item":{"pk":{"S":"a"}}}'
    server.script = [answer(body, 400)]
    with pytest.raises(ConditionFailed) as caught:
        client.call(*WRITE)
    assert caught.value.item == {"pk": {"S": "a"}}
    assert len(server.requests) == 1


def cancelled(*codes: str) -> Step:
    """A TransactionCanceledException for these reasons."""
    reasons = ",".join(f'{{"Code":"{code}","Message":"m"}}' for code in codes)
    body = f'{{"__type":"x#TransactionCanceledException","Message":"c","CancellationReasons":[{reasons}]}}'
    return answer(body.encode(), 400)


def test_a_transaction_in_conflict_is_tried_again(client: AwsJsonClient, server: FaultServer) -> None:
    """Cancelled because of another transaction alone: nothing was done, and another attempt may succeed."""
    server.script = [cancelled("None", "TransactionConflict"), answer()]
    assert client.call("TransactWriteItems", {"TransactItems": []}) == {}


def test_a_cancelled_transaction_says_why_for_each_item(client: AwsJsonClient, server: FaultServer) -> None:
    """A failed condition is final; the reasons keep their order."""
    server.script = [cancelled("None", "ConditionalCheckFailed", "TransactionConflict")]
    with pytest.raises(TransactionCanceled) as caught:
        client.call("TransactWriteItems", {"TransactItems": []})
    assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed", "TransactionConflict"]


def test_other_refusals_are_final(client: AwsJsonClient, server: FaultServer) -> None:
    """A 4xx that no retry mends is AwsRejected with AWS's code, after one request."""
    server.script = [error("ValidationException", message="no such attribute")]
    with pytest.raises(AwsRejected, match="dynamodb GetItem: ValidationException: no such attribute") as caught:
        client.call(*READ)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    assert len(server.requests) == 1


def test_the_code_is_found_in_a_header_too(client: AwsJsonClient, server: FaultServer) -> None:
    """x-amzn-errortype names the error where the body does not."""
    server.script = [answer(b"{}", 400, x_amzn_errortype="AccessDeniedException:http://internal.amazon.com/")]
    with pytest.raises(AwsRejected) as caught:
        client.call(*READ)
    assert caught.value.code == "AccessDeniedException"


class Rotating:
    """A provider whose first credentials have expired at AWS."""

    def __init__(self) -> None:
        self.current = Credentials("OLD", "old-secret", "old-token")
        self.refreshes: list[str] = []

    def get(self) -> Credentials:
        return self.current

    def refresh(self, stale: Credentials) -> Credentials:
        self.refreshes.append(stale.access_key_id)
        self.current = Credentials("NEW", "new-secret", "new-token")
        return self.current

    def reset(self) -> None:
        """Nothing to forget."""


def rotating_client(server: FaultServer, clock: ManualClock) -> tuple[AwsJsonClient, Rotating]:
    """A client with `Rotating` credentials."""
    provider = Rotating()
    client = AwsJsonClient(
        "dynamodb", "DynamoDB_20120810", region="r-1", endpoint=server.url, credentials=provider, clock=clock
    )
    return client, provider


def test_expired_credentials_are_replaced_once(server: FaultServer, clock: ManualClock) -> None:
    """ExpiredTokenException: fresh credentials, and the write goes out again with them."""
    client, provider = rotating_client(server, clock)
    server.script = [error("ExpiredTokenException"), answer()]
    assert client.call(*WRITE) == {}
    assert provider.refreshes == ["OLD"]
    assert [request.headers["x-amz-security-token"] for request in server.requests] == ["old-token", "new-token"]
    assert "Credential=NEW/" in server.requests[1].headers["authorization"]


def test_credentials_that_stay_expired_are_an_error(server: FaultServer, clock: ManualClock) -> None:
    """The second refusal is final."""
    client, provider = rotating_client(server, clock)
    server.script = [error("ExpiredTokenException"), error("ExpiredTokenException"), answer()]
    with pytest.raises(AwsRejected, match="ExpiredTokenException"):
        client.call(*WRITE)
    assert len(provider.refreshes) == 1


def test_a_wrong_clock_is_corrected_by_awss_date(
    client: AwsJsonClient, server: FaultServer, clock: ManualClock
) -> None:
    """A refused signature whose answer's Date is far from ours: signed again with AWS's time, and from then on."""
    clock.set(1_440_938_160.0 + 3600)
    server.script = [error("InvalidSignatureException", date="Sun, 30 Aug 2015 12:36:00 GMT"), answer(), answer()]
    client.call(*WRITE)
    client.call(*READ)
    assert [request.headers["x-amz-date"] for request in server.requests] == [
        "20150830T133600Z",
        "20150830T123600Z",
        "20150830T123600Z",
    ]


@pytest.mark.parametrize("date", ["Sun, 30 Aug 2015 12:36:00 GMT", "yesterday", ""])
def test_a_wrong_signature_is_final_when_the_clock_is_right(
    date: str, client: AwsJsonClient, server: FaultServer, clock: ManualClock
) -> None:
    """Without a Date that differs, no second attempt is made."""
    clock.set(1_440_938_160.0)
    server.script = [error("SignatureDoesNotMatch", 403, date=date)]
    with pytest.raises(AwsRejected, match="SignatureDoesNotMatch"):
        client.call(*WRITE)
    assert len(server.requests) == 1


def test_messages_hold_no_secret(server: FaultServer, clock: ManualClock) -> None:
    """AWS repeats the canonical request, token included, after the first line: that part is dropped."""
    client, _ = rotating_client(server, clock)
    leak = "The signature does not match.\\n\\nThe Canonical String was\\nx-amz-security-token:old-token"
    server.script = [error("InvalidSignatureException", message=leak)]
    with pytest.raises(AwsRejected, match="does not match") as caught:
        client.call(*WRITE)
    assert "old-token" not in str(caught.value)
    assert "old-secret" not in repr(Credentials("OLD", "old-secret", "old-token"))


def test_reset_closes_the_connection(client: AwsJsonClient, server: FaultServer) -> None:
    """Before a snapshot: the peer sees the connection end, and the next call connects."""
    client.call(*READ)
    client.reset()
    server.wait_for(lambda: server.closed_connections == 1)
    client.call(*READ)
    assert [request.connection for request in server.requests] == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_a_connection_of_its_own(client: AwsJsonClient, server: FaultServer) -> None:
    """Parent and child never speak on one socket, and the child does not close the parent's."""
    client.call(*READ)
    child = os.fork()
    if child == 0:
        ok = client.call(*READ) == {}
        os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    client.call(*READ)
    assert os.waitstatus_to_exitcode(status) == 0
    assert [request.connection for request in server.requests] == [0, 1, 0]


def test_a_payload_that_is_not_json_is_named(client: AwsJsonClient) -> None:
    """Raw bytes in a payload: the error says where items are converted."""
    with pytest.raises(TypeError, match=r"dynamodb PutItem: the payload is not JSON .*lanner\.aws\.dynamodb"):
        client.call("PutItem", {"Item": {"pk": {"B": b"raw"}}})


def test_an_operation_is_a_name(client: AwsJsonClient) -> None:
    """Nothing can be smuggled into a header by an operation."""
    with pytest.raises(ValueError, match="an operation is a name"):
        client.call("GetItem\r\nx-evil: 1", {})


def test_a_large_body_arrives_whole(client: AwsJsonClient, server: FaultServer) -> None:
    """More than one send: head and body of 300 kB each way."""
    text = "x" * 300_000
    server.script = [answer(b'{"a":"' + text.encode() + b'"}')]
    assert client.call("PutItem", {"a": text}) == {"a": text}
    assert len(server.requests[0].body) == len(text) + 8
