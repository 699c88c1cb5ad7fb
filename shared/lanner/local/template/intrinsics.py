"""CloudFormation's intrinsic functions and conditions, evaluated as a stack is created.

A `Resolver` walks a node and gives it back with every function replaced by its value; lines are kept. It knows
parameters, mappings and conditions itself and asks a `Names` for what belongs to resources. A function that cannot be
evaluated is a finding with its line, and its value is the best placeholder there is, so that one mistake makes one
finding. Two things end the reading (`TemplateError`): a condition or a resource that needs itself.

Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "AWS::LanguageExtensions transform".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

from lanner.local.plan import Where
from lanner.local.template.findings import did_you_mean, fatal
from lanner.local.template.scope import MISSING, NO_VALUE, Scope
from lanner.local.template.source import Items, Node, Section, convert, place_of, plain
from lanner.local.template.substitution import Literal, cidr_blocks, sub_parts, text_of


class Resolver:
    """Evaluates nodes in a `Scope` on behalf of one resource, whose name findings carry."""

    def __init__(self, scope: Scope, resource: str = "") -> None:
        self.scope = scope
        self._resource = resource
        self._functions: dict[str, Callable[[Node, Where], Node]] = {
            "Ref": self._ref,
            "Condition": self._named_condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::And": lambda node, where: all(self._truths(node, where)),
            "Fn::Or": lambda node, where: any(self._truths(node, where)),
            "Fn::Not": lambda node, where: not all(self._truths(node, where)),
            "Fn::Equals": self._equals,
            "Fn::Contains": self._contains,
            "Fn::Base64": lambda node, where: base64.b64encode(text_of(self.value(node, where)).encode()).decode(),
            "Fn::Cidr": self._cidr,
            "Fn::GetAZs": self._get_azs,
            "Fn::ImportValue": self._import_value,
            "Fn::Transform": self._transform,
            "Fn::Length": self._length,
            "Fn::ToJsonString": lambda node, where: json.dumps(plain(self.value(node, where)), separators=(",", ":")),
        }

    def for_resource(self, resource: str) -> Resolver:
        """The same scope on behalf of another resource."""
        return Resolver(self.scope, resource)

    def value(self, node: Node, where: Where) -> Node:
        """`node` with every function replaced; `NO_VALUE` becomes None at the top and vanishes below it."""
        found = self._walk(node, where)
        return None if found is NO_VALUE else found

    def condition(self, name: str, where: Where) -> bool:
        """A named condition's truth; an unknown one is a finding and true. Raises `TemplateError` on a cycle."""
        scope = self.scope
        if name in scope.evaluated:
            return scope.evaluated[name]
        if name not in scope.conditions:
            hint = did_you_mean(name, scope.conditions)
            scope.findings.error(self._resource, f"there is no condition '{name}'{hint}", where)
            return True
        if name in scope.evaluating:
            cycle = " -> ".join([*scope.evaluating[scope.evaluating.index(name) :], name])
            raise fatal(f"conditions refer to each other in a circle: {cycle}", where)
        scope.evaluating.append(name)
        try:
            truth = self._truth(scope.conditions[name], where)
        finally:
            scope.evaluating.pop()
        scope.evaluated[name] = truth
        return truth

    def _walk(self, node: Node, where: Where) -> Node:
        if isinstance(node, Section):
            return self._section(node)
        if isinstance(node, Items):
            items = Items(node.where)
            for index, item in enumerate(node):
                value = self._walk(item, node.at(index))
                if value is not NO_VALUE:
                    items.put(value, node.at(index))
            return items
        if isinstance(node, str) and "{{resolve:" in node:
            return self.scope.dynamic(node, self._resource, where)
        return node

    def _section(self, node: Section) -> Node:
        if len(node) == 1:
            key = next(iter(node))
            if key == "Condition" and not isinstance(node[key], str):
                pass  # an IAM policy statement's Condition block
            elif key in self._functions:
                return self._functions[key](node[key], node.at(key))
            elif key.startswith("Fn::") and not key.startswith("Fn::ForEach::"):
                hint = did_you_mean(key, self._functions)
                self._error(f"'{key}' is not an intrinsic function{hint}", node.at(key))
                return node
        section = Section(node.where)
        for key, item in node.items():
            if key == "Fn::Transform":
                self._merge_transform(section, item, node.at(key))
                continue
            value = self._walk(item, node.at(key))
            if value is not NO_VALUE:
                section.put(key, value, node.at(key))
        return section

    def _merge_transform(self, section: Section, node: Node, where: Where) -> None:
        included = self._transform(node, where)
        if isinstance(included, Section):
            for key, value in included.items():
                section.put(key, value, included.at(key))

    def _error(self, message: str, where: Where) -> None:
        self.scope.findings.error(self._resource, message, where)

    def _arguments(self, node: Node, where: Where, name: str, least: int, most: int) -> list[Node] | None:
        """The unevaluated arguments of a function, or None after a finding when their number is wrong."""
        if isinstance(node, list) and least <= len(node) <= most:
            return node
        number = str(least) if least == most else f"{least} to {most}"
        self._error(f"Fn::{name} takes a list of {number} values, not {text_of(node)[:60]!r}", where)
        return None

    # -- references

    def _ref(self, node: Node, where: Where) -> Node:
        name = text_of(self.value(node, where))  # AWS::LanguageExtensions: the name may be made by a function
        scope = self.scope
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in scope.parameters:
            return scope.parameters[name]
        if name in scope.pseudo:
            return scope.pseudo[name]
        value = scope.names.ref(name, where, self._resource)
        if value is not MISSING:
            return value
        hint = did_you_mean(name, [*scope.parameters, *scope.names.known(), *scope.pseudo])
        self._error(f"'{name}' is neither a parameter nor a resource of this template{hint}", where)
        return name

    def _get_att(self, node: Node, where: Where) -> Node:
        if isinstance(node, list):
            parts = [text_of(self.value(part, where)) for part in node]
        else:
            parts = text_of(node).split(".", 1)
        if len(parts) < 2:
            self._error(f"Fn::GetAtt takes Resource.Attribute, not '{'.'.join(parts)}'", where)
            return parts[0] if parts else ""
        return self._attribute(parts[0], ".".join(parts[1:]), where)

    def _attribute(self, logical_id: str, attribute: str, where: Where) -> Node:
        value = self.scope.names.attribute(logical_id, attribute, where, self._resource)
        if value is not MISSING:
            return value
        hint = did_you_mean(logical_id, self.scope.names.known())
        self._error(f"there is no resource '{logical_id}' to take '{attribute}' of{hint}", where)
        return f"{logical_id}.{attribute}"

    def _sub(self, node: Node, where: Where) -> Node:
        template, variables = node, {}
        if isinstance(node, list):
            if len(node) != 2 or not isinstance(node[1], dict):
                self._error("Fn::Sub takes text, or a list of text and a mapping of its variables", where)
                return text_of(node[0]) if node else ""
            template, variables = node[0], self.value(node[1], where)
        if not isinstance(template, str):
            self._error("Fn::Sub takes text, or a list of text and a mapping of its variables", where)
            return text_of(template)
        parts = [
            part.text if isinstance(part, Literal) else text_of(self._variable(part.name, variables, where))
            for part in sub_parts(template)
        ]
        text = "".join(parts)
        return self.scope.dynamic(text, self._resource, where) if "{{resolve:" in text else text

    def _variable(self, name: str, variables: Mapping[str, Node], where: Where) -> Node:
        if name in variables:
            return variables[name]
        if name in self.scope.parameters or "." not in name:
            value = self._ref(name, where)
        else:
            value = self.scope.names.ref(
                name, where, self._resource
            )  # `Function.Version`, `Api.Stage`: SAM's referable properties
            if value is MISSING:
                logical_id, _, attribute = name.partition(".")
                value = self._attribute(logical_id, attribute, where)
        if isinstance(value, list):
            self._error(f"'${{{name}}}' is a list; Fn::Sub takes text (Fn::Join makes it)", where)
            return ",".join(text_of(each) for each in value)
        return value

    def _import_value(self, node: Node, where: Where) -> Node:
        name = text_of(self.value(node, where))
        exported = self.scope.parameters.get(f"ImportValue:{name}", MISSING)
        if exported is not MISSING:
            return exported
        self.scope.findings.unsupported(
            self._resource,
            f"Fn::ImportValue '{name}' comes from another stack; give it with --parameter-overrides "
            f"'ImportValue:{name}=...'",
            where,
        )
        return name

    # -- strings and lists

    def _join(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "Join", 2, 2)
        if arguments is None:
            return ""
        parts = self.value(arguments[1], where)
        if not isinstance(parts, list):
            self._error(f"Fn::Join joins a list, not {text_of(parts)[:60]!r}", where)
            return text_of(parts)
        return text_of(self.value(arguments[0], where)).join(text_of(part) for part in parts)

    def _split(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "Split", 2, 2)
        if arguments is None:
            return convert([], where)
        separator = text_of(self.value(arguments[0], where))
        text = text_of(self.value(arguments[1], where))
        if not separator:
            self._error("Fn::Split needs a separator that is not empty", where)
            return convert([text], where)
        return convert(text.split(separator), where)

    def _select(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "Select", 2, 2)
        if arguments is None:
            return ""
        index_text = text_of(self.value(arguments[0], where))
        items = self.value(arguments[1], where)
        if not isinstance(items, list) or not index_text.isdigit() or int(index_text) >= len(items):
            size = f"a list of {len(items)}" if isinstance(items, list) else "what is not a list"
            self._error(f"Fn::Select asks for index {index_text} of {size}", where)
            return ""
        return items[int(index_text)]

    def _length(self, node: Node, where: Where) -> Node:
        items = self.value(node, where)
        if isinstance(items, list):
            return len(items)
        self._error("Fn::Length takes a list", where)
        return 0

    def _cidr(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "Cidr", 2, 3)
        if arguments is None:
            return convert([], where)
        block, count, *bits = (text_of(self.value(argument, where)) for argument in arguments)
        try:
            return convert(cidr_blocks(block, int(count), int(bits[0]) if bits else 8), where)
        except ValueError as error:
            self._error(f"Fn::Cidr: {error}", where)
            return convert([], where)

    def _get_azs(self, node: Node, where: Where) -> Node:
        region = text_of(self.value(node, where)) or text_of(self.scope.pseudo.get("AWS::Region", ""))
        return convert([f"{region}{zone}" for zone in "abc"], where)

    def _find_in_map(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "FindInMap", 3, 4)
        if arguments is None:
            return ""
        found: Node = self.scope.mappings
        path = [text_of(self.value(argument, where)) for argument in arguments[:3]]
        for depth, key in enumerate(path):
            if isinstance(found, dict) and key in found:
                found = found[key]
                continue
            options = arguments[3] if len(arguments) == 4 else None
            if isinstance(options, dict) and "DefaultValue" in options:
                return self.value(options["DefaultValue"], where)
            hint = did_you_mean(key, found if isinstance(found, dict) else ())
            self._error(f"Fn::FindInMap: {'.'.join(['Mappings', *path[:depth]])} has no '{key}'{hint}", where)
            return ""
        return self.value(found, where)

    # -- conditions

    def _truth(self, node: Node, where: Where) -> bool:
        value = self.value(node, where)
        if isinstance(value, bool):
            return value
        if text_of(value).lower() in ("true", "false"):
            return text_of(value).lower() == "true"
        self._error(f"a condition is made of Fn::Equals, And, Or, Not or Condition, not {text_of(value)[:60]!r}", where)
        return True

    def _truths(self, node: Node, where: Where) -> list[bool]:
        if not isinstance(node, list):
            self._error("Fn::And, Fn::Or and Fn::Not take a list of conditions", where)
            return [True]
        return [self._truth(item, where) for item in node]

    def _named_condition(self, node: Node, where: Where) -> Node:
        return self.condition(text_of(node), where)

    def _equals(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "Equals", 2, 2)
        if arguments is None:
            return False
        left, right = (self.value(argument, where) for argument in arguments)
        if isinstance(left, dict | list) or isinstance(right, dict | list):
            return bool(plain(left) == plain(right))
        return text_of(left) == text_of(right)

    def _contains(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "Contains", 2, 2)
        if arguments is None:
            return False
        items, item = (self.value(argument, where) for argument in arguments)
        return isinstance(items, list) and text_of(item) in [text_of(each) for each in items]

    def _if(self, node: Node, where: Where) -> Node:
        arguments = self._arguments(node, where, "If", 3, 3)
        if arguments is None:
            return NO_VALUE
        name = arguments[0]
        truth = self.condition(name, where) if isinstance(name, str) else self._truth(name, where)
        branch = arguments[1] if truth else arguments[2]
        return self._walk(branch, place_of(branch, where))

    # -- macros

    def _transform(self, node: Node, where: Where) -> Node:
        name = text_of(node.get("Name", "")) if isinstance(node, dict) else text_of(node)
        parameters = self.value(node.get("Parameters"), where) if isinstance(node, dict) else None
        if name != "AWS::Include":
            self.scope.findings.unsupported(self._resource, f"the macro '{name}' runs in AWS only", where)
            return NO_VALUE
        location = parameters.get("Location") if isinstance(parameters, dict) else None
        if not isinstance(location, str):
            self._error("AWS::Include needs Parameters: {Location: FILE}", where)
            return NO_VALUE
        return self._walk(self.scope.include(location, where), where)
