"""Lambda's Invoke endpoint, through boto3, through our own client, and from inside a function."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lanner.aws.credentials import Credentials, StaticCredentials
from lanner.aws.invoke import LambdaInvoker
from lanner.clock import SystemClock

ECHO = """
    def handler(event, context):
        if event.get("fail"):
            raise ValueError("as asked")
        custom = context.client_context.custom if context.client_context else None
        return {"event": event, "arn": context.invoked_function_arn, "custom": custom}
"""


def client_of(runtime):
    return boto3.client(
        "lambda",
        endpoint_url=runtime.invoke_url,
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_boto3_invokes_by_name_arn_and_qualifier(lab):
    """RequestResponse: payload, executed version, log tail; the qualifier is in the context's ARN."""
    lab.function("echo", ECHO, alias="live")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:lab-echo"

    async def scenario(runtime):
        client = client_of(runtime)

        def calls():
            context = base64.b64encode(json.dumps({"custom": {"k": 1}}).encode()).decode()
            by_name = client.invoke(FunctionName="lab-echo", Payload=b'{"a": 1}', LogType="Tail", ClientContext=context)
            by_arn = client.invoke(FunctionName=arn, Qualifier="live")
            return by_name, by_name["Payload"].read(), json.loads(by_arn["Payload"].read())

        return await asyncio.to_thread(calls)

    by_name, payload, by_arn = lab.run(scenario)
    assert by_name["StatusCode"] == 200
    assert by_name["ExecutedVersion"] == "1"
    assert b"START RequestId" in base64.b64decode(by_name["LogResult"])
    assert json.loads(payload) == {"event": {"a": 1}, "arn": arn, "custom": {"k": 1}}
    assert by_arn == {"event": {}, "arn": f"{arn}:live", "custom": None}


def test_a_functions_error_is_marked_and_our_own_client_raises_it(lab):
    """X-Amz-Function-Error with the document as the payload."""
    lab.function("echo", ECHO)

    async def scenario(runtime):
        def calls():
            answer = client_of(runtime).invoke(FunctionName="lab-echo", Payload=b'{"fail": true}')
            own = LambdaInvoker(
                region="eu-west-1",
                endpoint=runtime.invoke_url,
                credentials=StaticCredentials(Credentials("a", "b")),
                clock=SystemClock(),
            )
            fine = own.invoke("lab-echo", b'{"a": 2}', timeout_ms=5000)
            return answer["FunctionError"], json.loads(answer["Payload"].read()), json.loads(fine)

        return await asyncio.to_thread(calls)

    marked, document, fine = lab.run(scenario)
    assert marked == "Unhandled"
    assert document["errorMessage"] == "as asked"
    assert fine["event"] == {"a": 2}


def test_event_and_dry_run_do_not_wait(lab, until):
    """Event is accepted with 202 and runs; DryRun is 204 and runs nothing."""
    lab.function(
        "writes", f"def handler(event, context):\n    open({str(lab.folder / 'ran')!r}, 'a').write(event['x'])\n"
    )

    async def scenario(runtime):
        client = client_of(runtime)
        dry = await asyncio.to_thread(
            lambda: client.invoke(FunctionName="lab-writes", InvocationType="DryRun", Payload=b'{"x": "d"}')
        )
        event = await asyncio.to_thread(
            lambda: client.invoke(FunctionName="lab-writes", InvocationType="Event", Payload=b'{"x": "e"}')
        )
        await until(lambda: (lab.folder / "ran").exists() and (lab.folder / "ran").read_text() != "")
        return dry["StatusCode"], event["StatusCode"]

    assert lab.run(scenario) == (204, 202)
    assert (lab.folder / "ran").read_text() == "e"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ({"FunctionName": "lab-echo", "Qualifier": "blue"}, "ResourceNotFoundException"),
        ({"FunctionName": "lab-echo", "Payload": b"{not json"}, "InvalidRequestContentException"),
        ({"FunctionName": "lab-off"}, "TooManyRequestsException"),
        ({"FunctionName": "lab-echo", "Payload": b'"' + b"x" * 6_300_000 + b'"'}, "RequestTooLargeException"),
    ],
)
def test_errors_are_those_of_lambda(lab, arguments, code):
    """SDKs see the exception that AWS would give."""
    lab.function("echo", ECHO)
    lab.function("off", ECHO, reserved_concurrency=0)

    async def scenario(runtime):
        client = client_of(runtime)
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(lambda: client.invoke(**arguments))
        return caught.value.response["Error"]["Code"]

    assert lab.run(scenario) == code


def test_a_function_calls_another_through_its_environment(lab):
    """AWS_ENDPOINT_URL_LAMBDA points back at us."""
    lab.function("inner", "def handler(event, context):\n    return event * 2\n")
    lab.function(
        "outer",
        """
        import boto3
        def handler(event, context):
            answer = boto3.client("lambda").invoke(FunctionName="lab-inner", Payload=b"21")
            return answer["Payload"].read().decode()
        """,
    )
    engine = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    async def scenario(runtime):
        return await runtime.invoke("outer", b"{}")

    assert lab.run(scenario, engine=engine).payload == b'"42"'


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_a_web_page_cannot_invoke_functions(lab, headers):
    """A browser's Origin, or a rebound host name, is refused before anything runs."""
    lab.function("echo", ECHO)

    async def scenario(runtime):
        def call():
            connection = http.client.HTTPConnection(urlsplit(runtime.invoke_url).netloc)
            connection.request("POST", "/2015-03-31/functions/lab-echo/invocations", b"{}", headers)
            return connection.getresponse().status

        return await asyncio.to_thread(call), runtime.environments()

    assert lab.run(scenario) == (403, [])


def test_a_functions_configuration_is_told_by_version_and_alias(lab):
    """GetFunctionConfiguration, as a deployment hook asks it of a version."""
    lab.function("echo", ECHO, alias="live", memory=512, environment={"STAGE": "dev"})

    async def scenario(runtime):
        client = client_of(runtime)

        def calls():
            numbered = client.get_function_configuration(FunctionName="lab-echo", Qualifier="7")
            with pytest.raises(ClientError) as caught:
                client.get_function_configuration(FunctionName="lab-echo", Qualifier="blue")
            return numbered, caught.value.response["Error"]["Code"]

        return await asyncio.to_thread(calls)

    found, refused = lab.run(scenario)
    assert (found["Handler"], found["Version"], found["MemorySize"]) == ("echo.handler", "7", 512)
    assert found["FunctionArn"].endswith(":function:lab-echo:7")
    assert found["Environment"] == {"Variables": {"STAGE": "dev"}}
    assert refused == "ResourceNotFoundException"


def test_another_operation_says_what_is_missing(lab):
    """Not a silent 404: the operation is named."""

    async def scenario(runtime):
        def call():
            connection = http.client.HTTPConnection(urlsplit(runtime.invoke_url).netloc)
            connection.request("GET", "/2015-03-31/functions/")
            response = connection.getresponse()
            return response.status, response.headers["x-amzn-ErrorType"], json.loads(response.read())["Message"]

        return await asyncio.to_thread(call)

    status, kind, message = lab.run(scenario)
    assert (status, kind) == (404, "UnknownOperationException")
    assert "GET /2015-03-31/functions/" in message
