"""A life for every kind of job that has effects outside, or in more than one place of our own.

What must be true after each, wherever somebody died: what is in our own store is there once; what is outside was done
at least once, at most once for each attempt, and every time under the same key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.request import urlopen

import orjson

import files.app
import notifications.app
import reports.app
import uploads.app
import users_v2.app
from domain.files import objects
from domain.rendering.jobs import INVALIDATE, INVALIDATE_CDN, WARM
from domain.users import store
from domain.users.model import Content, User
from lanner.aws import clients
from lanner.cache.default import default_tags
from lanner.jobs.producer import Producer
from lanner.jobs.status import JobStatus
from tests.conftest import FILES_TABLE, USERS_TABLE, scan
from tests.functions.file_jobs import arrived
from tests.jobs.lives.world import Life, World, void
from tests.unit.aws.fault_server import answer
from tests.unit.domain.test_notification_signature import SECRET, verifies

AT = "2026-11-23T03:52:11.123Z"
ROWS = (
    b"given_name,email,locale\nAna,a1@example.com,pt\nBeto,nowhere,pt\nCloe,a2@example.com,fr\n"
    b"Dora,a1@example.com,de\nEva,a3@example.com,en\n"
)
"""Three users in two chunks, a row that is wrong and one whose address is taken."""


def mails(world: World) -> list[dict[str, str]]:
    """The headers of each mail to this case's address, as SES took them."""
    with urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_lanner/mail") as page:
        sent = orjson.loads(page.read())
    return [dict(each["headers"]) for each in sent if each["destinations"] == [f"{world.name}@example.com"]]


def check_mails(world: World, status: JobStatus) -> None:
    """At least one, not more than attempts, and a reader's mail program can tell that they are the same."""
    sent = mails(world)
    assert 1 <= len(sent) <= status.attempt, f"{len(sent)} mails in {status.attempt} attempts"
    assert {mail["X-Idempotency-Key"] for mail in sent} == {status.id}
    assert {mail["Message-ID"] for mail in sent} == {f"<{status.id}@example.com>"}


def users() -> list[str]:
    """The address of every stored user, and of every claim."""
    return sorted(item["email"]["S"] if "email" in item else item["pk"]["S"] for item in scan(USERS_TABLE))


class Welcome:
    """A user is made over HTTP, and welcomed."""

    kind = "mail.welcome"
    services = frozenset({"dynamodb", "sqs", "sesv2"})

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        ana = {"given_name": "Ana", "email": f"{world.name}@example.com", "locale": "pt"}
        return [lambda: void(world.ask(users_v2.app, "/v2/users", ana))]

    def check(self, world: World, status: JobStatus) -> None:
        address = f"{world.name}@example.com"
        assert users() == sorted([address, f"E#{address}"])
        check_mails(world, status)


class MailNotification:
    """A notification by e-mail."""

    kind = "notification.send"
    services = frozenset({"dynamodb", "sqs", "sesv2"})

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        wanted = {"channel": "email", "to": f"{world.name}@example.com", "message": "Ready", "subject": "Report"}
        return [lambda: void(world.ask(notifications.app, "/v2/notifications", wanted))]

    def check(self, world: World, status: JobStatus) -> None:
        assert world.answers == {status.id}
        check_mails(world, status)


class Webhook:
    """A notification to a receiver on loopback, which answers 200 to everything."""

    kind = "notification.send"
    services = frozenset({"dynamodb", "sqs", "webhook"})

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        wanted = {"channel": "webhook", "url": f"{world.receiver.url}/{world.name}", "message": "Ready"}
        return [lambda: void(world.ask(notifications.app, "/v2/notifications", wanted))]

    def check(self, world: World, status: JobStatus) -> None:
        assert world.answers == {status.id}
        requests = world.receiver.requests
        assert 1 <= len(requests) <= status.attempt, f"{len(requests)} requests in {status.attempt} attempts"
        assert {request.headers["webhook-id"] for request in requests} == {f"msg_{status.id}"}
        assert len({request.body for request in requests}) == 1
        assert all(verifies(request.headers, request.body, SECRET) for request in requests)


class _File:
    """Announced over HTTP, uploaded by the client, told of by S3."""

    kind = "file.process"
    services = frozenset({"dynamodb", "sqs", "s3"})
    content = b""
    announced: dict[str, str]

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        ids: list[str] = []
        events: list[Any] = []

        def announce() -> None:
            ids[:] = [world.ask(files.app, "/v2/files", self.announced)["id"]]

        def tell() -> None:
            if not events:
                with world.tap.aside():
                    objects.put(f"uploads/{ids[0]}", self.content, self.announced["content_type"])
                    events.append(arrived(f"uploads/{ids[0]}"))
            uploads.app.lambda_handler(events[0], None)

        return [announce, tell]

    def item(self, world: World, status: JobStatus) -> dict[str, Any]:
        """The one file, which is done and says which job it has."""
        (item,) = scan(FILES_TABLE)
        assert world.answers == {item["id"]["S"]}
        assert item["job_id"]["S"] == status.id
        assert int(item["outcome"]["M"]["size"]["N"]) == len(self.content)
        return item


