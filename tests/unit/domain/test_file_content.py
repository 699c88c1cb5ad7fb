"""What a file is, by its content, in whatever pieces it comes."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile

import pytest

from domain.files.content import Content


def looked_at(data: bytes, piece: int = 1 << 20) -> Content:
    content = Content()
    for start in range(0, len(data), piece):
        content.feed(data[start : start + piece])
    return content


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as each:
        each.writestr("a", "b")
    return made.getvalue()


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "application/octet-stream"),
        (b"%PDF-1.7\n", "application/pdf"),
        (archive(), "application/zip"),
        (gzip.compress(b"x", mtime=0), "application/gzip"),
        ('{"name": "Zoë"}'.encode(), "application/json"),
        (b"[1, 2", "text/plain"),
        (b"a,b\n1,2\n3,4\n", "text/csv"),
        (b"a,b\n1\n", "text/plain"),
        ("Grüße, alle\nzusammen".encode(), "text/plain"),
        ("Grüße".encode("latin-1"), "application/octet-stream"),
        ("Zoë".encode()[:-1], "application/octet-stream"),
        (b"a\0b", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_types_by_content(data: bytes, media_type: str, piece: int) -> None:
    """Magic numbers first, then text and what kind of it; pieces that split characters change nothing."""
    content = looked_at(data, piece)
    assert content.detected("application/octet-stream") == media_type
    assert (content.size, content.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_text_with_one_column_is_csv_where_it_was_declared_so() -> None:
    """Nothing in it could say so."""
    assert looked_at(b"email\nana@example.com\n").detected("text/csv") == "text/csv"
    assert looked_at(b"email\nana@example.com\n").detected("text/plain") == "text/plain"


def test_large_json_is_known_by_its_brackets() -> None:
    """Above a megabyte it is not parsed."""
    large = b"[" + b"1," * 600_000 + b"1]"
    assert looked_at(large + b"\n", 65_536).detected("") == "application/json"
    assert looked_at(large[:-1], 65_536).detected("") == "text/plain"
