"""What is in the bytes under a key of a cache, for people: values, computed values, answers."""

from __future__ import annotations

from typing import Any

from lanner.cache import computed
from lanner.cache.codec import UnreadableEntry, decode
from lanner.cache.response.record import Index, Marker, Record, Unreadable
from lanner.cache.response.record import decode as decode_answer
from lanner.cache.response.rules import Rules
from lanner.cache.step import TARGETS


def describe(stored: bytes) -> dict[str, Any]:  # Any, here and below: JSON
    """What is in stored bytes, as far as they are an own format."""
    record = computed.read(stored)
    if record is None:
        return _value(stored)
    if record.kind != computed.VALUE:
        return {"kind": {computed.FAILED: "failed", computed.REMOVED: "removed"}.get(record.kind, "other")}
    return {
        "kind": "computed",
        "took_s": round(record.delta, 6),
        "fresh_until": record.fresh_until,
        "kept_until": record.kept_until,
        "tags": record.tags,
        "value": _shown(record.value()),
    }


def _value(stored: bytes) -> dict[str, Any]:
    try:
        return {"kind": "value", "value": _shown(decode(stored))}
    except UnreadableEntry:
        return _answer(stored)


def _answer(stored: bytes) -> dict[str, Any]:
    """A response of the response cache, or where its variants are."""
    try:
        found = decode_answer(stored, Rules(targets=TARGETS))
    except Unreadable:
        return {"kind": "other"}
    if isinstance(found, Marker):
        return {"kind": "not kept"}
    if isinstance(found, Index):
        return {"kind": "variants", "variants": [{"key": each.key, **dict(each.chosen)} for each in found.variants]}
    return {"kind": "response", **_response(found)}


def _response(record: Record) -> dict[str, Any]:
    try:
        body = record.body.decode()
    except UnicodeDecodeError:
        body = repr(record.body)
    return {
        "status": record.status,
        "received": record.received,
        "fresh_until": record.fresh_until,
        "tags": record.generations,
        "vary": dict(record.chosen),
        "headers": record.headers,
        "body": body,
    }


def _shown(value: Any) -> Any:
    return repr(value) if isinstance(value, bytes) else value
