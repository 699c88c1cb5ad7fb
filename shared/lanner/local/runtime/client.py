"""A Lambda Runtime API client in plain Python, for systems and interpreters without awslambdaric.

Run as a script by the project's own interpreter: `python client.py module.handler`. It imports the standard library
only, and nothing of Lanner. The contract is awslambdaric's: the handler gets the decoded event and a context object;
what it returns is encoded as JSON; an exception becomes {"errorMessage", "errorType", "requestId", "stackTrace"}.

    import handler --ok--> next -> run -> response | error -> next ...
          +--raises--> init/error, exit status 1

With AWS_LAMBDA_INITIALIZATION_TYPE=snap-start the hooks registered through `snapshot_restore_py` run around the
snapshot: before, `restore/next`, after. When the local cloud also passes a control socket (`LANNER_SNAPSHOT_FD`),
this process *is* the snapshot, and each environment is a fork of it: everything that INIT made is shared, including
the state of `random` (a fork would otherwise reseed it), while connections that INIT opened are dead, as they are
after a restore on Lambda. Threads are the exception: a fork has only its main thread, a restored microVM has all.

When the local cloud goes away, the connection breaks and the process ends.
"""

from __future__ import annotations

import os

if "LANNER_TMP" in os.environ or "LANNER_LAYERS" in os.environ:
    import private_mounts  # type: ignore[import-not-found]  # beside this script

    private_mounts.enter_as_told()

import contextlib
import decimal
import http.client
import importlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable

TYPE_CHECKING = False  # the name that type checkers know, without the cost of importing typing
if TYPE_CHECKING:
    from email.message import Message
    from typing import Any

    Handler = Callable[[Any, "Context"], Any]

_ROOT = "/2018-06-01/runtime"


class Context:
    """The `context` argument (docs.aws.amazon.com/lambda/latest/dg/python-context.html)."""

    def __init__(self, headers: Message) -> None:
        env = os.environ
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = None
        self.identity = _Fields(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = _client_context(headers.get("Lambda-Runtime-Client-Context"))
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the deadline, never below 0."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(message))


class _Fields:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


def _client_context(text: str | None) -> _Fields | None:
    if not text:
        return None
    given = json.loads(text)
    names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
    client = given.get("client")
    return _Fields(
        custom=given.get("custom"),
        env=given.get("env"),
        client=_Fields(**{name: client.get(name) for name in names}) if client else None,
    )


class _RequestIdFilter(logging.Filter):
    request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = _RequestIdFilter.request_id
        return True


def _configure_logging() -> None:
    """The root handler that Lambda installs: `[LEVEL]\\ttime\\trequest id\\tmessage`, times in UTC."""
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_RequestIdFilter())
    logging.getLogger().addHandler(handler)


