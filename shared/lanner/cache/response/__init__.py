"""The response cache: RFC 9111 as a pure core, and `ResponseCache`, which does its input and output.

Names are loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lanner.cache.response.cache import ResponseCache as ResponseCache

__all__ = ["ResponseCache"]


def __getattr__(name: str) -> Any:  # Any: what a module holds
    if name == "ResponseCache":
        from lanner.cache.response.cache import ResponseCache

        return ResponseCache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
