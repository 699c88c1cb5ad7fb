"""A tap on every way out: numbers each call to a service, and lets a test die, lose an answer or step in at one.

    dynamodb, sqs              the wire's two clients
    s3, sesv2, cloudfront      boto3's clients, by the events of botocore that are there for it
    lambda                     the wire's invoker of functions
    cache                      invalidations by the job that is there for them
    webhook                    the POST to a receiver

Once the process is dead every further call dies too, whoever swallowed the first death (Mangum answers any exception
at all with a 500), until the test revives it: SIGKILL leaves nobody to clean up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from domain.notifications.exchange import Unreachable, post
from lanner.aws import clients, wire
from lanner.aws.errors import AwsError, AwsUnavailable
from lanner.aws.invoke import lambda_invoker
from lanner.cache.default import default_tags
from lanner.cache.errors import CacheUnavailable

KILLED_BEFORE, KILLED_AFTER, ANSWER_LOST, REPEATED, STALLED = (
    "killed before",
    "killed after",
    "lost",
    "twice",
    "stalled",
)
MODES = (KILLED_BEFORE, KILLED_AFTER, ANSWER_LOST, REPEATED, STALLED)

WIRE = ("dynamodb", "sqs")
BOTO = ("s3", "sesv2", "cloudfront")
LAMBDA, CACHE, WEBHOOK = "lambda", "cache", "webhook"
SERVICES = (*WIRE, *BOTO, LAMBDA, CACHE, WEBHOOK)

DRIVER = ("ReceiveMessage", "GetQueueAttributes")
"""What tests do themselves, and Lambda's own poller: not numbered."""

PATIENCE_MS = 20_000
"""For a call on a machine under load."""


class Killed(BaseException):
    """SIGKILL, as far as code can tell: nothing that catches exceptions sees it, and nothing is written after it."""


def _die() -> NoReturn:
    raise Killed


class Tap:
    """What stands between the code and the services. `calls` has `service.Operation` of each call, in order.

    `at`: the number of the call that something happens to, or a function of the operation and its payload; once.
    `die`: what becomes of the process that is killed.
    """

    def __init__(self, die: Callable[[], NoReturn] = _die) -> None:
        self.calls: list[str] = []
        self.at: Callable[[int, str, Any], bool] = lambda number, operation, payload: False
        self.mode = KILLED_BEFORE
        self.meanwhile: Callable[[], None] = lambda: None
        self.happened = False
        self.dead = False
        self._die = die
        self._aside = False
        self._clients = {"dynamodb": wire.dynamodb(), "sqs": wire.sqs()}
        self._make_boto, self._post = clients.client, post

    def client(self, service: str) -> Any:
        """The wire's client of a service, tapped."""
        return _Client(self, service, self._clients[service])

    def install(self, put: Callable[[str, Any], None]) -> None:
        """Tap everything. `put` sets what a dotted name stands for, as `MonkeyPatch.setattr` does."""
        tapped = {name: self.client(name) for name in WIRE}
        put("lanner.aws.wire.dynamodb", lambda: tapped["dynamodb"])
        put("lanner.aws.wire.sqs", lambda: tapped["sqs"])
        put("lanner.aws.clients.client", _Boto(self, self._make_boto).client)
        put("lanner.aws.invoke.lambda_invoker", lambda: _Invoker(self))
        put("domain.rendering.jobs.default_tags", lambda: _Tags(self))
        put("domain.notifications.delivery.post", _tapped_post(self, self._post))

    def arm(self, at: Callable[[int, str, Any], bool], mode: str, meanwhile: Callable[[], None] | None = None) -> None:
        """Let it happen once, at the first call for which `at` holds, counted from here."""
        self.calls.clear()
        self.at, self.mode, self.happened, self.dead = at, mode, False, False
        self.meanwhile = meanwhile or (lambda: None)

    def arm_again(self, at: Callable[[int, str, Any], bool], mode: str) -> None:
        """Let another thing happen, counted from where the first one was."""
        self.at, self.mode, self.happened = at, mode, False

    def disarm(self) -> None:
        self.happened = True

    def revive(self) -> None:
        """Another process begins where the dead one was."""
        self.dead = False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the test does meanwhile is no part of a job's life."""
        before, self._aside = self._aside, True
        try:
            yield
        finally:
            self._aside = before

    def begin(self, service: str, operation: str, payload: Any) -> str:
        """A call is about to be made; gives what is to happen once it is answered, "" for nothing."""
        if self._aside:
            return ""
        if self.dead:
            self._die()
        number = len(self.calls)
        self.calls.append(f"{service}.{operation}")
        if self.happened or not self.at(number, operation, payload):
            return ""
        self.happened = True
        if self.mode == KILLED_BEFORE:
            self.kill()
        if self.mode == STALLED:
            self.meanwhile()
            return ""
        return self.mode

    def kill(self) -> NoReturn:
        """The process ends."""
        self.dead = True
        self._die()


