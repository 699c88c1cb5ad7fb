"""What a client says of a file that it is going to upload: `{filename, content_type}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from domain.reading import Reading, is_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBERS = ("filename", "content_type")

FILENAME_MAX = 255
"""Bytes of UTF-8: what the file systems of Linux, macOS and Windows keep."""
CONTENT_TYPE_MAX = 127
"""Characters of type/subtype: 63 each and the slash are more than RFC 6838 section 4.2 recommends to register."""

_RESERVED = frozenset('/\\:*?"<>|')
_FORMAT_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Direction marks, with which `gpj.exe` reads as `exe.jpg`."""

# RFC 6838 section 4.2: names of types; RFC 9110 section 5.6.6: one parameter is a token or a quoted string.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}"
_ATOM = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE = re.compile(rf'({_NAME}/{_NAME})((?:[ \t]*;[ \t]*{_ATOM}=(?:{_ATOM}|"[ !#-\[\]-~]*"))*)')


class NewFile:
    """A file to come. `content_type` is as written, `media_type` its type/subtype in lower case."""

    __slots__ = ("content_type", "filename", "media_type")

    def __init__(self, filename: str, content_type: str) -> None:
        self.filename = filename
        self.content_type = content_type
        self.media_type = content_type.partition(";")[0].strip().lower()

    def __repr__(self) -> str:
        return f"NewFile({self.media_type})"  # names of files may name people


def read_new_file(document: Mapping[str, Any]) -> NewFile:
    """The file that a document announces. Raises `Unprocessable`."""
    reading = Reading()
    reading.members(document, MEMBERS)
    filename = _filename(reading, document)
    content_type = _content_type(reading, document)
    reading.finish()
    return NewFile(filename, content_type)


def _filename(reading: Reading, document: Mapping[str, Any]) -> str:
    path = ("filename",)
    if "filename" not in document:
        reading.wrong(path, "is required")
        return ""
    name = reading.text(document["filename"], path, FILENAME_MAX)
    if name is None:
        return ""
    if not is_one_line(name) or _FORMAT_CONTROLS & set(name):
        reading.wrong(path, "must not hold control characters, line breaks or direction marks")
    elif _RESERVED & set(name):
        reading.wrong(path, f"must be a name without a path, and without {' '.join(sorted(_RESERVED))}")
    elif name != name.strip() or name.endswith(".") or name.startswith(".."):
        reading.wrong(path, "must not begin or end with a space, end with a dot or begin with two")
    elif len(name.encode()) > FILENAME_MAX:
        reading.wrong(path, f"must have at most {FILENAME_MAX} bytes in UTF-8")
    return name


def _content_type(reading: Reading, document: Mapping[str, Any]) -> str:
    path = ("content_type",)
    if "content_type" not in document:
        reading.wrong(path, "is required, for example text/csv")
        return ""
    text = reading.text(document["content_type"], path, CONTENT_TYPE_MAX)
    if text is None:
        return ""
    found = _MEDIA_TYPE.fullmatch(text)
    if found is None:
        reading.wrong(path, "must be a media type as in RFC 9110 section 8.3.1, for example text/csv")
        return ""
    charset = re.search(r'charset=("?)([^";\s]*)\1', found[2], re.IGNORECASE)
    if charset is not None and text.lower().startswith("text/csv") and charset[2].lower() not in ("utf-8", "us-ascii"):
        reading.wrong(path, "must not name a charset other than utf-8 for CSV")
    return text
