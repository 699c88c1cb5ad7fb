"""Cached functions: `@cached(60, tags=["user:{user_id}"])` over an expensive computation or a read of a database.

    @cached(300, key="user:{user_id}", tags=("user:{user_id}",), stale=60)
    def load_user(user_id: str) -> dict[str, str]: ...

    load_user("1")             the value; computed by one caller at a time (`lanner.cache.computing`)
    load_user.invalidate("1")  what is kept and what is being computed now is not used again
    load_user.refresh("1")     computed and stored now
    load_user.uncached("1")    the function itself
    load_user.key("1")         the key in the backend

Values are JSON or bytes; what is returned is always a copy that the caller may change. Plain functions only: a
coroutine or generator has no value to keep, and a lambda or a partial no name that would tell its values from
another's. A function is told from others by module and name, in every process: what it takes from around it, such as
the variables of a function that it is defined in, is not in the key. On a method, `self` is an argument like others:
give `key=`, and pass the object to `invalidate`, `refresh`, `uncached` and `key` as well.

`version` is part of the key: raise it when the function begins to return something else.
"""

from __future__ import annotations

import functools
import inspect
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from lanner.cache.argument_key import ArgumentKeys
from lanner.cache.computing import PREFIX, Computing
from lanner.cache.early import BETA
from lanner.cache.naming import check_key
from lanner.cache.terms import LEASE_MS, WAIT_MS, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lanner.cache.argument_key import KeyOf, TagsOf
    from lanner.cache.backend import CacheBackend
    from lanner.cache.cache import Cache
    from lanner.cache.tags import TagIndex
    from lanner.clock import Clock

P = ParamSpec("P")
R = TypeVar("R")

_default: list[Computing] = []


def default_computing() -> Computing:
    """Computed values in the process's own cache; follows `lanner.cache.default` when that is closed."""
    from lanner.cache.default import default_backend, default_tags

    backend = default_backend()
    if not _default or _default[0].backend is not backend:
        _default[:] = [Computing(backend, default_tags())]
    return _default[0]


