"""Findings for what is misspelled, and for properties that are right in AWS and not done locally.

A name that is close to a known one is an error with the suggestion. A name that is close to nothing may be newer than
our lists: it is reported as ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lanner.local.template import spelling
from lanner.local.template.findings import Findings, did_you_mean
from lanner.local.template.globals import SECTIONS as GLOBALS
from lanner.local.template.globals import is_intrinsic
from lanner.local.template.identities import KINDS
from lanner.local.template.source import Node, Section
from lanner.local.template.substitution import text_of

if TYPE_CHECKING:
    from lanner.local.template.stack import Stack

_TYPES = [*KINDS, *spelling.SERVERLESS_TYPES]


def check_document(document: Section, findings: Findings) -> None:
    """Misspelled sections of a template, and properties of its `Globals`."""
    _check_keys(document, spelling.SECTIONS, "a template", "", findings)
    globals_ = document.get("Globals")
    for name, properties in globals_.items() if isinstance(globals_, Section) else ():
        if isinstance(properties, Section):
            _check_properties(GLOBALS.get(name, ""), properties, "", findings)


def check_resources(stack: Stack) -> None:
    """Misspelled types, keys, properties and events of a stack's resources, and what is not done locally."""
    for resource in stack.resources.values():
        name = stack.prefix + resource.logical_id
        if not _is_type(resource.type, name, resource.section, stack.findings):
            stack.mistyped.add(resource.logical_id)
        _check_keys(resource.section, spelling.RESOURCE_KEYS, "a resource", name, stack.findings)
        own = resource.section.get("Properties")
        if isinstance(own, Section):
            _check_properties(resource.type, own, name, stack.findings)
        _check_not_done(resource.type, resource.raw, name, stack)


def _is_type(type_: str, name: str, section: Section, findings: Findings) -> bool:
    """Whether a type may exist; a finding where it does not."""
    if type_ in _TYPES or type_.startswith("Custom::"):
        return True
    where = section.at("Type")
    if type_.startswith("AWS::Serverless::"):
        findings.error(name, f"'{type_}' is not a resource type of SAM{did_you_mean(type_, _TYPES)}", where)
        return False
    hint = did_you_mean(type_, [known for known in _TYPES if _one_edit(type_, known)])
    if hint or type_.count("::") < 2:
        findings.error(name, f"'{type_}' is not a resource type{hint}", where)
        return False
    return True


def _one_edit(left: str, right: str) -> bool:
    """Whether two names differ in one letter, one swap, or in case: `Tabel` for `Table`."""
    if left.lower() == right.lower():
        return True
    shorter, longer = sorted((left, right), key=len)
    start = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    rest_short, rest_long = shorter[start:], longer[start:]
    if len(shorter) == len(longer):
        return rest_short[1:] == rest_long[1:] or (
            rest_short[:2] == rest_long[1::-1] and rest_short[2:] == rest_long[2:]
        )
    return rest_short == rest_long[1:]


def _check_properties(type_: str, properties: Section, name: str, findings: Findings) -> None:
    known = spelling.PROPERTIES.get(type_)
    if known:
        _check_keys(properties, known, type_, name, findings)
    for (owner, key), below in spelling.BELOW.items():
        child = properties.get(key)
        if owner == type_ and isinstance(child, Section) and not is_intrinsic(child):
            _check_keys(child, below, f"{type_} {key}", name, findings)
    events = properties.get("Events")
    if type_ == "AWS::Serverless::Function" and isinstance(events, Section) and not is_intrinsic(events):
        for event in events.values():
            _check_event(event, name, findings)


def _check_event(event: Node, name: str, findings: Findings) -> None:
    if not isinstance(event, Section) or is_intrinsic(event):
        return
    _check_keys(event, spelling.EVENT_KEYS, "an event", name, findings)
    kind, properties = event.get("Type"), event.get("Properties")
    if isinstance(kind, str) and kind in spelling.EVENTS and isinstance(properties, Section):
        _check_keys(properties, spelling.EVENTS[kind], f"an event of type {kind}", name, findings)


def _check_keys(section: Section, known: Iterable[str], owner: str, name: str, findings: Findings) -> None:
    for key in section:
        if key in known or key.startswith("Fn::"):
            continue
        hint = did_you_mean(key, known)
        if hint:
            findings.error(name, f"{owner} has no '{key}'{hint}", section.at(key))
        else:
            findings.ignored(name, f"{owner} has no '{key}' that is known here", section.at(key))


def _check_not_done(type_: str, raw: Section, name: str, stack: Stack) -> None:
    for key, why in spelling.NOT_DONE.get(type_, {}).items():
        value = stack.resolver.for_resource(name).value(raw.get(key), raw.at(key))
        if value is not None and text_of(value).lower() != "false":
            stack.findings.unsupported(name, f"{key}: {why}", raw.at(key))
