"""Content coding: what is compressed, how it is chosen, and what its ETags look like."""

from __future__ import annotations

import gzip
from importlib import import_module
from typing import Any

import pytest

from lanner.http.compression import (
    MAXIMUM_CHOICES,
    coding_for,
    compressible,
    encode,
    has_suffix,
    held_form,
    with_suffix,
    without_suffixes,
    zstd_compressor,
)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/problem+json",
        "application/vnd.lanner.v2+json",
        "Application/LD+JSON ; profile=x",
        "text/html; charset=utf-8",
        "TEXT/plain",
        "image/svg+xml",
        "application/xml",
        "text/javascript",
        "application/javascript",
    ],
)
def test_text_is_worth_compressing(content_type: str) -> None:
    """JSON, XML, JavaScript, SVG and all of text/*."""
    assert compressible(content_type)


@pytest.mark.parametrize(
    "content_type",
    ["", "image/png", "application/octet-stream", "application/zip", "font/woff2"],
)
def test_the_rest_is_not(content_type: str) -> None:
    """What is packed already only grows."""
    assert not compressible(content_type)


def test_gzip_reads_back_and_is_always_the_same() -> None:
    """No time in the header: equal bodies give equal bytes, as a strong ETag promises."""
    body = b'{"name": "Ada"}' * 200
    assert gzip.decompress(encode(body, "gzip")) == body
    assert encode(body, "gzip") == encode(body, "gzip")


def test_zstd_reads_back_where_it_is_installed() -> None:
    """Python 3.14 and `zstandard` both write frames that the other end reads; without them clients get gzip."""
    body = b'{"name": "Ada"}' * 200
    if zstd_compressor() is None:
        assert coding_for("zstd, gzip;q=0.5") == "gzip"
        with pytest.raises(ValueError, match="zstd"):
            encode(body, "zstd")
        return
    try:
        module: Any = import_module("compression.zstd")
    except ImportError:
        module = import_module("zstandard")
    assert coding_for("zstd, gzip") == "zstd"
    assert module.decompress(encode(body, "zstd")) == body


def test_an_unknown_coding_cannot_be_made() -> None:
    """The message names it."""
    with pytest.raises(ValueError, match="'br'"):
        encode(b"", "br")


@pytest.mark.parametrize(
    ("value", "coding"), [("gzip", "gzip"), ("br, GZIP;q=0.1", "gzip"), ("br", "identity"), ("*;q=0", "identity")]
)
def test_the_coding_follows_accept_encoding(value: str, coding: str) -> None:
    """A client that excludes everything gets the plain body and not a 406."""
    assert coding_for(value) == coding
    assert coding_for(value) == coding


def test_remembered_choices_are_bounded() -> None:
    """A client that sends a new value every time does not fill the memory; answers stay right."""
    answers = {coding_for(f"gzip, x-{number}") for number in range(2 * MAXIMUM_CHOICES)}
    assert answers == {"gzip"}


def test_a_strong_tag_carries_its_coding() -> None:
    """RFC 9110 section 8.8.3.3; a weak one need not."""
    assert with_suffix('"abc"', "gzip") == '"abc-gzip"'
    assert with_suffix('W/"abc"', "gzip") == 'W/"abc"'
    assert with_suffix("broken", "gzip") == "broken"


def test_tags_of_compressed_bodies_are_recognised() -> None:
    """Only as the end of a tag."""
    assert has_suffix('"a", W/"b-zstd"')
    assert not has_suffix('"a-gzip-b"')
    assert without_suffixes('"a-gzip", "b", W/"c-zstd", "gzip"') == '"a", "b", W/"c", "gzip"'


@pytest.mark.parametrize(
    ("sent", "form"),
    [
        ('"abc-gzip"', '"abc-gzip"'),
        ('"abc"', '"abc"'),
        ('"x", "abc-zstd", "abc-gzip"', '"abc-zstd"'),
        ('W/"abc-gzip"', '"abc-gzip"'),
        ('"other-gzip"', '"abc"'),
        ("*", '"abc"'),
    ],
)
def test_a_304_names_the_form_that_the_client_holds(sent: str, form: str) -> None:
    """Otherwise a cache would not know which of its stored answers was confirmed."""
    assert held_form('"abc"', sent) == form
