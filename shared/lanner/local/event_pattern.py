"""EventBridge patterns, as event source mappings filter with them.

A pattern is a JSON object whose leaves are lists of alternatives; every key must match (docs.aws.amazon.com/
eventbridge/latest/userguide/eb-event-patterns.html, "comparison operators"). Known alternatives: a literal, `prefix`,
`suffix`, `equals-ignore-case`, `wildcard`, `anything-but`, `numeric`, `cidr`, `exists`, and `$or` between objects. A
list of objects in an event matches where one of them does. An operator that is not known here raises `PatternError`,
because a filter that is silently ignored delivers too much.
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable
from typing import Any

_MISSING = object()
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class PatternError(ValueError):
    """A pattern that is not JSON, not an object, or uses an operator that we do not know."""


def parse_pattern(text: str) -> dict[str, Any]:
    """The pattern in `text`, with its operators checked. Raises `PatternError`."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise PatternError(f"the filter pattern is not JSON: {error}") from None
    if not isinstance(pattern, dict):
        raise PatternError(f"a filter pattern is an object, not {type(pattern).__name__}")
    matches(pattern, {})  # an unknown operator shows itself whatever the event is
    return pattern


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Whether `event` (decoded JSON) matches. Raises `PatternError` for an operator that is not known."""
    results = [_key_matches(key, wanted, event) for key, wanted in pattern.items()]
    return all(results)  # all are computed, so that a wrong operator is found behind a key that does not match


def _key_matches(key: str, wanted: Any, event: Any) -> bool:
    if key == "$or" and isinstance(wanted, list):
        either = [matches(each, event) for each in wanted]
        return any(either)
    value = event.get(key, _MISSING) if isinstance(event, dict) else _MISSING
    if isinstance(wanted, dict):
        several = value if isinstance(value, list) and value else [value if value is not _MISSING else {}]
        results = [matches(wanted, each) for each in several]
        return any(results)
    if not isinstance(wanted, list):
        raise PatternError(f"the pattern of {key!r} must be a list or an object, not {type(wanted).__name__}")
    candidates = value if isinstance(value, list) else [value]
    # `exists: false` looks at the key itself; everything else at each element of a list.
    results = [_alternative(each, candidate) for each in wanted for candidate in candidates or [_MISSING]]
    return any(results)


def _alternative(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return value is not _MISSING and _same(wanted, value)
    if len(wanted) != 1:
        raise PatternError(f"one operator is expected, not {sorted(wanted)}")
    name, argument = next(iter(wanted.items()))
    if name == "exists":
        return bool(argument) == (value is not _MISSING)
    if name == "anything-but":
        return value is not _MISSING and not _any_of(argument, value)
    if name == "numeric":
        return _numeric(argument, value)
    if name == "cidr":
        return _in_block(argument, value)
    return _text(name, argument, value)


def _any_of(argument: Any, value: Any) -> bool:
    alternatives = argument if isinstance(argument, list) else [argument]
    expanded: list[Any] = []
    for each in alternatives:
        if isinstance(each, dict) and len(each) == 1:
            name, inner = next(iter(each.items()))
            expanded += [{name: one} for one in (inner if isinstance(inner, list) else [inner])]
        else:
            expanded.append(each)
    results = [_alternative(each, value) for each in expanded]
    return any(results)


def _numeric(argument: Any, value: Any) -> bool:
    if not isinstance(argument, list) or len(argument) % 2:
        raise PatternError(f"`numeric` takes pairs of operator and number, not {argument!r}")
    pairs = list(zip(argument[::2], argument[1::2], strict=True))
    unknown = [each for each, _ in pairs if each not in _COMPARE]
    if unknown:
        raise PatternError(f"`numeric` knows = < <= > >=, not {unknown[0]!r}")
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return all(_COMPARE[name](value, number) for name, number in pairs)


def _in_block(argument: Any, value: Any) -> bool:
    try:
        block = ipaddress.ip_network(argument)
    except ValueError:
        raise PatternError(f"`cidr` takes a block of addresses such as 10.0.0.0/24, not {argument!r}") from None
    try:
        return isinstance(value, str) and ipaddress.ip_address(value) in block
    except ValueError:
        return False


def _text(name: str, argument: Any, value: Any) -> bool:
    ignore_case = name == "equals-ignore-case"
    if isinstance(argument, dict) and name in ("prefix", "suffix"):
        ignore_case, argument = True, argument.get("equals-ignore-case")
    if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise PatternError(f"the operator {name!r} is not known")
    if not isinstance(argument, str):
        raise PatternError(f"`{name}` takes a string, not {argument!r}")
    if not isinstance(value, str):
        return False
    wanted, text = (argument.lower(), value.lower()) if ignore_case else (argument, value)
    if name == "prefix":
        return text.startswith(wanted)
    if name == "suffix":
        return text.endswith(wanted)
    if name == "wildcard":
        return re.fullmatch(".*".join(re.escape(part) for part in wanted.split("*")), text, re.DOTALL) is not None
    return text == wanted


def _same(wanted: Any, value: Any) -> bool:
    """JSON equality: `true` is not `1`, `1` is `1.0`."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return bool(wanted == value)
