"""Catalog documents in DynamoDB: conditions, one's own success met again, the list of locales, sizes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.catalog import store
from domain.catalog.service import Catalog
from domain.catalog.sizes import MAX_STORED_BYTES
from lanner.aws import wire
from lanner.clock import ManualClock
from lanner.http.message import ANONYMOUS, Principal
from lanner.http.problems import Forbidden, Unavailable
from tests.conftest import scan

AT = "2026-11-23T03:52:11.123Z"
pytestmark = pytest.mark.usefixtures("catalog_table")


@pytest.mark.parametrize("key", ["settings", "translations#en"])
def test_only_what_was_read_is_replaced(key: str) -> None:
    """The second writer of one state is told, and the first's document stays."""
    first = store.write(key, None, b'{"a":1}', AT, "me")
    with pytest.raises(store.Stale):
        store.write(key, None, b'{"a":2}', AT, "me")
    second = store.write(key, first, b'{"a":3}', AT, "me")
    with pytest.raises(store.Stale):
        store.write(key, first, b'{"a":4}', AT, "me")
    found = store.read(key)
    assert found is not None
    assert (found.body, found.revision, found.tag) == (b'{"a":3}', 2, second.tag)


@pytest.mark.parametrize("key", ["settings", "translations#en"])
def test_a_write_that_meets_its_own_success_succeeds(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent twice, as when the first answer is lost on the way: done once and reported as done."""
    real = wire.dynamodb()

    class Repeating:
        def call(self, operation: str, payload: dict[str, Any], **options: Any) -> dict[str, Any]:
            if operation in ("PutItem", "TransactWriteItems"):
                real.call(operation, payload)
            return real.call(operation, payload, **options)

    monkeypatch.setattr(wire, "dynamodb", Repeating)
    first = store.write(key, None, b"{}", AT, "me")
    second = store.write(key, first, b'{"a":1}', AT, "me")
    found = store.read(key)
    assert found is not None
    assert (found.tag, second.revision) == (second.tag, 2)


def test_locales_are_listed_in_order() -> None:
    """Each once, with the time of its last write; settings are no locale."""
    store.write("settings", None, b"{}", AT, "me")
    for locale in ("pt-BR", "en", "de"):
        store.write(store.translations_key(locale), None, b"{}", AT, "me")
    later = "2027-01-01T00:00:00.000Z"
    store.write(store.translations_key("en"), store.read(store.translations_key("en")), b"{}", later, "me")
    assert store.locales() == [("de", AT), ("en", later), ("pt-BR", AT)]


def test_the_largest_document_fits(catalog_table: str) -> None:
    """What the bound lets through, DynamoDB takes, keys and attributes included."""
    body = b'"' + b"x" * (MAX_STORED_BYTES - 2) + b'"'
    store.write(store.translations_key("zh-Hant-TW"), None, body, AT, "x" * 200)
    (item,) = (item for item in scan(catalog_table) if "body" in item)
    assert len(item["body"]["S"]) == MAX_STORED_BYTES


def test_writers_are_named_and_checked(catalog_table: str) -> None:
    """Every write goes through the policy, and says who did it."""
    catalog = Catalog(ManualClock(1_795_405_931.0))
    content = {"settings": {"a": 1}}
    with pytest.raises(Forbidden):
        catalog.replace("settings", lambda _: content, lambda _: None, Principal("u1", "app"))
    assert scan(catalog_table) == []
    stored, created = catalog.replace("settings", lambda _: content, lambda _: None, ANONYMOUS)
    assert (created, stored.updated_at) == (True, "2026-11-23T03:52:11.000Z")
    assert scan(catalog_table)[0]["written_by"] == {"S": "anonymous"}
    again, created = catalog.replace("settings", lambda _: content, lambda _: None, ANONYMOUS)
    assert (created, again.tag) == (False, stored.tag)


def test_a_writer_who_always_loses_gives_up() -> None:
    """503 after a bounded number of attempts, each made from what is there then."""
    catalog = Catalog(ManualClock(1_795_405_931.0))
    seen: list[Any] = []

    def make(old: dict[str, Any]) -> dict[str, Any]:
        seen.append(old["settings"])
        other = b'{"settings":{"n":%d},"updated_at":"%s"}' % (len(seen), AT.encode())
        store.write("settings", store.read("settings"), other, AT, "other")
        return {"settings": {"mine": True}}

    with pytest.raises(Unavailable):
        catalog.replace("settings", make, lambda _: None, ANONYMOUS)
    assert seen == [{}, *({"n": number} for number in range(1, 8))]
