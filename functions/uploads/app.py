"""S3's events about uploaded files. Failures are raised: Lambda then sends the event again."""

from __future__ import annotations

from typing import Any

from domain.files.arrivals import accept_all


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 (Any: AWS's own JSON)
    """How many objects became jobs, and how many were none of ours."""
    return accept_all(event)
