"""Entity-tags of catalog documents: which version's representation, in which state.

    "v2.1-7-0f3a91c2"     the state tagged 7-0f3a91c2 (`store`) as v2 shows it

Strong (RFC 9110 section 8.8.1); the number behind the version counts changes in how that version writes documents.
"""

from __future__ import annotations

REPRESENTATION = {"v1": "v1.1", "v2": "v2.1"}


def etag(version: str, tag: str) -> str:
    """The entity-tag, in its quotes."""
    return f'"{REPRESENTATION[version]}-{tag}"'
