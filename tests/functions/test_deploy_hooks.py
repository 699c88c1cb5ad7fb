"""`deploy_hooks.app`: success, difference and failure, each reported to CodeDeploy, over real HTTP.

CodeDeploy is moto's, in an engine of the local cloud: tests make application, group and deployment in it and read there
what became of the deployment. Lambda is a server on loopback; the versions behind it are the handlers of the
repository, or broken ones. tests/functions/test_deploy_hooks_locally.py has hooks and versions as real local functions.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy_hooks.app import after_traffic, before_traffic
from deploy_hooks.deployment import DeploymentError
from deploy_hooks.judgement import Answer, differences
from health.app import lambda_handler as health_handler
from lanner.aws import clients, invoke, wire
from tests.architecture.source_tree import ROOT, function_packages
from tests.functions.code_deploy import CodeDeploy, Rollout, app_spec

Handler = Callable[[Any, Any], Any]


class Account:
    """Versions of one function, and the deployments that move its alias from the first to the second."""

    def __init__(self, code_deploy: CodeDeploy) -> None:
        self.package = "health"
        self.versions: dict[str, Handler] = {}
        self.code_deploy = code_deploy
        self.jobs: list[str] = []
        self.invoked: list[tuple[str, dict[str, Any]]] = []

    def deploy(self, app_spec: str | None = None) -> Rollout:
        return self.code_deploy.deploy("users", app_spec)

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation == "PutItem":
            self.jobs.append(body["Item"]["kind"]["S"])
        return {"MessageId": "m", "MD5OfMessageBody": ""} if operation == "SendMessage" else {}

    def invoke(self, qualifier: str, event: dict[str, Any]) -> tuple[bytes, bool]:
        self.invoked.append((qualifier, event))
        try:
            return json.dumps(self.versions[qualifier](event, None)).encode(), False
        except Exception as error:  # what Lambda does with whatever a handler raises
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode(), True


def server_for(account: Account) -> ThreadingHTTPServer:
    class Aws(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, json.dumps({"Handler": f"{account.package}.app.lambda_handler"}).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if target := self.headers.get("X-Amz-Target"):
                self._send(200, json.dumps(account.call(target.partition(".")[2], json.loads(body))).encode())
                return
            name = unquote(urlsplit(self.path).path.split("/")[3])
            payload, failed = account.invoke(name.partition(":")[2], json.loads(body))
            self._send(200, payload, {"X-Amz-Function-Error": "Unhandled"} if failed else {})

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    server.daemon_threads = True
    return server


@pytest.fixture(scope="module")
def code_deploy(moto_server: str) -> CodeDeploy:
    return CodeDeploy(moto_server, "users")


@pytest.fixture
def account(code_deploy: CodeDeploy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with two equal versions of the health function."""
    found = Account(code_deploy)
    found.versions = {"1": health_handler, "2": health_handler, "live": health_handler}
    server = server_for(found)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ENDPOINT_URL_CODEDEPLOY": code_deploy.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "LANNER_EVENTS": str(ROOT / "events"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA", raising=False)
    for each in (clients, invoke, wire):
        each.reset()
    yield found
    for each in (clients, invoke, wire):
        each.reset()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def live_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of events with one request of the health function, and one of the docs function."""
    for package, name in (("health", "live_200"), ("docs", "versions_200")):
        (tmp_path / package).mkdir()
        content = (ROOT / "events" / package / f"{name}.json").read_bytes()
        (tmp_path / package / f"{name}.json").write_bytes(content)
    monkeypatch.setenv("LANNER_EVENTS", str(tmp_path))
    return tmp_path


def answering(**changes: Any) -> Handler:  # Any: members of a proxy answer
    """A version that answers with something else in place of what it should."""

    def handler(event: Any, context: Any) -> Any:
        return {**health_handler(event, context), **changes}

    return handler


def failing(_event: Any, _context: Any) -> Any:
    raise RuntimeError("no such column")


def test_an_equal_version_gets_its_traffic(account: Account, live_events: Path) -> None:
    """The same answers: succeeded, and both versions were asked the same."""
    rollout = account.deploy()
    outcome = before_traffic(rollout.before, None)
    assert (outcome["problems"], rollout.status) == ([], "InProgress")
    assert [qualifier for qualifier, _ in account.invoked] == ["2", "1"]
    assert account.invoked[0][1] == account.invoked[1][1]


def test_only_requests_that_read_are_sent(account: Account) -> None:
    """A hook must not create or delete anything in the account it is to protect."""
    before_traffic(account.deploy().before, None)
    methods = {event.get("httpMethod") or event["requestContext"]["http"]["method"] for _, event in account.invoked}
    assert methods <= {"GET", "HEAD", "OPTIONS"}
    assert account.invoked


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"statusCode": 404}, "the status was 200 and is 404"),
        ({"body": '{"state":"OK"}'}, "the member /status is gone"),
        ({"body": '{"status":1}'}, "the type of /status was str and is float"),
        ({"body": "OK"}, "the body is not JSON"),
        ({"body": ""}, "the body had 15 bytes and has 0"),
        ({"headers": {"content-type": "text/plain"}, "multiValueHeaders": {}}, "the header content-type was"),
        ({"headers": {"content-type": "application/json", "x-api-version": "v2"}}, "the header vary lacks accept"),
    ],
)
def test_a_difference_refuses_the_deployment(
    account: Account, live_events: Path, changed: dict[str, Any], said: str
) -> None:
    """What a client relies on is gone: failed, and the log says what and for which request."""
    account.versions["2"] = answering(**changed)
    rollout = account.deploy()
    outcome = before_traffic(rollout.before, None)
    assert rollout.status == "Failed"
    assert rollout.info["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
    assert outcome["problems"][0].startswith("users: live_200: ")
    assert said in " ".join(outcome["problems"])


def test_more_than_before_is_no_difference(account: Account, live_events: Path) -> None:
    """New members are what versions are extended by."""
    account.versions["2"] = answering(body='{"status":"GOOD","since":"2026-11-23"}')
    rollout = account.deploy()
    assert before_traffic(rollout.before, None)["problems"] == []
    assert rollout.status == "InProgress"


def test_a_deliberate_difference_is_let_through(
    account: Account, live_events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told so, the hook accepts other answers, but no failures."""
    monkeypatch.setenv("LANNER_HOOK_DIFFERENCES", "report")
    account.versions["2"] = answering(statusCode=404)
    accepted, refused = account.deploy(), account.deploy()
    assert before_traffic(accepted.before, None)["succeeded"] is True
    account.versions["2"] = answering(statusCode=500)
    assert before_traffic(refused.before, None)["succeeded"] is False
    assert (accepted.status, refused.status) == ("InProgress", "Failed")


