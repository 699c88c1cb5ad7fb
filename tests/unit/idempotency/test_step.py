"""The step of the edge, over a store in memory and a clock that is moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from lanner.clock import ManualClock
from lanner.group import GroupError, RouteGroup
from lanner.http.message import Principal, Request, Response
from lanner.http.problems import BadRequest, Unavailable
from lanner.idempotency.execution import execution_of
from lanner.idempotency.memory import MemoryIdempotencyStore
from lanner.idempotency.policy import DAY_S, IdempotencyPolicy
from lanner.idempotency.record import Answer, IdempotencyRecord
from lanner.idempotency.store import IdempotencyStore, RecordBusy, StoreUnavailable, TransactItem
from tests.builders import Context, alb_event, http_event, rest_event
from tests.unit.conftest import REGISTRY

KEY = {"Idempotency-Key": '"key-1"', "Content-Type": "application/json"}


class Performer:
    """The application: counts, and answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.next: Callable[[Request], Response] = self.made

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.next(request)

    def made(self, request: Request) -> Response:
        number = len(self.requests)
        return Response(
            201,
            {"content-type": "application/json", "location": f"/things/{number}", "x-request-id": "inner"},
            orjson.dumps({"number": number, "filler": "x" * 2_000}),
            cookies=["session=secret"],
        )


