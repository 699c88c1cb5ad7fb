"""Templates as nested `Section`s and `Items` that remember where each of their parts stands.

YAML is read through libyaml's composer where it is there, since only nodes carry lines; JSON is YAML's subset. The
short forms of CloudFormation (`!Sub x`) become their long forms (`{"Fn::Sub": x}`), so that what follows sees one
spelling. Keys are always strings; dates stay text, because `Version: 2012-10-17` means the text. A repeated key keeps
its last value, as YAML readers do, and makes a finding.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from lanner.local.plan import Where
from lanner.local.template.findings import Findings, fatal

Node: TypeAlias = Any  # Any: a template's value is free-form JSON: Section, Items, str, int, float, bool or None

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: libyaml's loader exists only where it was built
_FULL_NAMES = {"Ref": "Ref", "Condition": "Condition"}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_MOST_NODES = 200_000  # CloudFormation takes templates of 1 MB; a key with its value is five bytes and more


_JSON_ESCAPE = re.compile(r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)", re.DOTALL)


def _yaml_escape(found: re.Match[str]) -> str:
    """One of JSON's escapes as YAML knows it."""
    escape = found[1]
    if escape == "/":
        return "/"
    if len(escape) > 1:
        character = json.loads('"' + found[0] + '"')
        return f"\\U{ord(character):08x}"
    return found[0]


class Section(dict[str, Node]):
    """A mapping of a template. `where` is its first line; `at(key)` the line of one of its keys."""

    __slots__ = ("lines", "where")

    def __init__(self, where: Where) -> None:
        super().__init__()
        self.where = where
        self.lines: dict[str, Where] = {}

    def at(self, *keys: str) -> Where:
        """Where the first of `keys` that is here stands, or the section itself."""
        for key in keys:
            if key in self.lines:
                return self.lines[key]
        return self.where

    def put(self, key: str, value: Node, where: Where | None = None) -> None:
        """Set a value together with its line."""
        self[key] = value
        self.lines[key] = where or self.where


class Items(list[Node]):
    """A list of a template. `where` is its first line; `at(index)` the line of one item."""

    __slots__ = ("lines", "where")

    def __init__(self, where: Where) -> None:
        super().__init__()
        self.where = where
        self.lines: list[Where] = []

    def at(self, index: int) -> Where:
        return self.lines[index] if index < len(self.lines) else self.where

    def put(self, value: Node, where: Where | None = None) -> None:
        """Append a value together with its line."""
        self.append(value)
        self.lines.append(where or self.where)


def place_of(node: Node, default: Where) -> Where:
    """Where a node stands; scalars do not know, so their container's line is given as `default`."""
    return node.where if isinstance(node, Section | Items) else default


def convert(value: object, where: Where) -> Node:
    """Plain dicts and lists (parsed JSON, computed values) as nodes that all stand at `where`."""
    if isinstance(value, dict):
        section = Section(where)
        for key, item in value.items():
            section.put(str(key), convert(item, where))
        return section
    if isinstance(value, list | tuple):
        items = Items(where)
        for item in value:
            items.put(convert(item, where))
        return items
    return value


def plain(node: Node) -> Node:
    """A node as plain dicts and lists, for those who compare or serialise."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return node


def load(file: Path, findings: Findings) -> Node:
    """The document in `file`. Raises `TemplateError` when it is missing, unreadable, or not one YAML document."""
    start = Where(file, 1)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise fatal(f"there is no file {file}", start) from None
    except (OSError, UnicodeDecodeError) as error:
        raise fatal(f"{file} cannot be read: {error}", start) from error
    return parse(text, file, findings)


def parse(text: str, file: Path, findings: Findings) -> Node:
    """The document in `text`; lines are reported as `file`'s. Raises `TemplateError` for what is not YAML or JSON."""
    if text.lstrip().startswith("{"):  # JSON: tabs, `\/` and surrogate pairs are right there and wrong in YAML
        text = _JSON_ESCAPE.sub(_yaml_escape, text.replace("\t", " "))
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise fatal(f"not valid YAML: {error.problem or error}", Where(file, line)) from error
    except yaml.YAMLError as error:
        raise fatal(f"not valid YAML: {error}", Where(file, 1)) from error
    if root is None:
        raise fatal("the file is empty; a template has at least `Resources:`", Where(file, 1))
    return _Builder(file, findings).build(root)


class _Builder:
    """Turns the composer's nodes into ours; an anchor's node is built once for each alias.

    Aliases of aliases grow without end, so that there is a limit: more values than any template can hold are an error.
    """

    def __init__(self, file: Path, findings: Findings) -> None:
        self._file = file
        self._findings = findings
        self._open: set[int] = set()
        self._built = 0

    def _where(self, node: yaml.Node) -> Where:
        return Where(self._file, node.start_mark.line + 1)

    def build(self, node: yaml.Node) -> Node:
        if id(node) in self._open:
            raise fatal("an alias contains itself", self._where(node))
        self._built += 1
        if self._built > _MOST_NODES:
            message = f"its aliases make more than {_MOST_NODES} values; CloudFormation takes templates of 1 MB"
            raise fatal(message, self._where(node))
        self._open.add(id(node))
        try:
            return self._tagged(node)
        finally:
            self._open.discard(id(node))

    def _tagged(self, node: yaml.Node) -> Node:
        tag = node.tag
        if not tag.startswith("!") or tag == "!":
            return self._plain(node)
        where = self._where(node)
        name = tag[1:]
        value: Node = node.value if isinstance(node, yaml.ScalarNode) else self._plain(node)
        section = Section(where)
        section.put(_FULL_NAMES.get(name, f"Fn::{name}"), value, where)
        return section

    def _plain(self, node: yaml.Node) -> Node:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            items = Items(self._where(node))
            for child in node.value:
                items.put(self.build(child), self._where(child))
            return items
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode) -> Section:
        section = Section(self._where(node))
        seen: dict[str, Where] = {}
        for key_node, value_node in node.value:
            where = self._where(key_node)
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._merge(section, value_node)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._findings.error("", "a key must be text, not a list or a mapping", where)
                continue
            key = str(key_node.value)
            if key in seen:
                first = seen[key].line
                self._findings.error("", f"'{key}' is given twice (first on line {first}); the last one counts", where)
            seen[key] = where
            section.put(key, self.build(value_node), where)
        return section

    def _merge(self, section: Section, node: yaml.Node) -> None:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            merged = self.build(source)
            if isinstance(merged, Section):
                for key, value in merged.items():
                    if key not in section:
                        section.put(key, value, merged.at(key))


def _scalar(node: yaml.Node) -> Node:
    text = str(node.value)
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "int":
        # Only plain decimals: `0123` and `1:30` are octal and base 60 in YAML 1.1 but text to whoever wrote them.
        return int(text.replace("_", "")) if _INTEGER.match(text) else text
    if kind == "float":
        try:
            return float(text.replace("_", ""))
        except ValueError:
            return text
    return text
