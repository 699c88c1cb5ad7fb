"""`lanner cache stats|get|purge|warm`: the shared cache of a running `lanner dev`, or of a deployment.

Which cache: `--url`, else LANNER_CACHE, else what the functions of the running `lanner dev` have. Of a stack the last
tier is meant; what environments keep in memory is out of date after their `l1_ttl`, and at once where it has tags.

Which warming plan: `--plan`, else LANNER_WARM_PLAN, else what a function of the running `lanner dev` names. The plan's
other settings, `LANNER_WARM_*`, come with it, and what it invokes are the local cloud's functions. Where there is a
plan it runs after a purge, since those who ask next would wait otherwise; `--cold` leaves it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lanner.cache import purge
from lanner.cache.errors import CacheError
from lanner.cache.tags import TagIndex
from lanner.cache.url import open_backend
from lanner.cache.warming import Progress, WarmPlan, WarmResult
from lanner.local.commands import CommandError
from lanner.local.commands.arguments import add_template_arguments, template_options
from lanner.local.commands.cache_entries import describe
from lanner.local.commands.logs import running_cloud
from lanner.local.console import Console
from lanner.local.runtime.variables import python_path

if TYPE_CHECKING:
    from lanner.cache.backend import CacheBackend
    from lanner.local.plan import CloudPlan, FunctionPlan

SETTING = "LANNER_CACHE"
PLAN_SETTING = "LANNER_WARM_PLAN"
WARM_SETTINGS = "LANNER_WARM_"
BUDGET_MS = 20_000
"""For each call of the store: a person waits longer than a request does."""


def configure(parser: argparse.ArgumentParser) -> None:
    _add_cache_arguments(parser, None)
    add_template_arguments(parser)
    anywhere = argparse.ArgumentParser(add_help=False)
    _add_cache_arguments(anywhere, argparse.SUPPRESS)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("stats", help="numbers about the store", parents=[anywhere])
    get = actions.add_parser("get", help="show what is under a key of the store", parents=[anywhere])
    get.add_argument("key")
    remove = actions.add_parser("purge", help="make entries out of date, and run the warming plan", parents=[anywhere])
    remove.add_argument("--tag", action="append", default=[], metavar="T", help="everything with this tag; repeatable")
    remove.add_argument("--soft", action="store_true", help="may still be served while it is made anew")
    remove.add_argument("--key", action="append", default=[], metavar="K", help="this key of the store; repeatable")
    remove.add_argument("--all", action="store_true", help="everything, tags and leases too")
    remove.add_argument("--cold", action="store_true", help="do not run the warming plan")
    warm = actions.add_parser("warm", help="run a warming plan", parents=[anywhere])
    for each in (remove, warm):
        each.add_argument("--plan", metavar="MODULE:NAME", help=f"default: {PLAN_SETTING}")


def _add_cache_arguments(parser: argparse.ArgumentParser, default: str | None) -> None:
    """What may stand before the action and after it: there it has no default that would undo what stands before."""
    parser.add_argument("--url", default=default, help=f"of the cache, as {SETTING} has it")
    endpoint = "of DynamoDB; default: the local cloud's, with --url AWS_ENDPOINT_URL"
    parser.add_argument("--endpoint", default=default, help=endpoint)
    parser.add_argument(
        "--json", action="store_true", default=default or False, help="one JSON document on standard output"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "purge":
        check_purge(args)
    url = cache_url(args)
    if args.action == "warm":
        return show_warmed(args, warmed(args, url))
    backend = open_shared(url)
    try:
        return {"stats": stats, "get": get, "purge": purge_entries}[args.action](args, backend, url)
    except CacheError as error:
        raise CommandError(f"the cache ({backend.name}): {error}") from None
    finally:
        backend.close()


def open_shared(url: str) -> CacheBackend:
    """The tier of `url` that all processes share, with time for every call. Raises `CommandError`."""
    if url.lstrip().startswith("l1="):  # the last tier; `open_backend` of the whole checks what is around it
        parts = [part.strip().partition("=") for part in url.split(",")]
        shared = [value for name, _, value in parts if name[:1] == "l" and name[1:].isdigit()][-1]
    else:
        shared = url.strip()
    try:
        open_backend(url).close()
        if shared.startswith("memory:"):
            raise CommandError("that cache is in the memory of each environment: no other process can reach it")
        address, _, query = shared.partition("?")
        options = [each for each in query.split("&") if each and not each.startswith("budget_ms=")]
        return open_backend(f"{address}?{'&'.join([*options, f'budget_ms={BUDGET_MS}'])}")
    except CacheError as error:
        raise CommandError(f"the cache's URL: {error}") from None


def cache_url(args: argparse.Namespace) -> str:
    """The URL that is meant. Where it is a local cloud's, this process's environment is made one of its functions'."""
    if args.endpoint:
        use_engine(args.endpoint, args.region)
    url = args.url or os.environ.get(SETTING)
    if url:
        return str(url)
    cloud = running_cloud(args.template)
    engine = args.endpoint or cloud.engine
    plan = template_options(args).plan(engine)
    found = {each.environment[SETTING] for each in plan.functions.values() if each.environment.get(SETTING)}
    if len(found) != 1:
        raise CommandError(f"the functions of {cloud.template} have {len(found) or 'no'} {SETTING}: give --url")
    use_engine(engine, plan.region)
    os.environ["AWS_ENDPOINT_URL_LAMBDA"] = cloud.control
    use_warming(plan)
    return found.pop()


