"""Accepting a mail together with what it is about: the job and its reason are one transaction, or neither is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lanner.clock import Clock
    from lanner.idempotency.store import TransactItem

TENANT = "system"
"""Nobody asked for these jobs, so no client may look at them."""
WELCOME = "mail.welcome"


def welcome(user_id: str, with_items: Sequence[TransactItem], clock: Clock) -> None:
    """Write `with_items`, which make a user, and accept the welcome mail.

    Raises `ItemsRefused` and `JobsUnavailable`. SQS being away is no error: the sweep sends what is due.
    """
    from lanner.jobs.producer import Producer

    Producer(tenant=TENANT, clock=clock).enqueue(WELCOME, {"user_id": user_id}, key=user_id, with_items=with_items)
