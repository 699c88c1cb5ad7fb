"""One line for each message that a worker handled: a log record and metrics at once (an EMF document).

Metrics `Jobs` and `JobMs` by kind and outcome. The tenant is not in it: it may name a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.jobs.queue import read_message
from lanner.observe.line import to_stdout
from lanner.settings import setting

if TYPE_CHECKING:
    from lanner.jobs.execution import Outcome

_METRICS = [{"Name": "Jobs", "Unit": "Count"}, {"Name": "JobMs", "Unit": "Milliseconds"}]


def write_line(body: str, outcome: Outcome, seconds: float, now: float) -> None:
    """Write what became of a message, in `seconds`, at `now`."""
    import orjson

    message = read_message(body)
    document: dict[str, Any] = {
        "event": "job",
        "service": setting("LANNER_SERVICE", "lanner"),
        "kind": "unreadable" if message is None else message.kind[:64],
        "job_id": None if message is None else message.job_id,
        "outcome": outcome.what,
        "attempt": outcome.attempt,
        "wait_s": outcome.wait,
        "Jobs": 1,
        "JobMs": round(seconds * 1000, 3),
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": setting("LANNER_METRICS_NAMESPACE", "Lanner"),
                    "Dimensions": [["service", "kind", "outcome"]],
                    "Metrics": _METRICS,
                }
            ],
        },
    }
    if outcome.error is not None:
        from lanner.observe.redaction import describe

        document["error"] = describe(outcome.error)
    to_stdout(orjson.dumps(document) + b"\n")
