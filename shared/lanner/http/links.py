"""Web links (RFC 8288): the Link header field, written."""

from __future__ import annotations

from collections.abc import Iterable

_TARGET_FORBIDDEN = frozenset('<>"{}|\\^` ') | {chr(code) for code in (*range(32), 127)}
_ATTRIBUTE_UNESCAPED = "!#$&+-.^_`|~"  # attr-char of RFC 8187 section 3.2.1, letters and digits aside


def link(
    target: str,
    rel: str,
    *,
    type: str | None = None,  # noqa: A002 (the attribute's name)
    title: str | None = None,
    hreflang: str | None = None,
    anchor: str | None = None,
) -> str:
    """One link-value: `<target>; rel="..."` and its target attributes, always quoted.

    A title outside ASCII is written as `title*` (RFC 8187). Raises `ValueError` for a target or anchor that is not
    a URI reference in ASCII, and for control characters in an attribute.
    """
    text = f"<{_uri_reference(target)}>; rel={_quoted('rel', rel)}"
    if type is not None:
        text += f"; type={_quoted('type', type)}"
    if title is not None:
        text += f"; title={_quoted('title', title)}" if title.isascii() else f"; title*={_extended(title)}"
    if hreflang is not None:
        text += f"; hreflang={_quoted('hreflang', hreflang)}"
    if anchor is not None:
        text += f'; anchor="{_uri_reference(anchor)}"'
    return text


def join_links(links: Iterable[str]) -> str:
    """Several link-values as one field value."""
    return ", ".join(links)


def _uri_reference(text: str) -> str:
    if not text.isascii() or not _TARGET_FORBIDDEN.isdisjoint(text):
        raise ValueError(f"a link goes to a percent-encoded URI reference, not {text!r}")
    return text


def _quoted(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"the link attribute {name} takes printable ASCII, not {value!r}")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _extended(value: str) -> str:
    from urllib.parse import quote  # 4 ms that no link without a foreign title needs

    return f"UTF-8''{quote(value, safe=_ATTRIBUTE_UNESCAPED)}"
