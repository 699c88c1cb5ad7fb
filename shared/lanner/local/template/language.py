"""What transforms do to a template before anything is evaluated: includes of sections, and `Fn::ForEach` loops.

    Fn::ForEach::Name: [Variable, [a, b], {"Prefix${Variable}": {...}}]

`${Variable}` (and `&{Variable}`, which keeps only letters and digits) is replaced in keys and in every text below.
Source: AWS CloudFormation User Guide, "Fn::ForEach".
"""

from __future__ import annotations

import re

from lanner.local.plan import Where
from lanner.local.template.findings import did_you_mean
from lanner.local.template.source import Items, Node, Section
from lanner.local.template.stack import Stack
from lanner.local.template.substitution import text_of

_LOOP = "Fn::ForEach::"


_SAM = "AWS::Serverless-2016-10-31"
_KNOWN = (_SAM, "AWS::LanguageExtensions", "AWS::Include", "AWS::CodeDeployBlueGreen", "AWS::SecretsManager-2020-07-23")


def apply_transforms(stack: Stack) -> None:
    """Includes of whole sections and loops, in place; findings for macros that run in AWS only."""
    document = stack.document
    transforms = document.get("Transform", [])
    for each in transforms if isinstance(transforms, list) else [transforms]:
        if isinstance(each, Section):
            _include(document, each, document.at("Transform"), stack)
        elif each not in _KNOWN:
            message = f"the macro '{text_of(each)}' runs in AWS only{did_you_mean(text_of(each), _KNOWN)}"
            stack.findings.unsupported("", message, document.at("Transform"))
    for section in list(document.values()):
        if isinstance(section, Section) and "Fn::Transform" in section:
            where = section.at("Fn::Transform")
            _include(section, section.pop("Fn::Transform"), where, stack)
    stack.set_sections()
    _check_sam(stack, transforms)
    unroll(stack)


def _include(target: Section, transform: Node, where: Where, stack: Stack) -> None:
    """Merge an `AWS::Include` into a section, unresolved; what is there already stays."""
    parameters = transform.get("Parameters") if isinstance(transform, Section) else None
    if not isinstance(parameters, Section) or transform.get("Name") != "AWS::Include":
        name = text_of(transform.get("Name", "")) if isinstance(transform, Section) else text_of(transform)
        stack.findings.unsupported("", f"the macro '{name}' runs in AWS only", where)
        return
    included = stack.include(text_of(stack.resolver.value(parameters.get("Location"), where)), where)
    for key, value in included.items() if isinstance(included, Section) else ():
        if key not in target:
            target.put(key, value, included.at(key))


def _check_sam(stack: Stack, transforms: Node) -> None:
    if _SAM in (transforms if isinstance(transforms, list) else [transforms]):
        return
    resources = stack.document.get("Resources")
    for name, resource in resources.items() if isinstance(resources, Section) else ():
        if isinstance(resource, Section) and text_of(resource.get("Type", "")).startswith("AWS::Serverless::"):
            message = f"AWS::Serverless types need `Transform: {_SAM}` at the top of the template"
            stack.findings.error(stack.prefix + name, message, resource.at("Type"))
            return


def unroll(stack: Stack) -> None:
    """Replace every loop of the stack's document, in place."""
    for name in ("Conditions", "Resources", "Outputs"):
        section = stack.document.get(name)
        if isinstance(section, Section) and _has_loop(section):
            stack.document[name] = _unrolled(section, stack)
            stack.set_sections()


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
