"""Typed reading of resolved properties: a value of the wrong kind is a finding with its line, and its default."""

from __future__ import annotations

from collections.abc import Iterator

from lanner.local.plan import Where
from lanner.local.template.findings import Findings
from lanner.local.template.source import Items, Node, Section
from lanner.local.template.substitution import text_of


class Reader:
    """One mapping of a resource's properties."""

    def __init__(self, section: Section, resource: str, findings: Findings) -> None:
        self.section = section
        self.resource = resource
        self.findings = findings

    def __contains__(self, key: str) -> bool:
        return self.section.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.section)

    def __bool__(self) -> bool:
        return bool(self.section)

    def at(self, *keys: str) -> Where:
        return self.section.at(*keys)

    def get(self, key: str) -> Node:
        return self.section.get(key)

    def wrong(self, key: str, expected: str) -> None:
        """The finding for a value of the wrong kind."""
        shown = text_of(self.section.get(key))[:60]
        self.findings.error(self.resource, f"{key} takes {expected}, not {shown!r}", self.at(key))

    def text(self, key: str, default: str = "") -> str:
        value = self.section.get(key)
        if value is None:
            return default
        if isinstance(value, dict | list):
            self.wrong(key, "text")
            return default
        return text_of(value)

    def optional(self, key: str) -> str | None:
        return self.text(key) if key in self else None

    def number(self, key: str, default: int) -> int:
        value = self.optional_number(key)
        return default if value is None else int(value)

    def optional_number(self, key: str) -> float | None:
        value = self.section.get(key)
        if value is None:
            return None
        try:
            return float(text_of(value))
        except ValueError:
            self.wrong(key, "a number")
            return None

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.section.get(key)
        if value is None:
            return default
        text = text_of(value).lower()
        if text not in ("true", "false"):
            self.wrong(key, "true or false")
            return default
        return text == "true"

    def child(self, key: str) -> Reader:
        """The mapping below `key`; empty where there is none."""
        value = self.section.get(key)
        if isinstance(value, Section):
            return Reader(value, self.resource, self.findings)
        if value is not None:
            self.wrong(key, "a mapping")
        return Reader(Section(self.at(key)), self.resource, self.findings)

    def children(self, key: str) -> list[Reader]:
        """The mappings listed below `key`."""
        value = self.items(key)
        found = [Reader(item, self.resource, self.findings) for item in value if isinstance(item, Section)]
        if len(found) != len(value):
            self.wrong(key, "a list of mappings")
        return found

    def named(self, key: str) -> Iterator[tuple[str, Reader]]:
        """The named mappings below `key`, in the template's order."""
        child = self.child(key)
        for name in child:
            yield name, child.child(name)

    def items(self, key: str) -> Items:
        value = self.section.get(key)
        if isinstance(value, Items):
            return value
        items = Items(self.at(key))
        if value is not None:
            items.put(value, self.at(key))  # CloudFormation takes one value for a list of one
        return items

    def strings(self, key: str) -> tuple[str, ...]:
        return tuple(text_of(item) for item in self.items(key))

    def texts(self, key: str) -> dict[str, str]:
        """A mapping of texts, such as environment variables."""
        child = self.child(key)
        return {name: child.text(name) for name in child if child.get(name) is not None}
