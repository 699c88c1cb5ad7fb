"""Users over both versions against a dictionary: what a client of either sees never disagrees with it.

The model knows users as the documentation describes them, not as the code stores them. Every step goes through the
real handlers as an event; after each, everything that a client can read is compared.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import USERS_TABLE
from tests.functions.api_client import Client

WORDS = ["Ana", "Eva", "Cruz", "de", "la", "Ångström", "王", "X" * 60]
one_word = st.sampled_from(WORDS)
names = st.lists(one_word, min_size=1, max_size=3).map(" ".join)
loose_names = st.tuples(names, st.sampled_from(["", " ", "  "]), st.sampled_from(["", "Cruz", "\u00a0X"])).map("".join)
emails = st.sampled_from(["a@example.com", "A@Example.com", "b@example.com", "é@example.com", "e\u0301@example.com"])
locales = st.sampled_from(["en", "de", "pt-BR"])


def key(email: str) -> str:
    return unicodedata.normalize("NFC", email).lower()


class Model:
    """One user as the two versions describe it."""

    def __init__(self, given: str, family: str | None, email: str, locale: str, v1_name: str | None) -> None:
        self.given, self.family, self.email, self.locale, self.v1_name = given, family, email, locale, v1_name
        self.tags: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self.v1_name or " ".join(filter(None, (self.given, self.family)))

    def rename(self, name: str) -> None:
        """What v1's writing a name does to v2's two."""
        name = name.strip()
        if name == self.name:
            return
        if self.family and name.endswith(f" {self.family}"):
            self.given = name.removesuffix(self.family).strip()
        elif name.startswith(f"{self.given} "):
            self.family = name.removeprefix(self.given).strip()
        else:
            self.given, self.family = split(name)
        self.v1_name = name


def split(name: str) -> tuple[str, str | None]:
    given, _, family = name.strip().rpartition(" ")
    return (given.strip(), family.strip()) if given else (family, None)


class UsersAgree(RuleBasedStateMachine):
    """Creates, replaces, patches, deletes and reads through v1 and v2 in any order."""

    users = Bundle("users")

    def __init__(self) -> None:
        super().__init__()
        self.client = Client()
        self.model: dict[str, Model] = {}
        self.order: list[str] = []
        for user in self.client.get("/v2/users?limit=100").json()["data"]:
            self.client.delete(f"/v2/users/{user['id']}")

    def taken(self, email: str, besides: str = "") -> bool:
        return any(key(user.email) == key(email) for id_, user in self.model.items() if id_ != besides)

    @rule(target=users, name=loose_names, email=emails)
    def create_v1(self, name: str, email: str) -> Any:
        answer = self.client.post("/v1/users", {"name": name, "email": email})
        return self.created(answer, Model(*split(name), email, "en", name.strip()))

    @rule(target=users, given=names, family=st.none() | names, email=emails, locale=locales)
    def create_v2(self, given: str, family: str | None, email: str, locale: str) -> Any:
        body = {"given_name": given, "family_name": family, "email": email, "locale": locale}
        return self.created(self.client.post("/v2/users", body), Model(given, family, email, locale, None))

    def created(self, answer: Any, user: Model) -> Any:
        if self.too_long(user):
            assert answer.status == 422
            return multiple()
        if self.taken(user.email):
            assert answer.status == 409
            return multiple()
        assert answer.status == 201
        id_ = answer.json()["id"]
        self.model[id_] = user
        self.order.append(id_)
        return id_

    @staticmethod
    def too_long(user: Model) -> bool:
        return len(user.name) > 200

    @rule(id_=users, name=loose_names, email=emails)
    def put_v1(self, id_: str, name: str, email: str) -> None:
        self.write_v1(id_, name, email, lambda body: self.client.put(f"/v1/users/{id_}", body))

    @rule(id_=users, part=names, first=st.booleans())
    def change_one_part_through_v1(self, id_: str, part: str, first: bool) -> None:
        """What a person does who edits a name: one part goes, the other stays."""
        user = self.model.get(id_)
        if user is not None:
            name = f"{part} {user.family or ''}" if first else f"{user.given} {part}"
            self.write_v1(id_, name, user.email, lambda body: self.client.patch(f"/v1/users/{id_}", body))

    @rule(id_=users, name=loose_names, email=emails)
    def patch_v1(self, id_: str, name: str, email: str) -> None:
        self.write_v1(id_, name, email, lambda body: self.client.patch(f"/v1/users/{id_}", body))

    def write_v1(self, id_: str, name: str, email: str, send: Any) -> None:
        answer = send({"name": name, "email": email})
        if id_ not in self.model:
            assert answer.status == 404
        elif len(name.strip()) > 200:
            assert answer.status == 422
        elif self.taken(email, besides=id_):
            assert answer.status == 409
        else:
            assert answer.status == 200
            self.model[id_].rename(name)
            self.model[id_].email = email

    @rule(id_=users, given=names, family=st.none() | names, email=emails, locale=locales, patch=st.booleans())
    def write_v2(self, id_: str, given: str, family: str | None, email: str, locale: str, patch: bool) -> None:
        body = {"given_name": given, "family_name": family, "email": email, "locale": locale}
        answer = (self.client.patch if patch else self.client.put)(f"/v2/users/{id_}", body)
        wanted = Model(given, family, email, locale, None)
        if id_ not in self.model:
            assert answer.status == 404
        elif self.too_long(wanted):
            assert answer.status == 422
        elif self.taken(email, besides=id_):
            assert answer.status == 409
        else:
            assert answer.status == 200
            old = self.model[id_]
            if (old.given, old.family) == (given, family):
                wanted.v1_name = old.v1_name
            wanted.tags = old.tags
            self.model[id_] = wanted

    @rule(id_=users, version=st.sampled_from(["v1", "v2"]))
    def put_what_get_gives(self, id_: str, version: str) -> None:
        got = self.client.get(f"/{version}/users/{id_}")
        if id_ not in self.model:
            assert got.status == 404
            return
        put = self.client.put(f"/{version}/users/{id_}", got.json(), **{"if-match": got.headers["etag"]})
        assert (put.status, put.json(), put.headers["etag"]) == (200, got.json(), got.headers["etag"])

    @rule(id_=consumes(users), version=st.sampled_from(["v1", "v2"]))
    def delete(self, id_: str, version: str) -> None:
        answer = self.client.delete(f"/{version}/users/{id_}")
        assert answer.status == (204 if id_ in self.model else 404)
        if id_ in self.model:
            del self.model[id_]
            self.order.remove(id_)

    @invariant()
    def both_versions_show_the_model(self) -> None:
        for id_, user in self.model.items():
            one, two = (self.client.get(f"/{version}/users/{id_}") for version in ("v1", "v2"))
            shown = one.json()
            assert (shown["name"], shown["email"]) == (user.name, user.email)
            full = two.json()
            assert (full["given_name"], full["family_name"]) == (user.given, user.family)
            assert (full["email"], full["locale"]) == (user.email, user.locale)
            assert (full["id"], full["created_at"]) == (shown["id"], shown["created_at"])
            self.tags_tell_states_apart(user, {"v1": one, "v2": two})

    def tags_tell_states_apart(self, user: Model, answers: dict[str, Any]) -> None:
        """The same tag as before means the same bytes as before."""
        for version, answer in answers.items():
            seen = user.tags.setdefault(f"{version} {answer.headers['etag']}", answer.body)
            assert seen == answer.body

    @invariant()
    def lists_show_everybody_in_order(self) -> None:
        one = self.client.get("/v1/users?limit=100").json()["data"]
        two = self.client.get("/v2/users?limit=100").json()["data"]
        assert [user["id"] for user in one] == [user["id"] for user in two] == self.order


@pytest.mark.usefixtures("users_table")
def test_both_versions_agree_with_the_model() -> None:
    """Any sequence of writes through either version leaves both showing the same users."""
    assert USERS_TABLE
    run_state_machine_as_test(
        UsersAgree,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