@pytest.mark.parametrize(
    "broken", [failing, answering(statusCode=500), lambda _event, _context: {"hello": "world"}, lambda *_: None]
)
def test_a_failing_version_gets_no_traffic(account: Account, live_events: Path, broken: Handler) -> None:
    """Raising, 5xx, no HTTP answer: failed, even when the version in service fails too."""
    account.versions["1"] = account.versions["2"] = broken
    rollout = account.deploy()
    assert before_traffic(rollout.before, None)["succeeded"] is False
    assert rollout.status == "Failed"


def test_a_version_that_mends_the_one_in_service_gets_its_traffic(account: Account, live_events: Path) -> None:
    """There is nothing to compare with an answer that was broken."""
    account.versions["1"] = failing
    rollout = account.deploy()
    assert before_traffic(rollout.before, None)["problems"] == []
    assert rollout.status == "InProgress"


OUTSIDE = ("deploy_hooks", "files")
"""What is not deployed behind hooks, and what needs a bucket to answer."""


@pytest.mark.parametrize("package", sorted(set(function_packages()) - set(OUTSIDE)))
def test_a_function_is_as_good_as_itself(
    account: Account, package: str, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every function with all its events: nothing that time or storage changes between two answers is a difference."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", storage)
    wire.reset()
    handler = import_module(f"{package}.app").lambda_handler
    account.package = package
    account.versions = {"1": handler, "2": handler, "live": handler}
    rollout = account.deploy()
    assert before_traffic(rollout.before, None)["problems"] == []
    assert after_traffic(rollout.after, None)["problems"] == []
    assert rollout.status == "Succeeded"
    wire.reset()


def test_a_worker_that_does_not_load_is_refused(account: Account) -> None:
    """A function of a queue is given an empty batch: what raises gets no messages."""
    account.package = "jobs_worker"
    account.versions["2"] = failing
    rollout = account.deploy()
    assert "an empty batch: users:2 failed" in before_traffic(rollout.before, None)["problems"][0]
    assert rollout.status == "Failed"


