"""Every version of the API, declared once: names, dates, brownouts, documents, what changed.

    preview ──▶ active ──▶ deprecated ◀──▶ brownout ──▶ retired
         released_at  deprecated_at   windows     sunset_at

- *preview*: declared without `released_at` (or before it). Served to whoever names it; never the default, the latest
  or somebody's successor, because nothing is promised for it yet. Set the date when it is released.
- *active*: released. A `deprecated_at` in the future is announced from the moment it is declared (RFC 9745 section 2).
- *deprecated*: served, with headers that say so. *brownout*: refused for a published window, so that its callers
  notice while there is time. *retired*: refused for good, from `sunset_at` on.

Order is order of declaration, the oldest first. Each boundary belongs to what begins there; windows do not include
their end. Inside, moments are seconds since the Unix epoch; nothing here reads a clock.

Failure mode: a declaration that contradicts itself raises `RegistryError` at import, and so fails the build and not
a request. What a client sent is never an error here: `find` gives None.
"""

from __future__ import annotations

from lanner.versioning.instants import epoch, readable, rfc3339

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import Any, Final, Literal

    from lanner.versioning.changes import VersionChange

    Status = Literal["preview", "active", "deprecated", "brownout", "retired"]

VERSIONS_PATH = "/versions"
CHANGES_PATH = "/docs/changes"


class RegistryError(ValueError):
    """The declared versions contradict each other; the message names the version and what would be right."""


class Brownout:
    """A published window, `start` to `end`, in which a deprecated version is refused with 503.

    Declared as RFC 3339 text or aware datetimes. Raises `RegistryError` when it does not end after it starts.
    """

    __slots__ = ("end", "start")

    def __init__(self, start: str | datetime, end: str | datetime) -> None:
        self.start: Final = _moment(start, "a brownout's start")
        self.end: Final = _moment(end, "a brownout's end")
        if self.end <= self.start:
            raise RegistryError(f"the brownout from {start} to {end} ends before it starts: swap its moments")

    def covers(self, now: float) -> bool:
        """Whether `now` (epoch seconds) lies in the window."""
        return self.start <= now < self.end

    def document(self) -> dict[str, str]:
        """The window as JSON: `{"start": ..., "end": ...}`, RFC 3339."""
        return {"start": rfc3339(self.start), "end": rfc3339(self.end)}

    def __repr__(self) -> str:
        return f"Brownout({rfc3339(self.start)!r}, {rfc3339(self.end)!r})"


class ApiVersion:
    """One version. Moments are declared as RFC 3339 text or aware datetimes, and kept as epoch seconds.

    `docs` is where its documentation is (`/v2/docs` by itself), `migration` the guide away from it, both as a URL or a
    path that holds a version, so that it leads somewhere on a stage's own address too; `changes` are the differences
    from its predecessor. Raises `RegistryError` for a name that is not v1, v2, ... and for dates out of order.
    """

    __slots__ = (
        "brownouts",
        "changes",
        "deprecated_at",
        "docs",
        "has_lifecycle",
        "migration",
        "name",
        "number",
        "released_at",
        "sunset_at",
    )

    def __init__(
        self,
        name: str,
        *,
        released_at: str | datetime | None,
        deprecated_at: str | datetime | None = None,
        sunset_at: str | datetime | None = None,
        brownouts: Iterable[Brownout] = (),
        docs: str = "",
        migration: str = "",
        changes: Iterable[VersionChange] = (),
    ) -> None:
        number = name[1:]
        if name[:1] != "v" or not (number.isascii() and number.isdigit()) or number[0] == "0":
            raise RegistryError(f"{name!r} cannot name a version: use v1, v2, v3, ...")
        self.name: Final = name
        self.number: Final = number
        self.released_at: Final = _optional(released_at, f"released_at of {name}")
        self.deprecated_at: Final = _optional(deprecated_at, f"deprecated_at of {name}")
        self.sunset_at: Final = _optional(sunset_at, f"sunset_at of {name}")
        self.brownouts: Final = tuple(sorted(brownouts, key=_start))
        self.docs: Final = docs or f"/{name}/docs"
        self.migration: Final = migration
        self.changes: Final = tuple(changes)
        self.has_lifecycle: Final = self.deprecated_at is not None
        _check_order(self)
        _check_brownouts(self)

    def is_deprecated(self, now: float) -> bool:
        """Whether its deprecation has begun; true in brownouts and after the sunset too."""
        return self.deprecated_at is not None and now >= self.deprecated_at

    def is_retired(self, now: float) -> bool:
        """Whether its sunset has come."""
        return self.sunset_at is not None and now >= self.sunset_at

    def brownout(self, now: float) -> Brownout | None:
        """The window that `now` lies in, or None."""
        for window in self.brownouts:
            if window.covers(now):
                return window
        return None

    def __repr__(self) -> str:
        return f"ApiVersion({self.name!r})"


