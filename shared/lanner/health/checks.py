"""Readiness: each dependency is asked within a time budget, and the answer says which one is down.

Contract: a probe is called with its budget in milliseconds and must keep to it; returning means up, raising means
down. Checks run one after the other (there is one CPU and usually one or two of them), the whole within `total_ms`:
what is not reached is reported as `skipped` and counts as down. What a client learns of a failure is the error's
type and the check's name, never a message that could hold a host or a credential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lanner.clock import Clock

Probe = Callable[[int], None]


class Check:
    """One dependency: a name for people, a probe, and its budget in milliseconds."""

    __slots__ = ("budget_ms", "name", "probe")

    def __init__(self, name: str, probe: Probe, budget_ms: int = 250) -> None:
        if budget_ms <= 0:
            raise ValueError(f"check {name}: budget_ms must be above 0, not {budget_ms}")
        self.name = name
        self.probe = probe
        self.budget_ms = budget_ms


def run(checks: Sequence[Check], clock: Clock, total_ms: int = 1_000) -> tuple[bool, dict[str, Any]]:
    """Ask every check; True and the document when all are up.

    The document: `{"status": "OK" | "UNAVAILABLE", "checks": {name: {"status", "duration_ms", "detail"?}}}`.
    """
    began = clock.monotonic()
    results: dict[str, Any] = {}
    healthy = True
    for check in checks:
        started = clock.monotonic()
        remaining = total_ms - int((started - began) * 1000)
        if remaining <= 0:
            results[check.name] = {"status": "SKIPPED", "detail": f"not reached within {total_ms} ms"}
            healthy = False
            continue
        detail = None
        try:
            check.probe(min(check.budget_ms, remaining))
        except Exception as error:  # whatever a probe raises means down: that is what it is for
            detail = f"{check.name} did not answer as it should within {check.budget_ms} ms ({type(error).__name__})"
        result: dict[str, Any] = {
            "status": "OK" if detail is None else "DOWN",
            "duration_ms": round((clock.monotonic() - started) * 1000, 1),
        }
        if detail is not None:
            result["detail"] = detail
            healthy = False
        results[check.name] = result
    return healthy, {"status": "OK" if healthy else "UNAVAILABLE", "checks": results}
