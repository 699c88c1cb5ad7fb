"""Pure string functions of CloudFormation: `Fn::Sub`'s syntax, `Fn::Cidr`, and values as text.

Source: AWS CloudFormation User Guide, "Intrinsic function reference".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lanner.local.template.source import Node, plain

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


@dataclass(frozen=True)
class Literal:
    """Text of a `Fn::Sub` string that stands for itself."""

    text: str


@dataclass(frozen=True)
class Variable:
    """`${Name}` or `${Name.Attribute}` in a `Fn::Sub` string."""

    name: str


def sub_parts(template: str) -> Iterator[Literal | Variable]:
    """The parts of a `Fn::Sub` string: `${Name}` are variables, `${!Name}` is the literal `${Name}`.

    A `$` or `${` that opens no variable is itself, as in shell snippets inside `Fn::Sub`.
    """
    position = 0
    for found in _VARIABLE.finditer(template):
        if found.start() > position:
            yield Literal(template[position : found.start()])
        name = found[1]
        if name.startswith("!"):
            yield Literal("${" + name[1:] + "}")
        elif name.strip():
            yield Variable(name.strip())
        else:
            yield Literal(found[0])
        position = found.end()
    if position < len(template):
        yield Literal(template[position:])


def text_of(value: Node) -> str:
    """A scalar as CloudFormation writes it into a string; lists and mappings as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(plain(value), separators=(",", ":"))
    return str(value)


def cidr_blocks(block: str, count: int, bits: int) -> list[str]:
    """`Fn::Cidr`: the first `count` subnets of `block` with `bits` host bits. Raises `ValueError` saying why not."""
    network = ipaddress.ip_network(block, strict=False)
    prefix = network.max_prefixlen - bits
    if not network.prefixlen <= prefix <= network.max_prefixlen:
        raise ValueError(f"{block} cannot be cut into blocks with {bits} host bits")
    available = 1 << (prefix - network.prefixlen)
    if not 1 <= count <= 256 or count > available:
        raise ValueError(f"{block} has {available} blocks with {bits} host bits; {count} were asked for")
    subnets = network.subnets(new_prefix=prefix)
    return [str(next(subnets)) for _ in range(count)]
