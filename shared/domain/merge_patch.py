"""JSON Merge Patch (RFC 7396): a document that says what changes in another one."""

from __future__ import annotations

from typing import Any

MEDIA_TYPE = "application/merge-patch+json"


def merge_patch(target: Any, patch: Any) -> Any:  # Any: JSON values
    """What `target` becomes: members of an object replace, null removes, objects merge (RFC 7396 section 2).

    Neither argument is changed; a patch that is no object replaces the whole target.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
