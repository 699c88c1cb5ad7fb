"""What an author declares: `@job("report.build", timeout=60)` on a function of a payload and a `JobContext`.

    @job("report.build", retry=Retry(2.0), timeout=300, max_attempts=5)
    def build(payload: ReportRequest, context: JobContext) -> dict[str, object]:
        ...

The payload's model is the annotation of the first parameter; a `dict` annotation, or none, gives the JSON as it is.
It is looked up, and pydantic imported, when a job runs. Declaring costs nothing but a dictionary entry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lanner.jobs.errors import JobDeclarationError
from lanner.jobs.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_ATTEMPTS = 5
"""Attempts of a job that does not say otherwise."""

MAX_ATTEMPTS_LIMIT = 25
"""Below the queue's maxReceiveCount in template.yaml: SQS must not move a message away that still has attempts."""

TIMEOUT = 60.0
"""Seconds of one attempt of a job that does not say otherwise."""

KIND = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\Z")
KIND_LENGTH = 64


class JobDeclaration:
    """One kind of job. `timeout` is seconds of one attempt, `max_attempts` 1 to 25."""

    __slots__ = ("function", "kind", "max_attempts", "retry", "timeout")

    def __init__(
        self,
        kind: str,
        function: Callable[..., Any],  # Any: the author's payload type; the result is JSON
        *,
        retry: Retry | None = None,
        timeout: float = TIMEOUT,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        check_kind(kind)
        if not 1 <= max_attempts <= MAX_ATTEMPTS_LIMIT:
            raise JobDeclarationError(f"{kind}: max_attempts is 1 to {MAX_ATTEMPTS_LIMIT}, not {max_attempts}")
        if not timeout > 0:
            raise JobDeclarationError(f"{kind}: timeout is a number of seconds above 0, not {timeout}")
        self.kind = kind
        self.function = function
        self.retry = retry or Retry()
        self.timeout = timeout
        self.max_attempts = max_attempts


class Registry:
    """The kinds that a worker knows. `modules` declare them by being imported, on first need."""

    def __init__(self, modules: Sequence[str] = (), *, shared: Registry | None = None) -> None:
        self._modules = tuple(modules)
        self._declared: dict[str, JobDeclaration] = {}
        self._shared = shared

    def job(
        self, kind: str, *, retry: Retry | None = None, timeout: float = TIMEOUT, max_attempts: int = MAX_ATTEMPTS
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the decorated function as the job `kind`. Raises `JobDeclarationError`."""

        def declare(function: Callable[..., Any]) -> Callable[..., Any]:
            self.add(JobDeclaration(kind, function, retry=retry, timeout=timeout, max_attempts=max_attempts))
            return function

        return declare

    def add(self, declaration: JobDeclaration) -> None:
        """Make `declaration` known. Raises `JobDeclarationError` where another function has the kind."""
        known = self._declared.get(declaration.kind)
        if known is not None and _place(known) != _place(declaration):
            raise JobDeclarationError(f"{declaration.kind} is declared by {_place(known)} and {_place(declaration)}")
        self._declared[declaration.kind] = declaration

    def find(self, kind: str) -> JobDeclaration | None:
        """The declaration of `kind`, or None where no module declares it."""
        self.load()
        found = self._declared.get(kind)
        return found if found is not None or self._shared is None else self._shared.find(kind)

    def declared(self, kind: str) -> JobDeclaration | None:
        """The declaration of `kind` where it has been made already; imports nothing."""
        return self._declared.get(kind)

    def load(self) -> None:
        """Import the modules that declare jobs."""
        if not self._modules:
            return
        from importlib import import_module

        for module in self._modules:
            import_module(module)

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter(sorted({*self._declared, *(self._shared or ())}))


JOBS = Registry()
"""Where the module-level `job` declares."""

job = JOBS.job


def check_kind(kind: str) -> None:
    """Raise `JobDeclarationError` for what is not dotted lower-case words of 64 characters at most."""
    if len(kind) > KIND_LENGTH or not KIND.match(kind):
        raise JobDeclarationError(f"a kind is dotted lower-case words, at most {KIND_LENGTH} characters, not {kind!r}")


def _place(declaration: JobDeclaration) -> str:
    return f"{declaration.function.__module__}.{declaration.function.__qualname__}"
