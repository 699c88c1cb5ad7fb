"""The page of all versions for people, made of what the registry declares; `docs/VERSIONS.md` is a copy of it."""

from __future__ import annotations

from lanner.versioning.instants import readable

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from lanner.versioning.registry import ApiVersion, VersionRegistry


def changelog(registry: VersionRegistry) -> str:
    """The Markdown page of all versions and what they changed, the newest first.

    A function of the declaration alone and not of today's date, so that a committed copy stays true. Each version's
    heading is its name, which makes `#v2` its anchor.
    """
    lines = [
        "# Versions",
        "",
        f"Without a choice, requests are served by {registry.default.name}. "
        f"A version is chosen by path (`/{registry.default.name}/...`), by `X-API-Version: {registry.default.name}`, "
        f"by `Accept: {registry.media_type(registry.default)}` or by `?version={registry.default.number}`.",
        "",
        "| version | released | deprecated | sunset | successor |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(registry, version) for version in reversed(registry.versions)]
    for version in reversed(registry.versions):
        lines += ["", f"## {version.name}", *_section(registry, version)]
    return "\n".join(lines) + "\n"


def _row(registry: VersionRegistry, version: ApiVersion) -> str:
    moments = (version.released_at, version.deprecated_at, version.sunset_at)
    released, deprecated, sunset = ("" if moment is None else readable(moment) for moment in moments)
    successor = registry.successor(version)
    cells = (version.name, released or "preview", deprecated, sunset, successor.name if successor else "")
    return "| " + " | ".join(cells) + " |"


def _section(registry: VersionRegistry, version: ApiVersion) -> list[str]:
    lines: list[str] = []
    predecessor = registry.predecessor(version)
    if version.changes and predecessor is not None:
        lines += ["", f"Changed since {predecessor.name}:", ""]
        for change in version.changes:
            lines.append(f"- **{change.title}** ({', '.join(change.resources)}). {change.description}")
    if version.sunset_at is not None:
        lines += ["", f"Answers 410 from {readable(version.sunset_at)} (UTC) on."]
    if version.brownouts:
        lines += ["", "Brownouts, in which it answers 503 unless the request has `X-Brownout-Opt-Out: 1`:", ""]
        lines += [f"- {readable(window.start)} to {readable(window.end)}" for window in version.brownouts]
    if not lines:
        lines += ["", "The first version." if predecessor is None else "No changes are recorded."]
    return lines
