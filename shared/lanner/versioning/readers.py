"""Which version a request asks for: path, media type, header, query.

    path        /v2/users                                                   unknown: 404
    media type  Accept: application/vnd.lanner.v2+json                      unknown: 406
                Accept: application/vnd.lanner+json; version=2
    header      X-API-Version: v2                                           unknown: 400
    query       ?version=2                                                  unknown: 400

Contract (the error model is that of Asp.Versioning):

- *unspecified*: no way says anything; the registry's default, chosen by "default". An API Gateway stage that is a
  version's is the default of its own address: a domain mapped to the stage v1 alone (`v1.example.com/users`) serves v1.
- *invalid*: something that is no version at all, an empty value included; slug `invalid-version`.
- *unsupported*: a version that was never declared; slug `unsupported-version`.
- *ambiguous*: two different choices in one request, in one way or between two; 400, slug `ambiguous-version`. The same
  choice twice is fine.

Each error lists the supported versions, in its detail and as `supported`. The first way that is wrong decides the
answer, in the order above.

Spelling: `v2`, `V2` and `2` all mean v2 in a header, a query or a media type (types are case-insensitive, RFC 9110
section 8.3.1). In a path only `v2` does: two URLs for one resource would be two cache entries and two ETag histories.
`v02` and `2.0` are invalid everywhere.

Accept: only ranges of our own vendor type are read, so `application/json`, `*/*` and `signed-exchange;v=b3` say
nothing, and neither does our type without a version. A range with q=0 chooses nothing. Of several versions the best
wins: one that is not retired, then the higher quality, then the newer. One unknown beside a known one is passed over;
unknown ones alone are an error even beside `*/*`, because whoever names a version has code for that version.
Malformed members of Accept are skipped, as everywhere (see `http.headers`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lanner.http.message import Request
from lanner.http.problems import ApiError, BadRequest, NotAcceptable, NotFound, header, parameter

if TYPE_CHECKING:
    from lanner.http.headers import MediaRange
    from lanner.versioning.registry import ApiVersion, VersionRegistry

Now = Callable[[], float]  # epoch seconds; asked only when a list of supported versions is needed

HEADER = "X-API-Version"
PARAMETER = "version"
_HEADER = header(HEADER, "names no version of this API")
_QUERY = parameter(PARAMETER, "names no version of this API")
_ACCEPT = header("Accept", "names no version of this API")
_SHOWN = 40  # characters of a client's value that an error repeats


def choose(
    request: Request, registry: VersionRegistry, now: Now, default: ApiVersion | None = None
) -> tuple[ApiVersion, str]:
    """The version that a request asks for, and the way it did: path, media_type, header, query, or default.

    `default` is what the address serves where nothing is said; the registry's default where that is not given.
    Raises `NotFound`, `NotAcceptable` or `BadRequest` as the module's text says.
    """
    chosen: ApiVersion | None = None
    by = "default"
    for way, read in READERS:
        version = read(request, registry, now)
        if version is None or version is chosen:
            continue
        if chosen is not None:
            what = f"the {_SPOKEN[by]} asks for {chosen.name}, the {_SPOKEN[way]} for {version.name}"
            raise _ambiguous(what, registry, now)
        chosen, by = version, way
    return (default or registry.default, by) if chosen is None else (chosen, by)


def from_path(request: Request, registry: VersionRegistry, now: Now) -> ApiVersion | None:
    """The version in the path, or None when its first segment is none. Raises `NotFound`."""
    segment = request.path_version
    if segment is None:
        return None
    version = registry.get(segment)
    if version is None:
        raise _unknown(NotFound, segment, "in the path", registry, now)
    return version


def from_header(request: Request, registry: VersionRegistry, now: Now) -> ApiVersion | None:
    """The version in X-API-Version, or None without the field. Raises `BadRequest`."""
    value = request.headers.get("x-api-version")
    if value is None:
        return None
    return _agreed(value.split(","), f"in the header {HEADER}", _HEADER, registry, now)


def from_query(request: Request, registry: VersionRegistry, now: Now) -> ApiVersion | None:
    """The version in `?version=`, or None without the parameter. Raises `BadRequest`."""
    if not request.has_query:
        return None
    values = request.query_values(PARAMETER)
    if not values:
        return None
    return _agreed(values, f"in the query parameter {PARAMETER}", _QUERY, registry, now)


def from_accept(request: Request, registry: VersionRegistry, now: Now) -> ApiVersion | None:
    """The version in the best range of our own media type in Accept, or None. Raises `NotAcceptable`, `BadRequest`."""
    value = request.headers.get("accept")
    if value is None or "vnd." not in value.lower():
        return None
    exact = registry.find_media_type(value)
    if exact is not None:
        return exact
    from lanner.http.headers import accept

    offers: dict[ApiVersion, float] = {}
    refused: ApiError | None = None
    for entry in accept(value):
        asked = _asked(entry, registry.vendor)
        if not asked or entry.quality <= 0:
            continue
        found = [registry.find(text) for text in asked]
        if None in found:
            text = asked[found.index(None)]
            refused = refused or _unknown(NotAcceptable, text, "in the header Accept", registry, now, _ACCEPT)
        elif any(version is not found[0] for version in found):
            raise _ambiguous(f"one media range of Accept asks for {' and '.join(asked)}", registry, now)
        elif (version := found[0]) is not None:
            offers[version] = max(entry.quality, offers.get(version, 0.0))
    if offers:
        return _best(offers, registry, now)
    if refused is not None:
        raise refused
    return None


def _asked(entry: MediaRange, vendor: str) -> list[str]:
    """What a media range says about the version: by its subtype, by its parameter, or nothing."""
    prefix = f"vnd.{vendor}"
    subtype = entry.subtype
    if entry.type != "application" or not subtype.startswith(prefix):
        return []
    rest = subtype[len(prefix) :]
    if rest[:1] not in ("", ".", "+"):
        return []  # another vendor whose name begins with ours
    name, plus, suffix = rest.partition("+")
    asked = [entry.params[PARAMETER]] if PARAMETER in entry.params else []
    if name[1:2] == "v" and (suffix == "json" or not plus):
        return [name[1:], *asked]
    if name or (suffix != "json" and plus):
        return [f"application/{subtype}"]  # ours, but none of its forms: shown whole in the error
    return asked


def _best(offers: dict[ApiVersion, float], registry: VersionRegistry, now: Now) -> ApiVersion:
    if len(offers) == 1:
        return next(iter(offers))
    moment = now()
    return max(
        offers,
        key=lambda version: (not version.is_retired(moment), offers[version], registry.names.index(version.name)),
    )


def _agreed(values: list[str], where: str, pointer: dict[str, str], registry: VersionRegistry, now: Now) -> ApiVersion:
    """The one version that all values mean. Raises `BadRequest` for one that means none and for two that differ."""
    chosen: ApiVersion | None = None
    for value in values:
        text = value.strip(" \t")
        version = registry.find(text)
        if version is None:
            raise _unknown(BadRequest, text, where, registry, now, pointer)
        if chosen is not None and version is not chosen:
            raise _ambiguous(f"{chosen.name} and {version.name} {where}", registry, now)
        chosen = version
    if chosen is None:
        raise _unknown(BadRequest, "", where, registry, now, pointer)
    return chosen


READERS = (("path", from_path), ("media_type", from_accept), ("header", from_header), ("query", from_query))
_SPOKEN = {
    "path": "path",
    "media_type": "header Accept",
    "header": f"header {HEADER}",
    "query": f"query parameter {PARAMETER}",
}


def _supported(registry: VersionRegistry, now: Now) -> list[str]:
    return [version.name for version in registry.supported(now())]


def _ambiguous(what: str, registry: VersionRegistry, now: Now) -> ApiError:
    supported = _supported(registry, now)
    return BadRequest(
        f"Two different versions in one request: {what}; ask for one of {', '.join(supported)}",
        slug="ambiguous-version",
        title="Ambiguous version",
        supported=supported,
    )


def _unknown(
    kind: type[ApiError],
    text: str,
    where: str,
    registry: VersionRegistry,
    now: Now,
    pointer: dict[str, str] | None = None,
) -> ApiError:
    supported = _supported(registry, now)
    digits = text[1:] if text[:1] in ("v", "V") else text
    shown = ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")  # ASCII: lone surrogates are no JSON
    if digits.isascii() and digits.isdigit() and digits[0] != "0":
        slug, title, what = "unsupported-version", "Unsupported version", f"Version {shown} {where} is not supported"
    elif text:
        slug, title, what = "invalid-version", "Invalid version", f"{shown} {where} is not a version"
    else:
        slug, title, what = "invalid-version", "Invalid version", f"The version {where} is empty"
    return kind(
        f"{what}; supported: {', '.join(supported)}",
        errors=(pointer,) if pointer else (),
        slug=slug,
        title=title,
        supported=supported,
    )
