"""`Cache`: application values under keys, whatever store is behind.

    cache = Cache(open_backend("redis://host"), prefix="catalog:", default_ttl=300)
    cache.set("item:1", {"name": "Lamp"})
    cache.get("item:1")

Values are JSON or bytes, in `codec`'s envelope. `ttl` is in seconds (or a `timedelta`), None for ever, and where it is
not given `default_ttl`. Keys are kept under `prefix`, and come without it from `keys` and `get_many`.

States of a key as a reader sees them: a value; known to be absent (`set_absent`), so that nobody asks the source again;
unknown. `get` gives its default for both of the latter, `look_up` tells them apart.

Failure modes: no store that is down raises anything here. Reads are misses, writes say False (increments None), and the
event `error` and the number `errors` tell. An entry that cannot be read is a miss and counts as `unreadable`. Only what
the caller has to mend raises `CacheValueError`: a key that is none, a value that is neither JSON nor bytes, a counter
that is no number, a listing where the store has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from lanner.cache.codec import ABSENT, UnreadableEntry, decode, encode
from lanner.cache.errors import CacheConfigError, CacheUnavailable, CacheValueError
from lanner.cache.events import Hooks, listen_to_evictions
from lanner.cache.naming import check_key

if TYPE_CHECKING:
    from datetime import timedelta

    from lanner.cache.backend import CacheBackend, CacheEntry
    from lanner.cache.events import Hook, Kind
    from lanner.clock import Clock

R = TypeVar("R")


class _Marker:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


DEFAULT = _Marker("DEFAULT")
"""A lifetime that was not given: the cache's `default_ttl`."""
UNKNOWN = _Marker("UNKNOWN")
"""`look_up` found nothing, neither a value nor that there is none."""

_LONGEST = 1e12
"""Seconds that still make a moment: what is longer has no end."""

Ttl = Any  # Any: float | timedelta | None | DEFAULT, of which the last has a private type


