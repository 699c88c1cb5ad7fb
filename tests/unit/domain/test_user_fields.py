"""E-mail addresses and what makes two of them one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.users.etags import V2_MEMBERS, etag
from domain.users.fields import check_email, email_key

LOCAL = "a" * 64


@pytest.mark.parametrize(
    "email",
    [
        "a@b.co",
        "ana.maria+tag@mail.example.com",
        "o'hara_{}!#$%&*/=?^`|~-@example.com",
        "é@exämple.com",
        "用户@例子.公司",
        f"{LOCAL}@example.com",
        f"a@{'b' * 63}.com",
        f"{LOCAL}@{'b' * 63}.{'c' * 63}.{'d' * 61}",
    ],
)
def test_addresses(email: str) -> None:
    """Dot-atoms in any script, up to the lengths of RFC 5321."""
    check_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "@b.co",
        "a@",
        "a@b",
        "a@@b.co",
        "a@b@c.co",
        "a b@c.co",
        "a@b .co",
        " a@b.co",
        "a@b.co\n",
        "a@b.co\x00",
        ".a@b.co",
        "a.@b.co",
        "a..b@c.co",
        "a@.b.co",
        "a@b..co",
        "a@b.co.",
        "a@-b.co",
        "a@b-.co",
        "a@b_c.co",
        '"a"@b.co',
        "a@[127.0.0.1]",
        "a(comment)@b.co",
        "a,b@c.co",
        "a\u00a0b@c.co",
        f"a{LOCAL}@example.com",
        f"a@{'b' * 64}.com",
        f"{LOCAL}@{'b' * 63}.{'c' * 63}.{'d' * 62}",
    ],
)
def test_what_is_no_address(email: str) -> None:
    """Refused with a sentence for the client."""
    with pytest.raises(ValueError, match=r"must|needs"):
        check_email(email)


@given(st.text(max_size=30))
def test_any_text_is_judged(text: str) -> None:
    """Accepted or refused with a sentence; nothing else is raised, also with an @ in it."""
    for email in (text, f"{text}@example.com", f"a@{text}.com"):
        try:
            check_email(email)
        except ValueError as error:
            assert str(error)
        else:
            assert email.count("@") == 1


@given(st.text(max_size=20))
def test_the_key_of_an_address_is_stable(text: str) -> None:
    """Case and composition make no difference, and a key is its own key."""
    assert email_key(email_key(text)) == email_key(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ana@Example.COM", "ana@example.com"), ("\u00e9@b.co", "e\u0301@b.co"), ("\u00c9@b.co", "E\u0301@B.co")],
)
def test_spellings_of_one_address(one: str, other: str) -> None:
    """NFC and lower case."""
    assert email_key(one) == email_key(other)


@given(
    st.tuples(st.sampled_from(["v1", "v2"]), st.integers(1, 99), st.none() | st.sets(st.sampled_from(V2_MEMBERS))),
    st.tuples(st.sampled_from(["v1", "v2"]), st.integers(1, 99), st.none() | st.sets(st.sampled_from(V2_MEMBERS))),
)
def test_tags_differ_where_representations_do(
    one: tuple[str, int, set[str] | None], other: tuple[str, int, set[str] | None]
) -> None:
    """Version, revision and selection: different in any of them, different in the tag."""
    tags = [
        etag(version, revision, V2_MEMBERS, None if chosen is None else sorted(chosen))
        for version, revision, chosen in (one, other)
    ]
    assert (tags[0] == tags[1]) == (one == other)
