"""`python replay.py [module ...]`: the engine, without its changes to moto in these modules, answers calls.

In, on standard input: a JSON list of `[operation, document]`. Out: `answers`, each `[status, body]`; `read`, how often
moto took a text to pieces: updates and conditions; `kept`, how many items and tables are in memory at the end.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from collections import Counter
from typing import Any

from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.tokens import ExpressionTokenizer

from lanner.local.engine.application import Application
from lanner.local.engine.http import Request

SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"


def main() -> None:
    for name in sys.argv[1:]:
        vars(importlib.import_module(f"lanner.local.engine.{name}"))["install"] = lambda: None
    read: Counter[str] = Counter()
    tokenizer: Any = ExpressionTokenizer  # Any: its methods are counted
    conditions: Any = ConditionExpressionParser
    make_list, lex = tokenizer.make_list, conditions._lex_condition_expression

    def counted_list(_cls: type, text: str) -> Any:
        read["updates"] += 1
        return make_list(text)

    def counted_lex(self: Any) -> Any:
        read["conditions"] += 1
        return lex(self)

    tokenizer.make_list, conditions._lex_condition_expression = classmethod(counted_list), counted_lex
    application = Application("http://127.0.0.1:1", ("dynamodb",))
    answers = []
    for operation, document in json.load(sys.stdin):
        headers = [
            ("host", "127.0.0.1:1"),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", f"DynamoDB_20120810.{operation}"),
            ("authorization", SCOPE),
        ]
        answer = application.call(Request("POST", "/", headers, json.dumps(document).encode()))
        answers.append([answer.status, answer.body.decode()])
    gc.collect()
    alive = Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, (Item, Table)))
    json.dump({"answers": answers, "read": read, "kept": alive}, sys.stdout)


if __name__ == "__main__":
    main()