class _Client:
    """One of the wire's clients."""

    def __init__(self, tap: Tap, service: str, inner: Any) -> None:
        self._tap, self._service, self._inner = tap, service, inner

    def call(self, operation: str, payload: Any, **options: Any) -> Any:
        options = {**options, "budget_ms": PATIENCE_MS}
        if operation in DRIVER:
            return self._inner.call(operation, payload, **options)
        then = self._tap.begin(self._service, operation, payload)
        try:
            answer = self._inner.call(operation, payload, **options)
        except AwsError:
            if then in ("", REPEATED):
                raise
            answer = None  # a refusal is an answer as well, and nobody hears of it
        if then == KILLED_AFTER:
            self._tap.kill()
        if then == ANSWER_LOST:
            raise AwsUnavailable("the answer was lost", outcome_unknown=True)
        if then == REPEATED:  # the wire's own retry after a lost answer
            return self._inner.call(operation, payload, **options)
        return answer


class _Boto:
    """boto3's clients, each with two handlers: one as the call begins, one when its answer is there."""

    def __init__(self, tap: Tap, make: Callable[..., Any]) -> None:
        self._tap, self._make = tap, make

    def client(self, service: str, **options: Any) -> Any:
        made = self._make(service, **options)
        events, mark = made.meta.events, f"tap-{id(self)}"
        events.register("before-call.*.*", self._begin, unique_id=f"{mark}-begin")
        events.register("after-call.*.*", self._end, unique_id=f"{mark}-end")
        return made

    def _begin(self, model: Any, params: Any, context: dict[str, Any], **_: Any) -> None:
        context["tap"] = self._tap.begin(model.service_model.service_name, model.name, params)

    def _end(self, context: dict[str, Any], **_: Any) -> None:
        from botocore.exceptions import ReadTimeoutError

        if context["tap"] == KILLED_AFTER:
            self._tap.kill()
        if context["tap"] in (ANSWER_LOST, REPEATED):
            raise ReadTimeoutError(endpoint_url="the answer was lost")


class _Invoker:
    """Lambda, asked to run a function."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def invoke(self, function_name: str, payload: bytes, **options: Any) -> bytes:
        then = self._tap.begin(LAMBDA, "Invoke", payload)
        answer = lambda_invoker().invoke(function_name, payload, **options)
        if then == KILLED_AFTER:
            self._tap.kill()
        if then in (ANSWER_LOST, REPEATED):
            raise AwsUnavailable("the answer was lost", outcome_unknown=True)
        return answer


class _Tags:
    """The tags of the cache, to be invalidated."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def invalidate(self, tags: Any) -> None:
        then = self._tap.begin(CACHE, "Invalidate", tags)
        default_tags().invalidate(tags)
        if then == KILLED_AFTER:
            self._tap.kill()
        if then in (ANSWER_LOST, REPEATED):
            raise CacheUnavailable("the answer was lost")


def _tapped_post(tap: Tap, inner: Callable[..., Any]) -> Callable[..., Any]:
    """The POST of a webhook."""

    def tapped(target: Any, *arguments: Any) -> Any:
        then = tap.begin(WEBHOOK, "POST", target)
        answer = inner(target, *arguments)
        if then == KILLED_AFTER:
            tap.kill()
        if then in (ANSWER_LOST, REPEATED):
            raise Unreachable("the answer was lost")
        return answer

    return tapped
