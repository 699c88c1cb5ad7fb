"""moto keeps every instance of its models for a page of its own, which nobody opens here: nothing was ever freed.

Each item that was written, its earlier states and every message that was received stayed in memory for as long as
`lanner dev` ran.
"""

from __future__ import annotations

from typing import Any

from moto.core.common_models import BaseModel


def install() -> None:
    """Let instances go when nobody has them any more."""
    model: Any = BaseModel  # Any: its method is replaced
    model.__new__ = _new


def _new(cls: Any, *_: Any, **__: Any) -> Any:
    return super(BaseModel, cls).__new__(cls)
