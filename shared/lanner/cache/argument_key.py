"""Keys from a function's arguments: one key for one call, however its arguments were passed.

The default key is canonical JSON of all parameters in their order, defaults filled in: `[1,"a",{"limit":5}]`. Only
JSON may go in (None, bool, int of 64 bits, finite float, str, list, tuple, dict with str keys, by exact type), so that
different arguments never meet in one key by accident; tuples count as lists.

A format string (`"user:{user_id}"`) or a callable of the same parameters replaces it. What a field gives is
percent-encoded in keys where it has more than letters, digits and `-._~@+`, so that a value cannot imitate the text
around it; 1 and "1" are the same there. In tags only what no tag may have is encoded, and a tag that becomes longer
than one may be is its digest.

Failure modes: `TypeError` for arguments that the function does not take, or that cannot be a key; the message names
the function and the parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter, Signature, signature
from math import isfinite
from string import Formatter
from typing import Any

import orjson

from lanner.cache.tags import LONGEST_TAG, check_tag

KeyOf = str | Callable[..., str]
TagsOf = Sequence[str] | Callable[..., Iterable[str]]

_SIMPLE = frozenset((str, int, bool, type(None)))
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_SORTED = orjson.OPT_SORT_KEYS
_SAFE = "-._~@+"
_SAFE_IN_TAGS = "!#$&'()*+-./:;<=>?@[\\]^_`{|}~"
"""All that a tag may have but the percent sign: no argument makes a call fail because of what it holds."""


class ArgumentKeys:
    """The keys and tags of one function's calls. Raises `ValueError` for a format with a field that is no parameter."""

    def __init__(self, function: Callable[..., Any], key: KeyOf | None, tags: TagsOf, prefix: str) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._signature: Signature = signature(function)
        parameters = self._signature.parameters
        self._names = tuple(parameters)
        plain = all(each.kind in _POSITIONAL for each in parameters.values())
        self._count = len(parameters) if plain else -1  # of a call that needs no binding
        self._key = key
        self._parts = _simple_parts(key) if isinstance(key, str) else None
        self._tags = tags
        self._prefix = prefix
        if key is not None and not isinstance(key, str) and not callable(key):
            raise TypeError(f"{self._name}: key is a format string or a callable, not a {type(key).__name__}")
        if key is not None and isinstance(key, str):
            self._check(key)
        for template in () if callable(tags) else tags:
            if not self._check(template):
                check_tag(template.format())

    def key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The key of one call."""
        if self._key is None:
            if kwargs or len(args) != self._count:
                args = tuple(self._bound(args, kwargs).values())
            for at, each in enumerate(args):
                if type(each) not in _SIMPLE:
                    self._check_json(each, at)
            try:
                return self._prefix + orjson.dumps(args, None, _SORTED).decode()
            except TypeError as error:
                raise TypeError(f"{self._name}: arguments that cannot be a key: {error}") from None
        if isinstance(self._key, str):
            bound = self._bound(args, kwargs)
            if self._parts is None:
                return self._prefix + _KEYS.vformat(self._key, (), bound)
            return self._prefix + "".join(
                [text if name is None else _quoted(bound[name]) for text, name in self._parts]
            )
        made = self._key(*args, **kwargs)
        if not isinstance(made, str):
            raise TypeError(f"{self._name}: its key function gave a {type(made).__name__}, not a str")
        return self._prefix + made

    def tags(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        """The tags of one call."""
        if callable(self._tags):
            return list(self._tags(*args, **kwargs))
        bound = self._bound(args, kwargs)
        return [_shortened(_TAGS.vformat(each, (), bound)) for each in self._tags]

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if not kwargs and len(args) == self._count:
            return dict(zip(self._names, args, strict=True))
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._name}: {error}") from None
        bound.apply_defaults()
        return bound.arguments

    def _check(self, template: str) -> bool:
        """Whether it has fields; each has to be a parameter."""
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
        for field in fields:
            if field.partition(".")[0].partition("[")[0] not in self._names:
                raise ValueError(f"{self._name} has no parameter for {{{field}}} in {template!r}")
        return bool(fields)

    def _check_json(self, value: Any, at: int) -> None:
        try:
            wrong = _not_json(value)
        except RecursionError:
            wrong = "a value in itself, or too deep a one"
        if wrong:
            name = self._names[min(at, len(self._names) - 1)]
            raise TypeError(f"{self._name}: {name} has {wrong}, which cannot be part of a key: give key=")


def _quoted(value: Any) -> str:
    text = value if type(value) is str else format(value)
    if text.isascii() and text.isalnum():
        return text
    from urllib.parse import quote

    return quote(text, safe=_SAFE)


def _simple_parts(template: str) -> list[tuple[str, str | None]] | None:
    """A format as pieces of text and names of parameters; None where it has more than names in braces."""
    parts: list[tuple[str, str | None]] = []
    for text, field, spec, conversion in Formatter().parse(template):
        parts.append((text, None))
        if field is None:
            continue
        if spec or conversion or not field.isidentifier():
            return None
        parts.append(("", field))
    return parts


class _KeyFormatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return _quoted(format(value, format_spec))


class _TagFormatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        text = value if type(value) is str and not format_spec else format(value, format_spec)
        if text.isascii() and text.isalnum():
            return text
        from urllib.parse import quote

        return quote(text, safe=_SAFE_IN_TAGS)


def _shortened(tag: str) -> str:
    """A tag that an argument made too long, by its digest."""
    if len(tag) <= LONGEST_TAG:
        return tag
    from hashlib import blake2b

    return blake2b(tag.encode(), digest_size=16).hexdigest()


_KEYS = _KeyFormatter()
_TAGS = _TagFormatter()


def _not_json(value: Any) -> str:
    """What in `value` is not JSON, or ""."""
    kind = type(value)
    if kind in _SIMPLE:
        return ""
    if kind is float:
        return "" if isfinite(value) else str(value)
    if kind in (list, tuple):
        return next((wrong for each in value if (wrong := _not_json(each))), "")
    if kind is dict:
        for name, each in value.items():
            wrong = _not_json(each) if type(name) is str else "a dict with keys that are not str"
            if wrong:
                return wrong
        return ""
    return f"a {kind.__name__}"
