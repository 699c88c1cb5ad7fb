"""IAM policies as Lambda authorizers return them, evaluated for one method ARN.

An explicit Deny wins, then an Allow, else nothing is allowed ("implicit deny"). `*` matches any characters, slashes
included, and `?` one. Conditions are not evaluated: a statement that has one raises, since guessing would let
requests through that AWS refuses. (IAM user guide, "Policy evaluation logic")
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

Decision = Literal["allow", "explicit deny", "implicit deny"]
_INVOKE = "execute-api:invoke"


class PolicyError(ValueError):
    """A policy document that is malformed or uses what is not evaluated here."""


def evaluate(document: object, arn: str) -> Decision:
    """Decide `execute-api:Invoke` on `arn`. Raises `PolicyError`."""
    if not isinstance(document, Mapping):
        raise PolicyError(f"policyDocument must be an object, not {document!r}")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, Sequence) or isinstance(statements, str):
        raise PolicyError("policyDocument.Statement must be a list of statements")
    decision: Decision = "implicit deny"
    for statement in statements:
        effect = _effect(statement)
        if not _applies(statement, arn):
            continue
        if effect == "Deny":
            return "explicit deny"
        decision = "allow"
    return decision


def _effect(statement: object) -> str:
    if not isinstance(statement, Mapping):
        raise PolicyError(f"a statement must be an object, not {statement!r}")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Effect must be Allow or Deny, not {effect!r}")
    if statement.get("Condition"):
        raise PolicyError("conditions in an authorizer's policy are not evaluated by the local cloud")
    return str(effect)


def _applies(statement: Mapping[str, object], arn: str) -> bool:
    return _covers(statement, "Action", _INVOKE, fold=True) and _covers(statement, "Resource", arn, fold=False)


def _covers(statement: Mapping[str, object], key: str, value: str, *, fold: bool) -> bool:
    inverse = f"Not{key}"
    if key in statement:
        return any(_matches(pattern, value, fold) for pattern in _texts(statement[key], key))
    if inverse in statement:
        return not any(_matches(pattern, value, fold) for pattern in _texts(statement[inverse], inverse))
    raise PolicyError(f"a statement needs {key} or {inverse}")


def _texts(value: object, key: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Sequence) or not all(isinstance(item, str) for item in values):
        raise PolicyError(f"{key} must be a string or a list of strings, not {value!r}")
    return [str(item) for item in values]


def _matches(pattern: str, value: str, fold: bool) -> bool:
    return _compiled(pattern.lower() if fold else pattern).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.DOTALL)
