"""The Link header field, written (RFC 8288)."""

from __future__ import annotations

import pytest

from lanner.http.links import join_links, link


def test_a_link_has_its_target_and_its_relation() -> None:
    """The plainest link."""
    assert link("/v2/users", "next") == '</v2/users>; rel="next"'


def test_attributes_are_quoted_and_in_order() -> None:
    """Every attribute is quoted, whether it needs it or not."""
    text = link(
        "https://a.example/x?a=1&b=2", "alternate", type="text/html", title='a "b" \\', hreflang="de", anchor="#x"
    )
    assert text == (
        '<https://a.example/x?a=1&b=2>; rel="alternate"; type="text/html"; title="a \\"b\\" \\\\"; '
        'hreflang="de"; anchor="#x"'
    )


def test_a_foreign_title_is_extended() -> None:
    """RFC 8187: UTF-8, percent-encoded."""
    assert link("/", "help", title="Grüße!") == "</>; rel=\"help\"; title*=UTF-8''Gr%C3%BC%C3%9Fe!"


@pytest.mark.parametrize("target", ["/a b", "/ü", "/a>", "/a\r\nSet-Cookie: x", '/"', "/\x7f"])
def test_a_target_that_could_end_the_link_is_refused(target: str) -> None:
    """Header injection by a path stops here."""
    with pytest.raises(ValueError, match="percent-encoded"):
        link(target, "next")


def test_control_characters_in_an_attribute_are_refused() -> None:
    """Header injection by an attribute stops here."""
    with pytest.raises(ValueError, match="rel"):
        link("/", "next\r\nX: y")


def test_links_are_joined_into_one_field() -> None:
    """A list with commas."""
    assert join_links([link("/a", "first"), link("/b", "next")]) == '</a>; rel="first", </b>; rel="next"'
