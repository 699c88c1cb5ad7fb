"""Users in DynamoDB: transactions, conditions, one's own success met again, and what later releases wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.users import store
from domain.users.model import Content, User
from lanner.aws import wire
from tests.conftest import scan

AT = "2026-11-23T03:52:11.123Z"
ONE, TWO = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c"
pytestmark = pytest.mark.usefixtures("users_table")


def user(user_id: str = ONE, email: str = "ana@example.com", revision: int = 1, **more: Any) -> User:
    content = Content(more.get("given", "Ana"), more.get("family", "Cruz"), email, "pt", more.get("name"))
    return User(user_id, content, AT, AT, revision)


def owners(table: str) -> dict[str, str]:
    """Who has which address."""
    return {item["pk"]["S"]: item["owner"]["S"] for item in scan(table) if "owner" in item}


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on every write is sent twice, as when the first answer is lost on the way."""
    real = wire.dynamodb()

    class Repeating:
        def call(self, operation: str, payload: dict[str, Any], **options: Any) -> dict[str, Any]:
            if operation in ("UpdateItem", "TransactWriteItems"):
                # Another request token, as if the ten minutes for which DynamoDB knows one were over.
                real.call(
                    operation, {**payload, "ClientRequestToken": "x" * 32} if "Transact" in operation else payload
                )
            return real.call(operation, payload, **options)

    return lambda: monkeypatch.setattr(wire, "dynamodb", Repeating)


@pytest.mark.parametrize("family", ["Cruz", None])
@pytest.mark.parametrize("name", ["Ana  Cruz", None])
def test_what_is_stored_is_read(family: str | None, name: str | None) -> None:
    """Every member, the absent ones too."""
    new = user(family=family, name=name)
    store.insert(new)
    for found in (store.read(ONE), store.read_by_email("ANA@example.com")):
        assert found is not None
        assert (found.id, found.content, found.created_at, found.updated_at, found.revision) == (
            new.id,
            new.content,
            AT,
            AT,
            1,
        )
    assert store.read(TWO) is None


def test_a_claim_is_all_or_nothing(users_table: str) -> None:
    """A taken address stores no user, a change to one changes nothing."""
    store.insert(user())
    with pytest.raises(store.EmailTaken):
        store.insert(user(TWO, "Ana@Example.com"))
    assert store.read(TWO) is None
    store.insert(user(TWO, "other@example.com"))
    with pytest.raises(store.EmailTaken):
        store.update(user(TWO, "other@example.com"), user(TWO, "ANA@example.com", 2))
    assert owners(users_table) == {"E#ana@example.com": ONE, "E#other@example.com": TWO}


def test_only_what_was_read_is_overwritten(users_table: str) -> None:
    """`Stale` for another revision and for a user who is gone, with and without a new address."""
    store.insert(user())
    store.update(user(), user(given="Eva", revision=2))
    for new in (user(given="Ida", revision=2), user(email="new@example.com", revision=2)):
        with pytest.raises(store.Stale):
            store.update(user(), new)
    with pytest.raises(store.Stale):
        store.delete(user())
    store.delete(user(revision=2))
    with pytest.raises(store.Stale):
        store.update(user(revision=2), user(revision=3))
    with pytest.raises(store.Stale):
        store.delete(user(revision=2))
    assert scan(users_table) == []


def test_a_write_that_meets_its_own_success_succeeds(twice: Callable[[], None], users_table: str) -> None:
    """Created, changed, moved to another address: each sent twice, each done once and reported as done."""
    twice()
    store.insert(user())
    store.update(user(), user(given="Eva", revision=2))
    store.update(user(given="Eva", revision=2), user(given="Eva", email="new@example.com", revision=3))
    found = store.read(ONE)
    assert found is not None
    assert (found.content.given_name, found.content.email, found.revision) == ("Eva", "new@example.com", 3)
    assert owners(users_table) == {"E#new@example.com": ONE}


def test_attributes_of_later_releases_stay(users_table: str) -> None:
    """During a canary two releases write one user; the older one must not drop what it does not know."""
    store.insert(user())
    key = {"pk": {"S": f"U#{ONE}"}}
    wire.dynamodb().call(
        "UpdateItem",
        {
            "TableName": users_table,
            "Key": key,
            "UpdateExpression": "SET nickname = :n",
            "ExpressionAttributeValues": {":n": {"S": "Aninha"}},
        },
    )
    store.update(user(), user(family=None, revision=2))
    item = wire.dynamodb().call("GetItem", {"TableName": users_table, "Key": key})["Item"]
    assert item["nickname"] == {"S": "Aninha"}
    assert "family_name" not in item


def test_claims_are_not_in_the_index(users_table: str) -> None:
    """Only users are listed; the index of a claim would list nobody."""
    store.insert(user())
    items = [item for shard in range(store.SHARDS) for item in store.between(shard, ONE, ONE, 10, forward=True)[0]]
    assert [item["pk"]["S"] for item in items] == [f"U#{ONE}"]
    assert len(scan(users_table)) == 2


def test_ids_are_spread_over_the_index() -> None:
    """Ids made one after the other do not end in one partition."""
    counts = [0] * store.SHARDS
    for number in range(1000):
        counts[store.shard_of(f"0190a1b2-7c3d-7e4f-8a5b-{number:012x}")] += 1
    assert min(counts) > 200