class VersionRegistry:
    """The versions in order, the default among them, and the vendor's name in media types.

    Raises `RegistryError` for no versions at all, a name declared twice, a default that is not declared or is a
    preview, a vendor that cannot stand in a media type, and changes that name another version than they stand at.
    """

    def __init__(self, versions: Iterable[ApiVersion], default: str, vendor: str = "lanner") -> None:
        self.versions: Final = tuple(versions)
        self.names: Final = tuple(version.name for version in self.versions)
        self.vendor: Final = vendor
        self._by_name: Final = {version.name: version for version in self.versions}
        _check_registry(self, default)
        self.default: Final = self._by_name[default]
        self.latest: Final = next(version for version in reversed(self.versions) if version.released_at is not None)
        self._spellings: Final = {
            spelling: version
            for version in self.versions
            for spelling in (version.name, version.number, f"V{version.number}")
        }
        self._media_types: Final = {self.media_type(version): version for version in self.versions}

    @property
    def history(self) -> str:
        """The path of the list of versions, under the latest: it outlives the others."""
        return f"/{self.latest.name}{VERSIONS_PATH}"

    def get(self, name: str) -> ApiVersion | None:
        """The version of exactly this name, or None."""
        return self._by_name.get(name)

    def __getitem__(self, name: str) -> ApiVersion:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[ApiVersion]:
        return iter(self.versions)

    def __len__(self) -> int:
        return len(self.versions)

    def find(self, text: str) -> ApiVersion | None:
        """The version that a client means by `v2`, `V2` or `2`, or None."""
        return self._spellings.get(text)

    def find_media_type(self, text: str) -> ApiVersion | None:
        """The version whose media type this is, letter for letter, or None: no parsing of Accept."""
        return self._media_types.get(text)

    def media_type(self, version: ApiVersion) -> str:
        """The media type that asks for this version."""
        return f"application/vnd.{self.vendor}.{version.name}+json"

    def successor(self, version: ApiVersion) -> ApiVersion | None:
        """The next released version, or None for the latest (RFC 5829 section 3.4)."""
        later = self.versions[self.names.index(version.name) + 1 :]
        return next((each for each in later if each.released_at is not None), None)

    def predecessor(self, version: ApiVersion) -> ApiVersion | None:
        """The version declared before this one, or None for the first (RFC 5829 section 3.5)."""
        index = self.names.index(version.name)
        return self.versions[index - 1] if index else None

    def supported(self, now: float) -> tuple[ApiVersion, ...]:
        """The versions that are still served: all that are not past their sunset."""
        return tuple(version for version in self.versions if not version.is_retired(now))

    def status(self, version: ApiVersion, now: float) -> Status:
        """Where `version` stands in its life at `now` (epoch seconds)."""
        if version.is_retired(now):
            return "retired"
        if version.is_deprecated(now):
            return "deprecated" if version.brownout(now) is None else "brownout"
        return "preview" if version.released_at is None or now < version.released_at else "active"

    def document(self, now: float, base: str = "") -> dict[str, Any]:  # Any: JSON
        """The body of `GET /versions`: every version in order, the default and the latest; links begin with `base`."""
        return {
            "data": [self._entry(version, now, base) for version in self.versions],
            "default": self.default.name,
            "latest": self.latest.name,
        }

    def _entry(self, version: ApiVersion, now: float, base: str) -> dict[str, Any]:  # Any: JSON
        successor, predecessor = self.successor(version), self.predecessor(version)
        links = {
            "self": f"{base}{self.history}#{version.name}",
            "docs": base + version.docs,
            "openapi": f"{base}/{version.name}/openapi.json",
            "changelog": f"{base}/{self.latest.name}{CHANGES_PATH}",
        }
        if version.migration:
            links["migration"] = base + version.migration
        return {
            "name": version.name,
            "status": self.status(version, now),
            "media_type": self.media_type(version),
            "released_at": _shown(version.released_at),
            "deprecated_at": _shown(version.deprecated_at),
            "sunset_at": _shown(version.sunset_at),
            "brownouts": [window.document() for window in version.brownouts],
            "predecessor": predecessor and predecessor.name,
            "successor": successor and successor.name,
            "changes": [change.title for change in version.changes],
            "links": links,
        }


