"""`lanner invoke FUNCTION -e event.json`: run one function once.

In a running `lanner dev` of the same template it runs there, with its data; otherwise in a local cloud of its own
that lives as long as the invocation, without gateway and watcher. The answer goes to standard output, what the
function wrote to standard error. Exit code 0 when the function returned, 1 when it did not.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import http.client
import json
import sys
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import quote, urlsplit

from lanner.local import state
from lanner.local.commands import CommandError
from lanner.local.commands.arguments import add_runtime_arguments, add_template_arguments, template_options
from lanner.local.console import Console
from lanner.local.dev import DevOptions, DevServer
from lanner.local.invocation import InvocationResult
from lanner.local.plan import CloudPlan


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", help="logical id or name")
    parser.add_argument(
        "--event", "-e", default="", metavar="FILE", help="JSON file, - for standard input; default: {}"
    )
    add_template_arguments(parser)
    add_runtime_arguments(parser)


def run(args: argparse.Namespace) -> int:
    event = read_event(args.event)
    cloud = state.find(args.template)
    options = template_options(args)
    if cloud is not None:
        return _invoke_there(cloud, options, args.function, event)
    result = asyncio.run(_invoke_here(options, args.function, event))
    sys.stderr.write(result.logs.decode("utf-8", "replace").replace("\r", "\n"))
    return _print(result.payload, result.outcome == "ok")


def read_event(name: str) -> bytes:
    """The event in a file, on standard input (`-`), or `{}`. Raises `CommandError` where it is not JSON."""
    try:
        event = b"{}" if not name else sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        json.loads(event)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{name} is not JSON: {error}") from None
    return event


def unknown_function(name: str, plan: CloudPlan) -> CommandError:
    """The error for a name that the template does not have: what it has, the likeliest first."""
    known = sorted(plan.functions)
    near = get_close_matches(name, [*known, *(function.name for function in plan.functions.values())], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return CommandError(f"the template has no function {name!r}{hint}; it has: {', '.join(known) or 'none'}")


def _invoke_there(cloud: state.RunningCloud, options: DevOptions, function: str, event: bytes) -> int:
    connection = http.client.HTTPConnection(urlsplit(cloud.control).netloc)
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    try:
        connection.request("POST", path, event, {"X-Amz-Log-Type": "Tail"})
        response = connection.getresponse()
        payload = response.read()
    except OSError as error:
        raise CommandError(f"the `lanner dev` at {cloud.url} does not answer: {error}") from None
    finally:
        connection.close()
    if response.status == 404:
        raise unknown_function(function, options.plan(cloud.url))
    if response.status >= 300:
        raise CommandError(str(json.loads(payload).get("Message", response.status)))
    log = base64.b64decode(response.headers.get("X-Amz-Log-Result", ""))
    sys.stderr.write(log.decode("utf-8", "replace").replace("\r", "\n"))
    return _print(payload, "X-Amz-Function-Error" not in response.headers)


async def _invoke_here(options: DevOptions, function: str, event: bytes) -> InvocationResult:
    server = DevServer(options, Console(sys.stderr, verbose=options.verbose))
    try:
        runtime = await server.start_functions()
        named = [each for each in runtime.plan.functions.values() if function in (each.logical_id, each.name)]
        if not named:
            raise unknown_function(function, runtime.plan)
        return await runtime.invoke(named[0].logical_id, event)
    finally:
        await server.stop()


def _print(payload: bytes, succeeded: bool) -> int:
    sys.stdout.write(payload.decode("utf-8", "replace") + "\n")
    return 0 if succeeded else 1
