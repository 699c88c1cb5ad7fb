"""Invoking a Lambda function (`POST /2015-03-31/functions/{name}/invocations`) over the wire's own connection.

The call waits for the function's answer. An invocation may have effects, so it is repeated only when Lambda certainly
did not start it (throttled, not connected). An error that the function raised is `FunctionFailed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.aws.budget import Budget
from lanner.aws.connection import CONNECT_TIMEOUT_MS, Endpoint, ThreadConnections
from lanner.aws.errors import AwsRejected, AwsThrottled, AwsUnavailable, FunctionFailed, first_line
from lanner.aws.exchange import SignedExchange, SignedRequest
from lanner.aws.wire import THROTTLES, error_code, error_document

if TYPE_CHECKING:
    from lanner.aws.answer import Answer
    from lanner.aws.credentials import CredentialsProvider
    from lanner.clock import Clock

SERVICE = "lambda"
PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Bytes of a synchronous invocation's payload (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


class LambdaInvoker:
    """Synchronous invocations of Lambda functions, over one kept-alive connection per thread."""

    def __init__(
        self,
        *,
        region: str,
        endpoint: str,
        credentials: CredentialsProvider,
        clock: Clock,
        connect_timeout_ms: float = CONNECT_TIMEOUT_MS,
        ca_bundle: str | None = None,
    ) -> None:
        self._region = region
        self._clock = clock
        self._connections = ThreadConnections(
            Endpoint(endpoint), clock=clock, connect_timeout_ms=connect_timeout_ms, ca_bundle=ca_bundle
        )
        self._exchange = SignedExchange(self._connections, credentials, clock, _judge)

    def invoke(self, function_name: str, payload: bytes, *, timeout_ms: float) -> bytes:
        """The JSON that the function answers `payload` (JSON, 6 MB at most) with, within `timeout_ms`.

        `function_name` is a name, `name:qualifier` or an ARN. Raises `FunctionFailed` for an error of the function,
        other `AwsError`s for everything else, `ValueError` for an empty name or too large a payload.
        """
        if not function_name:
            raise ValueError("function_name is empty; give a name, name:qualifier or an ARN")
        if len(payload) > PAYLOAD_LIMIT:
            raise ValueError(f"the payload has {len(payload)} bytes; Lambda takes {PAYLOAD_LIMIT}")
        budget = Budget(self._clock, timeout_ms, f"lambda Invoke {function_name}")
        answer = self._exchange.send(self._request(function_name), payload, budget, safe=False)
        if (kind := answer.header(b"x-amz-function-error")) is not None:
            raise _function_failed(function_name, kind, answer.body)
        return answer.body

    def reset(self) -> None:
        """Close connections and drop cached credentials: before a snapshot, after a restore, after a fork."""
        self._exchange.reset()

    def _request(self, function_name: str) -> SignedRequest:
        from urllib.parse import quote

        headers = {
            "host": self._connections.endpoint.authority,
            "content-type": "application/json",
            "x-amz-invocation-type": "RequestResponse",
        }
        path = f"/2015-03-31/functions/{quote(function_name, safe='')}/invocations"
        return SignedRequest("POST", path, headers, service=SERVICE, region=self._region)


def _judge(answer: Answer, what: str) -> None:
    if answer.status == 200:
        return
    document = error_document(answer.body)
    code = error_code(answer, document)
    message = first_line(document.get("Message") or document.get("message"))
    text = f"{what}: {code}: {message}"
    if code in THROTTLES or answer.status == 429:
        raise AwsThrottled(text, code=code)
    if answer.status >= 500 or answer.status < 400:
        raise AwsUnavailable(f"{text} (status {answer.status})", outcome_unknown=True)
    raise AwsRejected(text, code=code, status=answer.status)


def _function_failed(function_name: str, kind: str, body: bytes) -> FunctionFailed:
    document = error_document(body)
    error_type = str(document.get("errorType") or kind)
    message = first_line(document.get("errorMessage"))
    return FunctionFailed(f"lambda {function_name}: {error_type}: {message}", error_type=error_type, payload=body)


_kept: list[LambdaInvoker] = []


def lambda_invoker() -> LambdaInvoker:
    """The process's invoker, made on first use from AWS_REGION and AWS_ENDPOINT_URL(_LAMBDA)."""
    if not _kept:
        import os

        from lanner.aws.credentials import default_credentials
        from lanner.aws.endpoints import service_endpoint, service_region
        from lanner.clock import SystemClock

        clock = SystemClock()
        region = service_region(os.environ)
        _kept.append(
            LambdaInvoker(
                region=region,
                endpoint=service_endpoint(SERVICE, region, os.environ),
                credentials=default_credentials(clock),
                clock=clock,
                ca_bundle=os.environ.get("AWS_CA_BUNDLE") or None,
            )
        )
    return _kept[0]


def reset() -> None:
    """Close and forget the invoker of `lambda_invoker()`; the next use reads the environment again."""
    for each in _kept:
        each.reset()
    _kept.clear()
