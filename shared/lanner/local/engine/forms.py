"""Uploads by form: S3 judges what a browser sends by the policy that was signed for it, and moto takes anything.

    400 EntityTooLarge, EntityTooSmall    the file, by content-length-range
    403 AccessDenied                      a condition that does not hold, a field that no condition names, an old policy

Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html. Signatures are not checked: here
nobody's credentials are.
"""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64
from datetime import UTC, datetime
from email.message import Message
from typing import Any
from xml.sax.saxutils import escape

from lanner.local.engine.http import Answer, Request

FORM = "multipart/form-data"
FREE = frozenset({"x-amz-signature", "awsaccesskeyid", "signature", "file", "policy"})
"""Fields that need no condition; besides, those that begin with `x-ignore-`."""

Fields = dict[str, str]


class Refused(Exception):
    """S3's answer to a form: status, code and message."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(
            status,
            [("content-type", "application/xml"), ("access-control-allow-origin", "*")],
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
            f"<Message>{escape(message)}</Message></Error>".encode(),
        )


def refusal(request: Request) -> Answer | None:
    """What S3 answers a form that its policy does not allow; None for what it allows, and for all that is no form."""
    if request.method != "POST" or not request.header("content-type").lower().startswith(FORM):
        return None
    form = _read(request)
    if form is None or "policy" not in form[0]:
        return None
    fields, filename, size = form
    path = request.target.partition("?")[0].strip("/")
    bucket = path.partition("/")[0] or request.header("host").partition(".")[0]
    fields = {**fields, "bucket": bucket, "key": fields.get("key", "").replace("${filename}", filename)}
    try:
        _judge(_policy(fields["policy"]), fields, size, datetime.now(UTC))
    except Refused as refused:
        return refused.answer
    return None


def _read(request: Request) -> tuple[Fields, str, int] | None:
    """Fields before the file by lower-case name, the file's name and its size; None where it is malformed."""
    head = Message()
    head["content-type"] = request.header("content-type")
    boundary = head.get_param("boundary")
    if not isinstance(boundary, str):
        return None
    mark, body, fields = f"--{boundary}".encode(), request.body, Fields()
    at = body.find(mark)
    while at >= 0:
        begin = body.find(b"\r\n\r\n", at)
        end = body.find(b"\r\n" + mark, begin)
        if begin < 0 or end < 0:
            return None
        part = Message()
        for line in body[at:begin].decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "content-disposition":
                part["content-disposition"] = value.strip()
        name = str(part.get_param("name", "", "content-disposition"))
        if name.lower() == "file":
            return fields, part.get_filename("") or "", end - begin - 4
        fields[name.lower()] = body[begin + 4 : end].decode("utf-8", "replace")
        at = end + 2
    return None


def _policy(text: str) -> dict[str, Any]:
    try:
        policy: dict[str, Any] = json.loads(a2b_base64(text))
        datetime.fromisoformat(policy["expiration"])
        [*policy["conditions"]]
    except (Base64Error, ValueError, KeyError, TypeError):
        raise Refused("400 Bad Request", "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.") from None
    return policy


def _judge(policy: dict[str, Any], fields: Fields, size: int, now: datetime) -> None:
    """Raises `Refused`."""
    if now > datetime.fromisoformat(policy["expiration"]).replace(tzinfo=UTC):
        raise _denied("Policy expired.")
    named = set(FREE)
    for condition in policy["conditions"]:
        for kind, name, value in _parts(condition):
            if kind == "content-length-range":
                _measure(size, int(name), int(value))
                continue
            field = name.removeprefix("$").lower()
            named.add(field)
            held = fields.get(field, "")
            if not (held.startswith(value) if kind == "starts-with" else held == value):
                failed = json.dumps([kind, "$" + name.removeprefix("$"), value])
                raise _denied(f"Policy Condition failed: {failed}")
    extra = sorted(name for name in fields if name not in named | {"bucket"} and not name.startswith("x-ignore-"))
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")


def _parts(condition: Any) -> list[tuple[str, str, str]]:  # Any: JSON
    """`{"name": "value"}` and `["eq", "$name", "value"]` alike; the bounds of a range are texts too."""
    if isinstance(condition, dict):
        return [("eq", str(name), str(value)) for name, value in condition.items()]
    kind, name, value = condition
    return [(str(kind).lower(), str(name), str(value))]


def _measure(size: int, least: int, most: int) -> None:
    if size > most:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise Refused("400 Bad Request", "EntityTooLarge", message)
    if size < least:
        message = "Your proposed upload is smaller than the minimum allowed size"
        raise Refused("400 Bad Request", "EntityTooSmall", message)


def _denied(why: str) -> Refused:
    return Refused("403 Forbidden", "AccessDenied", f"Invalid according to Policy: {why}")
