"""What a client may say of a file to come, and the columns of an import."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.files.columns import Finding, Header, WrongHeader, read_header, read_row
from domain.files.csv_records import Record
from domain.files.findings import row
from domain.files.requests import read_new_file
from domain.users.model import Content
from files.models import FileWrite
from lanner.http.problems import Unprocessable

GOOD = {"filename": "users.csv", "content_type": "text/csv"}


@pytest.mark.parametrize("name", ["users.csv", "Bericht für Zoë (2).csv", ".profile", "x" * 255, "a.b.c", "名.csv"])
def test_names_that_are_names(name: str) -> None:
    """Any script, dots and brackets."""
    assert read_new_file({**GOOD, "filename": name}).filename == name


@pytest.mark.parametrize(
    "name",
    [
        "", "../users.csv", "a/b", "a\\b", "C:x", "..", ".", "x.", " x", "x ", "a\nb", "a\0b", "a\u202egnp.exe",
        "a" * 256, "ü" * 128, 'a"b', "a|b", "\ud800", 7, None,
    ],
)  # fmt: skip
def test_names_that_are_none(name: object) -> None:
    """Paths, control characters, what a file system would refuse or change."""
    with pytest.raises(Unprocessable) as refused:
        read_new_file({**GOOD, "filename": name})
    assert refused.value.errors[0]["pointer"] == "#/filename"


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        ("text/csv", "text/csv"),
        ("Text/CSV; header=present; charset=UTF-8", "text/csv"),
        ('application/vnd.x+json; a="b c"', "application/vnd.x+json"),
        ("text/plain;charset=latin1", "text/plain"),
    ],
)
def test_content_types_that_are_media_types(content_type: str, media_type: str) -> None:
    """As written, with parameters."""
    new = read_new_file({**GOOD, "content_type": content_type})
    assert (new.content_type, new.media_type) == (content_type, media_type)


@pytest.mark.parametrize(
    "content_type",
    ["csv", "text/", "/csv", "text/csv/x", "text/csv;", "text/csv; a", "text/csv\r\nX: y", "text csv/x", "tëxt/csv",
     "text/csv; charset=utf-16", "a/" + "b" * 200, 1],
)  # fmt: skip
def test_content_types_that_are_none(content_type: object) -> None:
    """Not the syntax of RFC 9110, or CSV in another encoding."""
    with pytest.raises(Unprocessable) as refused:
        read_new_file({**GOOD, "content_type": content_type})
    assert refused.value.errors[0]["pointer"] == "#/content_type"


@pytest.mark.parametrize("document", [{}, {"filename": "a"}, {**GOOD, "size": 3}])
def test_members_are_those_of_the_schema(document: dict[str, Any]) -> None:
    """What the rules refuse here, the documented schema refuses too."""
    with pytest.raises(Unprocessable):
        read_new_file(document)
    with pytest.raises(ValidationError):
        TypeAdapter(FileWrite).validate_python(document)
    TypeAdapter(FileWrite).validate_python(GOOD)


@pytest.mark.parametrize(
    ("head", "delimiter", "columns"),
    [
        (b"email,given_name\n", ",", ("email", "given_name")),
        (b"email;given_name\n", ";", ("email", "given_name")),
        (b" Email \tGIVEN_NAME\r\n", "\t", ("email", "given_name")),
        (b'\xef\xbb\xbf"email";"given_name"\n', ";", ("email", "given_name")),
        (b"given_name,email", ",", ("given_name", "email")),
    ],
)
def test_the_header_decides_the_delimiter(head: bytes, delimiter: str, columns: tuple[str, ...]) -> None:
    """The one under which the names are known; case and spaces do not matter."""
    header = read_header(head, whole=True)
    assert isinstance(header, Header)
    assert (header.delimiter, header.columns, header.offset, header.line) == (
        delimiter, columns, len(head), 1 + head.count(b"\n"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"email,given_name,age\n", "unknown column 'age'; known are given_name, family_name, email, locale"),
        (b"email\n", "given_name is missing"),
        (b"email,given_name,email\n", "email is there more than once"),
        (b"locale\n", "given_name and email are missing"),
        (b"," * 65_000 + b"\n", "unknown column ''"),
        (b"email," * 10_900 + b"\n", "email is there more than once; given_name is missing"),
        (b"given_name,email\rAna,ana@example.com\r", "lines end with a carriage return alone"),
        (b'"email,given_name\n', "never closed"),
        (b"em\xffail,given_name\n", "not UTF-8"),
        (b"", "is empty"),
    ],
)
def test_headers_that_fail_the_file(head: bytes, told: str) -> None:
    """With a sentence that says what to change."""
    with pytest.raises(WrongHeader, match=told):
        read_header(head, whole=True)


def record(*fields: str) -> Record:
    return Record(0, 1, 7, list(fields))


def test_a_row_follows_the_rules_of_v2() -> None:
    """Stripped, canonical, empty cells absent."""
    columns = ("given_name", "family_name", "email", "locale")
    assert read_row(columns, record(" Ana ", "", "ana@example.com", "PT-br")) == Content(
        "Ana", None, "ana@example.com", "pt-BR"
    )
    found = read_row(columns, record("", "x" * 201, "nobody", "?"))
    assert isinstance(found, list)
    assert [finding.column for finding in found] == ["given_name", "family_name", "email", "locale"]
    short = read_row(columns, record("Ana"))
    assert isinstance(short, list)
    assert short[0].detail == "has 1 field, and the first line names 4"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cells_of_results_are_no_formulas(start: str) -> None:
    """An apostrophe makes text of what a spreadsheet would compute; quotes are doubled."""
    line = row(3, Finding("email", "is wrong", f'{start}cmd|"x"'))
    assert line.startswith("3,email,is wrong,")
    assert line.split(",", 3)[3].strip('"\r\n').startswith(f"'{start}")
    assert '""x""' in line


def test_control_characters_are_shown_and_not_written() -> None:
    """A NUL in the result would end it for many a reader; line breaks and tabs are what CSV can hold."""
    assert row(1, Finding("given_name", "is wrong", "A\x00\x1b\x7f\tb\nc")) == '1,given_name,is wrong,"A␀␛␡\tb\nc"\r\n'


def test_long_values_are_cut_off() -> None:
    """The line number finds the rest."""
    assert len(row(1, Finding("email", "is wrong", "x" * 5_000))) < 200
