"""`lanner dev` as developers run it: a process that is started, used over HTTP, and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest


def children(pid: int) -> list[int]:
    """All descendants of a process."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():  # listed under the thread that started them
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found[1:]


def all_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_it_serves_says_ready_once_and_ctrl_c_ends_everything(project, http):
    """Routes, functions, curl lines and exactly one ready line; after Ctrl-C no process is left, exit code 0."""
    server = project.start()
    answer = http.get(f"{server.url}/Prod/hello")
    assert (answer.status_code, answer.json()) == (200, {"says": "hello"})
    pids = children(server.process.pid)
    assert len(pids) >= 3  # engine, guardian, environment
    assert server.end(signal.SIGINT) == 0
    assert all_gone(pids)
    assert sum(line.startswith("ready ") for line in server.lines) == 1
    assert any(line.split()[:3] == ["GET", f"{server.url}/Prod/hello", "Hello"] for line in server.lines)
    assert any("app.handler" in line and "src/app.py:1" in line for line in server.lines)
    assert any(line.strip().startswith("curl ") for line in server.lines)


def test_one_line_per_request_and_what_the_function_prints(project, http):
    """Method, path, version, status, time, cold or warm, function; prints with the function's name."""
    server = project.start()
    for _ in range(2):
        http.get(f"{server.url}/Prod/hello?q=1")
    first = server.wait_for(r"GET +/Prod/hello")
    second = server.wait_for(r"GET +/Prod/hello")
    assert "v7" in first
    assert "  200  " in first
    assert " ms  cold  " in first
    assert first.endswith("Hello")
    assert " ms  warm  " in second
    assert any("Hello | handling /hello" in line for line in server.lines)
    assert not any("REPORT" in line for line in server.lines)
    assert "\033" not in server.text  # not a terminal: no colour


def test_verbose_shows_events_and_platform_lines(project, http):
    """The whole story of a request."""
    server = project.start("--verbose")
    http.get(f"{server.url}/Prod/hello")
    server.wait_for(r'^  event \{.*"httpMethod":"GET"')
    server.end()
    assert "Hello | START RequestId" in server.text
    assert "Hello | REPORT RequestId" in server.text


def test_a_port_that_is_taken_is_one_clear_error_and_exit_code_one(project):
    """The port and the way out are named; nothing else is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = project.command("dev", "--port", str(port))
    assert done.returncode == 1
    assert (
        done.stdout
        == f"error: port {port} on 127.0.0.1 is taken by another program: end it, or choose another with --port\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--template", "missing.yaml"), "missing.yaml"),
        (("--python", "/no/such/python"), "/no/such/python: there is no such interpreter"),
        (("--seed", "missing.json"), "missing.json"),
        (("--python", "/bin/false"), "/bin/false does not run as a Python interpreter: it ended with exit status 1"),
    ],
)
def test_what_cannot_start_says_why_in_one_line_and_leaves_nothing(project, arguments, words):
    """Exit code 1, the reason, no traceback."""
    done = project.command("dev", "--port", "0", *arguments)
    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "ready" not in done.stdout


def test_two_servers_side_by_side_do_not_disturb_each_other(project, http):
    """Own ports, own engines; ending one leaves the other serving."""
    first, second = project.start(), project.start()
    assert first.url != second.url
    assert [http.get(f"{each.url}/Prod/hello").status_code for each in (first, second)] == [200, 200]
    assert first.end() == 0
    assert http.get(f"{second.url}/Prod/hello").status_code == 200


def test_a_saved_file_is_live_within_a_second_and_no_request_fails(project, http):
    """Requests go on while the file is saved: all are answered with 200, and soon with the new code."""
    server = project.start()
    http.get(f"{server.url}/Prod/hello")
    statuses: list[int] = []
    stop = threading.Event()

    def load() -> None:
        with httpx.Client(timeout=20) as client:
            while not stop.is_set():
                statuses.append(client.get(f"{server.url}/Prod/hello").status_code)

    loading = threading.Thread(target=load)
    loading.start()
    source = project.folder / "src" / "app.py"
    source.write_text(source.read_text().replace("hello", "servus"))
    saved = time.monotonic()
    while http.get(f"{server.url}/Prod/hello").json() != {"says": "servus"}:
        assert time.monotonic() - saved < 10
    took = time.monotonic() - saved
    while len(statuses) < 50 and loading.is_alive():
        time.sleep(0.01)
    stop.set()
    loading.join()
    assert set(statuses) == {200}
    print(f"live after {took * 1000:.0f} ms")


def test_a_changed_template_is_a_new_plan(project, http):
    """A new route answers without a restart; a template that breaks keeps the last good one."""
    server = project.start()
    template = project.folder / "template.yaml"
    good = template.read_text()
    template.write_text("Resources: [")
    server.wait_for("the last good one is served on")
    assert http.get(f"{server.url}/Prod/hello").status_code == 200
    template.write_text(good.replace('"/{proxy+}"', "/other").replace("/hello", "/hullo"))
    server.wait_for("serving the new plan")
    assert http.get(f"{server.url}/Prod/hullo").status_code == 200
    assert http.get(f"{server.url}/Prod/hello").status_code == 403


def test_code_in_another_folder_is_watched_from_then_on(project, http):
    """A template that moves a function's code does not end the server, and what is saved there is live."""
    project.write("new/app.py", "def handler(event, context):\n    return {'statusCode': 200, 'body': 'new 1'}\n")
    server = project.start()
    template = project.folder / "template.yaml"
    template.write_text(template.read_text().replace("src/", "new/"))
    server.wait_for("serving the new plan")

    def answered(body):
        deadline = time.monotonic() + 10
        while http.get(f"{server.url}/Prod/hello").text != body:
            assert time.monotonic() < deadline, server.text
            time.sleep(0.02)
        return True

    assert answered("new 1")
    for number in (2, 3):
        project.write("new/app.py", f"def handler(event, context):\n    return {{'body': 'new {number}'}}\n")
        assert answered(f"new {number}")
    assert server.end() == 0


