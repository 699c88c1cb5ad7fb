"""moto as a plain function from a request to an answer, and the things that moto alone gets wrong here.

- A receive with a wait time would sleep inside moto and hold everybody up: it becomes short receives, one whenever a
  message was sent and otherwise every `POLL` seconds, until its time is over.
- KMS key ids are drawn at random by moto, but the plan has told functions an id already: ids are exchanged both ways.
- SES refuses senders that nobody verified, and sent mail cannot be looked at: see `mail.py`; `GET /_lanner/mail`.
- Its queues are slow when they are deep (`queues.py`), its streams are wrong in places (`streams.py`), and it does not
  tell what functions wait for (`journal.py`). Its CodeDeploy hears nothing of hooks (`deployments.py`).
- It reads and checks by every request what it could know (`expressions.py`, `shapes.py`) or need not look at
  (`items.py`).
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlencode

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from lanner.local.engine import expressions, forms, instances, items, queue_calls, shapes, streams
from lanner.local.engine import journal as journals
from lanner.local.engine.http import Answer, Request
from lanner.local.engine.mail import Outbox, refused_sender

POLL = 0.1  # seconds between looks at a queue that nobody sends to: delays and visibility timeouts end unannounced
MAX_WAIT = 20.0  # seconds, SQS's limit of WaitTimeSeconds
MAX_RECEIPTS = 10_000  # remembered at most; SQS allows 120,000 in flight, a laptop has fewer
_SERVICES: dict[str, Literal["dynamodb", "dynamodbstreams", "sqs"]] = {
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "AmazonSQS": "sqs",
}
_FORM = "application/x-www-form-urlencoded"
_PUT_EVENTS = "AWSEvents.PutEvents"
_RECEIVE = "AmazonSQS.ReceiveMessage"
_SENDERS = ("AmazonSQS.SendMessage", "AmazonSQS.ChangeMessageVisibility", "AmazonSQS.StartMessageMoveTask")


class Application:
    """Answers AWS requests through moto. `services` are loaded now, others when they are first asked for."""

    def __init__(self, url: str, services: Iterable[str] = (), *, remember_receipts: bool = False) -> None:
        self.host = url.removeprefix("http://")
        self.regions: set[str] = set()  # every region that a request named
        self._name, _, self._port = self.host.partition(":")
        self._dispatch = DomainDispatcherApplication(create_backend_app)
        self._arrived = asyncio.Event()
        self._remember_receipts = remember_receipts
        self.receipts: dict[str, str] = {}  # of messages in flight: receipt handle -> queue URL
        self._key_ids: dict[bytes, bytes] = {}
        self._queue_waits: dict[str, tuple[float, float]] = {}
        self.journal = journals.Journal()
        self.outbox = Outbox()
        for patched in (instances, queue_calls, streams, expressions, items, shapes):
            patched.install()
        journals.watch_objects(self.journal)
        for service in services:
            self._dispatch.app_instances[service] = create_backend_app(service)  # type: ignore[arg-type]

    # -- requests

    def answer(self, request: Request) -> Answer | None:
        """The answer, or None for a receive that has to wait."""
        if request.target.startswith("/_lanner/"):
            return None if request.target.startswith(f"{journals.PATH}?after=") else self._own(request)
        target = request.header("x-amz-target")
        if target == _RECEIVE and self._wait_time(request) > 0:
            return None
        answer = forms.refusal(request) or self.call(request)
        sender = refused_sender(answer) if answer.status.startswith("400") else None
        if sender:
            self._verify(sender, request)
            answer = self.call(request)
        if self._remember_receipts and target.startswith("AmazonSQS."):
            self._remember(target, request, answer)
        if target.startswith(_SENDERS) or not target:
            self._arrived.set()  # a queue may have grown: SNS and S3 send too, and old clients name no target
        return answer

    async def wait(self, request: Request) -> Answer:
        """A long poll: of the journal, or of a queue, as short receives."""
        if request.target.startswith("/_lanner/"):
            number = request.target.partition("?after=")[2]
            return _json("200 OK", await self.journal.wait(int(number) if number.isdecimal() else 0))
        document = json.loads(request.body)
        deadline = time.monotonic() + self._wait_time(request)
        document["WaitTimeSeconds"] = 0
        short = Request(request.method, request.target, request.headers, json.dumps(document).encode())
        while True:
            answer = self.call(short)
            left = deadline - time.monotonic()
            if left <= 0 or not answer.status.startswith("200") or json.loads(answer.body).get("Messages"):
                if self._remember_receipts:
                    self._remember(_RECEIVE, request, answer)
                return answer
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), min(left, POLL))
            except TimeoutError:
                continue

    def _remember(self, target: str, request: Request, answer: Answer) -> None:
        """Know which messages are in flight: no AWS call tells, and they are to be saved too."""
        if not answer.status.startswith("200"):
            return
        document = json.loads(request.body)
        if target == _RECEIVE:
            for message in json.loads(answer.body).get("Messages") or ():
                self.receipts[message["ReceiptHandle"]] = document["QueueUrl"]
        elif target.startswith("AmazonSQS.DeleteMessage"):
            for entry in document.get("Entries", [document]):
                self.receipts.pop(entry.get("ReceiptHandle", ""), None)
        while len(self.receipts) > MAX_RECEIPTS:
            del self.receipts[next(iter(self.receipts))]

    def call(self, request: Request) -> Answer:
        """One request through moto, applied at once."""
        scope = request.header("authorization").partition("Credential=")[2].split("/", 4)
        if len(scope) == 5:
            self.regions.add(scope[2])
        exchange = scope[3:4] == ["kms"]
        if scope[3:4] == ["sns"]:
            journals.watch_topics(self.journal)
        if scope[3:4] == ["codedeploy"]:
            from lanner.local.engine import deployments  # loads moto's CodeDeploy, which hardly any template needs

            deployments.install()
        self.journal.begin()
        body = self._exchange(request.body, 0) if exchange else request.body
        environ = self._environ(request, body)
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[..., object]:
            head[:] = [status, headers]
            return lambda _: None

        try:
            chunks = self._application_for(request)(environ, start_response)
            content = b"".join(chunks)
        except Exception as error:  # the process serves others: one request that moto cannot handle is its own 500
            print(f"engine: {request.method} {request.target}: {type(error).__name__}: {error}", file=sys.stderr)
            return _json("500 Internal Server Error", {"__type": "InternalFailure", "message": f"{error}"})
        if hasattr(chunks, "close"):
            chunks.close()
        answer = Answer(head[0], head[1], self._exchange(content, 1) if exchange else content)
        if answer.status.startswith("2"):
            self._note(request, answer, scope)
            self.journal.commit()
        return answer

    def _note(self, request: Request, answer: Answer, scope: list[str]) -> None:
        """What others are to hear of a request that succeeded."""
        service, region = (scope[3], scope[2]) if len(scope) == 5 else ("", "")
        try:
            if request.header("x-amz-target") == _PUT_EVENTS:
                journals.note_events(self.journal, request, answer, region)
            elif service == "ses":
                self.outbox.note(request, answer, region)
        except (KeyError, TypeError, ValueError) as error:  # moto took what we cannot read: the answer stands
            print(f"engine: {request.method} {request.target}: not noted: {error!r}", file=sys.stderr)

    def _application_for(self, request: Request) -> Any:  # Any: a WSGI application
        """The backend that a JSON target names, or moto's dispatcher, which looks through all 200 by every request."""
        service = _SERVICES.get(request.header("x-amz-target").partition(".")[0])
        if service is None or not request.header("authorization"):
            return self._dispatch
        instances = self._dispatch.app_instances
        if service not in instances:
            instances[service] = create_backend_app(service)
        return instances[service]

    def _environ(self, request: Request, body: bytes) -> dict[str, Any]:  # Any: WSGI's environ
        path, _, query = request.target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "RAW_URI": request.target,
            "REQUEST_URI": request.target,
            "QUERY_STRING": query,
            "SERVER_NAME": self._name,
            "SERVER_PORT": self._port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers:
            if name in ("content-length", "transfer-encoding"):
                continue
            key = name.upper().replace("-", "_")
            key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ["CONTENT_LENGTH"] = str(len(body))
        if request.method == "PUT" and environ.get("CONTENT_TYPE", "").startswith(_FORM):
            environ["CONTENT_TYPE"] = "binary/octet-stream"  # `curl --data-binary` says so; moto would store nothing
        return environ

    # -- waiting for messages

    def _wait_time(self, request: Request) -> float:
        try:
            document = json.loads(request.body)
            wait = document.get("WaitTimeSeconds")
            if wait is None:
                wait = self._queue_wait(str(document.get("QueueUrl", "")), request)
            return min(float(wait), MAX_WAIT)
        except (ValueError, AttributeError, TypeError):
            return 0.0  # malformed: moto says what is wrong with it

    def _queue_wait(self, url: str, request: Request) -> float:
        """The queue's own ReceiveMessageWaitTimeSeconds, asked for at most once a second."""
        known = self._queue_waits.get(url)
        if known and time.monotonic() - known[1] < 1.0:
            return known[0]
        headers = [(name, value) for name, value in request.headers if name != "x-amz-target"]
        headers.append(("x-amz-target", "AmazonSQS.GetQueueAttributes"))
        question = {"QueueUrl": url, "AttributeNames": ["ReceiveMessageWaitTimeSeconds"]}
        answer = self.call(Request("POST", "/", headers, json.dumps(question).encode()))
        seconds = 0.0
        if answer.status.startswith("200"):
            seconds = float(json.loads(answer.body)["Attributes"].get("ReceiveMessageWaitTimeSeconds", 0))
        self._queue_waits[url] = (seconds, time.monotonic())
        return seconds

    # -- our own calls

    def _own(self, request: Request) -> Answer:
        if request.target == journals.PATH:
            return _json("200 OK", self.journal.after(None))
        if request.target == "/_lanner/mail":
            return _json("200 OK", self.outbox.documents())
        if request.target == "/_lanner/key-id" and request.method == "POST":
            document = json.loads(request.body)
            self._key_ids[document["ours"].encode()] = document["theirs"].encode()
            return _json("200 OK", {})
        return _json("404 Not Found", {"message": f"no {request.target} here"})

    def _verify(self, sender: str, request: Request) -> None:
        """Let SES take mail from `sender` in the request's region."""
        region = request.header("authorization").partition("Credential=")[2].split("/", 4)[2:3]
        scope = f"test/20260101/{''.join(region)}/ses/aws4_request"
        headers = [
            ("host", self.host),
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        ]
        form = urlencode({"Action": "VerifyEmailIdentity", "Version": "2010-12-01", "EmailAddress": sender})
        self.call(Request("POST", "/", headers, form.encode()))

    def _exchange(self, content: bytes, direction: int) -> bytes:
        for ours, theirs in self._key_ids.items():
            old, new = (ours, theirs) if direction == 0 else (theirs, ours)
            content = content.replace(old, new)
        return content


def _json(status: str, document: object) -> Answer:
    return Answer(status, [("content-type", "application/json")], json.dumps(document).encode())
