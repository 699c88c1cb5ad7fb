"""The schemas that OpenAPI shows and the rules that judge requests are the same rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import catalog.models
import catalog.routes_v1
import catalog.routes_v2
import users_v1.models
import users_v1.routes
import users_v2.models
import users_v2.routes
from domain.catalog import categories, options, translations
from domain.users import v1, v2
from lanner.http.problems import Unprocessable
from tests.functions.api_client import Client

JUNK = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.just("x" * 201) | st.just({"a": 1})
NAMES = st.sampled_from(["Ana", "x" * 200, " Eva ", "a\nb"]) | JUNK
EMAILS = st.sampled_from(["a@b.co", "ana@example.com", "no"]) | JUNK


def bodies(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={**members, "colour": st.just("red")})


TIMES = st.just("2026-11-23T03:52:11.123Z") | JUNK
USERS_V1 = bodies(name=NAMES, email=EMAILS, id=JUNK, created_at=TIMES)
USERS_V2 = bodies(
    given_name=NAMES,
    family_name=NAMES,
    email=EMAILS,
    locale=st.sampled_from(["en", "pt-br", "?"]) | JUNK,
    id=JUNK,
    created_at=TIMES,
    updated_at=TIMES,
)
NODES = st.lists(bodies(name=NAMES, id=st.sampled_from(["a", "b c"]) | JUNK, children=st.just([])), max_size=2)
TREES = bodies(data=NODES | JUNK, updated_at=TIMES)
SETTINGS = bodies(settings=st.dictionaries(st.sampled_from(["a", "b.c"]), JUNK, max_size=2) | JUNK, updated_at=TIMES)
MESSAGES = bodies(messages=st.dictionaries(st.sampled_from(["a", "b.c"]), JUNK, max_size=2) | JUNK, updated_at=TIMES)


Rules = Callable[[dict[str, Any]], object]


def takes(rules: Rules, body: dict[str, Any]) -> bool:
    """Whether the edge's rules accept a body."""
    try:
        rules(body)
    except Unprocessable:
        return False
    return True


def fits(model: type[BaseModel], body: dict[str, Any]) -> bool:
    """Whether the published schema does."""
    try:
        model.model_validate(body, strict=True)
    except ValidationError:
        return False
    return True


def agree(model: type[BaseModel], rules: Rules, body: dict[str, Any]) -> None:
    """What the rules accept fits the schema: a client generated from it can send everything."""
    assert fits(model, body) or not takes(rules, body), f"accepted, but against {model.__name__}: {body}"


def test_good_bodies_are_taken_and_fit() -> None:
    """So that agreeing is not refusing everything."""
    one, two = {"name": "Ana", "email": "a@b.co"}, {"given_name": "Ana", "email": "a@b.co", "locale": "en"}
    assert takes(v1.created, one) and fits(users_v1.models.UserWrite, one)
    assert takes(v2.created, two) and fits(users_v2.models.UserWrite, two)
    assert not takes(v2.created, one) and not fits(users_v2.models.UserWrite, one)


@given(USERS_V1, USERS_V2)
def test_users(one: dict[str, Any], two: dict[str, Any]) -> None:
    """The bodies of POST and PUT, in both versions."""
    one = {name: value.strip() if isinstance(value, str) else value for name, value in one.items()}
    two = {name: value.strip() if isinstance(value, str) else value for name, value in two.items()}
    agree(users_v1.models.UserWrite, v1.created, one)
    agree(users_v2.models.UserWrite, v2.created, two)


@given(TREES, SETTINGS, MESSAGES)
def test_catalog(tree: dict[str, Any], settings: dict[str, Any], messages: dict[str, Any]) -> None:
    """The bodies of every PUT."""
    agree(
        catalog.models.CategoriesV2,
        lambda body: categories.read_v2(body, {"data": []}, lambda: "new"),
        strip_names(tree),
    )
    agree(catalog.models.SettingsV2, lambda body: options.read(body, ("settings", "updated_at")), settings)
    agree(
        catalog.models.TranslationsV2,
        lambda body: translations.read(body, "en", ("locale", "messages", "updated_at")),
        messages,
    )


def strip_names(tree: dict[str, Any]) -> dict[str, Any]:
    """The rules strip names before they measure them."""
    data = tree.get("data")
    if not isinstance(data, list):
        return tree
    return {
        **tree,
        "data": [
            {
                name: value.strip() if name == "name" and isinstance(value, str) else value
                for name, value in node.items()
            }
            for node in data
        ],
    }


ROUTERS = {
    "users_v1": users_v1.routes.router,
    "users_v2": users_v2.routes.router,
    "catalog_v1": catalog.routes_v1.router,
    "catalog_v2": catalog.routes_v2.router,
}


@pytest.mark.parametrize("name", ROUTERS)
def test_what_is_answered_fits_its_schema(name: str, client: Client) -> None:
    """Every 200 and 201 of a route, validated strictly against the model that it declares."""
    version = name.rpartition("_")[2]
    user = client.post("/v2/users", {"given_name": "Ana", "email": "ana@example.com"}).json()
    client.put("/v2/catalog/categories", {"data": [{"name": "A", "children": [{"name": "B"}]}]})
    client.put("/v2/catalog/settings", {"settings": {"a": 1, "b": True, "c": "x", "d": 1.5}})
    client.put("/v2/catalog/translations/en", {"messages": {"a": "A"}})
    checked = 0
    for route in ROUTERS[name].routes:
        model = getattr(route, "response_model", None)
        if model is None:
            continue
        target = f"/{version}{route.path}".replace("{id}", user["id"]).replace("{locale}", "en")  # type: ignore[attr-defined]
        shown = client.get(target).json()
        (method,) = route.methods  # type: ignore[attr-defined]
        if method == "GET":
            answer = shown
        elif method == "POST":
            writable = users_v1.models.NEW_EXAMPLE if version == "v1" else users_v2.models.NEW_EXAMPLE
            answer = client.post(target, {**writable, "email": "new@example.com"}).json()
        else:
            answer = (client.patch if method == "PATCH" else client.put)(target, shown).json()
        model.model_validate(answer, strict=True)
        checked += 1
    assert checked == {"users_v1": 5, "users_v2": 6}.get(name, 7)


def test_examples_are_accepted(client: Client) -> None:
    """What the documentation shows can be sent."""
    sent = 0
    for version, models in (("v1", users_v1.models), ("v2", users_v2.models)):
        write = models.UserWrite.model_config["json_schema_extra"]
        patch = models.UserPatch.model_config["json_schema_extra"]
        assert isinstance(write, dict)
        assert isinstance(patch, dict)
        user = client.post(f"/{version}/users", write["examples"][0]).json()
        for example in patch["examples"]:
            assert client.patch(f"/{version}/users/{user['id']}", example).status == 200
            sent += 1
        client.delete(f"/{version}/users/{user['id']}")
    for path, kind in (("categories", "Categories"), ("settings", "Settings"), ("translations/en", "Translations")):
        for version in ("v1", "v2"):
            extra = getattr(catalog.models, f"{kind}{version.upper()}").model_config["json_schema_extra"]
            assert client.put(f"/{version}/catalog/{path}", extra["examples"][0]).status in (200, 201)
            sent += 1
    assert sent == 9
