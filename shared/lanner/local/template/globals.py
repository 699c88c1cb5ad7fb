"""SAM's `Globals`: properties that every function, API or table of a template starts from.

A resource's own value wins; mappings merge key by key; lists are appended to the global ones; an intrinsic function is
a value, never merged into. Source: AWS SAM Developer Guide, "Globals section".
"""

from __future__ import annotations

from lanner.local.template.findings import Findings, did_you_mean
from lanner.local.template.source import Items, Node, Section

SECTIONS = {
    "Function": "AWS::Serverless::Function",
    "Api": "AWS::Serverless::Api",
    "HttpApi": "AWS::Serverless::HttpApi",
    "WebSocketApi": "AWS::Serverless::WebSocketApi",
    "SimpleTable": "AWS::Serverless::SimpleTable",
    "StateMachine": "AWS::Serverless::StateMachine",
    "LayerVersion": "AWS::Serverless::LayerVersion",
    "CapacityProvider": "AWS::Serverless::CapacityProvider",
}


def is_intrinsic(node: Node) -> bool:
    """Whether a mapping is one intrinsic function."""
    if not isinstance(node, dict) or len(node) != 1:
        return False
    key = next(iter(node))
    return key in ("Ref", "Condition") or key.startswith("Fn::")


def merge(base: Node, own: Node) -> Node:
    """`own` laid over `base` by SAM's rules; neither is changed."""
    if isinstance(base, Section) and isinstance(own, Section):
        if is_intrinsic(base) or is_intrinsic(own):
            return own
        merged = Section(own.where)
        for key in [*base, *(key for key in own if key not in base)]:
            if key in base and key in own:
                merged.put(key, merge(base[key], own[key]), own.at(key))
            else:
                source = own if key in own else base
                merged.put(key, source[key], source.at(key))
        return merged
    if isinstance(base, Items) and isinstance(own, Items):
        items = Items(own.where)
        for each in (base, own):
            for index, item in enumerate(each):
                items.put(item, each.at(index))
        return items
    return own


class Globals:
    """The `Globals` section of one template, by resource type."""

    def __init__(self, node: Node, findings: Findings) -> None:
        self._by_type: dict[str, Section] = {}
        if not isinstance(node, Section):
            return
        for name, properties in node.items():
            if name not in SECTIONS:
                findings.error("", f"Globals has no '{name}'{did_you_mean(name, SECTIONS)}", node.at(name))
            elif isinstance(properties, Section):
                self._by_type[SECTIONS[name]] = properties

    def of_type(self, type_: str) -> Section | None:
        """What `Globals` says of one resource type."""
        return self._by_type.get(type_)

    def sections(self) -> list[tuple[str, Section]]:
        """Each resource type that `Globals` speaks of, with its properties."""
        return list(self._by_type.items())

    def apply(self, type_: str, resource: Section) -> Section:
        """A resource's properties with the globals of its type below them."""
        own = resource.get("Properties")
        if not isinstance(own, Section):
            own = Section(resource.at("Properties"))
        base = self._by_type.get(type_)
        skipped = resource.get("IgnoreGlobals", [])
        if base is None or skipped == "*":
            return own
        if skipped:
            kept = Section(base.where)
            for key, value in base.items():
                if key not in skipped:
                    kept.put(key, value, base.at(key))
            base = kept
        merged = merge(base, own)
        assert isinstance(merged, Section)
        return merged
