"""What moto no longer needs is gone: nothing keeps the instances of its models."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

from moto.dynamodb.models.table import Table

from lanner.local.engine import instances


def test_a_copied_table_goes_with_its_last_reference() -> None:
    """A transaction copies its tables; the dashboard's list would keep each copy for as long as the engine runs."""

    instances.install()
    model: Any = Table  # Any: abstract to a type checker, and with what moto's metaclass adds
    table = model(
        "T",
        "123456789012",
        "eu-west-1",
        schema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        attr=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    copied = weakref.ref(copy.copy(table))
    gc.collect()
    assert copied() is None
    assert table not in model.instances_tracked
