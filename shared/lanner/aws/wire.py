"""A client of the AWS JSON 1.0 protocol (DynamoDB, SQS) for the request path.

`POST /` with `X-Amz-Target: <prefix>.<Operation>`, a JSON object each way; an error is a 4xx or 5xx whose `__type` ends
in `#<Code>` (smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html). Payloads and answers are the service's own JSON:
DynamoDB items in AttributeValue form (`lanner.aws.dynamodb` converts), binary values in base64.

Contract:

- Budget: `budget_ms` covers everything, retries and waits included; when it is spent `BudgetSpent` is raised.
  A long-polling ReceiveMessage needs a budget above its WaitTimeSeconds.
- Safe to repeat: operations in `SAFE_OPERATIONS`, any call with `idempotent=True`, and `TransactWriteItems`, which is
  given a `ClientRequestToken` of its own. Other writes are repeated only when AWS certainly did not perform them;
  otherwise the error has `outcome_unknown` set. `idempotent=True` on a *conditional* write means that the retry may
  meet what the first attempt wrote, and raise `ConditionFailed` for the caller's own success: store an owner token
  and compare it with `.item`.
- Integrity: `x-amz-crc32` is verified where the service sends it (DynamoDB does); a mismatch is `AwsUnavailable`.
- Threads each have a connection; `fork` and `reset()` are safe (`connection`).
"""

from __future__ import annotations

import os
import threading
import zlib
from typing import TYPE_CHECKING, Any, cast

from lanner.aws.budget import Budget
from lanner.aws.connection import CONNECT_TIMEOUT_MS, Endpoint, ThreadConnections
from lanner.aws.endpoints import service_endpoint, service_region
from lanner.aws.errors import (
    AwsError,
    AwsRejected,
    AwsThrottled,
    AwsUnavailable,
    CancellationReason,
    ConditionFailed,
    TransactionCanceled,
    first_line,
)
from lanner.aws.exchange import SignedExchange, SignedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lanner.aws.answer import Answer
    from lanner.aws.credentials import CredentialsProvider
    from lanner.clock import Clock

DEFAULT_BUDGET_MS = 3000

SAFE_OPERATIONS = frozenset(
    {
        # DynamoDB's reads.
        "GetItem",
        "BatchGetItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "DescribeTable",
        "DescribeTimeToLive",
        "ListTables",
        # SQS's reads, and what has the same effect however often it is done with one receipt.
        "GetQueueUrl",
        "GetQueueAttributes",
        "ListQueues",
        "ReceiveMessage",
        "DeleteMessage",
        "DeleteMessageBatch",
    }
)

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "SlowDown",
    }
)


class AwsJsonClient:
    """One AWS JSON 1.0 service over one kept-alive connection per thread."""

    def __init__(
        self,
        service: str,
        target_prefix: str,
        *,
        region: str,
        endpoint: str,
        credentials: CredentialsProvider,
        clock: Clock,
        connect_timeout_ms: float = CONNECT_TIMEOUT_MS,
        default_budget_ms: float = DEFAULT_BUDGET_MS,
        ca_bundle: str | None = None,
    ) -> None:
        self.service = service
        self._target_prefix = target_prefix
        self._region = region
        self._clock = clock
        self._default_budget_ms = default_budget_ms
        self._connections = ThreadConnections(
            Endpoint(endpoint), clock=clock, connect_timeout_ms=connect_timeout_ms, ca_bundle=ca_bundle
        )
        self._exchange = SignedExchange(self._connections, credentials, clock, judge)
        self._requests: dict[str, tuple[SignedRequest, str]] = {}

    def call(
        self,
        operation: str,
        payload: Mapping[str, object],
        *,
        budget_ms: float | None = None,
        idempotent: bool | None = None,
    ) -> dict[str, Any]:
        """Perform `operation` and return the service's JSON object (its shape is the operation's, hence `Any`).

        `idempotent` overrides whether the call may be sent twice (the module's docstring). Raises `AwsError`, and
        `TypeError` for a payload that is not JSON.
        """
        import orjson  # here, because half of what the wire costs to import would be orjson's own imports

        request, what = self._requests.get(operation) or self._prepare(operation)
        safe = operation in SAFE_OPERATIONS if idempotent is None else idempotent
        if operation == "TransactWriteItems":
            payload = {"ClientRequestToken": os.urandom(16).hex(), **payload}
            safe = idempotent is not False
        budget = Budget(self._clock, self._default_budget_ms if budget_ms is None else budget_ms, what)
        answer = self._exchange.send(request, _encode(payload, what), budget, safe=safe)
        return cast("dict[str, Any]", orjson.loads(answer.body)) if answer.body else {}

    def reset(self) -> None:
        """Close connections and drop cached credentials: before a SnapStart snapshot, after a restore, after a fork."""
        self._exchange.reset()

    def _prepare(self, operation: str) -> tuple[SignedRequest, str]:
        if not (operation.isascii() and operation.isalnum()):
            raise ValueError(f"an operation is a name such as 'GetItem', not {operation!r}")
        headers = {
            "host": self._connections.endpoint.authority,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"{self._target_prefix}.{operation}",
        }
        request = SignedRequest(
            "POST",
            "/",
            headers,
            service=self.service,
            region=self._region,
            unsigned="accept-encoding: identity\r\n",
        )
        prepared = self._requests[operation] = (request, f"{self.service} {operation}")
        return prepared


