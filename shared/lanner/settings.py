"""Settings come from the environment, read when they are first needed and never at import."""

from __future__ import annotations

import os


class SettingError(Exception):
    """A setting is missing or is not what it should be. The message names it and says what would be right."""


def setting(name: str, default: str | None = None) -> str:
    """The environment variable `name`, or `default` where it is unset or empty.

    Raises `SettingError` when there is neither.
    """
    value = os.environ.get(name)
    if value:
        return value
    if default is None:
        raise SettingError(f"{name} is not set: the function's environment in template.yaml must give it")
    return default


def flag(name: str, default: bool = False) -> bool:
    """A switch: on for 1, true, yes, on; off for 0, false, no, off, whatever their case.

    Raises `SettingError` for anything else.
    """
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise SettingError(f"{name}={value!r} is not a switch: use true or false")


def number(name: str, default: float, *, minimum: float = 0.0, maximum: float = float("inf")) -> float:
    """A number in `minimum..maximum`. Raises `SettingError` for anything else."""
    text = os.environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SettingError(f"{name}={text!r} is not a number") from None
    if not minimum <= value <= maximum:
        raise SettingError(f"{name}={text} is out of range: {minimum:g} to {maximum:g}")
    return value