class CachedFunction(Generic[P, R]):
    """A function whose values are kept. Made by `cached`."""

    def __init__(
        self, function: Callable[P, R], keys: ArgumentKeys, terms: Terms, tagged: bool, computing: Computing | None
    ) -> None:
        functools.update_wrapper(self, function)
        self.uncached = function
        self.terms = terms
        self._keys = keys
        self._key = keys.key
        self._tagged = tagged
        self._computing = computing

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        computing = self._computing or default_computing()
        key = self._key(args, kwargs)
        known = computing.hit(key, self.terms)
        if known is not None:
            return cast("R", known.value())
        return cast("R", computing.fetch(key, self.terms, *self._work(args, kwargs)))

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # Any: a bound method, or this
        return self if instance is None else MethodType(self, instance)

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of this call in the backend."""
        return self._key(args, kwargs)

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remove what is kept for this call. Raises `CacheUnavailable` where it may still be there."""
        (self._computing or default_computing()).remove(self._key(args, kwargs), self.terms.lease_ms)

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute and store now. Raises `CacheUnavailable` where it was not stored."""
        computing = self._computing or default_computing()
        return cast("R", computing.store(self._key(args, kwargs), self.terms, *self._work(args, kwargs)))

    def _work(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Callable[[], R], Callable[[], Iterable[str]] | None]:
        make = functools.partial(self.uncached, *args, **kwargs)
        if not self._tagged:
            return make, None
        return make, functools.partial(self._keys.tags, args, kwargs)


def cached(
    ttl: float,
    *,
    key: KeyOf | None = None,
    tags: TagsOf = (),
    stale: float = 0.0,
    stale_if_error: float | None = None,
    negative_ttl: float | None = None,
    beta: float = BETA,
    backend: CacheBackend | None = None,
    index: TagIndex | None = None,
    clock: Clock | None = None,
    version: int = 1,
    lease_ms: float = LEASE_MS,
    wait_ms: float = WAIT_MS,
) -> Callable[[Callable[P, R]], CachedFunction[P, R]]:
    """Keep what a function returns for `ttl` seconds.

    - `key`: a format string or a callable of the parameters; the default is all of them as JSON.
    - `tags`: format strings, or a callable of the parameters; see `lanner.cache.tags`.
    - `stale`: seconds after `ttl` during which one computes and the others get the last value.
    - `stale_if_error`: seconds after `ttl` during which it is served where the function raises; default: `stale`.
    - `negative_ttl`: how long a None is kept; 0 never, and by default like any other value.
    - `beta`: above 1 refreshes earlier before the end, 0 never (`lanner.cache.early`).
    - `backend`: default: the process's own. `index`: the tags over it; by default they are asked for each time.

    Raises `CacheConfigError` for numbers that cannot work, `TypeError` for what is no plain function with a name,
    `ValueError` for a format with a field that is no parameter, `CacheValueError` for a tag that is none.
    """
    terms = Terms(
        ttl,
        stale=stale,
        stale_if_error=stale_if_error,
        negative_ttl=negative_ttl,
        beta=beta,
        lease_ms=lease_ms,
        wait_ms=wait_ms,
    )
    computing = None if backend is None else Computing(backend, index, clock)

    def decorate(function: Callable[P, R]) -> CachedFunction[P, R]:
        name = _name(function)
        if isinstance(tags, str):
            raise TypeError(f"{name}: tags is a sequence of strings, not one string")
        if key is None and name.endswith("<lambda>"):
            raise TypeError(f"{name}: all lambdas here have this name and would share values: give key=, or use def")
        keys = ArgumentKeys(function, key, tags, f"{PREFIX}{name}:{version}:")
        return CachedFunction(function, keys, terms, callable(tags) or bool(tags), computing)

    return decorate


def remember(
    cache: CacheBackend | Cache | None,
    key: str,
    ttl: float,
    make: Callable[[], R],
    *,
    tags: Iterable[str] = (),
    index: TagIndex | None = None,
    clock: Clock | None = None,
    **terms: Any,  # Any: the other arguments of `Terms`
) -> R:
    """The value under `key`, or what `make` computes now, kept as by `cached`. `cache`: None is the process's own.

    The key in the backend is `stored_key(key)`, after the prefix of a `Cache` that has one. `terms`: stale,
    stale_if_error, negative_ttl, beta, lease_ms, wait_ms. Raises as `cached`, and `CacheValueError` for a key that is
    none.
    """
    name = stored_key(check_key(key))
    if isinstance(tags, str):
        raise TypeError("remember: tags is a sequence of strings, not one string")
    if cache is None:
        computing = default_computing()
    elif hasattr(cache, "acquire"):
        computing = Computing(cast("CacheBackend", cache), index, clock)
    elif hasattr(cache, "backend"):  # the facade; a guarded backend has a `backend` too
        name = cache.prefix + name
        computing = Computing(cache.backend, index, clock)
    else:
        raise TypeError(f"remember takes a backend, a Cache or None, not a {type(cache).__name__}")
    names = tuple(tags)
    work = (lambda: names) if names else None
    return cast("R", computing.fetch(name, Terms(ttl, **terms), make, work))


def stored_key(key: str) -> str:
    """Where `remember` keeps `key`."""
    return f"{PREFIX}:{key}"


def _name(function: Any) -> str:
    """Module and name of a function that returns its value. Raises `TypeError` for everything else."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    shown = f"{module}.{name}" if module and name else f"a {type(function).__name__}"
    inside = function if inspect.isroutine(function) else inspect.getattr_static(type(function), "__call__", function)
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    if any(is_kind(each) for is_kind in kinds for each in (function, inside)):
        raise TypeError(f"cached takes a function that returns its value, and {shown} does not")
    if not callable(function) or not (module and name):
        raise TypeError(f"cached takes a function with a name, not {shown}: define one with def")
    return shown
