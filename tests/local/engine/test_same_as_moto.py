"""What the engine keeps, narrows and adds up changes no answer: thousands of drawn calls to it and to plain moto."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lanner.local.engine.expressions import Kept

Call = list[Any]  # [operation, document]
CHANGES = ("expressions", "instances", "items", "shapes", "streams")
CALLS = 700
NAMES = {
    "#n": ("name", "n", "pk"),
    "#k": ("kind",),
    "#d": ("doc", "name"),
    "#p": ("pk",),
    "#l": ("list",),
    "#x": ("n",),
}
VALUES: tuple[dict[str, Any], ...] = (
    {"S": "a"},
    {"S": ""},
    {"S": "long enough"},
    {"N": "1"},
    {"N": "-2.50"},
    {"N": "1.0"},
    {"BOOL": True},
    {"NULL": True},
    {"B": "AAEC"},
    {"SS": ["a", "b"]},
    {"NS": ["1", "2"]},
    {"L": [{"S": "a"}, {"N": "1"}]},
    {"L": []},
    {"M": {"a": {"S": "b"}, "deep": {"M": {"er": {"N": "3"}}}}},
    {"M": {}},
)
PATHS = ("n", "#x", "#n", "doc", "#d", "#d.a", "#d.deep.er", "doc.a", "#l[0]", "#l[1]", "#l[7]", "plain", "#k", "set1")
WRONG_PATHS = ("name", "list[1]", "at", "#p", "sk", "missing.a", "#l[0].a", "#none")  # reserved, keys, nowhere, no name


def replay(calls: list[Call], *without: str) -> dict[str, Any]:
    """Answers, and how often texts were read, of an engine of its own."""
    command = [sys.executable, str(Path(__file__).with_name("replay.py")), *without]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, input=json.dumps(calls), check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tables() -> list[Call]:
    """Keys of both kinds, indexes with and without a range, a stream."""

    def table(name: str, *keys: str, **more: Any) -> Call:
        attributes = {key.split(":")[0]: key.split(":")[1] for key in (*keys, "kind:S", "at:N")}
        document = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()],
            "KeySchema": schema(*(key.split(":")[0] for key in keys)),
            "GlobalSecondaryIndexes": [
                {"IndexName": "ranged", "KeySchema": schema("kind", "at"), "Projection": {"ProjectionType": "ALL"}},
                {"IndexName": "flat", "KeySchema": schema("kind"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
            ],
        }
        return ["CreateTable", {**document, **more}]

    def schema(*names: str) -> list[dict[str, str]]:
        kinds = ("HASH", "RANGE")
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)]

    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return [table("pairs", "pk:S", "sk:N"), table("flat", "pk:S", StreamSpecification=stream), table("numbers", "pk:N")]


class Draw:
    """Calls, right and wrong, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.values: dict[str, Any] = {}

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def value(self) -> str:
        name = f":v{len(self.values) % 7}"
        self.values.setdefault(name, self.one(*VALUES))
        return self.one(*[name] * 30, ":gone")

    def path(self) -> str:
        return self.one(*PATHS * 8, *WRONG_PATHS)

    def operand(self) -> str:
        kind = self.random.randrange(8)
        if kind == 0:
            return f"if_not_exists({self.path()}, {self.value()})"
        if kind == 1:
            return f"list_append({self.path()}, {self.value()})"
        if kind == 2:
            return f"{self.path()} {self.one('+', '-')} {self.value()}"
        return self.value() if kind < 7 else self.path()

    def update(self) -> str:
        clauses = []
        for word in self.random.sample(("SET", "REMOVE", "ADD", "DELETE", "set"), self.one(1, 1, 1, 1, 2)):
            actions = []
            for _ in range(self.one(1, 1, 1, 2)):
                action = {"SET": f"{self.path()} = {self.operand()}", "REMOVE": self.path()}
                actions.append(action.get(word.upper(), f"{self.path()} {self.value()}"))
            clauses.append(f"{word} {', '.join(actions)}")
        text = " ".join(clauses)
        return self.one(*[text] * 20, text + ",", text.replace("=", "==", 1), "SET", " ", text + " )")

    def condition(self, depth: int = 0) -> str:
        kind = self.random.randrange(12 if depth < 2 else 8)
        path, value = self.path(), self.value()
        if kind == 0:
            return f"{self.one('attribute_exists', 'attribute_not_exists')}({path})"
        if kind == 1:
            return f"{self.one('begins_with', 'contains', 'attribute_type')}({path}, {value})"
        if kind == 2:
            return f"size({path}) {self.one('>', '<', '=')} {value}"
        if kind == 3:
            return f"{path} IN ({value}, {self.value()})"
        if kind == 4:
            return f"{path} BETWEEN {value} AND {self.value()}"
        if kind < 8:
            return f"{path} {self.one('=', '<>', '<', '<=', '>', '>=')} {value}"
        if kind == 8:
            return f"NOT {self.condition(depth + 1)}"
        if kind == 9:
            return f"({self.condition(depth + 1)})"
        broken = self.one(*[""] * 30, " AND", ")", " = ")
        return f"{self.condition(depth + 1)} {self.one('AND', 'OR', 'and')} {self.condition(depth + 1)}{broken}"

    def key(self, table: str) -> dict[str, Any]:
        if table == "numbers":
            return {"pk": {"N": self.one("1", "1.0", "2", "-3")}}
        key = {"pk": {"S": self.one("a", "b", "c")}}
        return key if table == "flat" else {**key, "sk": {"N": self.one("1", "2", "10", "2.0")}}

    def item(self, table: str) -> dict[str, Any]:
        more = {
            name: self.one(*VALUES) for name in self.random.sample(("n", "name", "doc", "list", "set1", "plain"), 3)
        }
        more |= self.one({}, {"kind": {"S": self.one("x", "y")}}, {"kind": {"S": "x"}, "at": {"N": self.one("1", "2")}})
        return {**self.key(table), **more}

    def expressed(self, document: dict[str, Any]) -> dict[str, Any]:
        """With the names and the values that its texts use; sometimes without them, or with one more."""
        text = " ".join(str(value) for key, value in document.items() if key.endswith("Expression"))
        names = {name: self.one(*meant) for name, meant in NAMES.items() if name in text}
        values = {name: value for name, value in self.values.items() if name in text}
        self.values = {}
        if self.random.random() < 0.03:
            names |= {"#unused": "unused"}
        if names and self.random.random() < 0.97:
            document["ExpressionAttributeNames"] = names
        if values:
            document["ExpressionAttributeValues"] = values
        return document

    def write(self, kind: str) -> dict[str, Any]:
        table = self.one("pairs", "flat", "numbers")
        document: dict[str, Any] = {"TableName": table}
        document |= {"Item": self.item(table)} if kind == "Put" else {"Key": self.key(table)}
        if kind == "Update":
            document["UpdateExpression"] = self.update()
        if kind == "ConditionCheck" or self.random.random() < 0.35:
            document["ConditionExpression"] = self.condition()
            document |= self.one({}, {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
        return self.expressed(document)

    def read(self, operation: str) -> dict[str, Any]:
        table = self.one("pairs", "flat", "numbers")
        document: dict[str, Any] = {"TableName": table, **self.one({}, {"Limit": self.one(1, 2, 3)})}
        index = self.one(None, "ranged", "flat")
        document |= {"IndexName": index} if index else {}
        if operation == "Query":
            self.values[":h"] = {"S": self.one("x", "y")} if index else self.key(table)["pk"]
            text = "#k = :h" if index else "#p = :h"
            if self.random.random() < 0.4 and (index == "ranged" or table == "pairs"):
                self.values[":r"] = {"N": self.one("1", "2")}
                text += f" AND {'at' if index else 'sk'} {self.one('>', '<=', '=')} :r"
            document |= {"KeyConditionExpression": text, "ScanIndexForward": self.one(True, False)}
        if self.random.random() < 0.3:
            document["FilterExpression"] = self.condition()
        if self.random.random() < 0.3 and not index:
            document["ExclusiveStartKey"] = self.key(table)
        return self.expressed(document)

    def call(self) -> Call:
        kind = self.random.randrange(20)
        if kind < 11:
            operation = self.one("Put", "Update", "Update", "Update", "Delete")
            returned: dict[str, str] = self.one({}, {"ReturnValues": self.one("ALL_OLD", "ALL_OLD", "ALL_NEW", "NONE")})
            if operation == "Update":
                returned = {"ReturnValues": self.one("ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "NONE")}
            return [f"{operation}Item", {**self.write(operation), **returned}]
        if kind < 15:
            kinds = [self.one("Put", "Update", "Update", "Delete", "ConditionCheck") for _ in range(self.one(1, 2, 3))]
            return ["TransactWriteItems", {"TransactItems": [{each: self.write(each)} for each in kinds]}]
        operation = self.one("Query", "Query", "Scan")
        return [operation, self.read(operation)]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_answer_is_motos_own(seed: int) -> None:
    """Statuses, bodies and errors of each call, asked twice, and the tables that are left, are those of plain moto."""
    draw = Draw(seed)
    calls: list[Call] = []
    for _ in range(CALLS):
        call = draw.call()
        calls += [call, call] if draw.random.random() < 0.5 else [call]
    calls += [["Scan", {"TableName": name}] for name in ("pairs", "flat", "numbers")]
    began = len(tables())  # whose answers have moments and ids of their own
    plain, ours = (replay([*tables(), *calls], *without)["answers"][began:] for without in (CHANGES, ()))
    for call, theirs, mine in zip(calls, plain, ours, strict=True):
        assert mine == theirs, call
    right = sum(status.startswith("200") for status, _ in plain)
    assert len(calls) / 5 < right < len(calls) * 0.9  # the draw is neither all wrong nor all right


def edges() -> list[Call]:
    """What a draw hardly meets: a text known as right and then with a wrong and without another value, sizes, types."""

    def update(key: str, values: dict[str, Any]) -> Call:
        text = "n BETWEEN :low AND :high AND plain = :more"
        document = {"TableName": "flat", "Key": {"pk": {"S": key}}, "UpdateExpression": "SET doc = :more"}
        return ["UpdateItem", {**document, "ConditionExpression": text, "ExpressionAttributeValues": values}]

    def put(size: int, *, parts: int) -> Call:
        each = {f"part{part}": {"S": "x" * (size // parts)} for part in range(parts)}
        return ["PutItem", {"TableName": "flat", "Item": {"pk": {"S": "large"}, "kind": {"S": "1"}, **each}}]

    def query(table: str, text: str, value: dict[str, str], **more: str) -> Call:
        return [
            "Query",
            {
                "TableName": table,
                "KeyConditionExpression": text,
                "ExpressionAttributeValues": {":v": value},
                **more,
            },
        ]

    low, high, null = {"N": "1"}, {"N": "3"}, {"NULL": True}
    item = {"pk": {"S": "a"}, "n": {"N": "2"}, "plain": {"S": "p"}}
    return [
        ["PutItem", {"TableName": "flat", "Item": item}],
        update("a", {":low": low, ":high": high, ":more": {"S": "p"}}),
        update("a", {":low": low, ":high": high}),
        update("a", {":low": null, ":high": high}),
        update("a", {":low": null, ":high": high, ":more": {"S": "p"}}),
        *(put(size, parts=parts) for size in (404_900, 404_980, 404_990, 405_001) for parts in (1, 4)),
        *(query(table, "pk = :v", value) for table in ("flat", "numbers") for value in ({"S": "1"}, {"N": "1"})),
        query("numbers", "pk = :v", {"N": "one"}),
        *(query("flat", "kind = :v", value, IndexName="flat") for value in ({"S": "1"}, {"N": "1"}, {"B": "1"})),
    ]


def test_edges_are_motos_own() -> None:
    """An error is the one that moto meets first, a size is refused at moto's byte, a type is no other type."""
    began, calls = len(tables()), edges()
    plain, ours = (replay([*tables(), *calls], *without)["answers"][began:] for without in (CHANGES, ()))
    for call, theirs, mine in zip(calls, plain, ours, strict=True):
        assert mine == theirs, call
    sizes = [status[:3] for (status, _), call in zip(plain, calls, strict=True) if "large" in json.dumps(call)]
    assert {"200", "400"} == set(sizes)


def test_a_text_is_read_once() -> None:
    """Twenty updates with a condition, of other items and with other values, take one text each to pieces once."""
    document = {
        "TableName": "flat",
        "UpdateExpression": "SET #n = :v",
        "ConditionExpression": "#n <> :v",
        "ExpressionAttributeNames": {"#n": "name"},
    }
    calls: list[Call] = [
        ["UpdateItem", {**document, "Key": {"pk": {"S": each}}, "ExpressionAttributeValues": {":v": {"S": each}}}]
        for each in map(str, range(20))
    ]
    assert replay([*tables(), *calls])["read"] == {"updates": 1, "conditions": 1}
    assert replay([*tables(), *calls], "expressions")["read"] == {"updates": 40, "conditions": 40}


def test_memory_holds_what_is_stored_and_no_more() -> None:
    """A hundred transactions over one item, half of which fail, leave that item, and each table once."""
    put = {"Put": {"TableName": "flat", "Item": {"pk": {"S": "a"}}}}
    check = {
        "ConditionCheck": {
            "TableName": "pairs",
            "Key": {"pk": {"S": "a"}, "sk": {"N": "1"}},
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    calls: list[Call] = [["TransactWriteItems", {"TransactItems": [put, *([check] * (at % 2))]}] for at in range(100)]
    assert replay([*tables(), *calls])["kept"] == {"Item": 1, "Table": 3}
    assert replay([*tables(), *calls], "instances", "streams")["kept"]["Table"] > 100


def test_what_is_kept_has_a_limit() -> None:
    """The oldest goes when one more comes, so that texts with values written into them cannot fill the memory."""
    kept = Kept(2)
    for key in "abc":
        kept[key] = key
    assert dict(kept) == {"b": "b", "c": "c"}
