"""Paths: which part of one is the stage, the version, the route; and the table that matches routes.

A path stays percent-encoded until it is split at its slashes, so that `%2F` inside a parameter is data and never a
separator (RFC 3986 section 2.2). A parameter that does not decode to UTF-8 is a `BadRequest`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lanner.http.problems import BadRequest

Match = tuple[str, dict[str, str]]


def looks_like_version(segment: str) -> bool:
    """Whether a path segment or stage names a version: `v` and ASCII digits."""
    return len(segment) > 1 and segment[0] in "vV" and segment[1:].isdigit() and segment.isascii()


def without_stage(path: str, stage: str) -> str:
    """The path without a leading stage, unless that stage is a version (`/prod/users` -> `/users`)."""
    if stage and path.startswith(stage, 1) and not looks_like_version(stage):
        rest = path[len(stage) + 1 :]
        if not rest:
            return "/"
        if rest[0] == "/":
            return rest
    return path


def without_base(path: str, base: str) -> str:
    """The path without the base path that a custom domain maps the API under (`/api` or `/api/x`)."""
    if base and path.startswith(base):
        rest = path[len(base) :]
        if not rest:
            return "/"
        if rest[0] == "/":
            return rest
    return path


def split_version(path: str) -> tuple[str | None, str]:
    """`/v2/users` -> (`v2`, `/users`); (None, path) where the first segment is not a version."""
    if path[1:2] not in ("v", "V"):
        return None, path
    end = path.find("/", 1)
    segment = path[1:] if end < 0 else path[1:end]
    if not looks_like_version(segment):
        return None, path
    return segment, "/" if end < 0 else path[end:]


def decode(segment: str) -> str:
    """One percent-decoded segment. Raises `BadRequest` where it is not UTF-8."""
    if "%" not in segment:
        return segment
    from urllib.parse import unquote

    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest(f"The path segment {segment!r} is not percent-encoded UTF-8") from None


class PathTable:
    """Route templates and their methods, matched without regular expressions.

    `paths` maps a template to its methods, separated by spaces: `{"/users/{id}": "GET PUT"}`. A template's segment is
    a literal, `{name}`, or as its last one `{name+}` for all the rest. A literal wins over a parameter, a parameter
    over the rest, compared from the left. Raises `ValueError` for a template that cannot be matched.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.methods: dict[str, frozenset[str]] = {}
        self.allow: dict[str, str] = {}
        self._literal: dict[str, str] = {}
        self._patterns: list[tuple[str, tuple[tuple[str, bool], ...], bool]] = []
        for template, methods in paths.items():
            self._add(template, methods.split())
        self._patterns.sort(key=lambda entry: [_rank(text, is_parameter) for text, is_parameter in entry[1]])
        self._tails = self._simple_tails()

    def _add(self, template: str, methods: Iterable[str]) -> None:
        if not template.startswith("/"):
            raise ValueError(f"the route template {template!r} must start with a slash")
        declared = set(methods)
        if not declared or any(not method.isupper() for method in declared):
            raise ValueError(f"{template}: name the methods in upper case, separated by spaces, not {sorted(declared)}")
        if "GET" in declared:
            declared.add("HEAD")
        declared.add("OPTIONS")
        self.methods[template] = frozenset(declared)
        self.allow[template] = ", ".join(sorted(declared))
        if "{" not in template:
            self._literal[template] = template
            return
        segments = []
        parts = template[1:].split("/")
        for part in parts:
            is_parameter = part.startswith("{") and part.endswith("}")
            if not is_parameter and ("{" in part or "}" in part):
                raise ValueError(f"{template}: a parameter takes a whole segment, not a part of {part!r}")
            segments.append((part[1:-1] if is_parameter else part, is_parameter))
        rest = segments[-1][1] and segments[-1][0].endswith("+")
        self._patterns.append((template, tuple(segments), rest))

    def _simple_tails(self) -> dict[str, tuple[str, str]]:
        """`/users` -> (`/users/{id}`, `id`): templates whose only parameter is their last segment, as most are.

        Literals were looked for before, and of all patterns a literal start wins: what is found here is what the
        comparison from the left would find.
        """
        tails: dict[str, tuple[str, str]] = {}
        for template, segments, rest in self._patterns:
            *literals, (name, _) = segments
            if not rest and segments[-1][1] and not any(is_parameter for _, is_parameter in literals):
                tails.setdefault("".join(f"/{text}" for text, _ in literals), (template, name))
        return tails

    def match(self, path: str) -> Match | None:
        """The template of a path and its decoded parameters, or None. A single trailing slash is not looked at."""
        if len(path) > 1 and path[-1] == "/":
            path = path[:-1]
        if path in self._literal:
            return path, {}
        if not self._patterns:
            return None
        start, _, last = path.rpartition("/")
        tail = self._tails.get(start)
        if tail is not None and last and "%" not in last:
            return tail[0], {tail[1]: last}
        parts = path[1:].split("/")
        for template, segments, rest in self._patterns:
            found = _bind(parts, segments, rest)
            if found is not None:
                return template, found
        return None


def _rank(text: str, is_parameter: bool) -> int:
    if not is_parameter:
        return 0
    return 2 if text.endswith("+") else 1


def _bind(parts: list[str], segments: tuple[tuple[str, bool], ...], rest: bool) -> dict[str, str] | None:
    if len(parts) != len(segments) and not (rest and len(parts) > len(segments)):
        return None
    found: dict[str, str] = {}
    for index, (text, is_parameter) in enumerate(segments):
        part = parts[index]
        if not is_parameter:
            if part != text:
                return None
        elif text[-1] == "+":
            found[text[:-1]] = "/".join(decode(each) for each in parts[index:])
        elif not part:
            return None
        else:
            found[text] = part if "%" not in part else decode(part)
    return found
