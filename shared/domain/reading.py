"""Reading a document that a client wrote: collects what is wrong with it, by JSON pointer, then raises it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unicodedata import category

from domain.bodies import kind
from lanner.http.problems import MAX_ERRORS, Unprocessable, member

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Path = tuple[str | int, ...]


class Reading:
    """One pass over a document."""

    def __init__(self) -> None:
        self.errors: list[dict[str, str]] = []

    def wrong(self, path: Path, detail: str) -> None:
        """Note a mistake. Raises `Unprocessable` at once when it is the last one that is told."""
        self.errors.append(member(path, detail))
        if len(self.errors) >= MAX_ERRORS:
            self.finish()

    def finish(self) -> None:
        """Raise `Unprocessable` with all mistakes, if there are any."""
        if self.errors:
            first = self.errors[0]
            more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
            raise Unprocessable(f"{first['pointer']} {first['detail']}{more}", errors=self.errors)

    def members(self, document: Mapping[str, Any], known: Iterable[str], path: Path = ()) -> None:
        """Note every member that is not known."""
        names = tuple(known)
        for name in document:
            if name not in names:
                self.wrong((*path, name), f"is unknown here; known are {', '.join(names)}")

    def mapping(self, document: Mapping[str, Any], name: str) -> dict[str, Any]:
        """A required member that is an object; empty where it is not."""
        value = document.get(name)
        if isinstance(value, dict):
            return value
        self.wrong((name,), f"must be an object, not {kind(value)}" if name in document else "is required")
        return {}

    def array(self, value: Any, path: Path) -> Sequence[Any]:  # Any: JSON values
        """A value that is an array; empty where it is not."""
        if isinstance(value, list):
            return value
        self.wrong(path, f"must be an array, not {kind(value)}")
        return []

    def text(self, value: Any, path: Path, longest: int, *, shortest: int = 1) -> str | None:  # Any: JSON values
        """A string of so many characters, as it is; None where it is none."""
        if not isinstance(value, str):
            self.wrong(path, f"must be a string, not {kind(value)}")
        elif not shortest <= len(value) <= longest:
            self.wrong(path, f"must have {shortest} to {longest} characters")
        else:
            return value
        return None

    def ignored(self, document: Mapping[str, Any], *names: str, nullable: bool = False) -> None:
        """Read-only members that may be repeated: nothing is done with them, but the schema says that they are text."""
        for name in names:
            value = document.get(name)
            if name in document and not isinstance(value, str) and not (nullable and value is None):
                self.wrong((name,), f"must be a string{' or null' if nullable else ''}, not {kind(value)}")

    def line(self, value: Any, path: Path, longest: int) -> str | None:  # Any: JSON values
        """A stripped string of 1 to `longest` characters on one line; None where it is none."""
        text = self.text(value.strip() if isinstance(value, str) else value, path, longest)
        if text is not None and not is_one_line(text):
            self.wrong(path, "must not hold control characters or line breaks")
            return None
        return text


def is_one_line(text: str) -> bool:
    """No control characters, no line or paragraph separators, no lone surrogates."""
    return text.isprintable() or not any(category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)
