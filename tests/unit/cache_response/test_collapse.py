"""Collapsed forwarding: one goes, the others wait, and nobody waits for what does not come."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lanner.cache.backend import CacheEntry
from lanner.cache.flights import Flight, Flights
from lanner.cache.memory import MemoryBackend
from lanner.cache.response import ResponseCache
from lanner.cache.tiered import TieredCache
from lanner.clock import ManualClock, SystemClock
from lanner.http.message import Request, Response
from tests.unit.cache_response.site import NOW, Site, request

KEY = "response:15:api.example.com0:2:/a?"
READERS = 24


class Crowd:
    """Many threads that ask at once, and an origin that answers when the test lets it."""

    def __init__(self, answer: Callable[[Request], Response], **options: object) -> None:
        self.answer = answer
        self.cache = ResponseCache(MemoryBackend(), SystemClock(), **options)  # type: ignore[arg-type]
        self.calls = 0
        self.together = 0
        self.most_together = 0
        self.lock = threading.Lock()
        self.barrier = threading.Barrier(READERS)
        self.answers: list[Response | BaseException] = []

    def origin(self, asked: Request) -> Response:
        with self.lock:
            self.calls += 1
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        SystemClock.sleep(0.05)
        try:
            return self.answer(asked)
        finally:
            with self.lock:
                self.together -= 1

    def ask(self) -> None:
        self.barrier.wait()
        try:
            answer: Response | BaseException = self.cache.handle(request("GET"), self.origin)
        except Exception as error:
            answer = error
        with self.lock:
            self.answers.append(answer)

    def run(self) -> Crowd:
        threads = [threading.Thread(target=self.ask) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self


def test_many_readers_are_one_call() -> None:
    """Each gets the answer; all but one were collapsed or came after it."""
    crowd = Crowd(lambda _: Response(200, {"cache-control": "max-age=60"}, b"x")).run()
    assert crowd.calls == 1
    assert [answer.body for answer in crowd.answers if isinstance(answer, Response)] == [b"x"] * READERS
    counts = crowd.cache.statistics()
    assert counts["collapsed"] + counts["hits"] == READERS - 1


def test_an_answer_that_is_not_stored_is_shared_with_nobody() -> None:
    """The queue is let go, and goes in parallel."""
    numbers = iter(range(READERS))
    crowd = Crowd(lambda _: Response(200, {"cache-control": "no-store"}, b"%d" % next(numbers))).run()
    assert crowd.calls == READERS
    assert len({answer.body for answer in crowd.answers if isinstance(answer, Response)}) == READERS
    assert crowd.most_together > 2


def test_an_origin_that_fails_lets_the_queue_go() -> None:
    """Every request has its own error, and none waits for its whole budget."""

    def answer(_: Request) -> Response:
        raise RuntimeError("down")

    crowd = Crowd(answer).run()
    assert crowd.calls == READERS
    assert all(isinstance(answer, RuntimeError) for answer in crowd.answers)


def held(**options: object) -> Site:
    """A site whose key is led by somebody who will not come back."""
    site = Site(**options).reply(cache_control="max-age=60")
    assert site.backend.acquire(KEY, "somebody", 3.0)
    return site


def test_a_dead_leader_costs_one_lease() -> None:
    """Its lease ends within the wait of who came after, who then leads."""
    site = held()
    begun = site.clock.now()
    assert site.get().body == b"body"
    assert site.calls == 1
    assert 3.0 <= site.clock.now() - begun < 4.0
    assert site.is_cached()


def test_a_wait_ends_with_its_budget() -> None:
    """Then the request goes itself and stores nothing, because the lease is still held."""
    site = held(wait_ms=500)
    begun = site.clock.now()
    assert "stored" not in site.get().headers["cache-status"]
    assert 0.499 <= site.clock.now() - begun < 0.7
    assert not site.backend.exists(KEY)


def test_a_wait_takes_at_most_half_of_what_is_left_of_the_invocation() -> None:
    """The answer has to be made in the other half."""

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 1000

    site = held()
    begun = site.clock.now()
    asked = request("GET")
    asked.context = Context()
    assert site.send(asked).status == 200
    assert 0.499 <= site.clock.now() - begun < 0.7


def test_who_waits_gets_what_is_stored_meanwhile() -> None:
    """And says that it was collapsed (RFC 9211 section 2.6)."""
    other = Site().reply(cache_control="max-age=60")
    other.get()
    stored = other.backend.get(KEY).value  # type: ignore[union-attr]

    class Arriving(MemoryBackend):
        """A store into which somebody else stores, between the fourth read and the fifth."""

        reads = 0

        def get(self, key: str) -> CacheEntry | None:
            self.reads += 1
            if self.reads == 5:
                self.set(KEY, stored, 60)
            return super().get(key)

    site = held(backend=Arriving(clock=ManualClock(NOW)))
    answer = site.get()
    assert site.calls == 0
    assert answer.headers["cache-status"] == "Lanner; fwd=uri-miss; ttl=60; collapsed"
    assert site.cache.statistics()["collapsed"] == 1


def test_a_near_tier_does_not_hide_what_another_process_stored() -> None:
    """A first look may be into a near tier; whether to ask the origin is decided by the tier that all share."""
    clock = ManualClock(NOW)
    shared = MemoryBackend(clock=clock)
    sites = []
    for _ in range(2):
        site = Site(backend=TieredCache([MemoryBackend(clock=clock), shared], jitter=0, clock=clock))
        site.clock = clock
        site.cache = ResponseCache(site.backend, clock)
        sites.append(site.reply(200, b"1", cache_control="max-age=10", etag='"1"'))
    one, other = sites
    assert one.get().body == other.get().body == b"1"
    assert other.calls == 0
    one.wait(11).reply(200, b"2", cache_control="max-age=60", etag='"2"').get()
    assert other.get().body == b"2"
    assert other.calls == 0
    one.reply(204, b"").does("PUT")
    one.reply(200, b"3", cache_control="max-age=600").get()
    assert other.wait(61).get().body == b"3"
    assert other.calls == 0


def test_a_late_leader_overwrites_nothing() -> None:
    """It slept past its lease, and somebody else stored."""
    site = Site(lease_ms=1000)
    other = Site(backend=site.backend)
    other.clock = site.clock
    other.cache = ResponseCache(site.backend, site.clock)

    def slow(_: Request) -> Response:
        site.clock.advance(5)
        other.reply(200, b"newer", cache_control="max-age=60").get()
        return Response(200, {"cache-control": "max-age=60"}, b"older")

    assert site.replies(slow).get().body == b"older"
    assert site.get().body == b"newer"


def test_a_late_leader_stores_where_there_is_nothing() -> None:
    """Otherwise an origin that is slower than a lease would never fill the cache."""
    site = Site(lease_ms=1000).reply(cache_control="max-age=60")
    site.takes = 5
    site.get()
    assert site.is_cached()


def test_a_marked_key_does_not_queue_and_is_unmarked_by_what_can_be_stored() -> None:
    """Hit-for-miss: for a while everybody goes, and the first answer that may be stored is."""
    site = Site().reply(cache_control="no-store")
    site.get()
    assert site.backend.acquire(KEY, "somebody", 100)
    begun = site.clock.now()
    site.get()
    assert site.clock.now() == begun
    site.backend.release(KEY, "somebody")
    site.reply(cache_control="max-age=60")
    site.get()
    assert site.is_cached()


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=0-1"},
        {"if_match": '"1"'},
        {"if_unmodified_since": "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"if_none_match": '"1"'},
        {"cache_control": "no-store"},
    ],
)
def test_special_requests_neither_wait_nor_mark(headers: dict[str, str]) -> None:
    """What they are answered is about them: it must not hold up or let go the others."""
    site = held()
    begun = site.clock.now()
    site.reply(412, b"")
    site.get(**headers)
    assert site.clock.now() == begun
    assert not site.backend.exists(KEY)


def test_who_must_validate_does_not_wait() -> None:
    """A response with no-cache is nobody else's answer."""
    site = Site().reply(cache_control="no-cache", etag='"1"')
    site.get()
    assert site.backend.acquire(KEY, "somebody", 100)
    begun = site.clock.now()
    site.get()
    site.get(cache_control="no-cache")
    assert site.clock.now() == begun


