"""How large a catalog document may be."""

from __future__ import annotations

from lanner.http.problems import Unprocessable, member

MAX_STORED_BYTES = 380_000
"""DynamoDB's items have at most 400 KB, keys and attribute names included; the rest is left for those."""


def check_size(body: bytes) -> None:
    """Raise `Unprocessable` for a document that is too large to store."""
    if len(body) > MAX_STORED_BYTES:
        detail = f"takes {len(body):,} bytes as stored; at most {MAX_STORED_BYTES:,} fit"
        raise Unprocessable(f"The document {detail}", errors=[member((), detail)])
