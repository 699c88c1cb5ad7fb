"""Caches by URL: what each part becomes, and errors that help and tell no secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lanner.cache.breaker import GuardedBackend
from lanner.cache.errors import CacheConfigError
from lanner.cache.file import FileBackend
from lanner.cache.memory import MemoryBackend
from lanner.cache.tiered import TieredCache
from lanner.cache.url import SCHEMES, open_backend
from lanner.clock import ManualClock


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("64kb", 65536), ("64KiB", 65536), ("2mb", 2 << 20), ("2MiB", 2 << 20), ("1gb", 1 << 30)],
)
def test_sizes(text: str, size: int) -> None:
    """Bytes, or units of 1024 in either spelling."""
    backend = open_backend(f"memory://?max_bytes={text}&max_entries=7")
    assert isinstance(backend, MemoryBackend)
    assert (backend.max_bytes, backend.max_entries) == (size, 7)


def test_a_folder(tmp_path: Path) -> None:
    """A percent-encoded path is the folder, behind a breaker."""
    backend = open_backend(f"file://{tmp_path}/a%20b?max_bytes=1mb&budget_ms=20")
    assert isinstance(backend, GuardedBackend)
    assert isinstance(backend.backend, FileBackend)
    assert backend.backend.path == f"{tmp_path}/a b"


def test_a_folder_as_a_tier_waits_no_longer_than_other_tiers(tmp_path: Path) -> None:
    """50 ms unless the URL says otherwise: no request waits for the lock of a process that was stopped."""
    budgets = []
    for options in ("", "?budget_ms=20"):
        backend = open_backend(f"file://{tmp_path}/cache{options}")
        assert isinstance(backend, GuardedBackend)
        assert isinstance(backend.backend, FileBackend)
        budgets.append(backend.backend._budget)
    assert budgets == [0.05, 0.02]


def test_a_stack_shares_the_clock() -> None:
    """Tiers in order, options anywhere."""
    clock = ManualClock()
    stack = open_backend("l1_ttl=5, l1=memory://?max_bytes=1mb, l2 = memory://,jitter=0", clock)
    assert isinstance(stack, TieredCache)
    assert len(stack.tiers) == 2
    stack.set("key", b"v", 60)
    clock.advance(5)
    assert stack.tiers[0].get("key") is None
    assert stack.tiers[1].get("key") is not None


@pytest.mark.parametrize(
    "url",
    [
        "redis://app:s3cret-W0rd@127.0.0.1:1/0",
        "rediss://:s3cret-W0rd@127.0.0.1:1?budget_ms=5",
        "valkeys://app:s3cret-W0rd@127.0.0.1:1",
        "l1=memory://,l2=redis://app:s3cret-W0rd@127.0.0.1:1",
    ],
)
def test_a_password_is_in_no_repr_and_no_error(url: str) -> None:
    """Neither of the backend, nor of what wraps it, nor of what goes wrong."""
    backend = open_backend(url)
    seen = [repr(backend), str(backend)]
    inner: Any = getattr(backend, "backend", getattr(backend, "shared", None))
    seen += [repr(inner), repr(getattr(inner, "backend", None))]
    try:
        backend.increment("key")
    except Exception as error:
        seen += [repr(error), str(error), repr(error.__cause__)]
    assert not any("s3cret" in each for each in seen)


@pytest.mark.parametrize(
    "url",
    [
        "redis://app:s3cret@host:port",
        "redis://app:s3cret@host?nonsense=1",
        "redis://app:s3cret@/0",
        "redis://app:s3cret@host/x",
        "postgres://app:s3cret@host",
        "app:s3cret@host",
        "memcached://app:s3cret@host",
        "l1=memory://,redis://app:s3cret@host",
        "l1=memory://,l3=redis://app:s3cret@host",
        "memory://app:s3cret@host",
        "dynamodb://app:s3cret@Table",
        "redis://app:s3cret#@host",
    ],
)
def test_an_error_repeats_no_password(url: str) -> None:
    """Whatever is wrong with a URL, its secrets stay out of the log."""
    with pytest.raises(CacheConfigError) as caught:
        open_backend(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_unknown_scheme_names_those_that_are_known() -> None:
    """The message is the documentation."""
    with pytest.raises(CacheConfigError) as caught:
        open_backend("mysql://host")
    assert "mysql" in str(caught.value)
    assert all(f"{scheme}://" in str(caught.value) for scheme in SCHEMES)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("memory://?max_byte=1", "max_bytes, max_entries"),
        ("memory://?max_bytes=lots", "max_bytes=lots"),
        ("memory://?max_bytes=1mb&max_bytes=2mb", "twice"),
        ("memory://?max_bytes=-1", "max_bytes"),
        ("memory://host", "no host"),
        ("file://tmp/cache", "no host"),
        ("file://", "folder"),
        ("dynamodb://", "table"),
        ("dynamodb://Table?consistent=maybe", "true or false"),
        ("redis://", "host"),
        ("redis://host?budget_ms=nan", "budget_ms"),
        ("redis://host/-1", "database"),
        ("l1=memory://,l2", "l1=URL,l2=URL"),
        ("l1=memory://,l1_ttl=0", "l1_ttl"),
        ("l2=memory://,l1=memory://", "l1= or an option was expected, not l2="),
        ("memory://?max_bytes=1.5gb", "max_bytes=1.5gb"),
        ("file:////", "folder"),
        ("dynamodb://Tab le", "letters, digits"),
        ("dynamodb://T", "3 to 255"),
        ("redis://host:0", "1 to 65535"),
        ("redis://host/one", "redis://host:6379/0"),
        ("redis://app:pa/ss@host", "percent-encoded"),
        ("redis://host?ca_bundle=/etc/ca.pem", "rediss://"),
        ("memcached://one,two", "one host"),
        ("memcached://one two", "one host"),
        ("", "memory://"),
    ],
)
def test_what_is_wrong_is_named(url: str, says: str) -> None:
    """An unknown option, a value of the wrong kind, a part too many or too few."""
    with pytest.raises(CacheConfigError, match=says.replace("?", r"\?")):
        open_backend(url)
