"""CSV records: RFC 4180, in whatever pieces the bytes arrive, with offsets that reading can go on from."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.files.csv_records import MAX_RECORD, CsvReader, Record


def read(data: bytes, delimiter: str = ",", piece: int = 1 << 20, offset: int = 0, line: int = 1) -> list[Record]:
    """Every record of `data` from `offset`, fed in pieces."""
    reader = CsvReader(delimiter, offset, line)
    records: list[Record] = []
    for start in range(offset, len(data), piece):
        reader.feed(data[start : start + piece])
        records += reader.records()
    reader.end()
    return records + list(reader.records())


def fields(data: bytes, piece: int = 1 << 20) -> list[list[str]]:
    return [record.fields for record in read(data, piece=piece)]


def problems(data: bytes) -> list[tuple[int, str | None, list[str]]]:
    return [(record.line, record.problem and record.problem.split(":")[0], record.fields) for record in read(data)]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_quotes_line_breaks_and_both_line_ends(piece: int) -> None:
    """RFC 4180 section 2: quoted fields hold delimiters, line breaks and doubled quotes; LF ends a line too."""
    data = b'a,b\r\n"x, y","say ""hi"""\n"two\r\nlines",\r\n,last'
    assert fields(data, piece=piece) == [["a", "b"], ["x, y", 'say "hi"'], ["two\r\nlines", ""], ["", "last"]]


@pytest.mark.parametrize("piece", [1, 2, 5, 1000])
def test_lines_and_offsets_are_those_of_the_file(piece: int) -> None:
    """A record says the physical line where it begins, and where the next one does."""
    data = b'a\n\n"1\n2"\nb\n'
    found = [(record.line, record.offset, record.end) for record in read(data, piece=piece)]
    assert found == [(1, 0, 2), (3, 3, 9), (5, 9, 11)]


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    """Spreadsheets write one in front of UTF-8."""
    assert fields(b"\xef\xbb\xbfa,b\n") == [["a", "b"]]
    assert fields(b'\xef\xbb\xbf"a",b\n', piece=1) == [["a", "b"]]


def test_a_quote_inside_an_unquoted_field_costs_one_line() -> None:
    """The quote opens nothing: the lines behind it are read."""
    assert [(line, bool(problem), row) for line, problem, row in problems(b'a\nx"y,1\nb\n')] == [
        (1, False, ["a"]),
        (2, True, []),
        (3, False, ["b"]),
    ]


def test_text_behind_a_closing_quote_costs_one_line() -> None:
    """What follows the quote is neither field nor delimiter."""
    assert [row for _, _, row in problems(b'"a"b,c\nd\n')] == [[], ["d"]]


def test_a_quote_that_is_never_closed_costs_its_first_line() -> None:
    """Reading goes on with the next line, at the end of a short file and within a long one."""
    for filler in (0, 2 * MAX_RECORD):
        data = b'a\n"open\nb,c\n' + b"row\n" * (filler // 4)
        found = read(data, piece=1000)
        assert [(record.line, record.problem is None) for record in found[:3]] == [(1, True), (2, False), (3, True)]
        assert found[2].fields == ["b", "c"]


@pytest.mark.parametrize("piece", [1000, 1 << 20])
@pytest.mark.parametrize("ending", [b"", b"\nb\n"])
def test_a_line_that_is_too_long_is_one_problem(piece: int, ending: bytes) -> None:
    """It is dropped up to its end, and never held."""
    found = read(b"a\n" + b"x" * (3 * MAX_RECORD) + ending, piece=piece)
    assert [record.problem is None for record in found] == [True, False] + [True] * bool(ending)
    assert found[1].line == 2
    assert found[1].offset == 2


def test_bytes_that_are_no_utf8_cost_one_record() -> None:
    """The problem names the byte."""
    found = read(b"a\nn\xf1,b\nc\n")
    assert found[1].problem is not None
    assert "0xF1" in found[1].problem
    assert found[2].fields == ["c"]


CELLS = st.text(st.characters(exclude_characters="\0\r\x0b\x0c", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=8), st.sampled_from(",;\t"), st.integers(1, 40))
def test_what_python_writes_is_read_back(rows: list[list[str]], delimiter: str, piece: int) -> None:
    """Python's writer follows the RFC; pieces of any size give the same records."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    data = text.getvalue().encode()
    assert [record.fields for record in read(data, delimiter, piece)] == rows


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60).map(lambda data: data.replace(b"x", b'"').replace(b"y", b"\n")), st.integers(1, 20))
def test_reading_can_go_on_behind_any_record(data: bytes, piece: int) -> None:
    """Whatever the bytes, a reader that starts where a record ended gives the rest; pieces change nothing."""
    whole = read(data)
    as_seen = [(record.line, record.fields, record.problem) for record in whole]
    assert [(record.line, record.fields, record.problem) for record in read(data, piece=piece)] == as_seen
    for index, record in enumerate(whole):
        line = record.line + data.count(b"\n", record.offset, record.end)
        rest = read(data, piece=piece, offset=record.end, line=line)
        assert [(each.line, each.fields, each.problem) for each in rest] == as_seen[index + 1 :]


def test_memory_does_not_grow_with_the_file() -> None:
    """4 MB in pieces of 256 kB: at its peak the reader holds a few pieces."""
    piece = b'Ana,"de la\nCruz",ana@example.com,pt\n' * 7_000
    reader, count = CsvReader(","), 0
    tracemalloc.start()
    for _ in range(16):
        reader.feed(piece)
        count += sum(1 for _ in reader.records())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 16 * 7_000
    assert peak < 2_000_000
