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
_STACK_OPTIONS = ("l1_ttl", "jitter")
_LONGEST_NUMBER = 18  # digits: more bytes or entries than there are
_TABLE_NAME = (3, 255)
"""Characters of a DynamoDB table's name, each a letter, a digit, `_`, `-` or `.`."""
SCHEMES = ("memory", "file", "dynamodb", *_REDIS, *_MEMCACHED)

Options = dict[str, Any]  # Any: each option's own type, by the tables below
Known = dict[str, Callable[[str, str], Any]]


def open_backend(url: str, clock: Clock | None = None) -> CacheBackend:
    """The backend, or the stack, that `url` names. Nothing is connected to yet."""
    text = url.strip()
    if _is_stack(text):
        return _stack(text, clock)
    backend = _single(text, clock)
    if backend.name == "memory":
        return backend
    from lanner.cache.breaker import GuardedBackend

    return GuardedBackend(backend, clock)


def _is_stack(text: str) -> bool:
    """Whether it begins like one, in the wrong order too: no scheme has `=` before its `://`."""
    name = text.partition("=")[0].strip()
    return name in _STACK_OPTIONS or (name[:1] == "l" and name[1:].isdigit())


def _stack(text: str, clock: Clock | None) -> CacheBackend:
    from lanner.cache.tiered import TieredCache

    tiers: list[CacheBackend] = []
    options: Options = {}
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            raise CacheConfigError("a stack is l1=URL,l2=URL,…; a comma inside a URL is written %2C")
        if name in _STACK_OPTIONS:
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
        raise CacheConfigError(
            "a cache's URL has a port that is no number from 0 to 65535, or brackets that do not match; in a user or "
            "password / ? # @ : and , are percent-encoded (%2F, %3F, %23, %40, %3A, %2C)"
        ) from None
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
    if not parts.path.strip("/"):
        raise CacheConfigError("file: a folder is needed, as in file:///tmp/cache")
    options = _options(parts, {"max_bytes": _size, "prefix": _text, "budget_ms": _number})
    return FileBackend(unquote(parts.path), **options, clock=clock)


def _dynamodb(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from lanner.cache.dynamodb import DynamoDBBackend

    _nothing(parts, path=True)
    if not parts.netloc or set(parts.netloc) & set(":@"):
        raise CacheConfigError("dynamodb: a table's name is needed and nothing else, as in dynamodb://Table")
    least, most = _TABLE_NAME
    if not least <= len(parts.netloc) <= most or not _is_plain(parts.netloc, "_-."):
        raise CacheConfigError(
            f"dynamodb: a table's name has {least} to {most} letters, digits, '_', '-' and '.', as in dynamodb://Table"
        )
    options = _options(parts, {"prefix": _text, "budget_ms": _number, "consistent": _flag})
    return DynamoDBBackend(parts.netloc, **options, clock=clock)


def _redis(parts: SplitResult, clock: Clock | None) -> CacheBackend:
    from lanner.cache.redis import RedisBackend

    options = _network(parts, {"cluster": _flag})
    database = parts.path.strip("/")
    if database:
        if not (database.isascii() and database.isdigit()):
            raise CacheConfigError(f"{parts.scheme}: the path is the number of a database, as in redis://host:6379/0")
        options["database"] = int(database)
    username, password = _credentials(parts)
    return RedisBackend(
        _host(parts),
        _port(parts, 6379),
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
    options = _network(parts, {})
    return MemcachedBackend(_host(parts), _port(parts, 11211), tls=parts.scheme in _TLS, **options, clock=clock)


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise CacheConfigError(f"{parts.scheme}: a host is needed, as in {parts.scheme}://host:port")
    if not _is_plain(parts.hostname, "_-.:%"):
        raise CacheConfigError(f"{parts.scheme}: one host is needed, a name or an address, as in {parts.scheme}://host")
    return parts.hostname


def _port(parts: SplitResult, usual: int) -> int:
    if parts.port == 0:
        raise CacheConfigError(f"{parts.scheme}: a port is a number from 1 to 65535; {usual} without one")
    return parts.port or usual


def _network(parts: SplitResult, more: Known) -> Options:
    options = _options(parts, {**_NETWORK, **more})
    if "ca_bundle" in options and parts.scheme not in _TLS:
        secure = f"{parts.scheme}s"
        raise CacheConfigError(f"{parts.scheme}: ca_bundle is for {secure}://; {parts.scheme}:// is not encrypted")
    return options


def _is_plain(text: str, more: str) -> bool:
    """Whether it has letters and digits of ASCII and these signs, and nothing else."""
    return text.isascii() and all(each.isalnum() or each in more for each in text)


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
            f"{parts.scheme}: no host belongs here; write {parts.scheme}://{'' if path else '/path'}"
        )
    if path and parts.path.strip("/"):
        raise CacheConfigError(f"{parts.scheme}: no path belongs here")


def _options(parts: SplitResult, known: Known) -> Options:
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
    number, factor = text, 1
    for unit, each in _UNITS.items():
        if text.endswith(unit):
            number, factor = text.removesuffix(unit).strip(), each
            break
    if not _is_count(number):
        raise CacheConfigError(f"{name}={_shown(value)}: a whole number of bytes, or of kb, mb or gb, above 0")
    return int(number) * factor


def _count(name: str, value: str) -> int:
    if not _is_count(value):
        raise CacheConfigError(f"{name}={_shown(value)}: a whole number of 1 or more")
    return int(value)


def _is_count(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER and int(value) >= 1


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


_NETWORK: Known = {"prefix": _text, "budget_ms": _number, "ca_bundle": _text}
_OPENINGS: dict[str, Callable[[SplitResult, Clock | None], CacheBackend]] = {
    "memory": _memory,
    "file": _file,
    "dynamodb": _dynamodb,
    **dict.fromkeys(_REDIS, _redis),
    **dict.fromkeys(_MEMCACHED, _memcached),
}
