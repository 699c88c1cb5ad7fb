"""`Fn::ForEach` of AWS::LanguageExtensions: loops in Resources, Conditions, Outputs and properties, unrolled first.

    Fn::ForEach::Name: [Variable, [a, b], {"Prefix${Variable}": {...}}]

`${Variable}` (and `&{Variable}`, which keeps only letters and digits) is replaced in keys and in every text below.
Source: AWS CloudFormation User Guide, "Fn::ForEach".
"""

from __future__ import annotations

import re

from lanner.local.plan import Where
from lanner.local.template.source import Items, Node, Section
from lanner.local.template.stack import Stack
from lanner.local.template.substitution import text_of

_LOOP = "Fn::ForEach::"


def unroll(stack: Stack) -> None:
    """Replace every loop of the stack's document, in place."""
    for name in ("Conditions", "Resources", "Outputs"):
        section = stack.document.get(name)
        if isinstance(section, Section) and _has_loop(section):
            unrolled = _unrolled(section, stack)
            stack.document[name] = unrolled
            if name == "Conditions":
                stack.set_conditions(unrolled)


def _has_loop(node: Node) -> bool:
    if isinstance(node, Section):
        return any(key.startswith(_LOOP) or _has_loop(value) for key, value in node.items())
    return isinstance(node, Items) and any(_has_loop(item) for item in node)


def _unrolled(node: Node, stack: Stack) -> Node:
    if isinstance(node, Items):
        items = Items(node.where)
        for index, item in enumerate(node):
            items.put(_unrolled(item, stack), node.at(index))
        return items
    if not isinstance(node, Section):
        return node
    section = Section(node.where)
    for key, value in node.items():
        if key.startswith(_LOOP):
            _loop(section, key, value, node.at(key), stack)
        else:
            section.put(key, _unrolled(value, stack), node.at(key))
    return section


def _loop(section: Section, key: str, value: Node, where: Where, stack: Stack) -> None:
    valid = isinstance(value, Items) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[2], Section)
    if not valid:
        stack.findings.error("", f"{key} takes [Variable, [values], {{key: value}}]", where)
        return
    values = stack.resolver.value(value[1], where)
    if not isinstance(values, list):
        stack.findings.error("", f"{key} loops over a list, not {text_of(values)[:60]!r}", where)
        return
    for each in values:
        body = _unrolled(_with(value[2], value[0], text_of(each)), stack)
        for name, item in body.items():
            section.put(name, item, body.at(name))


def _with(node: Node, variable: str, value: str) -> Node:
    """`node` with the loop's variable replaced in keys and texts."""
    if isinstance(node, Section):
        section = Section(node.where)
        for key, item in node.items():
            if key == "Ref" and item == variable and len(node) == 1:
                return value
            section.put(_replaced(key, variable, value), _with(item, variable, value), node.at(key))
        return section
    if isinstance(node, Items):
        items = Items(node.where)
        for index, item in enumerate(node):
            items.put(_with(item, variable, value), node.at(index))
        return items
    return _replaced(node, variable, value) if isinstance(node, str) else node


def _replaced(text: str, variable: str, value: str) -> str:
    return text.replace(f"${{{variable}}}", value).replace(f"&{{{variable}}}", re.sub("[^A-Za-z0-9]", "", value))
