"""Users from CSV: in chunks, each in one transaction with the checkpoint of the job, so that no row is done twice.

    read rows ──▶ a chunk: at most `CHUNK` users, `CHUNK_ROWS` rows ──▶ commit: users, claims, checkpoint ──▶ ...

The checkpoint says up to which byte the file has been dealt with and what was found until there. An attempt that dies
leaves either a chunk with its checkpoint or neither; the next one begins at the checkpoint. A commit whose answer was
lost is recognised by the job as its own.

A transaction is refused where an address is in use. It says which rows those are; they become findings, and the rest is
committed again. Everything else that refuses it fails the attempt, which is repeated.

What was cached of users is taken back after each chunk that made some, before the next one is read. An attempt that was
killed in between has left rows that nobody was told of, so the next one begins by telling. Where the cache cannot be
reached it is told once more at the end of the attempt, by a job where need be (`domain.caching`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain import ids
from domain.caching import changed, told
from domain.files.columns import Finding, Header, read_row
from domain.files.csv_records import CsvReader
from domain.files.findings import PART, Findings
from domain.times import rfc3339
from domain.users import store
from domain.users.fields import email_key
from domain.users.model import Content, User
from lanner.jobs.errors import ItemsRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.files.csv_records import Record
    from domain.files.objects import Source
    from lanner.clock import Clock
    from lanner.jobs.context import JobContext

CHUNK = 49
"""Users: two items each, of the 99 that a commit may have."""

CHUNK_ROWS = 5_000
"""Rows, good and bad ones: a file of nothing but mistakes has checkpoints too."""

TAKEN = "is in use: by a user, or by an earlier line"

INSPECTED_PERCENT = 5
"""Of the job's progress, what the first pass over the file is (`domain.files.jobs`)."""


class UserImport:
    """One attempt at the import of one file, from where the checkpoint `state` says."""

    def __init__(self, context: JobContext, source: Source, file_id: str, state: dict[str, Any], clock: Clock) -> None:
        self._context = context
        self._source = source
        self._state = state
        self._new_id = ids.IdGenerator(clock)
        self._findings = Findings(file_id, context.token, state.get("findings"))
        self._header = Header(state["columns"], state["delimiter"], state["offset"], state["line"])
        self._untold = False

    def run(self) -> Findings:
        """Import what is left of the file. Raises what the context, the storage and `objects` raise."""
        self._untold = self._state["created"] > 0 and not told("users")
        try:
            self._import()
        finally:
            if self._untold:
                changed("users")
        return self._findings

    def _import(self) -> None:
        chunk = _Chunk(self._findings.room)
        for record, line_behind in self._records():
            chunk.take(record, line_behind, self._header.columns)
            if chunk.is_full():
                self._commit(chunk)
                chunk = _Chunk(self._findings.room)
        if chunk.read:
            self._commit(chunk)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows were read, made users, and failed."""
        return {name: self._state[name] for name in ("read", "created", "failed")}

    def _records(self) -> Iterator[tuple[Record, int]]:
        """The rows, each with the line that follows it."""
        reader = CsvReader(self._header.delimiter, self._header.offset, self._header.line)
        for data in self._source.ranges(self._header.offset):
            self._context.heartbeat()
            reader.feed(data)
            for record in reader.records():
                yield record, reader.line
        reader.end()
        for record in reader.records():
            yield record, reader.line

    def _commit(self, chunk: _Chunk) -> None:
        """Write a chunk and the checkpoint behind it, without the rows whose address is in use."""
        while True:
            findings = self._findings.with_rows(chunk.sorted_findings(), chunk.unlisted)
            items = self._items(chunk)
            state = {
                **self._state,
                "offset": chunk.end,
                "line": chunk.line,
                "read": self._state["read"] + chunk.read,
                "created": self._state["created"] + len(chunk.users),
                "failed": self._state["failed"] + chunk.read - len(chunk.users),
                "findings": findings.checkpoint(),
            }
            untold, self._untold = self._untold, self._untold or bool(items)  # they may be there, whatever the answer
            try:
                self._context.commit(items, checkpoint=state)
            except ItemsRefused as refused:
                self._untold = untold
                taken = {
                    index // 2
                    for index, reason in enumerate(refused.reasons)
                    if reason.code == "ConditionalCheckFailed"
                }
                if not taken:
                    raise
                chunk.refuse(taken)
                continue
            if items:
                self._untold = not told("users")
            self._state, self._findings = state, findings
            share = chunk.end / max(1, self._source.size)
            note = f"{state['created']} created, {state['failed']} failed"
            self._context.progress(INSPECTED_PERCENT + share * (99 - INSPECTED_PERCENT), note)
            return

    def _items(self, chunk: _Chunk) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for _, content in chunk.users:
            user_id = self._new_id()
            now = rfc3339(ids.created_ms(user_id))
            # What would be committed, a user and its claim, is collected: the chunk's transaction writes it.
            store.insert(User(user_id, content, now, now, 1), commit=items.extend)
        return items


class _Chunk:
    """Rows that are committed together. `end` and `line` are where the next one begins.

    Findings beyond `room` are counted: `unlisted`.
    """

    __slots__ = ("_addresses", "_findings", "_room", "_text", "end", "line", "read", "unlisted", "users")

    def __init__(self, room: int) -> None:
        self.users: list[tuple[int, Content]] = []
        self.read = 0
        self.end = 0
        self.line = 1
        self.unlisted = 0
        self._room = room
        self._findings: list[tuple[int, Finding]] = []
        self._text = 0
        self._addresses: set[str] = set()

    def take(self, record: Record, line_behind: int, columns: tuple[str, ...]) -> None:
        """The next row."""
        self.read += 1
        self.end = record.end
        self.line = line_behind
        row = read_row(columns, record)
        if isinstance(row, list):
            for finding in row:
                self._find(record.line, finding)
            return
        address = email_key(row.email)
        if address in self._addresses:
            self._find(record.line, Finding("email", TAKEN, row.email))
            return
        self._addresses.add(address)
        self.users.append((record.line, row))

    def is_full(self) -> bool:
        """Whether it has to be committed: by the users, the rows, or the text of its findings."""
        return len(self.users) == CHUNK or self.read == CHUNK_ROWS or self._text > PART

    def refuse(self, indices: set[int]) -> None:
        """These of the users have an address that is in use."""
        for index in sorted(indices, reverse=True):
            line, content = self.users.pop(index)
            self._find(line, Finding("email", TAKEN, content.email))

    def sorted_findings(self) -> list[tuple[int, Finding]]:
        """By line."""
        return sorted(self._findings, key=lambda each: each[0])

    def _find(self, line: int, finding: Finding) -> None:
        if len(self._findings) >= self._room:
            self.unlisted += 1
            return
        self._findings.append((line, finding))
        self._text += len(finding.detail) + len(finding.value)