def test_two_saves_within_a_second_are_two_versions(project, http):
    """Same size, same second: Python's bytecode alone would not notice."""
    server = project.start()
    for number in range(1, 6):
        file = project.write("src/app.py", f"def handler(event, context):\n    return {{'body': '{number}'}}\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        deadline = time.monotonic() + 10
        while http.get(f"{server.url}/Prod/hello").text != str(number):
            assert time.monotonic() < deadline, f"version {number} is not live"
            time.sleep(0.02)


def test_code_that_does_not_load_shows_its_traceback_where_the_developer_looks(project, http):
    """The file and line of the mistake are on the console; the client gets API Gateway's 502."""
    project.write("src/deep.py", "value = 1\nimport no_such_package\n")
    project.write("src/app.py", "import deep\n\ndef handler(event, context):\n    return None\n")
    server = project.start()
    assert http.get(f"{server.url}/Prod/hello").status_code == 502
    server.wait_for(r'deep\.py", line 2')
    server.wait_for("No module named 'no_such_package'")


def test_seeding_goes_through_the_gateway_before_ready_and_reports_what_fails(project):
    """Requests of one group in order; a failure is printed and the rest goes on."""
    project.write(
        "src/app.py",
        """
        def handler(event, context):
            with open("/tmp/none" if event["path"] == "/bad" else event["queryStringParameters"]["file"], "a") as out:
                out.write(event["body"] + ";" + event["headers"].get("X-Who", "-") + "\\n")
            return {"statusCode": 200}
        """,
    )
    target = project.folder / "seeded.txt"
    entries = [
        {"method": "POST", "path": f"/Prod/a?file={target}", "headers": {"X-Who": "me"}, "body": {"n": 1}},
        {"method": "POST", "path": f"/Prod/b?file={target}", "body": "two"},
        {"method": "PUT", "path": "/Prod/bad?x=y"},
        {"path": "/Unknown/c", "body": "three"},
        {"path": f"/Prod/a?file={target}", "body": "to paste", "example": True},
    ]
    project.write("seed.json", json.dumps(entries))
    server = project.start("--seed", "seed.json")
    assert target.read_text() == '{"n": 1};me\ntwo;-\n'
    ready = next(index for index, line in enumerate(server.lines) if line.startswith("ready"))
    before = "\n".join(server.lines[:ready])
    assert "seeded 2 of 4 requests" in before
    assert f"  curl -s -X POST '{server.url}/Prod/a?file={target}' -d 'to paste'" in before
    assert "seed: PUT /Prod/bad?x=y: 502" in before
    assert "seed: POST /Unknown/c: 403" in before


def test_strict_refuses_what_is_not_supported_and_otherwise_it_is_listed(project, http):
    """By name and line; without --strict the rest is served."""
    text = (project.folder / "template.yaml").read_text()
    project.write("template.yaml", text + "\n  Cluster: {Type: 'AWS::EKS::Cluster', Properties: {}}\n")
    refused = project.command("dev", "--port", "0", "--strict")
    assert refused.returncode == 1
    assert "unsupported: Cluster: " in refused.stdout
    server = project.start("--skip-unsupported")
    assert any("unsupported: Cluster: " in line for line in server.lines)
    assert http.get(f"{server.url}/Prod/hello").status_code == 200


def test_strict_also_refuses_what_the_gateway_finds(project):
    """Two APIs under one prefix: no finding of the template's reading, but one that changes what is served."""
    text = (project.folder / "template.yaml").read_text()
    route = "{Type: AWS::Serverless::Api, Properties: {StageName: Prod, DefinitionBody: {openapi: 3.0.1, paths: {}}}}"
    project.write("template.yaml", text + f"\n  Second: {route}\n")
    refused = project.command("dev", "--port", "0", "--strict")
    assert refused.returncode == 1
    assert "already answers at /Prod" in refused.stdout
    assert "error: 1 finding(s) in its APIs, and --strict was given" in refused.stdout


def test_the_interpreter_is_said_at_start(project):
    """With its version and client, and that the template asks for another version where it does."""
    server = project.start()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    [line] = [line for line in server.lines if "run by" in line]
    assert f"run by {sys.executable} (Python {version}, " in line
    assert ("the template asks for python3.13" in line) == (version != "3.13")


def test_ending_while_it_starts_leaves_nothing(project):
    """Ctrl-C before ready: exit, and no process stays."""
    server = project.start(ready=False)
    deadline = time.monotonic() + 10
    while not children(server.process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    pids = children(server.process.pid)
    server.end(signal.SIGTERM)
    assert all_gone(pids)


def test_killing_it_leaves_nothing(project, http):
    """SIGKILL: the guardian and the engine's pipe end what it had started."""
    server = project.start()
    http.get(f"{server.url}/Prod/hello")
    pids = children(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(5)
    assert all_gone(pids)


def test_invoke_and_logs_find_the_running_server(project):
    """`lanner invoke` runs there, `lanner logs` reads there; -f goes on until it is ended."""
    server = project.start()
    project.write("event.json", '{"path": "/from-a-file"}')
    done = project.command("invoke", "Hello", "-e", "event.json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["statusCode"] == 200
    assert "handling /from-a-file" in done.stderr
    missing = project.command("logs", "Helo")
    assert (missing.returncode, "did you mean Hello?" in missing.stderr) == (1, True)
    logs = project.command("logs", "Hello")
    assert "Hello | handling /from-a-file" in logs.stdout
    assert "Hello | REPORT RequestId" in logs.stdout
    unknown = project.command("invoke", "Helo")
    assert unknown.returncode == 1
    assert "the template has no function 'Helo'; did you mean Hello?; it has: Hello" in unknown.stderr
    follower = subprocess.Popen(
        [*_lanner(), "logs", "-f"], cwd=project.folder, env=project.environ(), stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    project.command("invoke", "Hello", "-e", "-", stdin='{"path": "/followed"}')
    assert any("handling /followed" in line for line in iter(follower.stdout.readline, ""))
    server.end()
    assert follower.wait(10) == 0


def test_invoke_alone_starts_what_it_needs(project):
    """No server: the answer on standard output, the log on standard error, the exit code tells."""
    done = project.command("invoke", "Hello", "-e", "-", stdin='{"path": "/alone"}')
    assert done.returncode == 0
    assert json.loads(done.stdout)["body"] == '{"says": "hello"}'
    assert "handling /alone" in done.stderr
    failed = project.command("invoke", "Hello")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["errorType"] == "KeyError"
    bad = project.command("invoke", "Hello", "-e", "-", stdin="{nope")
    assert (bad.returncode, "is not JSON" in bad.stderr) == (1, True)


def test_logs_without_a_server_says_so(project):
    """One line, exit code 1."""
    done = project.command("logs")
    assert done.returncode == 1
    assert "no `lanner dev` is running" in done.stderr


def test_routes_lists_without_serving(project):
    """Every route with its place in the template."""
    done = project.command("routes")
    assert done.returncode == 0
    assert "http://127.0.0.1:3000/Prod/hello" in done.stdout
    assert "template.yaml:" in done.stdout


def _lanner() -> list[str]:
    return [sys.executable, "-u", "-m", "lanner.cli"]
