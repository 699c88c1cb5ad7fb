"""One name and two: splitting, renaming, and what both versions may rely on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.users import v1, v2
from domain.users.model import Content, User, full_name
from domain.users.names import rename, split_name
from domain.users.versions import v1_to_v2, v2_to_v1

AT = "2026-11-23T03:52:11.123Z"
ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
NAMES = st.text("ab \u00a0é", min_size=1, max_size=12).map(str.strip).filter(bool)


def user(given_name: str, family_name: str | None, name: str | None = None) -> User:
    return User(ID, Content(given_name, family_name, "a@example.com", "pt", name), AT, AT, 1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ana", ("Ana", None)),
        ("Ana Cruz", ("Ana", "Cruz")),
        ("Ana Maria Cruz", ("Ana Maria", "Cruz")),
        ("Ana  Cruz", ("Ana", "Cruz")),
        ("Ana\u00a0Cruz", ("Ana\u00a0Cruz", None)),
        ("王 小明", ("王", "小明")),
    ],
)
def test_a_name_is_split_at_its_last_space(name: str, parts: tuple[str, str | None]) -> None:
    """Nothing better is known of a name that is new."""
    assert split_name(name) == parts


@pytest.mark.parametrize(
    ("old", "name", "parts"),
    [
        (("Ana", "de la Cruz"), "Eva de la Cruz", ("Eva", "de la Cruz")),
        (("Ana Maria", "Cruz"), "Ana Maria da Silva", ("Ana Maria", "da Silva")),
        (("Ana", "Cruz"), "Eva Silva", ("Eva", "Silva")),
        (("Ana", "Cruz"), "Ana", ("Ana", None)),
        (("Ana", None), "Ana Cruz Silva", ("Ana", "Cruz Silva")),
        (("Ana", None), "Eva", ("Eva", None)),
        (("Ana", "Cruz"), "Anabel Lacruz", ("Anabel", "Lacruz")),
        (("Ana", "Cruz"), "Cruz", ("Cruz", None)),
    ],
)
def test_the_part_that_is_still_there_stays_whole(
    old: tuple[str, str | None], name: str, parts: tuple[str, str | None]
) -> None:
    """Family name first, then given name, then the last space."""
    assert rename(name, *old) == parts


@given(NAMES, NAMES, st.none() | NAMES)
def test_parts_are_never_empty_and_always_fit(name: str, given_name: str, family_name: str | None) -> None:
    """Whatever v1 writes v2 can write back: stripped parts, together no longer than the name."""
    for given_part, family_part in (split_name(name), rename(name, given_name, family_name)):
        assert given_part
        assert given_part == given_part.strip()
        assert family_part is None or (family_part and family_part == family_part.strip())
        assert len(full_name(given_part, family_part)) <= len(name)


@given(NAMES, st.none() | NAMES, st.none() | NAMES)
def test_each_version_takes_what_it_gives(given_name: str, family_name: str | None, name: str | None) -> None:
    """PUT of GET changes nothing, whatever is stored."""
    stored = user(given_name, family_name, name)
    assert v1.replaced(v1.view(stored), stored) == stored.content
    assert v2.replaced(v2.view(stored), stored) == stored.content


@given(NAMES)
def test_a_document_goes_up_and_comes_down(name: str) -> None:
    """The version change keeps everything of v1 but runs of spaces, and is what a new user of v1 becomes."""
    document = {"id": ID, "name": name, "email": "a@example.com", "created_at": AT}
    up = v1_to_v2(document)
    down = v2_to_v1(up)
    assert {**down, "name": "".join(down["name"].split())} == {**document, "name": "".join(name.split())}
    content = v1.created({"name": name, "email": "a@example.com"})
    assert (up["given_name"], up["family_name"], up["locale"]) == (
        content.given_name,
        content.family_name,
        content.locale,
    )
    assert set(up) == set(v2.MEMBERS)
    assert set(down) == set(v1.MEMBERS)