def _start(window: Brownout) -> float:
    return window.start


def _shown(moment: float | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _moment(moment: str | datetime, what: str) -> float:
    try:
        return epoch(moment)
    except ValueError as error:
        raise RegistryError(f"{what}: {error}") from error


def _optional(moment: str | datetime | None, what: str) -> float | None:
    return None if moment is None else _moment(moment, what)


def _check_order(version: ApiVersion) -> None:
    name, released, deprecated, sunset = version.name, version.released_at, version.deprecated_at, version.sunset_at
    if deprecated is None:
        if sunset is not None:
            raise RegistryError(
                f"{name} has a sunset but no deprecation: declare deprecated_at, on or before the sunset"
            )
        return
    if released is None or deprecated < released:
        raise RegistryError(f"{name} is deprecated before it is released: declare released_at, before deprecated_at")
    if sunset is not None and sunset < deprecated:  # RFC 9745 section 4: the sunset must not be the earlier one
        raise RegistryError(
            f"{name} has its sunset on {readable(sunset)}, before its deprecation on {readable(deprecated)}: "
            "the sunset comes last"
        )


def _check_brownouts(version: ApiVersion) -> None:
    previous: Brownout | None = None
    for window in version.brownouts:
        if version.deprecated_at is None or version.sunset_at is None:
            raise RegistryError(f"{version.name} has brownouts: it needs deprecated_at and sunset_at around them")
        if window.start < version.deprecated_at or window.end > version.sunset_at:
            raise RegistryError(
                f"{window} of {version.name} is not within {rfc3339(version.deprecated_at)} (deprecated_at) "
                f"to {rfc3339(version.sunset_at)} (sunset_at)"
            )
        if previous is not None and window.start < previous.end:
            raise RegistryError(f"{previous} and {window} of {version.name} overlap: make one window of them")
        previous = window


def _check_registry(registry: VersionRegistry, default: str) -> None:
    names: Sequence[str] = registry.names
    vendor = registry.vendor
    if not names:
        raise RegistryError("a registry needs at least one version")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RegistryError(f"declared more than once: {', '.join(twice)}")
    if default not in names:
        raise RegistryError(f"the default {default!r} is not declared; there are {', '.join(names)}")
    if registry[default].released_at is None:
        raise RegistryError(f"the default {default} is a preview: give it released_at, or choose a released version")
    if not (vendor.isascii() and vendor.isalnum() and vendor == vendor.lower()):
        raise RegistryError(f"the vendor {vendor!r} must be ASCII lower-case letters and digits (vnd.<vendor>.v1+json)")
    for version in registry.versions:
        for change in version.changes:
            if change.version != version.name:
                raise RegistryError(f"{change.title!r} says {change.version} but is declared at {version.name}")
    if registry.versions[0].changes:
        raise RegistryError(f"{names[0]} is the first version: there is none that it could have changed from")
