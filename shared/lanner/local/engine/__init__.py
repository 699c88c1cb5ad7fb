"""The AWS engine: a moto server of our own process group that holds what the template's resources hold in AWS.

`Engine` starts or attaches to one, creates a plan's resources in it, and says what functions need in their environment
to reach it.
"""

from __future__ import annotations

from lanner.local.engine.process import Engine, EngineError, Mail

__all__ = ["Engine", "EngineError", "Mail"]