class RuntimeApi:
    """The four calls of a runtime over one kept-alive connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Message, bytes]:
        """Returns status, headers and body. Raises `OSError` when the other side is gone."""
        self._connection.request(method, _ROOT + path, body=body, headers=headers or {})
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()


def _encode(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value, default=_encode_other, ensure_ascii=False).encode()


def _encode_other(value: object) -> int | float:
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _document(
    error: BaseException,
    kind: str | None = None,
    message: str | None = None,
    frames: int | None = None,
    request_id: str = "",
) -> dict[str, Any]:
    trace = traceback.format_list(traceback.extract_tb(error.__traceback__)[frames:]) if frames is not None else []
    return {
        "errorMessage": message if message is not None else str(error),
        "errorType": kind or type(error).__name__,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _log_error(document: dict[str, Any]) -> None:
    lines = ["[ERROR] {errorType}: {errorMessage}".format(**document), "Traceback (most recent call last):"]
    text = "\n".join(lines) + "\n" + "".join(document["stackTrace"])
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def load(handler: str) -> tuple[Handler | None, dict[str, Any]]:
    """The function that `module.name` names; on failure None and the error document as awslambdaric words it."""
    module, dot, name = handler.rpartition(".")
    if not dot:
        message = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        return None, _document(ValueError(), "Runtime.MalformedHandlerName", message)
    try:
        return getattr(importlib.import_module(module.replace("/", ".")), name), {}
    except ImportError as error:
        message = f"Unable to import module '{module}': {error}"
        return None, _document(error, "Runtime.ImportModuleError", message, frames=1)
    except SyntaxError as error:
        document = _document(error, "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}")
        document["stackTrace"] = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        return None, document
    except AttributeError as error:
        if getattr(error, "name", None) == name:
            message = f"Handler '{name}' missing on module '{module}'"
            return None, _document(error, "Runtime.HandlerNotFound", message)
        return None, _document(error, frames=1)
    except Exception as error:  # boundary: whatever a module raises at import is reported, as awslambdaric does
        return None, _document(error, frames=1)


def run_one(api: RuntimeApi, handler: Handler, headers: Message, body: bytes) -> None:
    """Run one invocation and report how it ended."""
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    _RequestIdFilter.request_id = request_id
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id") or ""
    outcome = "response"
    try:
        result = handler(json.loads(body), Context(headers))
        try:
            answer = _encode(result)
        except (TypeError, ValueError) as error:
            raise _MarshalError(f"Unable to marshal response: {error}") from None
    except _MarshalError as error:
        outcome, document = "error", _document(error, "Runtime.MarshalError", frames=None, request_id=request_id)
    except Exception as error:  # boundary: the handler's failure is its answer
        outcome, document = "error", _document(error, frames=1, request_id=request_id)
    if outcome == "error":
        _log_error(document)
        answer = _encode(document)
    sys.stdout.flush()
    sys.stderr.flush()
    status, _, reply = api.call(
        "POST", f"/invocation/{request_id}/{outcome}", answer, {"Content-Type": "application/json"}
    )
    if status != 202:
        raise SystemExit(f"the runtime API refused the answer: {status} {reply.decode()}")


class _MarshalError(Exception):
    pass


def take_snapshot(api: RuntimeApi) -> RuntimeApi:
    """Run the hooks around the snapshot; returns the API of the environment that goes on."""
    try:
        import snapshot_restore_py as hooks
    except ImportError:
        hooks = None
    try:
        before = hooks.get_before_snapshot() if hooks else []
        while before:  # in reverse order of their registration
            function, args, kwargs = before.pop()
            function(*args, **kwargs)
    except BaseException as error:
        _report_hook(api, "/init/error", error, "Runtime.BeforeSnapshotError")
        raise SystemExit(64) from None
    control = os.environ.pop("LANNER_SNAPSHOT_FD", None)
    if control is not None:
        api = serve_forks(int(control))
    else:
        api.call("GET", "/restore/next")
    try:
        for function, args, kwargs in hooks.get_after_restore() if hooks else []:
            function(*args, **kwargs)
    except BaseException as error:
        _report_hook(api, "/restore/error", error, "Runtime.AfterRestoreError")
        raise SystemExit(65) from None
    return api


def _report_hook(api: RuntimeApi, path: str, error: BaseException, kind: str) -> None:
    document = _document(error, frames=1)
    _log_error(document)
    api.call("POST", path, _encode(document), {"Lambda-Runtime-Function-Error-Type": kind})


def serve_forks(descriptor: int) -> RuntimeApi:
    """Be the snapshot: fork an environment for every request. Returns in each fork, never here."""
    import random
    import signal
    import socket

    control = socket.socket(fileno=descriptor)
    _kill_connections(descriptor)
    state = random.getstate()

    def reap(*_: object) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            control.sendall(f"exit {pid} {os.waitstatus_to_exitcode(status)}\n".encode())

    signal.signal(signal.SIGCHLD, reap)
    control.sendall(b"ready\n")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 65536, 1)
        if not message:
            raise SystemExit(0)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            random.setstate(state)
            return _become_environment(json.loads(message), descriptors[0])
        os.close(descriptors[0])
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpgid(pid, pid)  # the fork does so too: whoever comes first
        control.sendall(f"pid {pid}\n".encode())


def _become_environment(variables: dict[str, str], output: int) -> RuntimeApi:
    """In a fresh fork: a group, an output and variables of its own."""
    os.setpgid(0, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.update(variables)
    import tempfile

    tempfile.tempdir = None  # INIT may have remembered the snapshot's folder
    return RuntimeApi(variables["AWS_LAMBDA_RUNTIME_API"])


def _kill_connections(spare: int) -> None:
    """Shut every network connection that INIT left open: after a restore their peers are gone."""
    import socket
    import stat

    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - pathlib costs a cold start 10 ms
        descriptor = int(name)
        try:
            if descriptor == spare or not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as connection:
                if connection.family in (socket.AF_INET, socket.AF_INET6):
                    connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # closed meanwhile, or not connected


def main(handler_name: str) -> None:
    """Import the handler, then serve invocations until the local cloud is gone."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib costs a cold start 10 ms
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    _configure_logging()
    handler, problem = load(handler_name)
    if handler is None:
        _log_error(problem)
        api.call("POST", "/init/error", _encode(problem), {"Lambda-Runtime-Function-Error-Type": problem["errorType"]})
        raise SystemExit(1)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        api = take_snapshot(api)
    while True:
        status, headers, body = api.call("GET", "/invocation/next")
        if status != 200:
            raise SystemExit(f"the runtime API refused to give work: {status} {body.decode()}")
        run_one(api, handler, headers, body)


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this script
    try:
        main(sys.argv[1])
    except OSError:
        raise SystemExit(0) from None  # the local cloud is gone
