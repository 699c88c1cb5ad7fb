"""Tasks that begin at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def start_task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T],  # Any: nothing is sent into it
    *,
    eager: bool = True,
) -> asyncio.Task[T]:
    """A task that, where Python can (3.12), has run to its first wait when this returns: a turn of the loop less."""
    if eager and sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, eager_start=True)
    return loop.create_task(work)
