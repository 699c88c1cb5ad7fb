"""The step of the edge: a repeated POST gets the first one's answer, and the application is not even loaded.

    no key                                   goes on, or 400 where the route requires one
    a key that is none                       400
    a new key                                claimed, performed, its answer recorded
    the key of an answered request           that answer, marked `idempotency-replayed: true`
    the key of a request in flight           409 with Retry-After
    the key of another request               422, also while that one is in flight
    the store does not answer                503 with Retry-After, nothing performed

What is recorded: every final answer, errors too. An error before any effect (a body that is wrong, an address that is
taken) is as much this request's answer as a 201, and a corrected request is another one, with a key of its own. Not
recorded is what says that the same request may succeed later: 5xx, 401, 403, 408, 425, 429, and a 4xx with Retry-After.
Then the record is released, and the next attempt performs the request again under the same execution.

An owner that lost its lease answers what the record says, never what it made itself: all clients of one key see one
answer. When the store fails after the request was performed, the client gets the answer all the same; the record stays
in flight, and what a later attempt does is bounded by the effect's own key (`lanner.idempotency.execution`).
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lanner.group import RouteGroup
    from lanner.http.message import Handler, Request, Response
    from lanner.idempotency.policy import IdempotencyPolicy

METHODS = ("POST",)
"""Every other method is idempotent by itself (RFC 9110 section 9.2.2), or PATCH, which has If-Match here."""

FIELD = "idempotency-key"


def idempotency(group: RouteGroup, handler: Handler) -> Handler | None:
    """The step, for a group that has a policy.

    What performs keyed requests loads OpenSSL for its hashes (8 ms), so it is imported by the first of them; at once
    where INIT time is not a caller's.
    """
    policy = group.idempotency
    if policy is None:
        return None
    required = policy.required
    keyed: list[Handler] = []
    making = threading.Lock()  # two guards would be two stores, where these are in memory
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") != "on-demand":
        keyed.append(_keyed(group, policy, handler))

    def handle(request: Request) -> Response:
        if request.method not in METHODS:
            return handler(request)
        if FIELD not in request.headers:
            if request.route in required:
                from lanner.idempotency.problems import key_missing

                raise key_missing()
            return handler(request)
        if not keyed:
            with making:
                if not keyed:
                    keyed.append(_keyed(group, policy, handler))
        return keyed[0](request)

    return handle


def _keyed(group: RouteGroup, policy: IdempotencyPolicy, handler: Handler) -> Handler:
    from lanner.idempotency.guard import Guard
    from lanner.idempotency.key import read_key

    guard = Guard(policy, group)
    return lambda request: guard.answer(request, read_key(request.headers[FIELD]), handler)
