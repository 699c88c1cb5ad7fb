"""`lanner cache`: what is in a cache, what is purged, and what is said where it cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanner import cli
from lanner.aws import wire
from lanner.cache import default
from lanner.cache.file import FileBackend
from lanner.cache.functions import cached
from lanner.cache.tags import TagIndex
from lanner.cache.warming import WarmPlan
from lanner.clock import SystemClock
from tests.unit.cache_response.site import Site

CALLS: list[str] = []


@cached(60, tags=["command"])
def warmed() -> str:
    """A function that the plan calls, over the process's own cache."""
    CALLS.append("warmed")
    return "warm"


def fails() -> None:
    raise LookupError("nothing there")


PLAN = WarmPlan({"warmed": warmed})
BROKEN = WarmPlan({"fails": fails, "warmed": warmed})
NONE = "text"


class Cli:
    """The command over a cache in files."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = f"file://{folder}/cache"
        self.backend = FileBackend(f"{folder}/cache", budget_ms=60_000)
        self.index = TagIndex(self.backend, cache_for=0)
        self.value = cached(60, key="{name}", tags=["names"], backend=self.backend)(self.compute)
        self.calls = 0
        self._capsys = capsys

    def compute(self, name: str) -> dict[str, Any]:
        self.calls += 1
        return {"name": name, "call": self.calls}

    def run(self, *words: str) -> tuple[int, str, str]:
        code = cli.main(["cache", "--url", self.url, *words])
        out = self._capsys.readouterr()
        return code, out.out, out.err

    def json(self, *words: str) -> dict[str, Any]:
        code, out, _ = self.run("--json", *words)
        assert code == 0
        return dict(json.loads(out))


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("LANNER_CACHE", "memory://")
    return Cli(tmp_path, capsys)


def test_options_stand_before_the_action_or_after_it(
    command: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither place undoes what the other says; said twice, the later counts."""
    before = command.run("--json", "stats")
    assert command.run("stats", "--json") == before
    assert cli.main(["cache", "--url", f"file://{tmp_path}/other", "stats", "--json", "--url", command.url]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(before[1])


def test_a_table_without_a_region_is_an_error_in_one_line(
    command: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What AWS needs and lacks is said as any other reason why a store cannot be reached."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    wire.reset()
    assert cli.main(["cache", "--url", "dynamodb://Table", "stats"]) == 1
    assert "the cache (dynamodb): dynamodb statistics: AWS_REGION is not set" in capsys.readouterr().err


def test_stats_are_those_of_the_store(command: Cli) -> None:
    """One name and number a line."""
    command.value("a")
    assert command.json("stats") == {"store": "file", **command.backend.statistics()}
    _, out, _ = command.run("stats")
    assert out.splitlines()[0].split() == ["store", "file"]


def test_get_shows_what_a_function_stored(command: Cli) -> None:
    """Its value, its times and its tags; 1 where nothing is."""
    command.value("a")
    shown = command.json("get", command.value.key("a"))
    assert shown["value"] == {"name": "a", "call": 1}
    assert list(shown["tags"]) == ["names"]
    code, out, _ = command.run("get", "nothing")
    assert code == 1
    assert "found  false" in out


def test_get_shows_an_answer_and_its_variants(command: Cli) -> None:
    """Status, fields, times and body; what several answers of one address were selected by."""
    site = Site(backend=command.backend).reply(200, b"plain", cache_control="max-age=60", vary="accept")
    site.clock.set(SystemClock().now())
    site.get(accept="a/a")
    (key,) = site.stored_keys()
    shown = command.json("get", key)
    assert (shown["kind"], shown["status"], shown["body"]) == ("response", 200, "plain")
    assert shown["vary"] == {"accept": "a/a"}
    assert shown["headers"]["cache-control"] == "max-age=60"
    assert shown["fresh_until"] - shown["received"] == 60
    site.reply(200, b"\xff", cache_control="max-age=60", vary="accept")
    site.get(accept="b/b")
    variants = command.json("get", key)
    assert [each["accept"] for each in variants["variants"]] == ["a/a", "b/b"]
    assert command.json("get", variants["variants"][1]["key"])["body"] == repr(b"\xff")


def test_purging_a_tag_makes_everything_with_it_anew(command: Cli) -> None:
    """Hard or soft; other tags stay."""
    command.value("a")
    assert command.json("purge", "--tag", "others") == {"tags": 1}
    assert command.value("a")["call"] == 1
    assert command.json("purge", "--tag", "names") == {"tags": 1}
    assert command.value("a")["call"] == 2
    command.json("purge", "--tag", "names", "--soft")
    assert command.value("a")["call"] == 3


def test_purging_a_key_or_everything(command: Cli) -> None:
    """A key of the store; all of them."""
    command.value("a")
    command.backend.set("mine", b"1")
    assert command.json("purge", "--key", "mine", "--key", command.value.key("a"), "--key", "nothing") == {"keys": 2}
    assert command.backend.get("mine") is None
    assert command.value("a")["call"] == 2
    assert command.json("purge", "--all")["removed"] >= 1
    assert command.value("a")["call"] == 3


@pytest.mark.parametrize("words", [["purge"], ["purge", "--key", "a", "--soft"], ["purge", "--tag", "a b"]])
def test_what_cannot_be_purged_is_said(command: Cli, words: list[str]) -> None:
    """And nothing happens."""
    code, _, err = command.run(*words)
    assert code == 1
    assert err.startswith("lanner: error: ")


def test_memory_cannot_be_reached_from_here(command: Cli) -> None:
    """Purging it would change nothing that anybody sees."""
    command.url = "memory://"
    code, _, err = command.run("stats")
    assert code == 1
    assert "no other process can reach it" in err


def test_warm_runs_a_plan_over_the_cache_that_was_named(command: Cli) -> None:
    """A second run finds it warm; a failing step is shown, and the others run."""
    default.close()
    CALLS.clear()
    try:
        for _ in range(2):
            code, out, err = command.run("warm", "--plan", f"{__name__}:PLAN")
            assert (code, err) == (0, "1/1 warmed\n")
            assert out.split()[0] == "warmed"
        assert CALLS == ["warmed"]
        code, out, _ = command.run("--json", "warm", "--plan", f"{__name__}:BROKEN")
        result = json.loads(out)
        assert (code, result["done"], result["failed"]) == (1, 1, 1)
        assert result["steps"][0]["error"] == "LookupError: nothing there"
    finally:
        default.close()


@pytest.mark.parametrize("plan", ["", "json", "no_such_module_here:PLAN", f"{__name__}:NOTHING", f"{__name__}:NONE"])
def test_a_plan_that_is_none_is_said(command: Cli, plan: str) -> None:
    """By what is wrong with its name."""
    code, _, err = command.run("warm", *(["--plan", plan] if plan else []))
    assert code == 1
    assert "plan" in err