def test_nothing_to_compare_is_a_refusal(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that asks nothing would pass everything."""
    rollout = account.deploy()
    monkeypatch.setenv("LANNER_EVENTS", str(tmp_path))
    assert "no safe request" in before_traffic(rollout.before, None)["problems"][0]
    assert rollout.status == "Failed"


@pytest.mark.parametrize(
    "content",
    [
        "version: 0.0\nResources: []\nHooks:\n  - BeforeAllowTraffic: before\n",
        app_spec("users", Resources=None),
        app_spec("users", Resources=[]),
        app_spec("users", Resources=[{"users": {}}]),
        app_spec("users", Resources=[{"users": {"Type": "AWS::Lambda::Function", "Properties": {"Name": "users"}}}]),
    ],
)
def test_an_unreadable_deployment_is_reported_as_failed(account: Account, content: str) -> None:
    """Silence would hold the deployment for an hour."""
    rollout = account.deploy(content)
    assert before_traffic(rollout.before, None)["succeeded"] is False
    assert rollout.status == "Failed"


def test_after_traffic_asks_through_the_alias(account: Account, live_events: Path) -> None:
    """Callers reach the alias: it answers, the deployment ends well."""
    rollout = account.deploy()
    before_traffic(rollout.before, None)
    account.invoked.clear()
    assert after_traffic(rollout.after, None)["problems"] == []
    assert rollout.status == "Succeeded"
    assert {qualifier for qualifier, _ in account.invoked} == {"live"}


def test_after_traffic_the_cache_is_warmed(
    account: Account, live_events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One job once the new version has all traffic; none where there is no table, or where it was taken back."""
    monkeypatch.setenv("LANNER_JOBS_QUEUE_URL", f"{os.environ['AWS_ENDPOINT_URL']}/1/jobs")
    monkeypatch.delenv("LANNER_JOBS_TABLE", raising=False)
    account.versions["live"] = health_handler
    after_traffic(account.deploy().after, None)
    monkeypatch.setenv("LANNER_JOBS_TABLE", "jobs")
    after_traffic(account.deploy().after, None)
    assert account.jobs == ["cache.warm"]
    account.versions["live"] = lambda event, context: {"statusCode": 500, "body": ""}
    after_traffic(account.deploy().after, None)
    assert account.jobs == ["cache.warm"]


def test_after_traffic_a_failure_takes_it_back(account: Account, live_events: Path) -> None:
    """A failed hook makes CodeDeploy roll back."""
    account.versions["live"] = failing
    rollout = account.deploy()
    before_traffic(rollout.before, None)
    assert "live failed" in after_traffic(rollout.after, None)["problems"][0]
    assert rollout.status == "Failed"
    assert "AfterAllowTraffic" in rollout.info["errorInformation"]["message"]


def test_an_event_that_is_not_codedeploys_is_refused() -> None:
    """There is nobody to report to, so the invocation fails and says why."""
    with pytest.raises(DeploymentError, match="LifecycleEventHookExecutionId"):
        before_traffic({"DeploymentId": "d-1"}, None)


def test_a_report_that_is_refused_fails_the_invocation(account: Account, live_events: Path) -> None:
    """Lambda repeats it: CodeDeploy calls hooks asynchronously."""
    rollout = account.deploy()
    before_traffic(rollout.before, None)
    with pytest.raises(ClientError, match="LifecycleEventAlreadyCompletedException"):
        before_traffic(rollout.before, None)
    with pytest.raises(ClientError, match="DeploymentDoesNotExistException"):
        before_traffic({**rollout.before, "DeploymentId": "d-UNKNOWN00"}, None)


def test_another_problem_is_a_difference() -> None:
    """A client that acts on `type` has to find the one it knows."""
    headers = {"content-type": "application/problem+json"}
    before = Answer(404, headers, b'{"type":"/problems/not-found","instance":"1"}')
    assert differences(before, Answer(404, headers, b'{"type":"/problems/not-found","instance":"2"}')) == []
    assert differences(before, Answer(404, headers, b'{"type":"/problems/gone","instance":"2"}')) == [
        "the problem was /problems/not-found and is /problems/gone"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not what is tested
@given(JSON, st.dictionaries(st.text(min_size=1), JSON, max_size=3))
def test_an_answer_differs_neither_from_itself_nor_from_more(body: Any, more: dict[str, Any]) -> None:
    """Comparison is reflexive, and extending an object is never a difference; losing a member always is."""
    headers = {"content-type": "application/json"}
    before = Answer(200, headers, orjson.dumps({"body": body}))
    assert differences(before, before) == []
    assert differences(before, Answer(200, headers, orjson.dumps({**more, "body": body}))) == []
    assert differences(before, Answer(200, headers, orjson.dumps({"other": body}))) == ["the member /body is gone"]
