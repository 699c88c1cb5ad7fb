"""Settings of the catalog: `{"settings": {key: string, number or boolean}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.bodies import kind
from domain.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SETTINGS = 500
KEY_MAX = 100
TEXT_MAX = 4000
MAX_NUMBER = (1 << 53) - 1
"""RFC 7493 section 2.2: beyond it integers do not survive JSON implementations that compute in doubles."""

_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REST = _FIRST | frozenset("0123456789_.-")

Document = dict[str, Any]  # Any: JSON values


def read(document: Mapping[str, Any], members: tuple[str, ...]) -> Document:
    """What to store for a PUT. Raises `Unprocessable`."""
    reading = Reading()
    reading.members(document, members)
    reading.ignored(document, "updated_at", nullable=True)
    settings = reading.mapping(document, "settings")
    if len(settings) > MAX_SETTINGS:
        reading.wrong(("settings",), f"has {len(settings)} members; at most {MAX_SETTINGS} are taken")
        reading.finish()
    for key, value in settings.items():
        if not (1 <= len(key) <= KEY_MAX and key[0] in _FIRST and _REST.issuperset(key)):
            reading.wrong(
                ("settings", key[:KEY_MAX]),
                f"needs a key of 1 to {KEY_MAX} letters, digits and _ . - that starts with a letter",
            )
        _check_value(reading, key[:KEY_MAX], value)
    reading.finish()
    return {"settings": settings}


def _check_value(reading: Reading, key: str, value: object) -> None:
    path = ("settings", key)
    if isinstance(value, str):
        reading.text(value, path, TEXT_MAX, shortest=0)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        if abs(value) > MAX_NUMBER:
            reading.wrong(path, f"must be a number within plus or minus {MAX_NUMBER}")
    else:
        reading.wrong(path, f"must be a string, a number or a boolean, not {kind(value)}")
