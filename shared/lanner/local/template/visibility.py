"""Queues that Lambda refuses to poll: their messages would come back while the function still works on them.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS": CreateEventSourceMapping fails where a queue's
visibility timeout is less than the function's timeout, and six times as much is advised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lanner.local.plan import FunctionPlan, ResourcePlan
from lanner.local.template.findings import Findings
from lanner.local.template.substitution import text_of

DEFAULT_VISIBILITY = 30  # seconds


def check_visibility(
    functions: Iterable[FunctionPlan], resources: Mapping[str, ResourcePlan], findings: Findings
) -> None:
    """A finding at each queue whose VisibilityTimeout is less than the Timeout of a function that polls it."""
    for function in functions:
        for source in function.queues:
            queue = resources.get(source.queue)
            if queue is None:
                continue
            given = text_of(queue.properties.get("VisibilityTimeout", DEFAULT_VISIBILITY))
            if given.isdigit() and int(given) < function.timeout:
                message = (
                    f"its VisibilityTimeout of {given} s is less than the Timeout of {function.logical_id}, "
                    f"{function.timeout} s: Lambda refuses to poll it"
                )
                findings.error(queue.logical_id, message, queue.where)
