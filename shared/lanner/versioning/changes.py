"""What changed between two versions, as data: a sentence for people, and the two functions for documents.

Changes stand at the version that brought them, so a document goes from v1 to v3 through every change of v2 and then
of v3, and back the same way in reverse. `upgrade` and `downgrade` are pure functions of one JSON object that return a
new one; what a downgrade drops for the older client is not lost, because the stored document is the newest form.

Functions may be named, `"domain.users.versions:v1_to_v2"`, so that declaring the versions imports none of them.

The page that people read is made of the same data, in `changelog.py`.

Failure modes: `RegistryError` for half a pair or a name of another form, at declaration; `LookupError` for a name that
does not resolve and for a version that is not in the registry, at first use.
"""

from __future__ import annotations

from lanner.versioning.registry import RegistryError

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Final

    from lanner.versioning.registry import VersionRegistry

    Document = dict[str, Any]  # Any: a JSON object
    Migration = Callable[[Document], Document]


class VersionChange:
    """One difference that `version` brought to `resources` (`("users",)`).

    `title` is a heading, `description` a sentence that a client's author can act on. Without functions the change
    concerns how one asks and not what a document holds. Raises `RegistryError` for an incomplete declaration.
    """

    __slots__ = ("_down", "_up", "description", "resources", "title", "version")

    def __init__(
        self,
        *,
        version: str,
        title: str,
        description: str,
        resources: Iterable[str],
        upgrade: Migration | str | None = None,
        downgrade: Migration | str | None = None,
    ) -> None:
        self.version: Final = version
        self.title: Final = title
        self.description: Final = description
        self.resources: Final = (resources,) if isinstance(resources, str) else tuple(resources)
        self._up = upgrade
        self._down = downgrade
        if not title or not description or not self.resources:
            raise RegistryError(f"a change of {version} needs title, description and resources; it has {title!r}")
        if (upgrade is None) is not (downgrade is None):
            raise RegistryError(f"{title!r} of {version} has one of upgrade and downgrade: give both, or neither")
        for target in (upgrade, downgrade):
            if isinstance(target, str) and target.count(":") != 1:
                raise RegistryError(f"{target!r} of {title!r} is not of the form 'module:function'")

    @property
    def migrates(self) -> bool:
        """Whether documents differ."""
        return self._up is not None

    def upgrade(self, document: Document) -> Document:
        """The document as this version has it, from its predecessor's; the same where documents do not differ."""
        if isinstance(self._up, str):
            self._up = _resolve(self._up)
        return document if self._up is None else self._up(document)

    def downgrade(self, document: Document) -> Document:
        """The document as the predecessor has it; the same where documents do not differ."""
        if isinstance(self._down, str):
            self._down = _resolve(self._down)
        return document if self._down is None else self._down(document)

    def __repr__(self) -> str:
        return f"VersionChange({self.version!r}, {self.title!r})"


def _resolve(target: str) -> Migration:
    from importlib import import_module

    module, _, name = target.partition(":")
    try:
        function: Migration = getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise LookupError(f"{target!r} cannot be loaded: {error}") from error
    return function


def migrate(registry: VersionRegistry, document: Document, resource: str, from_: str, to: str) -> Document:
    """A document of `resource` as version `to` has it, given as version `from_` has it.

    Up or down, through every version between the two; `document` itself is not altered. Raises `LookupError` for a
    version that the registry does not have.
    """
    for change, up in path(registry, resource, from_, to):
        document = change.upgrade(document) if up else change.downgrade(document)
    return document


def path(registry: VersionRegistry, resource: str, from_: str, to: str) -> list[tuple[VersionChange, bool]]:
    """The changes between two versions in the order they apply, each with True for up and False for down."""
    start, end = _position(registry, from_), _position(registry, to)
    up = start <= end
    between = registry.versions[min(start, end) + 1 : max(start, end) + 1]
    changes = [change for version in between for change in version.changes if resource in change.resources]
    return [(change, up) for change in (changes if up else reversed(changes))]


def _position(registry: VersionRegistry, name: str) -> int:
    if name not in registry:
        raise LookupError(f"there is no version {name!r}: the registry has {', '.join(registry.names)}")
    return registry.names.index(name)
