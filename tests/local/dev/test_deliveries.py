"""What a rule's target gets, and which objects a bucket's notification wants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lanner.local.deliveries import at_path, object_event, rule_input, wants_object
from lanner.local.triggers import BucketNotification, EventRule, Target

TARGET = Target("function", "F")
EVENT = {"source": "shop", "detail": {"id": 'a"b', "total": 5, "items": [{"name": "x"}]}}
ENTRY: dict[str, Any] = {
    "name": "ObjectCreated:Put",
    "bucket": "files",
    "region": "eu-west-1",
    "key": "in/a.csv",
    "size": 3,
    "etag": "e",
    "version": "",
    "time": "2026-01-01T00:00:00.000Z",
    "sequencer": "01",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"who": <id>, "n": <total>}', {"who": 'a"b', "n": 5}),
        ('{"text": "order <id> of <total>"}', {"text": 'order a"b of 5'}),
        ('{"items": <items>, "none": <nothing>}', {"items": [{"name": "x"}], "none": None}),
        ("order <id>", 'order a"b'),
        ('"order <total>"', "order 5"),
        ('{"rule": "<aws.events.rule-name>", "event": <aws.events.event.json>}', {"rule": "R", "event": EVENT}),
    ],
)
def test_an_input_template_is_filled_by_text_and_by_json(template: str, expected: object) -> None:
    """Names inside quotes are text, names outside are JSON, and the outcome is JSON in any case."""
    paths = {"id": "$.detail.id", "total": "$.detail.total", "items": "$.detail.items", "nothing": "$.detail.no"}
    rule = EventRule("R", "{}", TARGET, input_template=template, input_paths=paths)
    assert json.loads(rule_input(rule, EVENT)) == expected


def test_an_input_is_the_event_a_constant_or_a_part() -> None:
    """The three plain kinds."""
    assert json.loads(rule_input(EventRule("R", "{}", TARGET), EVENT)) == EVENT
    assert rule_input(EventRule("R", "{}", TARGET, input='{"a": 1}'), EVENT) == b'{"a": 1}'
    assert json.loads(rule_input(EventRule("R", "{}", TARGET, input_path="$.detail.items[0].name"), EVENT)) == "x"
    assert at_path(EVENT, "$.detail.items[7].name") is None


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        (True, {}),
        (True, {"events": ("ObjectCreated:Put",)}),
        (True, {"prefix": "in/", "suffix": ".csv"}),
        (False, {"events": ("ObjectRemoved:*", "ObjectCreated:Post")}),
        (False, {"prefix": "out/"}),
        (False, {"suffix": ".txt"}),
        (False, {"bucket": "others"}),
    ],
)
def test_a_notification_wants_its_bucket_events_and_keys(wanted: bool, fields: dict[str, Any]) -> None:
    """All of them have to fit."""
    notification = BucketNotification(**{"bucket": "files", "events": ("ObjectCreated:*",), "target": TARGET, **fields})
    assert wants_object(notification, ENTRY) is wanted


def test_a_removed_object_has_no_size() -> None:
    """Nothing is left to be measured; without versions there is no version either."""
    notification = BucketNotification("files", ("ObjectRemoved:*",), TARGET, configuration_id="mine")
    [record] = object_event({**ENTRY, "name": "ObjectRemoved:Delete"}, notification)["Records"]
    assert record["s3"]["object"] == {"key": "in/a.csv", "sequencer": "01"}
    assert record["s3"]["configurationId"] == "mine"