class Cache:
    """Values under keys. `clock` is the backend's business and is only kept for those who build on a cache."""

    def __init__(
        self,
        backend: CacheBackend,
        *,
        prefix: str = "",
        default_ttl: float | timedelta | None = None,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(backend, str):
            raise CacheConfigError("a Cache is over a backend, not over a URL: write Cache(open_backend(url))")
        self.backend = backend
        self.prefix = prefix
        self.clock = clock
        self.default_ttl = _seconds(default_ttl)
        self._hooks = Hooks()
        self._numbers = dict.fromkeys(("hits", "misses", "absent", "sets", "deletes", "errors", "unreadable"), 0)
        self._told_of_evictions = False

    def get(self, key: str, default: Any = None) -> Any:  # Any: JSON or bytes
        """The value, or `default` where there is none."""
        found = self.look_up(key)
        return default if found is UNKNOWN or found is ABSENT else found

    def look_up(self, key: str) -> Any:  # Any: JSON or bytes
        """The value, `ABSENT` where it is known that there is none, or `UNKNOWN`."""
        name = self._name(key)
        self._hooks.tell("before_get", key)
        try:
            entry = self._try(key, lambda: self.backend.get(name), None)
        except CacheValueError as error:  # the key is one: what is there is another program's
            self._count("unreadable", "unreadable", key, error)
            entry = None
        if entry is None:
            return self._missed(key)
        return self._read(key, entry.value)

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values that are there, by key."""
        names = self._names(keys)
        self._hooks.tell_each("before_get", names.values())
        nothing: dict[str, CacheEntry] = {}
        entries = self._try("", lambda: self.backend.get_many(names), nothing)
        found = {}
        for name, key in names.items():
            entry = entries.get(name)
            value = self._missed(key) if entry is None else self._read(key, entry.value)
            if value is not UNKNOWN and value is not ABSENT:
                found[key] = value
        return found

    def set(self, key: str, value: Any, ttl: Ttl = DEFAULT) -> bool:
        """Store. Whether the store took it."""
        name, stored, seconds = self._name(key), encode(value), self._ttl(ttl)
        self._hooks.tell("before_set", key)
        return self._written(key, lambda: self.backend.set(name, stored, seconds))

    def set_forever(self, key: str, value: Any) -> bool:
        """Store without an end."""
        return self.set(key, value, None)

    def set_absent(self, key: str, ttl: Ttl = DEFAULT) -> bool:
        """Remember that there is nothing."""
        return self.set(key, ABSENT, ttl)

    def set_many(self, values: Mapping[str, Any], ttl: Ttl = DEFAULT) -> bool:
        """Store all of them; False where the store took none or only some."""
        named = {self._name(key): encode(value) for key, value in values.items()}
        seconds = self._ttl(ttl)
        self._hooks.tell_each("before_set", values)
        try:
            self.backend.set_many(named, seconds)
        except CacheUnavailable as error:
            self._failed("", error)
            return False
        for key in values:
            self._count("sets", "set", key)
        return True

    def add(self, key: str, value: Any, ttl: Ttl = DEFAULT) -> bool:
        """Store where nothing is. Whether it was stored."""
        name, stored, seconds = self._name(key), encode(value), self._ttl(ttl)
        self._hooks.tell("before_set", key)
        added = self._try(key, lambda: self.backend.add(name, stored, seconds), False)
        if added:
            self._count("sets", "set", key)
        return added

    def has(self, key: str) -> bool:
        """Whether an entry is there; one that says "absent" is an entry too."""
        name = self._name(key)
        self._hooks.tell("before_has", key)
        found = self._try(key, lambda: self.backend.exists(name), None)
        if found is not None:
            self._hooks.tell("has", key)
        return bool(found)

    def touch(self, key: str, ttl: Ttl = DEFAULT) -> bool:
        """Give an entry another lifetime. Whether it was there."""
        name, seconds = self._name(key), self._ttl(ttl)
        return self._try(key, lambda: self.backend.touch(name, seconds), False)

    def delete(self, key: str) -> bool:
        """Remove. Whether something was there."""
        name = self._name(key)
        self._hooks.tell("before_delete", key)
        gone = self._try(key, lambda: self.backend.delete(name), False)
        if gone:
            self._count("deletes", "delete", key)
        return gone

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove all of them. How many were there."""
        names = self._names(keys)
        self._hooks.tell_each("before_delete", names.values())
        try:
            gone = self.backend.delete_many(names)
        except CacheUnavailable as error:
            self._failed("", error)
            return 0
        self._numbers["deletes"] += gone
        for key in names.values():
            self._hooks.tell("delete", key)
        return gone

    def increment(self, key: str, delta: int = 1, *, initial: int = 0, ttl: Ttl = DEFAULT) -> int | None:
        """Count. The new number, None where the store is down; `ttl` is for a counter that was not there."""
        name, seconds = self._name(key), self._ttl(ttl)
        if type(delta) is not int or type(initial) is not int:
            raise CacheValueError("a counter counts in whole numbers")
        self._hooks.tell("before_increment", key)
        number = self._try(key, lambda: self.backend.increment(name, delta, initial=initial, ttl=seconds), None)
        if number is not None:
            self._hooks.tell("increment", key)
        return number

    def decrement(self, key: str, delta: int = 1, *, initial: int = 0, ttl: Ttl = DEFAULT) -> int | None:
        """Count down. As `increment`; Memcached stops at 0."""
        return self.increment(key, -delta if type(delta) is int else delta, initial=initial, ttl=ttl)

    def keys(self, prefix: str = "") -> list[str]:
        """Every key that starts with `prefix`, in no order; none where the store is down."""
        start = len(self.prefix)
        return self._try("", lambda: [name[start:] for name in self.backend.keys(self.prefix + prefix)], [])

    def clear(self, prefix: str = "") -> bool:
        """Remove every key that starts with `prefix`, leases too. Whether the store did."""
        self._hooks.tell("before_delete", "")
        try:
            gone = self.backend.clear(self.prefix + prefix)
        except CacheUnavailable as error:
            self._failed("", error)
            return False
        self._numbers["deletes"] += gone
        self._hooks.tell("delete", "")
        return True

    def on(self, kind: Kind, hook: Hook) -> Callable[[], None]:
        """Call `hook` with a `CacheEvent` for each event of this cache; what is returned ends that.

        `evict` comes from tiers in this process's memory. Raises `CacheConfigError` for an event that there is not.
        """
        remove = self._hooks.add(kind, hook)
        if kind == "evict" and not self._told_of_evictions:
            self._told_of_evictions = True
            listen_to_evictions(self.backend, self._evicted)
        return remove

    def statistics(self) -> dict[str, int | float]:
        """`hits`, `misses`, `absent`, `sets`, `deletes`, `errors`, `unreadable` here; the backend's as `backend.…`."""
        numbers: dict[str, int | float] = {**self._numbers, "hook_failures": self._hooks.failures}
        nothing: dict[str, int | float] = {}
        behind = self._try("", self.backend.statistics, nothing)
        numbers.update({f"backend.{name}": value for name, value in behind.items()})
        return numbers

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)

    def _names(self, keys: Iterable[str]) -> dict[str, str]:
        """Keys as the caller has them, by their names in the backend."""
        if isinstance(keys, str):
            raise CacheValueError("several keys are a list of them, not one string")
        return {self._name(key): key for key in keys}

    def _ttl(self, ttl: Ttl) -> float | None:
        return self.default_ttl if ttl is DEFAULT else _seconds(ttl)

    def _read(self, key: str, stored: bytes) -> Any:
        try:
            value = decode(stored)
        except UnreadableEntry as error:
            self._count("unreadable", "unreadable", key, error)
            return self._missed(key)
        self._count("absent" if value is ABSENT else "hits", "hit", key)
        return value

    def _missed(self, key: str) -> _Marker:
        self._count("misses", "miss", key)
        return UNKNOWN

    def _written(self, key: str, write: Callable[[], None]) -> bool:
        try:
            write()
        except CacheUnavailable as error:
            self._failed(key, error)
            return False
        self._count("sets", "set", key)
        return True

    def _try(self, key: str, operation: Callable[[], R], otherwise: R) -> R:
        try:
            return operation()
        except CacheUnavailable as error:
            self._failed(key, error)
            return otherwise

    def _failed(self, key: str, error: CacheUnavailable) -> None:
        self._count("errors", "error", key, error)

    def _count(self, number: str, kind: Kind, key: str, error: Exception | None = None) -> None:
        self._numbers[number] += 1
        self._hooks.tell(kind, key, error)

    def _evicted(self, name: str) -> None:
        if name.startswith(self.prefix):
            self._hooks.tell("evict", name[len(self.prefix) :])


def _seconds(ttl: Any) -> float | None:
    if ttl is None:
        return None
    if type(ttl) in (int, float):
        return inf if ttl > _LONGEST else ttl
    if hasattr(ttl, "total_seconds"):
        return ttl.total_seconds()  # type: ignore[no-any-return]
    raise CacheValueError(f"a ttl is a number of seconds, a timedelta or None, not {type(ttl).__name__}")