def _encode(payload: Mapping[str, object], what: str) -> bytes:
    import orjson

    try:
        return orjson.dumps(payload if type(payload) is dict else dict(payload))
    except TypeError as error:
        raise TypeError(f"{what}: the payload is not JSON ({error}); items go through lanner.aws.dynamodb") from error


def judge(answer: Answer, what: str) -> None:
    """Raise the error that `answer` is, if it is one."""
    crc = answer.headers.get(b"x-amz-crc32")
    if crc is not None and (not crc.isdigit() or int(crc) != zlib.crc32(answer.body)):
        raise AwsUnavailable(f"{what}: the answer's bytes do not match its x-amz-crc32", outcome_unknown=True)
    if answer.status == 200:
        if not answer.body and crc is None:
            return  # SQS's operations without output answer nothing at all
        if answer.body[:1] != b"{" or answer.body[-1:] != b"}":
            raise AwsUnavailable(f"{what}: the answer is not a JSON object", outcome_unknown=True)
        return
    raise _error(answer, error_document(answer.body), what)


def error_code(answer: Answer, document: Mapping[str, Any]) -> str:
    """AWS's name of an error: `__type` or the `x-amzn-errortype` header, without name space and URL."""
    name = document.get("__type") or answer.header(b"x-amzn-errortype") or ""
    return str(name).partition(":")[0].rpartition("#")[2] or f"HTTP{answer.status}"


def error_document(body: bytes) -> dict[str, Any]:
    """The JSON object of an error; empty for a proxy's or load balancer's page, whose status says enough."""
    import orjson

    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _error(answer: Answer, document: dict[str, Any], what: str) -> AwsError:
    code = error_code(answer, document)
    message = first_line(document.get("message") or document.get("Message"))
    text = f"{what}: {code}: {message}" if message else f"{what}: {code}"
    if code in THROTTLES or answer.status == 429:
        return AwsThrottled(text, code=code)
    if answer.status >= 500 or answer.status == 408:
        return AwsUnavailable(f"{text} (status {answer.status})", outcome_unknown=True)
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(text, item=document.get("Item"))
    if code == "TransactionCanceledException":
        return TransactionCanceled(text, reasons=_reasons(document))
    if answer.status < 400:
        return AwsUnavailable(f"{what}: unexpected status {answer.status}", outcome_unknown=True)
    return AwsRejected(text, code=code, status=answer.status)


def _reasons(document: Mapping[str, Any]) -> tuple[CancellationReason, ...]:
    reasons = document.get("CancellationReasons") or ()
    return tuple(
        CancellationReason(str(r.get("Code") or "None"), str(r.get("Message") or ""), r.get("Item"))
        for r in reasons
        if isinstance(r, dict)
    )


_kept: dict[str, AwsJsonClient] = {}
_lock = threading.Lock()


def dynamodb() -> AwsJsonClient:
    """The process's DynamoDB client, made on first use from AWS_REGION and AWS_ENDPOINT_URL(_DYNAMODB)."""
    return _kept.get("dynamodb") or _make("dynamodb", "DynamoDB_20120810")


def sqs() -> AwsJsonClient:
    """The process's SQS client, made on first use from AWS_REGION and AWS_ENDPOINT_URL(_SQS)."""
    return _kept.get("sqs") or _make("sqs", "AmazonSQS")


def reset() -> None:
    """Close and forget the clients of `dynamodb()` and `sqs()`; the next use reads the environment again."""
    with _lock:
        for client in _kept.values():
            client.reset()
        _kept.clear()


def _make(service: str, target_prefix: str) -> AwsJsonClient:
    from lanner.aws.credentials import default_credentials
    from lanner.clock import SystemClock

    with _lock:
        if service not in _kept:
            clock = SystemClock()
            region = service_region(os.environ)
            _kept[service] = AwsJsonClient(
                service,
                target_prefix,
                region=region,
                endpoint=service_endpoint(service, region, os.environ),
                credentials=default_credentials(clock),
                clock=clock,
                ca_bundle=os.environ.get("AWS_CA_BUNDLE") or None,
            )
        return _kept[service]
