"""SnapStart: what must not be in a snapshot that many environments are restored from.

Connections would be dead and credentials expired, and what `random` gives next would be the same everywhere. Before
the snapshot they are dropped; after each restore `random` is seeded anew (AWS Lambda developer guide, "Handling
uniqueness with Lambda SnapStart"). `os.urandom`, and so every id and token of ours, needs nothing.
"""

from __future__ import annotations

import sys


def register() -> None:
    """Register the hooks with the runtime; nothing where the runtime has no SnapStart."""
    try:
        from snapshot_restore_py import register_after_restore, register_before_snapshot
    except ModuleNotFoundError:
        return
    register_before_snapshot(drop_connections)
    register_after_restore(reseed)


def drop_connections() -> None:
    """Close every connection, to AWS and to caches, and forget credentials; only loaded modules can hold any."""
    for name in ("lanner.aws.wire", "lanner.aws.invoke", "lanner.aws.clients", "lanner.cache.default"):
        module = sys.modules.get(name)
        if module is not None:
            module.reset()


def reseed() -> None:
    """Give `random` a seed of this environment's own."""
    import random

    random.seed()
