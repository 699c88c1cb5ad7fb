"""What may be said of an exception in a log: its type, where it came from, and its message without anybody's data.

Messages quote values: an e-mail address in a validation error, a token in a client's. What looks like one is replaced
by its kind. Loaded only when something failed.
"""

from __future__ import annotations

import re
import traceback
from typing import Any

MAX_MESSAGE = 500
MAX_FRAMES = 12

_PATTERNS = (
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "[email]"),
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), "[jwt]"),
    (re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]+"), "[credentials]"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), "[aws-key-id]"),
    (
        re.compile(r"(?i)\b(password|passwd|secret|token|api[-_]?key|authorization)(\W{1,4})[^\s,;'\"}]+"),
        r"\1\2[secret]",
    ),
    (re.compile(r"\b[\w+/-]{40,}={0,2}(?!\w)"), "[secret]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "[address]"),
)


def redact(text: str) -> str:
    """`text` with addresses, tokens, keys and passwords replaced by their kind, and cut at `MAX_MESSAGE`."""
    for pattern, kind in _PATTERNS:
        text = pattern.sub(kind, text)
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "…"


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as members of a log record: type, message, the innermost frames."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": redact(str(error)),
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        "cause": describe(error.__cause__) if error.__cause__ is not None else None,
    }
