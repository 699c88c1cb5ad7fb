"""What both functions of the project need: text without markup."""

import re


def excerpt(text, length=40):
    """The first `length` characters of `text` as one line."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= length else line[: length - 1] + "…"