def use_engine(endpoint: str, region: str | None) -> None:
    """Send this process's AWS calls there; credentials that are set stay."""
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    if region or not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        os.environ["AWS_REGION"] = region or "eu-west-1"
    if "AWS_ACCESS_KEY_ID" not in os.environ:
        os.environ.update(dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "lanner"))  # none is checked


def use_warming(plan: CloudPlan) -> None:
    """Take the warming plan's settings from the function that names it, and its modules from that function's code."""
    named: dict[str, FunctionPlan] = {}
    for function in plan.functions.values():
        if name := function.environment.get(PLAN_SETTING):
            named.setdefault(name, function)
    if len(named) != 1:  # with several somebody has to say which
        return
    (function,) = named.values()
    for name, value in function.environment.items():
        if name.startswith(WARM_SETTINGS) and value:
            os.environ.setdefault(name, value)
    sys.path += [path for path in map(str, python_path(function)) if path not in sys.path]


def stats(args: argparse.Namespace, backend: CacheBackend, _url: str) -> int:
    """Print what the store can tell."""
    return show(args, {"store": backend.name, **backend.statistics()})


def get(args: argparse.Namespace, backend: CacheBackend, _url: str) -> int:
    """Print an entry; 1 where there is none."""
    entry = backend.get(args.key)
    if entry is None:
        show(args, {"key": args.key, "found": False})
        return 1
    return show(
        args,
        {
            "key": args.key,
            "found": True,
            "bytes": len(entry.value),
            "expires_at": entry.expires_at,
            **describe(entry.value),
        },
    )


def check_purge(args: argparse.Namespace) -> None:
    """Raises `CommandError` where it is not clear what is to go."""
    if not (args.tag or args.key or args.all):
        raise CommandError("purge what? give --tag, --key or --all")
    if args.soft and (args.key or args.all or not args.tag):
        raise CommandError("--soft is for tags alone")


def purge_entries(args: argparse.Namespace, backend: CacheBackend, url: str) -> int:
    """Invalidate and remove what was named; then warm, where there is a plan. 1 where a step of it failed."""
    done: dict[str, Any] = {}
    if args.tag:
        done["tags"] = purge.purge_tags(TagIndex(backend), args.tag, soft=args.soft)
    if args.key:
        done["keys"] = sum(purge.purge_key(backend, key) for key in args.key)
    if args.all:
        done["removed"] = purge.purge_all(backend)
    if args.cold or not plan_name(args):
        return show(args, done)
    result = warmed(args, url)
    show(args, {**done, "warmed": result.done, "failed": result.failed})
    return 1 if result.failed else 0


def plan_name(args: argparse.Namespace) -> str:
    """Which warming plan, "" for none."""
    return str(args.plan or os.environ.get(PLAN_SETTING) or "")


def warmed(args: argparse.Namespace, url: str) -> WarmResult:
    """Run the plan; progress, and what went wrong, go to standard error."""
    plan = load_plan(plan_name(args))
    os.environ[SETTING] = url  # of the functions that the plan calls in this process

    def tell(progress: Progress) -> None:
        if progress.running:
            begun = progress.done + progress.failed + 1
            print(f"{begun}/{progress.total} {progress.running}", file=sys.stderr, flush=True)

    result = plan.run(tell)
    for step in result.steps:
        if step.error:
            print(f"{step.name}: {step.error}", file=sys.stderr, flush=True)
    return result


def show_warmed(args: argparse.Namespace, result: WarmResult) -> int:
    """One step a line, or one JSON document; 1 where a step failed."""
    if args.json:
        steps = [step._asdict() for step in result.steps]
        print(json.dumps({"done": result.done, "failed": result.failed, "steps": steps}))
    else:
        rows = [(step.name, f"{step.seconds:.2f} s", "failed" if step.error else "done") for step in result.steps]
        Console().table(rows)
    return 1 if result.failed else 0


def load_plan(name: str) -> WarmPlan:
    """The plan at `module:attribute`. Raises `CommandError` where there is none."""
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise CommandError(f"which plan? give --plan MODULE:NAME, or set {PLAN_SETTING}")
    try:
        plan = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise CommandError(f"--plan {name}: there is no module {error.name}") from None
    except AttributeError:
        raise CommandError(f"--plan {name}: {module} has no {attribute}") from None
    if not isinstance(plan, WarmPlan):
        raise CommandError(f"--plan {name} is a {type(plan).__name__}, not a WarmPlan")
    return plan


def show(args: argparse.Namespace, values: Mapping[str, Any]) -> int:
    """One name and value a line, or one JSON document."""
    if args.json:
        print(json.dumps(values))
    else:
        Console().table(list(_rows(values)))
    return 0


def _rows(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
