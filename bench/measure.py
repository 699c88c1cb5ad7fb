"""How we measure on a noisy machine: CPU time, many short rounds in turns, medians, ratios within one run."""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WARM_CALLS = 5
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio to reach: `ours` over `peer`, at most `limit`."""

    what: str
    ours: str
    peer: str
    limit: float


def in_turns(calls: Mapping[str, Callable[[], object]], rounds: int, calls_a_round: int) -> dict[str, float]:
    """CPU microseconds per call, the median over rounds in which everybody has a turn.

    The order of a round is drawn anew, so that nobody always runs in the caches that one neighbour left, and each turn
    begins with calls that do not count: what is compared is warm.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls.items())
    draw = random.Random(20261123)  # the same orders in every run
    for _ in range(rounds):
        draw.shuffle(order)
        for name, call in order:
            for _ in range(WARM_CALLS):
                call()
            started = time.process_time()
            for _ in range(calls_a_round):
                call()
            times[name].append((time.process_time() - started) / calls_a_round * 1e6)
    return {name: statistics.median(each) for name, each in times.items()}


def cold(programs: Mapping[str, str], runs: int, environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """CPU milliseconds of small programs, each in fresh interpreters, in turns, an empty one's subtracted.

    Bytecode is written to a folder of its own in a first run that does not count, as a deployed package has it.
    """
    everything = {"": "pass", **programs}
    times: dict[str, list[float]] = {name: [] for name in everything}
    with tempfile.TemporaryDirectory() as bytecode:
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("", "shared", "functions")),
            "PYTHONPYCACHEPREFIX": bytecode,
            **(environment or {}),
        }
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        for turn in range(runs + 1):
            for name, program in everything.items():
                spent = _child(program, variables)
                if turn:
                    times[name].append(spent)
    medians = {name: statistics.median(each) for name, each in times.items()}
    start = medians.pop("")
    return {name: each - start for name, each in medians.items()}


def _child(program: str, variables: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL, env=dict(variables))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


@contextmanager
def silent() -> Iterator[None]:
    """File descriptor 1 goes nowhere: request lines are written, and nobody reads them."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def table(title: str, unit: str, values: Mapping[str, float], base: str) -> list[str]:
    """Lines of Markdown: every value, and its ratio to `base`."""
    rows = [f"| {title} | {unit} | x {base} |", "|---|---:|---:|"]
    rows += [f"| {name} | {value:.1f} | {value / values[base]:.2f} |" for name, value in values.items()]
    return [*rows, ""]


def verdicts(bars: Sequence[Bar], values: Mapping[str, float]) -> list[str]:
    """Lines of Markdown: every bar, the ratio measured, and whether it was reached."""
    rows = ["| bar | measured | at most | |", "|---|---:|---:|---|"]
    for bar in bars:
        ratio = values[bar.ours] / values[bar.peer]
        rows.append(f"| {bar.what} | {ratio:.2f} | {bar.limit:.2f} | {'reached' if ratio <= bar.limit else 'MISSED'} |")
    return [*rows, ""]
