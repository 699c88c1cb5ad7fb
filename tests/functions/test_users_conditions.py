"""Entity-tags and conditions on users, in both versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lanner.aws import wire
from tests.functions.api_client import Client

ANA = {"given_name": "Ana", "family_name": "Cruz", "email": "ana@example.com"}
STORED = '"v2.1-1"'


@pytest.fixture
def user(client: Client) -> str:
    """The id of a new user."""
    answer = client.post("/v2/users", ANA)
    assert answer.status == 201
    found: str = answer.json()["id"]
    return found


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What was asked of DynamoDB."""
    seen: list[dict[str, Any]] = []
    real = wire.dynamodb()

    class Watched:
        def call(self, operation: str, payload: dict[str, Any], **options: Any) -> dict[str, Any]:
            seen.append({"operation": operation, **payload})
            return real.call(operation, payload, **options)

    monkeypatch.setattr(wire, "dynamodb", Watched)
    yield seen


def test_each_version_has_its_own_tag(client: Client, user: str) -> None:
    """Strong tags that differ per version, so that a cache never mixes two representations."""
    tags = [client.get(f"/{version}/users/{user}").headers["etag"] for version in ("v1", "v2")]
    assert tags == ['"v1.1-1"', '"v2.1-1"']
    assert client.get(f"/v1/users/{user}", if_none_match=STORED).status == 200


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_has_not_changed_is_not_sent_again(
    client: Client, user: str, version: str, reads: list[dict[str, Any]]
) -> None:
    """304 without the framework and with one read of the storage, whatever form the condition has; so is the 200."""
    tag = client.get(f"/{version}/users/{user}").headers["etag"]
    for condition in (tag, f'"other", W/{tag}', "*"):
        del reads[:]
        answer = client.get(f"/{version}/users/{user}", if_none_match=condition)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
        assert len(reads) == 1
    client.patch(f"/v2/users/{user}", {"locale": "de"})
    del reads[:]
    assert client.get(f"/{version}/users/{user}", if_none_match=tag).status == 200
    assert len(reads) == 1


def test_a_selection_has_a_tag_of_its_own(client: Client, user: str) -> None:
    """`fields` changes the representation, so it changes the tag; the order and repetitions of names do not."""
    whole = client.get(f"/v2/users/{user}")
    some = client.get(f"/v2/users/{user}?fields=email,id")
    assert list(some.json()) == ["id", "email"]
    assert some.headers["etag"] != whole.headers["etag"]
    assert client.get(f"/v2/users/{user}?fields=id,email,id", if_none_match=some.headers["etag"]).status == 304
    assert client.get(f"/v2/users/{user}?fields=id", if_none_match=some.headers["etag"]).status == 200
    assert client.get(f"/v2/users/{user}?fields=id", if_none_match=whole.headers["etag"]).status == 200


@pytest.mark.parametrize(("version", "tag"), [("v1", '"v1.1-1"'), ("v2", '"v2.1-1"')])
def test_a_stale_condition_stops_every_write(client: Client, user: str, version: str, tag: str) -> None:
    """412 and nothing is written; the tag of the other version does not match either."""
    target = f"/{version}/users/{user}"
    document = client.get(target).json()
    other = '"v2.1-1"' if version == "v1" else '"v1.1-1"'
    for wrong in (tag.replace("-1", "-2"), f"W/{tag}", other, '"nonsense"', "nonsense"):
        assert client.put(target, document, if_match=wrong).status == 412
        assert client.patch(target, {"email": "new@example.com"}, if_match=wrong).status == 412
        assert client.delete(target, if_match=wrong).status == 412
    assert client.get(target).headers["etag"] == tag
    assert client.patch(target, {"email": "new@example.com"}, if_match=f'"x", {tag}').status == 200
    assert client.delete(target, if_match=tag).status == 412
    assert client.delete(target, if_match="*").status == 204


def test_a_write_answers_with_the_tag_to_go_on_with(client: Client, user: str) -> None:
    """A chain of conditional writes needs no reads between."""
    tag = STORED
    for locale in ("de", "fr", "pt"):
        answer = client.patch(f"/v2/users/{user}", {"locale": locale}, if_match=tag)
        assert answer.status == 200
        assert answer.headers["etag"] != tag
        tag = answer.headers["etag"]


def test_if_none_match_on_a_write_refuses_what_exists(client: Client, user: str) -> None:
    """`If-None-Match: *` says "only if there is none"; there is one."""
    assert client.put(f"/v2/users/{user}", ANA, if_none_match="*").status == 412


def test_an_error_wins_over_a_condition(client: Client, user: str) -> None:
    """RFC 9110 section 13.2.1: what would fail without conditions fails in the same way with them."""
    assert client.put(f"/v2/users/{user}", {}, if_match='"x"').status == 422
    client.delete(f"/v2/users/{user}")
    assert client.put(f"/v2/users/{user}", ANA, if_match="*").status == 404
    assert client.delete(f"/v2/users/{user}", if_match=STORED).status == 404


def test_errors_are_answered_behind_the_validator_too(client: Client, user: str) -> None:
    """A condition does not hide a wrong parameter, a malformed id or a missing user."""
    assert client.get(f"/v2/users/{user}?fields=nonsense", if_none_match="*").status == 400
    assert client.get(f"/v2/users/{user}?colour=red", if_none_match="*").status == 400
    assert client.get(f"/v1/users/{user}?fields=id", if_none_match="*").status == 400
    assert client.get("/v2/users/nonsense", if_none_match="*").status == 404
    client.delete(f"/v2/users/{user}")
    assert client.get(f"/v2/users/{user}", if_none_match=STORED).status == 404
