"""The columns of an import: the header's names and delimiter, and from fields to a user or what is wrong with them.

The header decides the delimiter: of `,`, `;` and tab the one under which most names are known, and the comma where
that is undecided. Names are those of v2, in any case and with spaces around them. A name that is not known, that occurs
twice, or a required one that is missing fails the whole file: no row could be trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.files.csv_records import BOM, MAX_RECORD, CsvReader
from domain.users import v2
from lanner.http.problems import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.files.csv_records import Record
    from domain.users.model import Content

COLUMNS = ("given_name", "family_name", "email", "locale")
REQUIRED = ("given_name", "email")
DELIMITERS = (",", ";", "\t")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN = 60


class WrongHeader(Exception):
    """The first line does not name the columns of an import; the message is a sentence for the client."""


class Header:
    """The columns of a file in their order, and where its first row begins."""

    __slots__ = ("columns", "delimiter", "line", "offset")

    def __init__(self, columns: Sequence[str], delimiter: str, offset: int, line: int) -> None:
        self.columns = tuple(columns)
        self.delimiter = delimiter
        self.offset = offset
        self.line = line


class Finding:
    """What is wrong with a row: `column` is "" where it is the whole row. `value` is what was written there."""

    __slots__ = ("column", "detail", "value")

    def __init__(self, column: str, detail: str, value: str = "") -> None:
        self.column = column
        self.detail = detail
        self.value = value


def read_header(head: bytes, *, whole: bool) -> Header:
    """The header in the first bytes of a file; `whole` says that there are no others. Raises `WrongHeader`."""
    if head.startswith(_UTF16):
        raise WrongHeader("The file is UTF-16: save it as CSV in UTF-8")
    if not head.removeprefix(BOM).strip():
        raise WrongHeader(f"The file is empty: its first line names the columns, for example {','.join(COLUMNS)}")
    best: tuple[int, int, str, Record, int] | None = None
    for rank, delimiter in enumerate(DELIMITERS):
        reader = CsvReader(delimiter)
        reader.feed(head)
        if whole or len(head) > MAX_RECORD:
            reader.end()
        record = next(reader.records(), None)
        if record is not None:
            known = sum(_name(field) in COLUMNS for field in record.fields)
            if best is None or (known, -rank) > best[:2]:
                best = (known, -rank, delimiter, record, reader.line)
    if best is None:
        raise WrongHeader("The first line, which names the columns, has no end")
    _, _, delimiter, record, line = best
    if record.problem is not None:
        raise WrongHeader(f"Line {record.line}, which names the columns, {record.problem}")
    return Header(_checked(record), delimiter, record.end, line)


def _checked(record: Record) -> list[str]:
    names = [_name(field) for field in record.fields]
    known = ", ".join(COLUMNS)
    if any("\r" in field.replace("\r\n", "") for field in record.fields):
        raise WrongHeader("The lines end with a carriage return alone: save the file with CRLF or LF line ends")
    unknown = [repr(field.strip()[:_SHOWN]) for field, name in zip(record.fields, names, strict=True)
               if name not in COLUMNS]  # fmt: skip
    twice = [name for name in sorted(COLUMNS) if names.count(name) > 1]
    missing = [name for name in REQUIRED if name not in names]
    said = []
    if unknown:
        said.append(f"unknown column {', '.join(unknown[:10])}; known are {known}")
    if twice:
        said.append(f"{', '.join(twice)} is there more than once")
    if missing:
        said.append(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    if said:
        raise WrongHeader(f"Line {record.line}, which names the columns: {'; '.join(said)}")
    return names


def _name(field: str) -> str:
    return field.strip().lower()


def read_row(columns: Sequence[str], record: Record) -> Content | list[Finding]:
    """The user of a row, by v2's rules, or everything that is wrong with it. An empty cell is an absent member."""
    if record.problem is not None:
        return [Finding("", record.problem)]
    fields = record.fields
    if len(fields) != len(columns):
        return [Finding("", f"has {_count(len(fields))}, and the first line names {len(columns)}")]
    document = {name: field.strip() for name, field in zip(columns, fields, strict=True) if field and field.strip()}
    try:
        return v2.created(document)
    except Unprocessable as refused:
        return [
            Finding(name, error["detail"], document.get(name, ""))
            for error in refused.errors
            for name in (error["pointer"].removeprefix("#/"),)
        ]


def _count(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"
