"""Invoking functions over the wire."""

from __future__ import annotations

import pytest

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.errors import AwsRejected, AwsThrottled, AwsUnavailable, FunctionFailed
from lanner.aws.invoke import PAYLOAD_LIMIT, LambdaInvoker
from lanner.aws.sigv4 import authorization
from lanner.clock import ManualClock
from tests.unit.aws.fault_server import FaultServer, answer, rst

KEYS = Credentials("AKID", "secret")


@pytest.fixture
def invoker(server: FaultServer, clock: ManualClock) -> LambdaInvoker:
    """An invoker of functions at `server`."""
    return LambdaInvoker(region="eu-central-1", endpoint=server.url, credentials=StaticCredentials(KEYS), clock=clock)


def test_returns_what_the_function_answers(invoker: LambdaInvoker, server: FaultServer) -> None:
    """The payload goes out as it is, signed for the path that is sent, and the answer comes back as it is."""
    server.script = [answer(b"[1, 2]")]
    name = "arn:aws:lambda:eu-central-1:123456789012:function:users:live"
    assert invoker.invoke(name, b'{"a": 1}', timeout_ms=1000) == b"[1, 2]"
    (request,) = server.requests
    path = f"/2015-03-31/functions/{name.replace(':', '%3A')}/invocations"
    assert request.line == f"POST {path} HTTP/1.1"
    assert request.headers["x-amz-invocation-type"] == "RequestResponse"
    assert request.body == b'{"a": 1}'
    signed = ["host", "content-type", "x-amz-invocation-type", "x-amz-date"]
    assert request.headers["authorization"] == authorization(
        "POST",
        path,
        "",
        [(header, request.headers[header]) for header in signed],
        request.body,
        credentials=KEYS,
        region="eu-central-1",
        service="lambda",
        date=request.headers["x-amz-date"],
    )


def test_an_error_of_the_function_is_told_from_lambdas(invoker: LambdaInvoker, server: FaultServer) -> None:
    """X-Amz-Function-Error: the type, the message and the payload are kept."""
    body = b'{"errorType":"KeyError","errorMessage":"\'id\'"}'
    server.script = [answer(body, 200, x_amz_function_error="Unhandled")]
    with pytest.raises(FunctionFailed, match="lambda users: KeyError: 'id'") as caught:
        invoker.invoke("users", b"{}", timeout_ms=1000)
    assert (caught.value.error_type, caught.value.payload) == ("KeyError", body)


def test_a_function_that_was_throttled_did_not_run_and_is_invoked_again(
    invoker: LambdaInvoker, server: FaultServer
) -> None:
    """429 is safe to repeat."""
    server.script = [answer(b'{"Type":"User"}', 429, x_amzn_errortype="TooManyRequestsException"), answer(b"1")]
    assert invoker.invoke("users", b"{}", timeout_ms=1000) == b"1"
    server.script = [answer(b"", 429) for _ in range(9)]
    with pytest.raises(AwsThrottled):
        invoker.invoke("users", b"{}", timeout_ms=1000)


@pytest.mark.parametrize("fault", [rst, answer(b"", 500), answer(b"", 302)])
def test_an_invocation_that_may_have_run_is_not_repeated(
    fault: object, invoker: LambdaInvoker, server: FaultServer
) -> None:
    """Without an answer nobody knows whether the function ran."""
    server.script = [fault, answer(b"1")]  # type: ignore[list-item]
    with pytest.raises(AwsUnavailable) as caught:
        invoker.invoke("users", b"{}", timeout_ms=1000)
    assert caught.value.outcome_unknown
    assert len(server.requests) == 1


def test_an_unknown_function_is_rejected(invoker: LambdaInvoker, server: FaultServer) -> None:
    """Lambda's error name comes from its header."""
    body = b'{"Type":"User","Message":"Function not found: users"}'
    server.script = [answer(body, 404, x_amzn_errortype="ResourceNotFoundException")]
    with pytest.raises(AwsRejected, match="ResourceNotFoundException: Function not found: users") as caught:
        invoker.invoke("users", b"{}", timeout_ms=1000)
    assert caught.value.status == 404


def test_what_lambda_would_not_take_is_refused_here(invoker: LambdaInvoker, server: FaultServer) -> None:
    """An empty name and too large a payload name the rule; nothing is sent."""
    with pytest.raises(ValueError, match="function_name is empty"):
        invoker.invoke("", b"{}", timeout_ms=1000)
    with pytest.raises(ValueError, match="Lambda takes 6291456"):
        invoker.invoke("users", b"x" * (PAYLOAD_LIMIT + 1), timeout_ms=1000)
    assert server.connections == 0
