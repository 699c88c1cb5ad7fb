"""Reading YAML and JSON with lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from lanner.local.template import TemplateError
from lanner.local.template.findings import Findings
from lanner.local.template.source import Section, load, parse, plain

FILE = Path("t.yaml")


def read(text: str) -> Section:
    """A document that has to be right."""
    findings = Findings()
    node = parse(text, FILE, findings)
    assert findings.sorted() == ()
    assert isinstance(node, Section)
    return node


def test_every_key_and_item_knows_its_line() -> None:
    """Block and flow style."""
    node = read("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n")
    assert node.at("b").line == 2
    assert node["b"].at(1).line == 4
    assert node["b"][1].at("d").line == 5
    assert str(node.at("b")) == "t.yaml:2"


def test_short_tags_become_long_names() -> None:
    """On scalars, lists, mappings, and nested."""
    node = read("a: !Ref X\nb: !Sub [x, {y: !GetAtt A.B}]\nc: !Condition D\nd: !Transform {Name: N}\n")
    assert plain(node) == {
        "a": {"Ref": "X"},
        "b": {"Fn::Sub": ["x", {"y": {"Fn::GetAtt": "A.B"}}]},
        "c": {"Condition": "D"},
        "d": {"Fn::Transform": {"Name": "N"}},
    }


def test_scalars_are_what_their_author_meant() -> None:
    """Dates, octals and sexagesimal numbers stay text; an account id keeps its zeros."""
    text = "a: 2012-10-17\nb: 0123\nc: 12:30\nd: yes\ne: 1.5\nf: ~\ng: '7'\nh: 012345678901\ni: 10_000\nj: on\n"
    assert plain(read(text)) == {
        "a": "2012-10-17",
        "b": "0123",
        "c": "12:30",
        "d": True,
        "e": 1.5,
        "f": None,
        "g": "7",
        "h": "012345678901",
        "i": 10_000,
        "j": True,
    }


def test_anchors_and_merge_keys_are_followed() -> None:
    """A key of the mapping itself wins over a merged one, wherever the merge stands."""
    node = read("base: &b {x: 1, y: 2}\nown: {x: 9, <<: *b}\nother:\n  <<: [*b]\n  y: 3\n")
    assert plain(node["own"]) == {"x": 9, "y": 2}
    assert plain(node["other"]) == {"x": 1, "y": 3}


def test_json_with_tabs_and_escapes_is_read() -> None:
    """What YAML alone would refuse."""
    node = read('{\n\t"a": "x\\/y\\u00e9",\n\t"b": [1, true, null]\n}')
    assert plain(node) == {"a": "x/yé", "b": [1, True, None]}
    assert node.at("b").line == 3


def test_a_repeated_key_is_a_finding_and_the_last_one_counts() -> None:
    """YAML readers drop the first in silence."""
    findings = Findings()
    node = parse("a: 1\nb: 2\na: 3\n", FILE, findings)
    assert plain(node) == {"a": 3, "b": 2}
    (finding,) = findings.sorted()
    assert (finding.where.line, finding.message) == (3, "'a' is given twice (first on line 1); the last one counts")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
        ("a:\n\t- b\n", 2, "not valid YAML"),
        ("", 1, "the file is empty"),
        ("a: *nobody\n", 1, "not valid YAML"),
        ("a: &x [*x]\n", 1, "an alias contains itself"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)), 1, "its aliases"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: \x07\n", 1, "not valid YAML"),
    ],
)
def test_what_is_not_one_document_is_an_error_with_its_line(text: str, line: int, words: str) -> None:
    """Nothing can be served then."""
    with pytest.raises(TemplateError) as caught:
        parse(text, FILE, Findings())
    (finding,) = caught.value.findings
    assert words in finding.message
    assert finding.where.line == line


def test_a_missing_or_unreadable_file_is_an_error(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(TemplateError, match=r"there is no file .*absent\.yaml"):
        load(tmp_path / "absent.yaml", Findings())
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TemplateError, match="cannot be read"):
        load(tmp_path / "binary.yaml", Findings())
