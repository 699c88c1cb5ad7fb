"""Documentation pages for people: the reference of one version (Swagger UI), what changed, what each problem means.

Pages work wherever they are addressed (`/docs`, `/v2/docs`, behind a stage or a base path): every link is relative to
the page. Nothing comes from another host and no script stands in the page; the Content-Security-Policy says so.
"""

from __future__ import annotations

from html import escape

from docs.answers import CACHED, now
from docs.assets import tag
from domain.versions import REGISTRY
from lanner.http.message import Request, Response
from lanner.http.problems import NotFound
from lanner.versioning.changes import VersionChange
from lanner.versioning.instants import readable
from lanner.versioning.registry import ApiVersion

# Swagger UI's style sheet has its icons as data: images.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def reference(request: Request) -> Response:
    """The reference of the addressed version, with a choice of the others."""
    chosen = request.version or REGISTRY.default
    up = _up(request)
    body = (
        f'<div id="reference" data-document="{up}openapi.json"></div>'
        f'<script src="{up}docs/assets/{tag()}/swagger-ui-bundle.js"></script>'
        f'<script src="{up}docs/assets/{tag()}/start.js"></script>'
    )
    return _page(request, f"API {chosen.name}", _notice(chosen, up) + body, swagger=True)


def changes(request: Request) -> Response:
    """Every version with its dates and what it changed, the newest first; `#v2` is the anchor of v2."""
    sections = "".join(_section(version) for version in reversed(REGISTRY.versions))
    return _page(request, "Versions and changes", f'<main class="text"><h1>Versions and changes</h1>{sections}</main>')


def problems(request: Request) -> Response:
    """Every type of problem that an error can have."""
    from docs.problem_types import PROBLEM_TYPES

    up = _up(request)
    rows = "".join(
        f'<tr><td>{each.status}</td><td><a href="{up}problems/{slug}">{slug}</a></td><td>{escape(each.title)}</td></tr>'
        for slug, each in PROBLEM_TYPES.items()
    )
    table = f"<table><tr><th>status</th><th>type</th><th>title</th></tr>{rows}</table>"
    return _page(request, "Problems", f'<main class="text"><h1>Problems</h1>{table}</main>')


def problem(request: Request) -> Response:
    """What one type of problem means and what to do about it. Raises `NotFound` for an unknown type."""
    from docs.problem_types import PROBLEM_TYPES

    slug = request.path_params["slug"]
    found = PROBLEM_TYPES.get(slug)
    if found is None:
        raise NotFound(f"There is no problem type {slug!r}; /problems lists them all")
    body = (
        f'<main class="text"><h1>{escape(found.title)}</h1><p>Status {found.status}, type <code>/problems/{slug}</code>'
        f"</p><p>{_prose(found.meaning)}</p></main>"
    )
    return _page(request, found.title, body)


def _section(version: ApiVersion) -> str:
    dates = [
        f"{word} {readable(moment)}"
        for word, moment in (
            ("Released", version.released_at),
            ("deprecated", version.deprecated_at),
            ("answers 410 from", version.sunset_at),
        )
        if moment is not None
    ]
    parts = [f'<h2 id="{version.name}">{version.name}</h2><p>{escape("; ".join(dates) or "Preview")}.</p>']
    if version.changes:
        items = "".join(_change(change) for change in version.changes)
        parts.append(f"<ul>{items}</ul>")
    if version.brownouts:
        windows = "".join(f"<li>{readable(each.start)} to {readable(each.end)}</li>" for each in version.brownouts)
        parts.append(
            "<p>Brownouts: it answers 503 in these windows, unless a request has "
            f"<code>X-Brownout-Opt-Out: 1</code>.</p><ul>{windows}</ul>"
        )
    return "".join(parts)


def _change(change: VersionChange) -> str:
    concerned = escape(", ".join(change.resources))
    return f"<li><strong>{escape(change.title)}</strong> ({concerned}). {_prose(change.description)}</li>"


def _prose(text: str) -> str:
    """Text as HTML, with `code` between backquotes."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _notice(version: ApiVersion, up: str) -> str:
    if not version.is_deprecated(now()):
        return ""
    ending = f" It answers 410 from {readable(version.sunset_at)} on." if version.sunset_at is not None else ""
    link = f'<a href="{up}docs/changes">what changed</a>'
    return f'<p class="notice">{version.name} is deprecated.{escape(ending)} See {link}.</p>'


def _up(request: Request) -> str:
    """The relative way from the page to the base of the addressed version (`/docs/changes` -> `../`)."""
    return "../" * (request.path.count("/") - 1) or "./"


def _page(request: Request, title: str, body: str, *, swagger: bool = False) -> Response:
    up = _up(request)
    root = f"{up}../" if request.path_version else up
    chosen = request.version or REGISTRY.default
    choice = "".join(
        f'<a href="{root}{each.name}/docs"{" aria-current=page" if swagger and each is chosen else ""}>{each.name}</a>'
        for each in REGISTRY.supported(now())
    )
    style = f'<link rel="stylesheet" href="{up}docs/assets/{tag()}/style.css">'
    if swagger:
        style = f'<link rel="stylesheet" href="{up}docs/assets/{tag()}/swagger-ui.css">{style}'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{up}docs/assets/{tag()}/favicon-32x32.png">{style}</head><body>'
        f'<header><strong>Lanner</strong>{choice}<a href="{up}docs/changes">changes</a>'
        f'<a href="{up}problems">problems</a><a href="{up}openapi.json">openapi.json</a></header>{body}</body></html>'
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": CACHED,
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Response(200, headers, text.encode())