class Inspection(_File):
    """A file that is no CSV."""

    content = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    announced = {"filename": "a.png", "content_type": "image/png"}

    def check(self, world: World, status: JobStatus) -> None:
        assert self.item(world, status)["outcome"]["M"]["media_type"]["S"] == "image/png"


class Import(_File):
    """Users from CSV, in chunks of two, every finding in an object of its own."""

    content = ROWS
    announced = {"filename": "users.csv", "content_type": "text/csv"}

    def check(self, world: World, status: JobStatus) -> None:
        item = self.item(world, status)
        rows = item["outcome"]["M"]["rows"]["M"]
        assert {name: rows[name]["N"] for name in rows} == {"read": "5", "created": "3", "failed": "2"}
        made = [f"a{number}@example.com" for number in (1, 2, 3)]
        assert users() == sorted([*made, *(f"E#{address}" for address in made)])
        lines = objects.get(f"results/{item['id']['S']}/errors.csv").decode().splitlines()
        assert [line.split(",")[0] for line in lines] == ["line", "3", "5"]


class Report:
    """A report over three users, a page and a checkpoint for each."""

    kind = "report.build"
    services = frozenset({"dynamodb", "sqs", "s3"})

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        def ask() -> None:
            with world.tap.aside():
                for number, locale in enumerate(("pt", "en", "pt")):
                    user_id = f"0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1{number}"
                    store.insert(User(user_id, Content("Ana", None, f"r{number}@example.com", locale, None), AT, AT, 1))
            world.ask(reports.app, "/v2/reports", {"kind": "locales"})

        return [ask]

    def check(self, world: World, status: JobStatus) -> None:
        assert world.answers == {status.id}
        found = clients.client("s3").list_objects_v2(
            Bucket=os.environ["LANNER_FILES_BUCKET"], Prefix=f"reports/{status.id}/"
        )
        names = sorted(each["Key"].rpartition("/")[2] for each in found["Contents"])
        assert names == ["report.csv", "report.html"]
        lines = objects.get(f"reports/{status.id}/report.csv").decode().splitlines()
        assert [line.rpartition(",")[0] for line in lines] == ["locale,users", "pt,2", "en,1"]


def ask_for(world: World, kind: str, payload: dict[str, Any]) -> Callable[[], None]:
    """A step: the API itself accepts a job."""
    producer = Producer(tenant="lanner", clock=world.stage.clock)
    return lambda: void(producer.enqueue(kind, payload, key=world.name))


class Purge:
    """CloudFront is told that answers are out of date."""

    kind = INVALIDATE_CDN
    services = frozenset({"dynamodb", "sqs", "cloudfront"})

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        return [ask_for(world, INVALIDATE_CDN, {"tags": ["catalog"]})]

    def check(self, world: World, status: JobStatus) -> None:
        asked = {"DistributionId": os.environ["LANNER_CDN_DISTRIBUTION"]}
        cdn = clients.client("cloudfront")
        found = [
            cdn.get_invalidation(**asked, Id=each["Id"])["Invalidation"]["InvalidationBatch"]
            for each in cdn.list_invalidations(**asked)["InvalidationList"].get("Items", ())
        ]
        ours = [each for each in found if each["CallerReference"] == status.id]
        assert 1 <= len(ours) <= status.attempt
        assert {tuple(each["Paths"]["Items"]) for each in ours} == {("#catalog",)}


class Invalidation:
    """Readers of the cache are told what is out of date, after a cache that did not answer has come back."""

    kind = INVALIDATE
    services = frozenset({"dynamodb", "sqs", "cache"})

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        if not self._seen:
            self._seen = default_tags().current(["catalog"])
        return [ask_for(world, INVALIDATE, {"tags": ["catalog"]})]

    def check(self, world: World, status: JobStatus) -> None:
        assert default_tags().judge(self._seen) == "gone"


class Warming:
    """A cold cache is filled by functions that render. Lambda answers every one of them with a list of one locale."""

    kind = WARM
    services = frozenset({"dynamodb", "sqs", "lambda"})

    def steps(self, world: World) -> Sequence[Callable[[], None]]:
        rendered = orjson.dumps({"statusCode": 200, "body": '{"data": [{"locale": "pt"}]}'})
        world.receiver.script = [answer(rendered)] * 100
        return [ask_for(world, WARM, {})]

    def check(self, world: World, status: JobStatus) -> None:
        paths = [orjson.loads(request.body)["rawPath"] for request in world.receiver.requests]
        assert set(paths) == WARMED
        assert all(1 <= paths.count(path) <= 2 * status.attempt for path in WARMED)  # lists of locales: twice in a plan


WARMED = {
    *(f"/{version}/catalog/{part}" for version in ("v1", "v2") for part in ("categories", "settings", "translations")),
    *(f"/{version}/catalog/translations/pt" for version in ("v1", "v2")),
    "/v2/users/statistics",
    "/v2/users",
}


LIVES: tuple[Callable[[], Life], ...] = (
    Welcome,
    MailNotification,
    Webhook,
    Inspection,
    Import,
    Report,
    Purge,
    Invalidation,
    Warming,
)
"""Not `cache.refresh`: it has two attempts and no more, since the next reader of what is stale asks again."""


def names(lives: Iterable[Callable[[], Life]] = LIVES) -> list[str]:
    """How tests call them."""
    return [getattr(life, "__name__", "").lower() for life in lives]
