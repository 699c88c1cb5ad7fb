"""Properties of the string functions: what is taken apart goes together again."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.plan import Where
from lanner.local.template.findings import Findings
from lanner.local.template.intrinsics import Resolver
from lanner.local.template.scope import MISSING, Scope
from lanner.local.template.source import Node, convert, parse, plain
from lanner.local.template.substitution import Literal, Variable, cidr_blocks, sub_parts, text_of

HERE = Where(Path("test.yaml"), 1)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}(\.[A-Za-z]{1,5})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), inner),
    max_leaves=12,
)


class NoNames:
    """A template without resources."""

    def ref(self, logical_id: str, where: Where, asker: str) -> Node:
        return MISSING

    def attribute(self, logical_id: str, attribute: str, where: Where, asker: str) -> Node:
        return MISSING

    def known(self) -> list[str]:
        return []


def resolver(findings: Findings | None = None, parameters: dict[str, Node] | None = None) -> Resolver:
    """A resolver that knows parameters only."""
    return Resolver(
        Scope(
            parameters=parameters or {},
            pseudo={},
            mappings={},
            conditions={},
            names=NoNames(),
            findings=findings or Findings(),
            include=lambda location, where: None,
            dynamic=lambda text, resource, where: text,
        )
    )


@given(TEXTS)
def test_the_parts_of_any_text_are_the_text(text: str) -> None:
    """Nothing is lost or added; only `${!x}` loses its mark and spaces inside `${ }` do not count."""
    rebuilt = "".join(part.text if isinstance(part, Literal) else "${" + part.name + "}" for part in sub_parts(text))
    if "${" not in text:
        assert rebuilt == text
    assert rebuilt.replace("${", "").replace(" ", "").count("}") <= text.count("}")


@given(st.lists(st.tuples(TEXTS.filter(lambda text: "$" not in text and "{" not in text), NAMES), max_size=6), TEXTS)
def test_variables_between_texts_are_found_in_order(pairs: list[tuple[str, str]], tail: str) -> None:
    """A template made of texts and variables is taken apart as it was made."""
    tail = tail.replace("$", "")
    template = "".join(f"{text}${{{name}}}" for text, name in pairs) + tail
    parts = list(sub_parts(template))
    assert [part.name for part in parts if isinstance(part, Variable)] == [name for _, name in pairs]
    assert "".join(part.text for part in parts if isinstance(part, Literal)) == "".join(t for t, _ in pairs) + tail


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("${A}", [Variable("A")]),
        ("${ A.B }", [Variable("A.B")]),
        ("${!A}", [Literal("${A}")]),
        ("$${A}$", [Literal("$"), Variable("A"), Literal("$")]),
        ("${}", [Literal("${}")]),
        ("${A", [Literal("${A")]),
        ("a{b}c", [Literal("a{b}c")]),
        ("${AWS::Region}", [Variable("AWS::Region")]),
    ],
)
def test_the_edges_of_subs_syntax(template: str, parts: list[object]) -> None:
    """Literals, spaces, unclosed and empty braces."""
    assert list(sub_parts(template)) == parts


@given(st.lists(TEXTS, min_size=1, max_size=6), st.text("|;-_", min_size=1, max_size=3))
def test_split_undoes_join(items: list[str], separator: str) -> None:
    """Unless an item holds the separator itself, or two make one."""
    joined = separator.join(items)
    if joined.split(separator) != items:
        return
    node = convert({"Fn::Split": [separator, {"Fn::Join": [separator, items]}]}, HERE)
    assert plain(resolver().value(node, HERE)) == items


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_select_takes_the_item_at_the_index_as_number_or_text(items: list[str], data: st.DataObject) -> None:
    """`!Select [1, ...]` and `!Select ["1", ...]` are the same."""
    index = data.draw(st.integers(0, len(items) - 1))
    for spelled in (index, str(index)):
        assert resolver().value(convert({"Fn::Select": [spelled, items]}, HERE), HERE) == items[index]


@given(
    st.lists(TEXTS, max_size=3),
    st.one_of(st.integers(3, 9), st.integers(-5, -1), TEXTS.filter(lambda t: not t.isdigit())),
)
def test_select_outside_the_list_is_a_finding_and_never_an_exception(items: list[str], index: int | str) -> None:
    """Also for what is not a number."""
    findings = Findings()
    assert resolver(findings).value(convert({"Fn::Select": [index, items]}, HERE), HERE) == ""
    assert len(findings.sorted()) == 1


@given(NAMES.filter(lambda name: "." not in name), TEXTS, TEXTS)
def test_sub_puts_a_parameters_value_in_as_it_is(name: str, given_value: str, around: str) -> None:
    """Also when the value looks like a variable itself."""
    around = around.replace("$", "")
    node = convert({"Fn::Sub": f"{around}${{{name}}}{around}"}, HERE)
    assert resolver(parameters={name: given_value}).value(node, HERE) == f"{around}{given_value}{around}"


@given(JSON)
def test_a_json_document_is_read_as_it_was_written(document: object) -> None:
    """YAML's parser reads JSON, escapes and all; what looks like an intrinsic is none without its name."""
    text = json.dumps({"document": document})
    assert plain(parse(text, HERE.file, Findings())) == {"document": document}


@given(JSON)
def test_resolving_what_has_no_function_changes_nothing(document: object) -> None:
    """Values, order and kinds stay."""
    node = convert({"document": document}, HERE)
    assert plain(resolver().value(node, HERE)) == {"document": document}


@given(st.integers(0, 2**32 - 1), st.integers(8, 24), st.integers(1, 20), st.integers(2, 16))
def test_cidr_blocks_lie_in_the_network_and_do_not_overlap(address: int, prefix: int, count: int, bits: int) -> None:
    """Or there is a reason why not."""
    network = ipaddress.ip_network((address, prefix), strict=False)
    try:
        blocks = [ipaddress.ip_network(block) for block in cidr_blocks(str(network), count, bits)]
    except ValueError:
        assert 32 - bits < prefix or count > 2 ** (32 - bits - prefix)
        return
    assert len(set(blocks)) == count
    assert all(block.subnet_of(network) and block.prefixlen == 32 - bits for block in blocks)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, ""), (3, "3"), (2.0, "2.0"), (2.5, "2.5"), ([1, "a"], '[1,"a"]')],
)
def test_values_are_written_as_cloudformation_writes_them(value: object, text: str) -> None:
    """Into strings: environment variables, Sub, Join."""
    assert text_of(value) == text
