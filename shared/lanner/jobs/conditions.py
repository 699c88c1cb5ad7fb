"""Every condition under which a record is written: one name each, so that a test can switch each off and be caught.

`:now` is whole milliseconds since the epoch. A record is *free* when it is queued, or running under a lease that has
ended; it is *owned* by the attempt whose token it holds while it runs.
"""

from __future__ import annotations

NEW = "attribute_not_exists(pk) OR expires_at <= :now_seconds"
"""Accepting: nothing lives under the id. DynamoDB deletes what has expired within days, not at once."""

FREE = "(#state = :queued OR (#state = :running AND lease_until < :now))"

CLAIM = f"{FREE} AND attempt < :max_attempts AND not_before <= :now AND attribute_not_exists(cancel_requested)"
"""Claiming: free, an attempt is left, its backoff or delay is over, and nobody has cancelled it."""

BURY = f"{FREE} AND attempt >= :max_attempts"
"""Giving up a job whose last holder died."""

BURY_UNKNOWN = FREE
"""Giving up a job of a kind that no module declares."""

CANCEL_FREE = f"{FREE} AND attribute_exists(cancel_requested)"
"""Cancelling in the place of a holder that died before it looked."""

OWNED = "#state = :running AND #token = :token"
"""Every write of an attempt: it still holds the job."""

COMMIT = f"{OWNED} AND commits = :commits AND attribute_not_exists(cancel_requested)"
"""A chunk: still held, nothing was committed since, nobody has cancelled it."""

CANCEL_QUEUED = "#state = :queued"

CANCEL_RUNNING = "#state = :running"

REDRIVE = "#state IN (:dead, :failed)"

POSTPONE = "due_at = :seen"
"""Sending again: of several sweeps that see one due record, one sends."""
