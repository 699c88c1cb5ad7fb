"""One signed call to an AWS endpoint: sign, send, judge the answer, and try again where that is safe and fits.

An attempt ends as an answer or as one error of `lanner.aws.errors`; `retry.remedy` says what may be done about the
error. The call ends with the first answer, with the last error after `MAX_ATTEMPTS`, or with the last error when the
next wait would not fit the budget. Fresh credentials and a corrected clock are each tried once in a call, and cost no
wait. A wrong clock is corrected by the `Date` of the answer that complained, and stays corrected.

A call that is not safe to repeat does not use a connection that has been idle for long: a handshake costs
milliseconds, a write whose outcome nobody knows costs more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lanner.aws.connection import MAX_IDLE_S, ThreadConnections
from lanner.aws.errors import AwsError
from lanner.aws.retry import MAX_ATTEMPTS, Remedy, backoff, remedy
from lanner.aws.sigv4 import RequestSigner, amz_date, forget_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from lanner.aws.answer import Answer
    from lanner.aws.budget import Budget
    from lanner.aws.credentials import Credentials, CredentialsProvider
    from lanner.clock import Clock

MAX_IDLE_UNSAFE_S = 5.0
MIN_SKEW_S = 30.0
"""A clock nearer to AWS's than this is not why a signature (valid for 5 minutes) was refused."""

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")


class SignedRequest:
    """The constant part of a request: request line and headers as sent, and as signed."""

    __slots__ = ("head", "signer")

    def __init__(
        self, method: str, path: str, headers: dict[str, str], *, service: str, region: str, unsigned: str = ""
    ) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.head = f"{method} {path} HTTP/1.1\r\n{lines}{unsigned}"
        self.signer = RequestSigner(service=service, region=region, method=method, path=path, headers=headers.items())


class SignedExchange:
    """Signed calls over one endpoint's connections. `judge` raises an `AwsError` for an answer that is an error.

    `jitter` gives a number in [0, 1) for each wait.
    """

    def __init__(
        self,
        connections: ThreadConnections,
        credentials: CredentialsProvider,
        clock: Clock,
        judge: Callable[[Answer, str], None],
        *,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._connections = connections
        self._credentials = credentials
        self._clock = clock
        self._judge = judge
        self._jitter = jitter
        self._skew = 0.0

    def send(self, request: SignedRequest, body: bytes, budget: Budget, *, safe: bool) -> Answer:
        """Send until there is an answer or nothing more may be done. Raises `AwsError`."""
        tried: set[Remedy] = set()
        attempt = 0
        while True:
            attempt += 1
            credentials = self._credentials.get()
            answer: Answer | None = None
            try:
                answer = self._attempt(request, body, credentials, budget, safe)
                self._judge(answer, budget.what)
                return answer
            except AwsError as error:
                self._recover(error, answer, credentials, attempt, tried, budget, safe)

    def reset(self) -> None:
        """Close connections, forget credentials and signing keys: before a snapshot, after a restore."""
        self._connections.reset()
        self._credentials.reset()
        self._skew = 0.0
        forget_keys()

    def _attempt(
        self, request: SignedRequest, body: bytes, credentials: Credentials, budget: Budget, safe: bool
    ) -> Answer:
        authentication = request.signer.sign(body, credentials, amz_date(self._clock.now() + self._skew))
        head = f"{request.head}{authentication}content-length: {len(body)}\r\n\r\n"
        return self._connections.exchange(
            head.encode("latin-1"), body, budget, max_idle_s=MAX_IDLE_S if safe else MAX_IDLE_UNSAFE_S
        )

    def _recover(
        self,
        error: AwsError,
        answer: Answer | None,
        credentials: Credentials,
        attempt: int,
        tried: set[Remedy],
        budget: Budget,
        safe: bool,
    ) -> None:
        """Do what makes another attempt worth while, or raise `error` again."""
        cure = remedy(error, safe=safe)
        once = cure in (Remedy.FRESH_CREDENTIALS, Remedy.RIGHT_CLOCK)
        if cure is Remedy.NONE or attempt >= MAX_ATTEMPTS or (once and cure in tried):
            raise error
        tried.add(cure)
        if cure is Remedy.FRESH_CREDENTIALS:
            self._credentials.refresh(credentials)
        elif cure is Remedy.RIGHT_CLOCK:
            self._correct_clock(error, answer)
        elif cure is Remedy.AFTER_BACKOFF:
            wait = backoff(attempt, (self._jitter or _uniform)())
            if wait >= budget.left():
                raise error
            self._clock.sleep(wait)

    def _correct_clock(self, error: AwsError, answer: Answer | None) -> None:
        theirs = http_date(answer.headers.get(b"date", b"")) if answer is not None else None
        if theirs is None or abs(theirs - (self._clock.now() + self._skew)) < MIN_SKEW_S:
            raise error
        self._skew = theirs - self._clock.now()


def _uniform() -> float:
    # Not the `random` module: environments restored from one snapshot would all wait the same.
    return int.from_bytes(os.urandom(6), "big") / 2.0**48


def http_date(value: bytes) -> float | None:
    """Epoch seconds of an IMF-fixdate (RFC 9110, section 5.6.7), None for anything else."""
    import calendar

    parts = value.split(b" ")
    if len(parts) != 6 or parts[5] != b"GMT" or parts[2] not in _MONTHS:
        return None
    numbers = [parts[1], parts[3], *parts[4].split(b":")]
    if len(numbers) != 5 or not all(number.isdigit() for number in numbers):
        return None
    day, year, hour, minute, second = map(int, numbers)
    if not (1 <= day <= 31 and 1970 <= year <= 9999 and hour < 24 and minute < 60 and second < 61):
        return None
    return float(calendar.timegm((year, _MONTHS.index(parts[2]) + 1, day, hour, minute, second)))
