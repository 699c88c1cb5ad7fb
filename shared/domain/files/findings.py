"""The rows of an import that failed, as CSV that a client downloads: `line,column,detail,value`.

Written while the job runs, in bounded memory and without a gap or a double after a crash: what is not yet worth an
object (`PART` bytes) is part of the checkpoint; the rest is in numbered objects. An object's name has the token of
the attempt that wrote it, and the checkpoint knows which attempt wrote which numbers. So an attempt that lost the job,
and does not know it yet, overwrites nothing that counts.

Cells that a spreadsheet would compute begin with an apostrophe (OWASP, "CSV Injection"); control characters are shown
by their pictures (U+2400 and up).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.files import objects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.files.columns import Finding

HEAD = "line,column,detail,value\r\n"
MEDIA_TYPE = "text/csv; charset=utf-8"

LISTED_MAX = 50_000
"""Findings that are listed; the rest are counted. Whoever has as many looks for a cause and not for lines."""

PART = 16_384
"""Bytes; a checkpoint is limited to 64 kB."""

VALUE_MAX = 100

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"} | {0x7F: 0x2421}
"""Control characters as Unicode's pictures of them: a NUL ends what many programs read of a file."""
_QUOTED = frozenset('",;\t\r\n')


class Findings:
    """What an attempt has found, with what the attempts before it have. `token` is the attempt's own."""

    __slots__ = ("_file_id", "_token", "listed", "pending", "runs", "total")

    def __init__(self, file_id: str, token: str, checkpoint: dict[str, Any] | None = None) -> None:
        stored = checkpoint or {}
        self._file_id = file_id
        self._token = token[:16]
        self.total: int = stored.get("total", 0)
        self.listed: int = stored.get("listed", 0)
        self.pending: str = stored.get("pending", "")
        self.runs: list[list[Any]] = [list(run) for run in stored.get("runs", [])]  # [token, number of objects]

    @property
    def room(self) -> int:
        """How many more are listed."""
        return max(0, LISTED_MAX - self.listed)

    def with_rows(self, rows: Iterable[tuple[int, Finding]], unlisted: int = 0) -> Findings:
        """These findings, those of `rows` (line and finding) and `unlisted` others, in S3 where they fill an object."""
        other = Findings(self._file_id, self._token, self.checkpoint())
        other.total += unlisted
        lines = [other.pending]
        for line, finding in rows:
            other.total += 1
            if other.listed < LISTED_MAX:
                other.listed += 1
                lines.append(row(line, finding))
        other.pending = "".join(lines)
        if len(other.pending.encode()) > PART:
            if not other.runs or other.runs[-1][0] != other._token:
                other.runs.append([other._token, 0])
            other.runs[-1][1] += 1
            objects.put(other._part(*other.runs[-1]), other.pending.encode(), MEDIA_TYPE)
            other.pending = ""
        return other

    def checkpoint(self) -> dict[str, Any]:  # Any: JSON
        """What the next attempt needs."""
        return {"total": self.total, "listed": self.listed, "pending": self.pending, "runs": self.runs}

    def publish(self) -> str:
        """One object with everything, and its key; "" where there is nothing. The same again is the same object."""
        if not self.total:
            return ""
        parts = [HEAD.encode()]
        for token, count in self.runs:
            parts += [objects.get(self._part(token, number)) for number in range(1, count + 1)]
        parts.append(self.pending.encode())
        if self.total > self.listed:
            parts.append(f",,{self.total - self.listed} more are not listed,\r\n".encode())
        key = f"results/{self._file_id}/errors.csv"
        objects.put(key, b"".join(parts), MEDIA_TYPE)
        return key

    def _part(self, token: str, number: int) -> str:
        return f"work/{self._file_id}/{token}/{number:06d}.csv"


def row(line: int, finding: Finding) -> str:
    """One line of the result."""
    value = finding.value if len(finding.value) <= VALUE_MAX else finding.value[:VALUE_MAX] + "…"
    value = value.translate(_PICTURES)
    return f"{line},{cell(finding.column)},{cell(finding.detail)},{cell(value)}\r\n"


def cell(text: str) -> str:
    """A cell of CSV (RFC 4180 section 2) that no spreadsheet computes."""
    safe = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + safe.replace('"', '""') + '"' if _QUOTED & set(safe) else safe
