"""Settings say what is missing or wrong, and what would be right."""

from __future__ import annotations

import pytest

from lanner.settings import SettingError, flag, number, setting


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No default and no value: an error with the name; empty counts as missing."""
    monkeypatch.setenv("LANNER_X", "")
    with pytest.raises(SettingError, match="LANNER_X"):
        setting("LANNER_X")
    assert setting("LANNER_X", "d") == "d"
    monkeypatch.setenv("LANNER_X", "v")
    assert setting("LANNER_X") == "v"


@pytest.mark.parametrize(("text", "on"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False)])
def test_switches(monkeypatch: pytest.MonkeyPatch, text: str, on: bool) -> None:
    """The usual words, in any case."""
    monkeypatch.setenv("LANNER_X", text)
    assert flag("LANNER_X") is on


def test_a_switch_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`maybe` is not a switch."""
    monkeypatch.setenv("LANNER_X", "maybe")
    with pytest.raises(SettingError, match="true or false"):
        flag("LANNER_X")
    monkeypatch.delenv("LANNER_X")
    assert flag("LANNER_X", True) is True


def test_numbers_keep_to_their_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of range and not a number are two different sentences."""
    monkeypatch.setenv("LANNER_X", "2.5")
    assert number("LANNER_X", 1) == 2.5
    with pytest.raises(SettingError, match="out of range"):
        number("LANNER_X", 1, maximum=2)
    monkeypatch.setenv("LANNER_X", "two")
    with pytest.raises(SettingError, match="not a number"):
        number("LANNER_X", 1)
    monkeypatch.delenv("LANNER_X")
    assert number("LANNER_X", 1) == 1
