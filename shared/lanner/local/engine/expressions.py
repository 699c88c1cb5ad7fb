"""DynamoDB's expressions, read once: moto reads each from its text by every request, an update's up to four times.

What depends on a text alone, and on the names that stand in it, is kept: the tree of an update, its checks that ask
neither the item nor the values (clauses, overlapping paths, keys), and the tree of a condition. Values are looked up by
every request, in moto's order, so that a missing one is the same error. What fails is not kept and fails anew.

moto's own classes read, check, evaluate and execute: here stand copies, memories and one traversal, none of its rules.
The tests run the same calls through a moto without them and compare the answers.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser, OpDefault
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    OverlappingPathsValidator,
    UpdateHashRangeKeyValidator,
    Validator,
)

KEPT = 1_000  # texts; one may have 4 KB (DynamoDB's limit of an expression)
NAMES_KEPT = 50  # sets of names that one text was checked with
_BY_TEXT_ALONE = frozenset({ActionCountValidator, OverlappingPathsValidator, UpdateHashRangeKeyValidator})
_ATOMS = frozenset({str, int, bool})
_UNKNOWN, _NO_NODE = object(), object()


def install() -> None:
    """Apply all of it."""
    _keep_updates()
    _check_once()
    _traverse_by_type()
    _keep_conditions()
    keywords: Any = ReservedKeywords
    keywords.KEYWORDS = frozenset(ReservedKeywords.get_reserved_keywords())  # 573, searched by every bare name


class Kept(dict[Any, Any]):
    """A mapping that forgets its oldest entry when it is full."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= self._limit:
            del self[next(iter(self))]
        super().__setitem__(key, value)


def _names(names: Any) -> tuple[Any, ...] | None:
    """ExpressionAttributeNames as a key; None where they are not what DynamoDB takes, which moto is to judge."""
    if not names:
        return ()
    if type(names) is not dict or any(type(value) is not str for value in names.values()):
        return None
    return tuple(names.items())


# -- updates


def _keep_updates() -> None:
    parser: Any = UpdateExpressionParser
    make = parser.make
    trees = Kept(KEPT)

    def kept(_cls: type, text: str) -> Any:
        tree = trees.get(text)
        if tree is None:
            tree = make(text)
            tree.passed = Kept(NAMES_KEPT)
            trees[text] = tree
        return tree

    parser.make = classmethod(kept)
    node: Any = Node
    node.__deepcopy__ = lambda self, memo: _copied(self, copy.deepcopy(self.parent, memo))


def _copied(node: Any, parent: Any) -> Any:
    """A tree of its own: checking an update puts values in the places of names."""
    made = object.__new__(type(node))
    made.type, made.parent, made.children = node.type, parent, node.children
    if node.children is not None:
        made.children = [_copied_child(child, made) for child in node.children]
    return made


def _copied_child(child: Any, parent: Any) -> Any:
    if type(child) in _ATOMS:
        return child
    return _copied(child, parent) if isinstance(child, Node) else copy.deepcopy(child)


def _check_once() -> None:
    validator: Any = Validator
    initialize = validator.__init__

    def initialized(self: Any, expression: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, expression, *arguments, **named)
        self.passed = getattr(expression, "passed", None)

    def validate(self: Any) -> Any:
        names = _names(self.expression_attribute_names)
        key = None if names is None or self.passed is None else (names, *self.table.table_key_attrs)
        passed = key is not None and key in self.passed
        node = self.node_to_validate
        for processor in self.processors:
            if not (passed and type(processor) in _BY_TEXT_ALONE):
                node = processor.traverse(node)
        if key is not None and not passed:
            self.passed[key] = True
        return node

    validator.__init__ = initialized
    validator.validate = validate


def _traverse_by_type() -> None:
    traverser: Any = DepthFirstTraverser
    plain = traverser.pre_processing_of_child
    handled: dict[type, dict[type, Any]] = {}  # by type of traverser and of node

    def traverse(self: Any, node: Any) -> Any:
        before = None if type(self).pre_processing_of_child is plain else self.pre_processing_of_child
        return _visit(node, -1, self._processing_map(), handled.setdefault(type(self), {}), before)

    traverser.traverse = traverse


def _visit(node: Any, place: int, handlers: Any, known: dict[type, Any], before: Any) -> Any:
    """moto's traversal, depth first; whether and as what a node is handled is asked once for each type of node."""
    handled_as = known.get(type(node), _UNKNOWN)
    if handled_as is _UNKNOWN:
        handled_as = _NO_NODE
        if isinstance(node, Node):
            handled_as = next((kind for kind in handlers if isinstance(node, kind)), None)
        known[type(node)] = handled_as
    if handled_as is _NO_NODE:
        return node
    parent = node.parent
    if node.children is not None:
        for index, child in enumerate(node.children):
            if before is not None:
                before(node, index)
            _visit(child, index, handlers, known, before)
    if handled_as is not None:
        node = handlers[handled_as](node)
        node.parent = parent
        if parent:
            parent.children[place] = node
    return node


# -- conditions


def _keep_conditions() -> None:
    parser: Any = ConditionExpressionParser
    parse, make_operand = parser.parse, parser._make_operand
    trees = Kept(KEPT)

    def kept(self: Any) -> Any:
        if not self.condition_expression:
            return OpDefault(None, None)  # type: ignore[arg-type]
        names = _names(self.expression_attribute_names)
        if names is None or type(self.condition_expression) is not str:
            return parse(self)
        key = self.condition_expression, names
        known = trees.get(key)
        if known is None:
            root, operation = _parsed(self, parse)
            trees[key] = root, tuple(self.expr_attr_names_found), tuple(self.expr_attr_values_found)
            return operation
        root, names_found, values_found = known
        for value in values_found:
            self.expression_attribute_values[value]
        self.expr_attr_names_found.extend(names_found)
        self.expr_attr_values_found.extend(values_found)
        return self._make_op_condition(root)

    def look_up(self: Any, name: str) -> None:
        self.expression_attribute_values[name]  # missing: the error is moto's; the tree is to outlive the value

    def operand(self: Any, node: Any) -> Any:
        if node.kind == self.Kind.EXPRESSION_ATTRIBUTE_VALUE:
            return AttributeValue(self.expression_attribute_values[node.text])
        return make_operand(self, node)

    parser.parse = kept
    parser._lookup_expression_attribute_value = look_up
    parser._make_operand = operand


def _parsed(parser: Any, parse: Any) -> tuple[Any, Any]:
    """The root of the tree that moto makes on its way to the operation, and the operation."""
    roots = []

    def first(node: Any) -> Any:
        del parser._make_op_condition
        roots.append(node)
        return parser._make_op_condition(node)

    parser._make_op_condition = first
    try:
        operation = parse(parser)
        return roots[0], operation
    finally:
        vars(parser).pop("_make_op_condition", None)
