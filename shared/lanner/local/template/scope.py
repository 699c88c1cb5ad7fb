"""What expressions of one template may refer to, and the two values that stand for none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from lanner.local.plan import Where
from lanner.local.template.findings import Findings
from lanner.local.template.source import Node


class _NoValue:
    """`AWS::NoValue`: what holds it is left out."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE: Final = _NoValue()
MISSING: Final = object()  # a name that nobody knows


class Names(Protocol):
    """What a template's resources are called once they exist."""

    def ref(self, logical_id: str, where: Where, asker: str) -> Node:
        """The value of `Ref`, or `MISSING`."""
        ...

    def attribute(self, logical_id: str, attribute: str, where: Where, asker: str) -> Node:
        """The value of `Fn::GetAtt`, or `MISSING`."""
        ...

    def known(self) -> list[str]:
        """Every name that `Ref` takes, for suggestions."""
        ...


@dataclass
class Scope:
    """What an expression may refer to. `conditions` are the template's, unevaluated."""

    parameters: Mapping[str, Node]
    pseudo: Mapping[str, Node]
    mappings: Mapping[str, Node]
    conditions: Mapping[str, Node]
    names: Names
    findings: Findings
    include: Callable[[str, Where], Node]  # AWS::Include: a location to its document
    dynamic: Callable[[str, str, Where], str]  # (text with `{{resolve:`, resource, where) -> text
    evaluated: dict[str, bool] = field(default_factory=dict)
    evaluating: list[str] = field(default_factory=list)