class Broken(MemoryIdempotencyStore):
    """A store whose named method fails."""

    def __init__(self, method: str, error: Exception) -> None:
        super().__init__()
        self.method, self.error = method, error

    def claim(self, fresh: IdempotencyRecord, now: float) -> IdempotencyRecord:
        self._fail("claim")
        return super().claim(fresh, now)

    def complete(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> IdempotencyRecord | None:
        self._fail("complete")
        return super().complete(record, answer, expires_at)

    def release(self, record: IdempotencyRecord) -> None:
        self._fail("release")
        super().release(record)

    def completion(self, record: IdempotencyRecord, answer: Answer, expires_at: float) -> list[TransactItem]:
        return []

    def _fail(self, method: str) -> None:
        if self.method == method:
            raise self.error


class Things:
    """A group with POST /things, called with events."""

    def __init__(self, module: Callable[..., str], store: IdempotencyStore | None = None) -> None:
        self.perform = Performer()
        self.store = store or MemoryIdempotencyStore()
        self.clock = ManualClock()
        name = module("things_of_the_test", perform=self.perform)
        target = f"{name}:perform"
        self.group = RouteGroup(
            "things",
            registry=REGISTRY,
            paths={"/things": "GET POST PUT", "/required": "POST", "/things/{id}": "POST"},
            edge={
                "GET /things": target,
                "POST /things": target,
                "PUT /things": target,
                "POST /required": target,
                "POST /things/{id}": target,
            },
            idempotency=IdempotencyPolicy(required=("/required",), store=lambda: self.store),
            clock=self.clock,
        )
        self.handler = self.group.handler()

    def __call__(self, event: Any = None, context: Any = None, **request: Any) -> dict[str, Any]:
        if event is None:
            request = {"method": "POST", "path": "/v2/things", "headers": KEY, "body": '{"a":1}', **request}
            event = rest_event(**request)
        answer: dict[str, Any] = self.handler(event, context or Context())
        return answer

    @property
    def performed(self) -> int:
        return len(self.perform.requests)


@pytest.fixture
def things(module: Callable[..., str]) -> Things:
    return Things(module)


def slug(answer: dict[str, Any]) -> str:
    problem = orjson.loads(answer["body"])
    assert problem["status"] == answer["statusCode"]
    assert answer["headers"]["content-type"] == "application/problem+json"
    return str(problem["type"]).removeprefix("/problems/")


def test_a_repeated_post_is_answered_and_not_performed(things: Things) -> None:
    """Status, body and headers of the first, marked; the request id is each request's own, cookies are the first's."""
    first = things(request_id="first")
    second = things(request_id="second")
    assert things.performed == 1
    assert (second["statusCode"], second["body"]) == (201, first["body"])
    assert second["headers"].pop("idempotency-replayed") == "true"
    assert "idempotency-replayed" not in first["headers"]
    assert (first["headers"].pop("x-request-id"), second["headers"].pop("x-request-id")) == ("first", "second")
    assert second["headers"] == first["headers"]
    assert "session=secret" in orjson.dumps(first).decode()
    assert "session=secret" not in orjson.dumps(second).decode()


def test_quoted_and_bare_name_one_key(things: Things) -> None:
    """Whichever a client's library sends."""
    things()
    assert things(headers={**KEY, "Idempotency-Key": "key-1"})["headers"]["idempotency-replayed"] == "true"


def test_without_a_key_every_post_is_performed(things: Things) -> None:
    """The field is an offer."""
    for _ in range(2):
        assert things(headers={"Content-Type": "application/json"})["statusCode"] == 201
    assert things.performed == 2


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_other_methods_pay_no_attention(things: Things, method: str) -> None:
    """They are idempotent by themselves."""
    for _ in range(2):
        assert "idempotency-replayed" not in things(method=method)["headers"]
    assert things.performed == 2


def test_a_route_may_require_a_key(things: Things) -> None:
    """400 that says what to send, and nothing is performed."""
    answer = things(path="/v2/required", headers={})
    assert (answer["statusCode"], slug(answer)) == (400, "idempotency-key-missing")
    assert "UUID" in answer["body"]
    assert things(path="/v2/required")["statusCode"] == 201
    assert things.performed == 1


@pytest.mark.parametrize("key", ["", '""', "a, b", '"open', "x" * 256])
def test_what_is_no_key_is_a_400(things: Things, key: str) -> None:
    """Also where none is required: whoever sends one means it."""
    answer = things(headers={"Idempotency-Key": key})
    assert (answer["statusCode"], slug(answer)) == (400, "invalid-idempotency-key")
    assert answer["headers"]["x-api-version"] == "v2"
    assert not things.performed


@pytest.mark.parametrize(
    "other",
    [
        {"body": '{"a":2}'},
        {"body": None},
        {"headers": {**KEY, "Content-Type": "application/vnd.lanner.v2+json"}},
        {"query": [("dry", "1")]},
    ],
    ids=["body", "no body", "content type", "query"],
)
def test_a_key_is_for_one_request(things: Things, other: dict[str, Any]) -> None:
    """422 for another payload, in flight or done, and the first answer stays."""
    things()
    answer = things(**other)
    assert (answer["statusCode"], slug(answer)) == (422, "idempotency-key-reused")
    assert things()["headers"]["idempotency-replayed"] == "true"
    assert things.performed == 1


def test_another_path_of_the_route_is_another_request(things: Things) -> None:
    """A key belongs to a route; what fills the route's parameters is part of the request."""
    things(path="/v2/things/1")
    assert things(path="/v2/things/2")["statusCode"] == 422
    assert things(path="/v2/things")["statusCode"] == 201


def test_the_same_request_by_another_way_is_the_same(things: Things) -> None:
    """REST API, HTTP API and load balancer; base64 or text; version by path, header or query."""
    first = things()
    headers = {**KEY, "X-API-Version": "2"}
    for event in (
        rest_event("POST", "/v2/things", headers=KEY, body=b'{"a":1}'),
        http_event("POST", "/v2/things", headers=KEY, body='{"a":1}'),
        http_event("POST", "/v2/things", headers=KEY, body=b'{"a":1}'),
        alb_event("POST", "/v2/things", headers=list(KEY.items()), body='{"a":1}'),
        http_event("POST", "/things", headers=headers, body='{"a":1}'),
        http_event("POST", "/things", headers=KEY, query=[("version", "2")], body='{"a":1}'),
    ):
        assert things(event)["body"] == first["body"]
    assert things.performed == 1


def test_versions_do_not_share_keys(things: Things) -> None:
    """The same key and body in v1 is v1's own request."""
    things()
    answer = things(path="/v1/things", stage="v1")
    assert (answer["statusCode"], things.performed) == (201, 2)


def test_callers_do_not_share_keys(module: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that somebody guessed shows nothing: records belong to the principal."""
    things = Things(module)

    def named(name: str) -> dict[str, Any]:
        original = Request.__init__

        def with_principal(self: Request, *arguments: Any, **options: Any) -> None:
            original(self, *arguments, **options)
            self.principal = Principal(name, "application")

        with monkeypatch.context() as patched:
            patched.setattr(Request, "__init__", with_principal)
            return things()

    assert named("ana")["statusCode"] == named("eva")["statusCode"] == 201
    assert "idempotency-replayed" in named("ana")["headers"]
    assert things.performed == 2


def test_a_request_in_flight_is_a_409(things: Things) -> None:
    """With Retry-After; the attempt that is under way is not disturbed."""
    seen = []

    def meanwhile(request: Request) -> Response:
        things.perform.next = things.perform.made
        seen.append(things())
        return things.perform.made(request)

    things.perform.next = meanwhile
    assert things()["statusCode"] == 201
    assert (seen[0]["statusCode"], slug(seen[0])) == (409, "idempotency-in-flight")
    assert seen[0]["headers"]["retry-after"] == "1"
    assert things.performed == 1


def test_the_wrong_body_in_flight_is_a_422(things: Things) -> None:
    """A client that waits and repeats would never learn of its mistake."""
    seen = []

    def meanwhile(request: Request) -> Response:
        seen.append(things(body="{}"))
        return things.perform.made(request)

    things.perform.next = meanwhile
    things()
    assert seen[0]["statusCode"] == 422


class Death(BaseException):
    """The process ends here: nothing after it runs."""


def die(_request: Request) -> Response:
    raise Death


def test_an_attempt_that_died_is_taken_over(things: Things) -> None:
    """Not before its lease ends, with a new token, under the same execution; then the answer is repeated."""
    things.perform.next = die
    with pytest.raises(Death):
        things()
    things.perform.next = things.perform.made
    assert things()["statusCode"] == 409
    things.clock.advance(11)
    assert things()["statusCode"] == 201
    assert things()["headers"]["idempotency-replayed"] == "true"
    first, second = (execution_of(request) for request in things.perform.requests)
    assert first is not None
    assert second is not None
    assert first.token != second.token
    assert first.job_key == second.job_key


def test_the_lease_is_what_remains_of_the_invocation(things: Things) -> None:
    """And a second; without Lambda it is what the policy says."""

    class Short(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 2_000

    for context, early, late in ((Short(), 2.9, 3.1), (object(), 29.0, 31.0)):
        things.clock.advance(DAY_S * 2)
        things.perform.next = die
        with pytest.raises(Death):
            things(context=context)
        things.perform.next = things.perform.made
        things.clock.advance(early)
        assert things(context=context)["statusCode"] == 409
        things.clock.advance(late - early)
        assert things(context=context)["statusCode"] == 201


@pytest.mark.parametrize("successor", ["done", "in flight"])
def test_a_late_owner_answers_what_the_record_says(things: Things, successor: str) -> None:
    """All clients of one key see one answer: the successor's, or a 409 until there is one."""
    seen = []

    def slow(request: Request) -> Response:
        things.clock.advance(11)
        things.perform.next = things.perform.made if successor == "done" else die
        try:
            seen.append(things())
        except Death:
            things.perform.next = things.perform.made
        return Response(200, {}, b"mine")

    things.perform.next = slow
    answer = things()
    if successor == "done":
        assert (answer["statusCode"], answer["body"]) == (201, seen[0]["body"])
        assert things()["body"] == seen[0]["body"]
    else:
        assert (answer["statusCode"], slug(answer)) == (409, "idempotency-in-flight")


@pytest.mark.parametrize("status", [200, 204, 303, 400, 404, 405, 409, 410, 412, 415, 422])
def test_final_answers_are_recorded(things: Things, status: int) -> None:
    """Errors of the request too: the same request gets the same answer."""
    things.perform.next = lambda request: Response(status, {}, b"" if status == 204 else b"said")
    things()
    things.perform.next = things.perform.made
    answer = things()
    assert (answer["statusCode"], answer["headers"]["idempotency-replayed"]) == (status, "true")
    assert things.performed == 1


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_not_recorded(things: Things, status: int) -> None:
    """The same request is performed again at once, under the same execution."""
    things.perform.next = lambda request: Response(status, {}, b"said")
    things()
    things.perform.next = things.perform.made
    assert things()["statusCode"] == 201
    keys = {execution.job_key for execution in map(execution_of, things.perform.requests) if execution is not None}
    assert (things.performed, len(keys)) == (2, 1)


def test_an_error_that_asks_for_a_retry_is_not_recorded(things: Things) -> None:
    """A 409 with Retry-After is about the moment."""
    things.perform.next = lambda request: Response(409, {"retry-after": "1"})
    things()
    things.perform.next = things.perform.made
    assert things()["statusCode"] == 201


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [(BadRequest("no"), 400, 400), (Unavailable("no"), 503, 201), (KeyError("x"), 500, 201)],
)
def test_errors_that_are_raised_count_like_answers(things: Things, error: Exception, status: int, again: int) -> None:
    """What an `ApiError` says is recorded or not; a fault of ours is not."""

    def raising(request: Request) -> Response:
        raise error

    things.perform.next = raising
    assert things()["statusCode"] == status
    things.perform.next = things.perform.made
    assert things()["statusCode"] == again


def test_a_released_key_is_still_for_its_request(things: Things) -> None:
    """After a 503 another body is a mistake all the same: the first may yet have had an effect."""
    things.perform.next = lambda request: Response(503)
    things()
    assert things(body="{}")["statusCode"] == 422


def test_a_key_is_free_after_its_time_to_live(things: Things) -> None:
    """A day later it names a new request, with an execution of its own."""
    things()
    things.clock.advance(DAY_S - 1)
    assert things()["headers"]["idempotency-replayed"] == "true"
    things.clock.advance(2)
    assert things(body='{"a":2}')["statusCode"] == 201
    first, second = (execution_of(request) for request in things.perform.requests)
    assert first is not None
    assert second is not None
    assert first.job_key != second.job_key


def test_an_answer_that_is_too_large_is_not_performed_again(things: Things) -> None:
    """409 that says so, with the status and the address of what was made."""
    import os

    things.perform.next = lambda request: Response(201, {"location": "/things/1"}, os.urandom(400_000))
    assert things()["statusCode"] == 201
    answer = things()
    assert (answer["statusCode"], slug(answer)) == (409, "idempotency-answer-not-kept")
    assert answer["headers"]["location"] == "/things/1"
    assert orjson.loads(answer["body"])["original_status"] == 201
    assert things.performed == 1


@pytest.mark.parametrize(
    ("error", "status"), [(StoreUnavailable("down"), 503), (RecordBusy("transaction"), 409)], ids=["down", "busy"]
)
def test_without_its_store_nothing_is_performed(module: Callable[..., str], error: Exception, status: int) -> None:
    """Fail closed: performing unprotected would break the promise. Requests without a key go on."""
    things = Things(module, Broken("claim", error))
    answer = things()
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (status, "1")
    assert not things.performed
    assert things(headers={})["statusCode"] == 201


@pytest.mark.parametrize(("method", "status"), [("complete", 201), ("release", 500)])
def test_a_store_that_fails_afterwards_hides_no_answer(module: Callable[..., str], method: str, status: int) -> None:
    """The client learns what was done; the record is free when the lease ends."""
    things = Things(module, Broken(method, StoreUnavailable("down")))
    things.perform.next = lambda request: Response(status)
    assert things()["statusCode"] == status
    assert things()["statusCode"] == 409
    things.clock.advance(11)
    assert things()["statusCode"] == status


def test_replays_are_compressed_for_who_asks(things: Things) -> None:
    """What is recorded is the answer itself; its coding is each exchange's own."""
    things()
    assert things(headers={**KEY, "Accept-Encoding": "gzip"})["headers"]["content-encoding"] == "gzip"


def test_a_required_route_must_exist() -> None:
    """A typing error fails the import, and not the promise."""
    with pytest.raises(GroupError, match="/thigns"):
        RouteGroup(
            "things",
            registry=REGISTRY,
            paths={"/things": "POST"},
            idempotency=IdempotencyPolicy(required=("/thigns",)),
        )
