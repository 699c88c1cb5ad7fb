"""The Idempotency-Key field, read: a structured-field string, `"8e03978e"`, or the same without quotes.

The draft (section 2.1) has the quoted form; the bare one is what most clients in the wild send. Both name one key. A
quoted key may hold any printable ASCII character and is followed by parameters at most, which are ignored (RFC 9651
section 1.1); a bare one has no spaces and none of `" , ; \\`, so that two fields joined into one are never a key.

Raises `BadRequest` with the slug `invalid-idempotency-key`.
"""

from __future__ import annotations

from lanner.http.problems import BadRequest, header

FIELD = "Idempotency-Key"
MAX_LENGTH = 255
"""Characters; a UUID has 36. What Stripe takes, and so what clients are built for."""

_NOT_BARE = frozenset('",;\\')


def read_key(written: str) -> str:
    """The key that a field names. Raises `BadRequest`."""
    text = written.strip(" \t")
    key = _quoted(text) if text.startswith('"') else _bare(text)
    if not key:
        raise _invalid("is empty")
    if len(key) > MAX_LENGTH:
        raise _invalid(f"has {len(key)} characters; at most {MAX_LENGTH} are taken")
    return key


def _quoted(text: str) -> str:
    from lanner.http.structured import StructuredFieldError, parse_item

    try:
        value = parse_item(text).value
    except StructuredFieldError as error:
        raise _invalid(f"is not one quoted string (RFC 9651 section 3.3.3): {error}") from None
    assert isinstance(value, str)  # it began with a quotation mark
    return value


def _bare(text: str) -> str:
    for character in text:
        if not "!" <= character <= "~":
            raise _invalid("without quotes may hold visible ASCII characters only, and be given once")
        if character in _NOT_BARE:
            raise _invalid(f"without quotes may not hold {character!r}, and must be given once")
    return text


def _invalid(detail: str) -> BadRequest:
    return BadRequest(
        f"The {FIELD} {detail}",
        slug="invalid-idempotency-key",
        title="Invalid idempotency key",
        errors=[header(FIELD, detail)],
    )
