"""`lanner jobs list|show|redrive|cancel`: jobs of a running `lanner dev`, or of a stack in AWS.

Without `--table` it looks at the local cloud: the process's environment is pointed at its engine, and the table and
queues are those that its template declares. With `--table` (and `--queue`, `--dead-letter-queue` to redrive) it looks
at AWS, with the credentials and the region of the environment.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import time
from urllib.parse import urlsplit

from lanner.aws.errors import AwsError
from lanner.clock import SystemClock
from lanner.jobs import control
from lanner.jobs.dead_letter import DeadLetterQueue
from lanner.jobs.declaration import check_kind
from lanner.jobs.errors import JobDeclarationError, JobsError, JobsUnavailable
from lanner.jobs.ids import read_id
from lanner.jobs.producer import Producer
from lanner.jobs.queue import JobQueue
from lanner.jobs.record import MAX_TENANT
from lanner.jobs.status import STATES, JobStatus, instant
from lanner.jobs.table import JobTable
from lanner.local.commands import CommandError
from lanner.local.commands.arguments import add_template_argument
from lanner.local.commands.logs import running_cloud

SETTINGS = {
    "table": "LANNER_JOBS_TABLE",
    "queue": "LANNER_JOBS_QUEUE_URL",
    "dead_letter_queue": "LANNER_JOBS_DEAD_LETTER_QUEUE_URL",
}
RESOURCES = {"table": "JobsTable", "queue": "JobsQueue", "dead_letter_queue": "JobsDeadLetterQueue"}
"""Logical ids in template.yaml; the engine's address is that of the queue."""

RESOURCES_PATH = "/_local/api/resources"
LOCAL = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "lanner", "AWS_SECRET_ACCESS_KEY": "lanner"}
BAR = 20  # characters
WATCH_S = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="jobs of a tenant, newest first")
    listing.add_argument("--status", choices=STATES)
    listing.add_argument("--kind", type=_kind)
    listing.add_argument("--limit", type=_count, default=20)
    show = actions.add_parser("show", help="one job as JSON")
    show.add_argument("job")
    show.add_argument("--watch", "-w", action="store_true", help="show its progress until it has finished")
    cancel = actions.add_parser("cancel", help="cancel a queued job, ask a running one to stop")
    cancel.add_argument("job")
    redrive = actions.add_parser("redrive", help="put a dead or failed job back, or all of the dead-letter queue")
    redrive.add_argument("job", nargs="?", help="default: what the dead-letter queue holds")
    redrive.add_argument("--limit", type=_count, default=100, help="at most so many dead letters (default: 100)")
    for each in (listing, show, cancel, redrive):
        each.add_argument("--tenant", type=_tenant, default="anonymous", help="whose jobs (default: anonymous)")
        each.add_argument("--table", help="the jobs' table in AWS; default: the running local cloud")
        each.add_argument("--queue", help="URL of the jobs' queue in AWS")
        each.add_argument("--dead-letter-queue", help="URL of its dead-letter queue in AWS")
        add_template_argument(each)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def _kind(text: str) -> str:
    try:
        check_kind(text)
    except JobDeclarationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _tenant(text: str) -> str:
    if not 0 < len(text) <= MAX_TENANT:
        raise argparse.ArgumentTypeError(f"a tenant has 1 to {MAX_TENANT} characters, not {len(text)}")
    return text


def run(args: argparse.Namespace) -> int:
    where = place(args)
    producer = Producer(tenant=args.tenant, table=where["table"], queue=where["queue"])
    try:
        if args.action == "list":
            _list(args, where)
        elif args.action == "show":
            _show(producer, _id(args.job), watch=args.watch)
        elif args.action == "cancel":
            print(line(producer.cancel(_id(args.job))))
        elif args.job:
            print(line(producer.redrive(_id(args.job))))
        else:
            _redrive_all(args, where)
    except JobsUnavailable as error:
        raise CommandError(f"{error}: {error.__cause__}" if error.__cause__ else str(error)) from error
    except (JobsError, AwsError) as error:
        raise CommandError(str(error)) from error
    return 0


def place(args: argparse.Namespace) -> dict[str, str | None]:
    """Table and queues: those that were named, or the running local cloud's. Raises `CommandError`."""
    if args.table:
        named = {name: getattr(args, name) or os.environ.get(setting) for name, setting in SETTINGS.items()}
        _check_named(args, named)
        return named
    cloud = running_cloud(args.template)
    found = {row["logical_id"]: str(row["physical_id"]) for row in _resources(cloud.url)}
    missing = [logical_id for logical_id in RESOURCES.values() if not found.get(logical_id)]
    if missing:
        raise CommandError(f"the template of {cloud.url} has no {', '.join(missing)}: name --table for one in AWS")
    where = {name: found[logical_id] for name, logical_id in RESOURCES.items()}
    engine = urlsplit(where["queue"])
    os.environ.update(LOCAL, AWS_ENDPOINT_URL=f"{engine.scheme}://{engine.netloc}")
    return dict(where)


def _check_named(args: argparse.Namespace, named: dict[str, str | None]) -> None:
    """To put jobs back there must be a queue: asked for before anything is written. Raises `CommandError`."""
    if args.action != "redrive":
        return
    for name in ("queue",) if args.job else ("queue", "dead_letter_queue"):
        if not named[name]:
            raise CommandError(f"redrive needs --{name.replace('_', '-')} (or {SETTINGS[name]}) beside --table")


def _resources(url: str) -> list[dict[str, str]]:
    """What the running cloud's own page says of its resources. Raises `CommandError`."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", RESOURCES_PATH)
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise CommandError(f"the `lanner dev` at {url} does not answer: {error}") from None
    finally:
        connection.close()
    return list(found["rows"])


def line(status: JobStatus) -> str:
    """One job on one line: id, state, progress, attempts, age and kind."""
    done = "#" * (status.progress * BAR // 100)
    state = "stopping" if status.cancel_requested and not status.finished else status.state
    attempts = f"{status.attempt}/{status.max_attempts or '-'}"
    note = f"  {status.note}" if status.note else ""
    return (
        f"{status.id}  {state:9}  [{done:{BAR}}] {status.progress:3}%  {attempts:>5}  "
        f"{instant(status.created_at)}  {status.kind}{note}"
    )


def _list(args: argparse.Namespace, where: dict[str, str | None]) -> None:
    table, after, left = JobTable(SystemClock(), where["table"]), None, args.limit
    while left:
        found = control.page(table, args.tenant, limit=left, after=after, state=args.status, kind=args.kind)
        for status in found.jobs:
            print(line(status))
        left -= len(found.jobs)
        after = found.position
        if after is None:
            return


def _show(producer: Producer, job_id: str, *, watch: bool) -> None:
    status = producer.status(job_id)
    shown = ""
    while watch and not status.finished:
        if line(status) != shown:
            shown = line(status)
            print(shown, flush=True)
        time.sleep(WATCH_S)
        status = producer.status(job_id)
    print(json.dumps(status.document(), indent=2, ensure_ascii=False))


def _redrive_all(args: argparse.Namespace, where: dict[str, str | None]) -> None:
    table, queue = JobTable(SystemClock(), where["table"]), JobQueue(where["queue"])
    seen = 0
    for job, what in DeadLetterQueue(where["dead_letter_queue"]).redrive(table, queue, args.limit):
        seen += 1
        print(f"{job}  {what}", flush=True)
    print(f"{seen} dead letters looked at")


def _id(text: str) -> str:
    job_id = read_id(text)
    if job_id is None:
        raise CommandError(f"{text!r} is no id of a job: they are UUIDs")
    return job_id
