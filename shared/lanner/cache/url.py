"""Backends by URL, and stacks of them: `open_backend("l1=memory://?max_bytes=64mb,l2=dynamodb://Table")`.

    memory://?max_bytes=64mb&max_entries=100000
    file:///tmp/cache?max_bytes=256mb
    dynamodb://Table?prefix=app&budget_ms=50&consistent=true
    redis://host:6379/0?cluster=true        rediss://user:password@host       valkey:// and valkeys:// are the same
    memcached://host:11211?prefix=app       memcacheds://host

A stack names its tiers `l1=`, `l2=`, … from the nearest, and may have `l1_ttl=` (seconds) and `jitter=` (a share).
User and password are percent-encoded where they hold `:`, `/`, `@`, `?`, `,` or `#`. Sizes are bytes, or `kb`, `mb`,
`gb` of 1024 (`kib`, `mib`, `gib` are the same).

A backend that may fail comes behind a breaker, alone or in a stack. Modules are loaded for the schemes that are named.
Raises `CacheConfigError` for everything that is not as above; no message repeats a user or password.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lanner.cache.errors import CacheConfigError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from lanner.cache.backend import CacheBackend
    from lanner.clock import Clock

_UNITS = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_REDIS = ("redis", "rediss", "valkey", "valkeys")
_MEMCACHED = ("memcached", "memcacheds")
_TLS = ("rediss", "valkeys", "memcacheds")
SCHEMES = ("memory", "file", "dynamodb", *_REDIS, *_MEMCACHED)

Options = dict[str, Any]  # Any: each option's own type, by the tables below


def open_backend(url: str, clock: Clock | None = None) -> CacheBackend:
    """The backend, or the stack, that `url` names. Nothing is connected to yet."""
    text = url.strip()
    if text.startswith("l1="):
        return _stack(text, clock)
    backend = _single(text, clock)
    if backend.name == "memory":
        return backend
    from lanner.cache.breaker import GuardedBackend

    return GuardedBackend(backend, clock)


def _stack(text: str, clock: Clock | None) -> CacheBackend:
    from lanner.cache.tiered import TieredCache

    tiers: list[CacheBackend] = []
    options: Options = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise CacheConfigError("a stack is l1=URL,l2=URL,…; a comma inside a URL is written %2C")
        if name in ("l1_ttl", "jitter"):
            options[name] = _number(name, value)
        elif name == f"l{len(tiers) + 1}":
            tiers.append(_single(value, clock))
        else:
            raise CacheConfigError(
                f"a stack's parts are l1=, l2=, … in order, l1_ttl= and jitter=; here l{len(tiers) + 1}= or an option "
                f"was expected, not {_shown(name)}="
            )
    return TieredCache(tiers, clock=clock, **options)


def _single(url: str, clock: Clock | None) -> CacheBackend:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise CacheConfigError("a cache's URL has a port that is no number, or brackets that do not match") from None
    scheme = parts.scheme
    if "://" not in url or scheme not in SCHEMES:
        raise CacheConfigError(
            f"a cache's URL begins with one of {', '.join(f'{each}://' for each in SCHEMES)}, not {_shown(scheme)!r}"
        )
    if parts.fragment:
        raise CacheConfigError(f"{scheme}: a cache's URL has no fragment; write # as %23")
    opening = _OPENINGS[scheme]
    return opening(parts, clock)


def _memory(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from lanner.cache.memory import MemoryBackend

    _nothing(parts, netloc=True, path=True)
    options = _options(parts, {"max_bytes": _size, "max_entries": _count})
    return MemoryBackend(**options, clock=clock)


def _file(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from urllib.parse import unquote

    from lanner.cache.file import FileBackend

    _nothing(parts, netloc=True)
    if len(parts.path) < 2:
        raise CacheConfigError("file: a folder is needed, as in file:///tmp/cache")
    options = _options(parts, {"max_bytes": _size, "prefix": _text, "budget_ms": _number})
    return FileBackend(unquote(parts.path), **options, clock=clock)


def _dynamodb(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from lanner.cache.dynamodb import DynamoDBBackend

    _nothing(parts, path=True)
    if not parts.netloc or set(parts.netloc) & set(":@"):
        raise CacheConfigError("dynamodb: a table's name is needed and nothing else, as in dynamodb://Table")
    options = _options(parts, {"prefix": _text, "budget_ms": _number, "consistent": _flag})
    return DynamoDBBackend(parts.netloc, **options, clock=clock)


def _redis(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from lanner.cache.redis import RedisBackend

    options = _options(parts, {**_NETWORK, "cluster": _flag})
    database = parts.path.strip("/")
    if database:
        options["database"] = _count("the database in a redis URL's path", database, least=0)
    username, password = _credentials(parts)
    return RedisBackend(
        _host(parts),
        parts.port or 6379,
        tls=parts.scheme in _TLS,
        username=username,
        password=password,
        **options,
        clock=clock,
    )


def _memcached(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from lanner.cache.memcached import MemcachedBackend

    _nothing(parts, path=True)
    if "@" in parts.netloc:
        raise CacheConfigError(f"{parts.scheme}: Memcached's text protocol knows no users; leave them out of the URL")
    options = _options(parts, _NETWORK)
    return MemcachedBackend(_host(parts), parts.port or 11211, tls=parts.scheme in _TLS, **options, clock=clock)


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise CacheConfigError(f"{parts.scheme}: a host is needed, as in {parts.scheme}://host:port")
    return parts.hostname


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    from urllib.parse import unquote

    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if username and password is None:
        raise CacheConfigError(
            f"{parts.scheme}: a user without a password; write :password@host where there is no user"
        )
    return username, password


def _nothing(parts: SplitResult, *, netloc: bool = False, path: bool = False) -> None:
    """Refuse what a scheme has no use for: most often a slash too few or too many."""
    if netloc and parts.netloc:
        raise CacheConfigError(
            f"{parts.scheme}: no host belongs here; write {parts.scheme}:///path or {parts.scheme}://"
        )
    if path and parts.path.strip("/"):
        raise CacheConfigError(f"{parts.scheme}: no path belongs here")


def _options(parts: SplitResult, known: dict[str, Callable[[str, str], Any]]) -> Options:
    from urllib.parse import parse_qsl

    found: Options = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            raise CacheConfigError(f"{parts.scheme}: unknown option {_shown(name)!r}; known are {', '.join(known)}")
        if name in found:
            raise CacheConfigError(f"{parts.scheme}: the option {name} is there twice")
        found[name] = known[name](name, value)
    return found


def _size(name: str, value: str) -> int:
    text = value.strip().lower()
    for unit, factor in _UNITS.items():
        if text.endswith(unit):
            return _count(name, text.removesuffix(unit).strip()) * factor
    return _count(name, text)


def _count(name: str, value: str, least: int = 1) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) < least:
        raise CacheConfigError(f"{name}={_shown(value)}: a whole number of {least} or more, sizes with kb, mb or gb")
    return int(value)


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise CacheConfigError(f"{name}={_shown(value)}: a number of 0 or more")
    return number


def _flag(name: str, value: str) -> bool:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise CacheConfigError(f"{name}={_shown(value)}: true or false")


def _text(_name: str, value: str) -> str:
    return value


def _shown(text: str) -> str:
    """What may be repeated of an input: a short word. Anything longer could be somebody's password."""
    return text if len(text) <= 20 and text.replace("_", "").replace("-", "").replace(".", "").isalnum() else "…"


_NETWORK: dict[str, Callable[[str, str], Any]] = {"prefix": _text, "budget_ms": _number, "ca_bundle": _text}
_OPENINGS: dict[str, Callable[[SplitResult, Clock | None], CacheBackend]] = {
    "memory": _memory,
    "file": _file,
    "dynamodb": _dynamodb,
    **dict.fromkeys(_REDIS, _redis),
    **dict.fromkeys(_MEMCACHED, _memcached),
}
