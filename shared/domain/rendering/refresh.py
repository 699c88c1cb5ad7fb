"""The response cache's `refresh`: a stale answer is rendered by a job, while everybody is served what there is.

Only answers that everybody shares are handed over: one caller's would need that caller's credentials. The job invokes
the alias through which the function was asked. Where the job cannot be
accepted the request itself refreshes, as if there were no queue.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from domain.caching import TENANT
from domain.rendering.events import event_of

if TYPE_CHECKING:
    from lanner.cache.policy import CachePolicy
    from lanner.http.message import Request

REFRESH = "cache.refresh"
JOBS_SETTING = "LANNER_JOBS_TABLE"


def enqueue(request: Request, policy: CachePolicy) -> bool:
    """Whether a job will render what `request` addresses."""
    function = getattr(request.context, "invoked_function_arn", "")
    if policy.scope != "public" or not function or not os.environ.get(JOBS_SETTING):
        return False
    from lanner.aws.errors import AwsError
    from lanner.jobs.errors import JobsError
    from lanner.jobs.producer import Producer

    try:
        Producer(tenant=TENANT).enqueue(REFRESH, {"function": function, "event": event_of(request, policy.vary)})
    except (JobsError, AwsError):
        return False
    return True