def test_a_stale_response_is_validated_by_one() -> None:
    """The others wait for the result and do not ask."""
    crowd = Crowd(lambda _: Response(200, {"cache-control": "max-age=60", "etag": '"1"'}, b"x"))
    crowd.cache.handle(
        request("GET"), lambda _: Response(200, {"cache-control": "max-age=60", "age": "60", "etag": '"1"'})
    )
    crowd.run()
    assert crowd.calls == 1


def test_a_leader_that_is_interrupted_gives_its_lease_back() -> None:
    """A KeyboardInterrupt or a timeout that is raised leaves no queue behind."""
    site = Site()

    def answer(_: Request) -> Response:
        raise KeyboardInterrupt

    site.replies(answer)
    with pytest.raises(KeyboardInterrupt):
        site.get()
    assert site.backend.acquire(KEY, "next", 1)


def test_threads_wait_for_each_other_and_not_by_the_clock() -> None:
    """A clock that is moved by whoever sleeps does not move, and patience with it: nobody gives up."""
    crowd = Crowd(lambda _: Response(200, {"cache-control": "max-age=60"}, b"x"))
    clock = ManualClock()
    crowd.cache = ResponseCache(MemoryBackend(clock=clock), clock)
    begun = clock.now()
    crowd.run()
    assert crowd.calls == 1
    assert clock.now() == begun
    assert crowd.cache.statistics()["collapsed"] == READERS - 1


def test_who_lands_wakes_who_waits() -> None:
    """The first departs, the others wait for it; after it, the next one is the first."""
    flights = Flights()
    first = flights.depart("a")
    assert first is not None
    ready = threading.Event()
    woken: list[bool] = []

    def other() -> None:
        assert flights.depart("a") is None
        ready.set()
        woken.append(flights.wait("a", 60))

    waiter = threading.Thread(target=other)
    waiter.start()
    assert ready.wait(60)
    flights.land("a", first)
    waiter.join()
    assert len(woken) == 1  # False where it landed before the other began to wait
    assert flights.depart("a") is not None


def test_nobody_waits_for_itself() -> None:
    """An origin that asks its own cache for what it is making: it goes to the origin, and nothing hangs."""
    site = Site()
    inner: list[Response] = []

    def answer(_: Request) -> Response:
        if not inner:
            inner.append(Response())
            inner[0] = site.get()
        return Response(200, {"cache-control": "max-age=60"}, b"x")

    site.replies(answer)
    assert site.get().body == b"x"
    assert inner[0].body == b"x"
    assert site.calls == 2


def test_patience_with_threads_has_an_end() -> None:
    """A trip that does not land, because a fork left its thread behind, is waited for once and then forgotten."""
    flights = Flights()
    gone: list[Flight | None] = []
    other = threading.Thread(target=lambda: gone.append(flights.depart("a")))
    other.start()
    other.join()
    assert not flights.wait("b", 60)
    assert not flights.wait("a", 0.001)
    assert not flights.wait("a", 60)
    late, mine = gone[0], flights.depart("a")
    assert late is not None
    assert mine is not None
    flights.land("a", late)
    assert flights.depart("a") is None
