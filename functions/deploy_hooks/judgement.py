"""Judging a version by its answers.

Before traffic, each probe goes to the version in service and to the new one. The new one is refused for a probe when

- it fails (raises, times out, gives no HTTP answer) or answers 5xx, whatever the other one does;
- its status, content type or version header differs, or it allows fewer methods or varies by less;
- its JSON lacks a member that the other one has, or has another type there. New members are welcome: clients of a
  version must ignore what they do not know. Values are not compared, since data and time move between two requests;
  of a problem document `type` and `status` are.

A deliberate difference is let through by `LANNER_HOOK_DIFFERENCES=report` (parameter `AcceptDifferences`), which still
refuses failures and 5xx. After traffic only failures count: there is nothing left to compare with.

A function that takes batches of records is given an empty one: it has to load and to end well.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from deploy_hooks.deployment import Target, group_of
from deploy_hooks.probes import EMPTY_BATCH, probes, takes_batches
from lanner.aws.errors import AwsError
from lanner.aws.invoke import lambda_invoker
from lanner.settings import setting

# A cold start within the function's own timeout, and the way there and back.
INVOCATION_MS = 12_000
SAME_HEADERS = ("content-type", "x-api-version")
# Lists of which nothing may go missing: a method that is gone breaks clients, a Vary that is gone breaks caches.
GROWING_HEADERS = ("allow", "vary")
MOST_PROBLEMS = 20


class Answer(NamedTuple):
    """A proxy answer: header names in lower case, the body decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unusable(Exception):
    """The function gave no HTTP answer; the message says what it did."""


def judge_new_version(target: Target) -> list[str]:
    """What is wrong with the new version, sentence by sentence; empty when nothing is."""
    sent = probes(group_of(target))
    if not sent and takes_batches(group_of(target)):
        return _empty_batch(f"{target.function}:{target.new}")
    if not sent:
        return [f"events/{group_of(target)} has no safe request to compare with"]
    strict = setting("LANNER_HOOK_DIFFERENCES", "refuse") != "report"
    found: list[str] = []
    for probe in sent:
        try:
            new = _ask(f"{target.function}:{target.new}", probe.event)
        except (AwsError, Unusable) as error:
            found.append(f"{probe.name}: version {target.new} failed: {error}")
            continue
        if new.status >= 500:
            found.append(f"{probe.name}: version {target.new} answers {new.status}")
        elif strict and target.current != target.new:
            found.extend(f"{probe.name}: {each}" for each in _compare_with(target, probe.event, new))
    return found[:MOST_PROBLEMS]


def judge_alias(target: Target) -> list[str]:
    """What is wrong behind the alias, once it serves the new version to everybody."""
    if takes_batches(group_of(target)):
        return _empty_batch(f"{target.function}:{target.alias}")
    found = []
    for probe in probes(group_of(target)):
        try:
            answer = _ask(f"{target.function}:{target.alias}", probe.event)
        except (AwsError, Unusable) as error:
            found.append(f"{probe.name}: {target.alias} failed: {error}")
            continue
        if answer.status >= 500:
            found.append(f"{probe.name}: {target.alias} answers {answer.status}")
    return found[:MOST_PROBLEMS]


def _empty_batch(name: str) -> list[str]:
    try:
        lambda_invoker().invoke(name, EMPTY_BATCH, timeout_ms=INVOCATION_MS)
    except AwsError as error:
        return [f"an empty batch: {name} failed: {error}"]
    return []


def _compare_with(target: Target, event: bytes, new: Answer) -> list[str]:
    """Differences from the version in service; none where that one fails, since then there is nothing to lose."""
    try:
        old = _ask(f"{target.function}:{target.current}", event)
    except (AwsError, Unusable):
        return []
    return [] if old.status >= 500 else differences(old, new)


def differences(old: Answer, new: Answer) -> list[str]:
    """Where `new` is not what a client of `old` relies on."""
    if old.status != new.status:
        return [f"the status was {old.status} and is {new.status}"]
    found = [
        f"the header {name} was {old.headers.get(name)!r} and is {new.headers.get(name)!r}"
        for name in SAME_HEADERS
        if old.headers.get(name) != new.headers.get(name)
    ]
    for name in GROWING_HEADERS:
        lost = _members(old.headers.get(name, "")) - _members(new.headers.get(name, ""))
        found.extend(f"the header {name} lacks {each}" for each in sorted(lost))
    if not found and "json" in old.headers.get("content-type", "") and "content-encoding" not in old.headers:
        found.extend(_body_differences(old, new))
    return found


def _members(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(",")} - {""}


def _body_differences(old: Answer, new: Answer) -> Iterator[str]:
    if not old.body or not new.body:  # HEAD, or what should have been one
        if old.body != new.body:
            yield f"the body had {len(old.body)} bytes and has {len(new.body)}"
        return
    try:
        before, after = orjson.loads(old.body), orjson.loads(new.body)
    except ValueError:
        yield "the body is not JSON"
        return
    yield from _missing(before, after, "")
    if "problem" in old.headers["content-type"] and isinstance(before, dict) and isinstance(after, dict):
        was, is_now = before.get("type"), after.get("type")
        if was != is_now:
            yield f"the problem was {was} and is {is_now}"


def _missing(before: Any, after: Any, pointer: str) -> Iterator[str]:  # Any: JSON
    """Members of `before` that `after` does not have, or has with another type; of lists the first elements."""
    if before is None or after is None:
        return
    if _kind(before) is not _kind(after):
        yield f"the type of {pointer or 'the body'} was {_kind(before).__name__} and is {_kind(after).__name__}"
    elif isinstance(before, dict):
        for name, value in before.items():
            if name in after:
                yield from _missing(value, after[name], f"{pointer}/{name}")
            else:
                yield f"the member {pointer}/{name} is gone"
    elif isinstance(before, list) and before and after:
        yield from _missing(before[0], after[0], f"{pointer}/0")


def _kind(value: Any) -> type:  # Any: JSON
    """The JSON type of a value: 1 and 1.0 are both numbers."""
    return float if type(value) is int else type(value)


def _ask(name: str, event: bytes) -> Answer:
    """What a version answers. Raises `Unusable` and `AwsError`."""
    payload = lambda_invoker().invoke(name, event, timeout_ms=INVOCATION_MS)
    try:
        answer = orjson.loads(payload)
        headers = {key.lower(): str(value) for key, value in (answer.get("headers") or {}).items()}
        for key, values in (answer.get("multiValueHeaders") or {}).items():
            headers[key.lower()] = ", ".join(values)
        text = answer.get("body") or ""
        body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        return Answer(int(answer["statusCode"]), headers, body)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Unusable(f"no HTTP answer: {payload[:200]!r}") from error
