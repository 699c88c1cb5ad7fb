"""EventBridge patterns, by AWS's documented examples and by property."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanner.local.event_pattern import PatternError, matches, parse_pattern

SCALARS = st.one_of(st.text(max_size=8), st.integers(-100, 100), st.booleans(), st.none())


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"state": ["on", "off"]}, {"state": "off"}, True),
        ({"state": ["on"]}, {}, False),
        ({"state": [None]}, {"state": None}, True),
        ({"body": {"kind": ["a"], "size": [1]}}, {"body": {"kind": "a", "size": 1, "more": 2}}, True),
        ({"body": {"kind": ["a"], "size": [1]}}, {"body": {"kind": "a", "size": 2}}, False),
        ({"body": {"kind": ["a"]}}, {"body": "plain text"}, False),
        ({"tags": ["x"]}, {"tags": ["y", "x"]}, True),
        ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 5}, True),
        ({"n": [{"numeric": [">", 0, "<=", 5]}]}, {"n": 5.1}, False),
        ({"n": [{"numeric": ["=", 1]}]}, {"n": True}, False),
        ({"n": [{"numeric": ["=", 1]}]}, {"n": "1"}, False),
        ({"s": [{"prefix": "eu-"}]}, {"s": "eu-west-1"}, True),
        ({"s": [{"prefix": {"equals-ignore-case": "EU-"}}]}, {"s": "eu-west-1"}, True),
        ({"s": [{"suffix": ".png"}]}, {"s": "a.jpg"}, False),
        ({"s": [{"equals-ignore-case": "ALICE"}]}, {"s": "alice"}, True),
        ({"s": [{"wildcard": "a*c*"}]}, {"s": "abbbcd"}, True),
        ({"s": [{"wildcard": "a*c"}]}, {"s": "abbbcd"}, False),
        ({"s": [{"anything-but": ["a", "b"]}]}, {"s": "c"}, True),
        ({"s": [{"anything-but": ["a", "b"]}]}, {"s": "b"}, False),
        ({"s": [{"anything-but": "a"}]}, {}, False),
        ({"s": [{"anything-but": {"prefix": "x"}}]}, {"s": "xy"}, False),
        ({"s": [{"anything-but": {"prefix": ["x", "y"]}}]}, {"s": "zy"}, True),
        ({"s": [{"exists": True}]}, {"s": 0}, True),
        ({"s": [{"exists": False}]}, {}, True),
        ({"s": [{"exists": False}]}, {"s": 0}, False),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.255"}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.1.0"}, False),
        ({"ip": [{"cidr": "2001:db8::/32"}]}, {"ip": "2001:db8::1"}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "nowhere"}, False),
        ({"items": {"sku": ["a"], "n": [2]}}, {"items": [{"sku": "b", "n": 2}, {"sku": "a", "n": 2}]}, True),
        ({"items": {"sku": ["a"], "n": [2]}}, {"items": [{"sku": "b", "n": 2}, {"sku": "a", "n": 1}]}, False),
        ({"items": {"sku": ["a"]}}, {"items": []}, False),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
        ({"$or": [{"a": [1]}, {"b": [2]}], "c": [3]}, {"b": 2, "c": 4}, False),
    ],
)
def test_documented_operators(pattern, event, expected):
    """Each operator with an event that matches or does not."""
    assert matches(pattern, event) is expected


@given(st.dictionaries(st.text(min_size=1, max_size=5).filter(lambda key: key != "$or"), SCALARS, max_size=4))
def test_an_event_matches_the_pattern_of_its_own_values(event):
    """A pattern made of an event's literals matches it, and not once one value is another."""
    pattern = {key: [value] for key, value in event.items()}
    assert matches(pattern, event)
    for key in event:
        assert not matches(pattern, {**event, key: "another value"})


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[1]",
        '{"a": 1}',
        '{"a": [{"cidr": "10.0.0.0/33"}]}',
        '{"a": [{"regex": "x"}]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"numeric": ["~", 1]}]}',
        '{"a": [{"prefix": "x", "suffix": "y"}]}',
        '{"missing": {"deep": [{"unknown": 1}]}}',
    ],
)
def test_what_is_not_understood_is_an_error_and_not_ignored(text):
    """Also behind keys that no event has: a filter must not deliver too much in silence."""
    with pytest.raises(PatternError):
        parse_pattern(text)


def test_a_pattern_is_parsed_to_itself():
    """What is fine comes back as it was."""
    pattern = {"body": {"a": [1, {"prefix": "x"}]}}
    assert parse_pattern(json.dumps(pattern)) == pattern
