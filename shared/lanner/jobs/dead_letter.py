"""The dead-letter queue: what nobody could perform, with the reason, until a person looks.

The record stays the truth: a dead job is redriven by its record, and its message in here is then only a leftover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.aws.errors import AwsError
from lanner.jobs.control import redrive
from lanner.jobs.errors import JobsError, JobsUnavailable
from lanner.jobs.queue import DEAD_LETTER_SETTING, JobQueue, read_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lanner.jobs.table import JobTable


class DeadLetterQueue:
    """Messages that are given up; the URL is LANNER_JOBS_DEAD_LETTER_QUEUE_URL if None."""

    def __init__(self, url: str | None = None) -> None:
        self.queue = JobQueue(url, DEAD_LETTER_SETTING)

    def put(self, body: str, reason: str) -> bool:
        """Keep a message, or say that it could not be: then it stays where it is."""
        try:
            self.queue.send(body, attributes={"reason": reason})
        except AwsError:
            return False
        return True

    def redrive(self, table: JobTable, queue: JobQueue, limit: int) -> Iterator[tuple[str, str]]:
        """Put back what at most `limit` messages name; yields each job's id, or the body, and what became of it.

        A message whose job is not dead any more is dropped; what is no message of ours stays, and so does one whose
        record does not answer. Raises `AwsError`.
        """
        seen = 0
        while seen < limit:
            messages = self.queue.receive(limit - seen)
            if not messages:
                return
            for each in messages:
                seen += 1
                message = read_message(each.get("Body"))
                if message is None:
                    yield str(each.get("Body"))[:80], "unreadable, left in the queue"
                    continue
                try:
                    redrive(table, queue, message.tenant, message.job_id)
                    what = "redriven"
                except JobsUnavailable as error:
                    yield message.job_id, f"left in the queue: {error}"
                    continue
                except JobsError as error:
                    what = f"dropped: {error}"
                self.queue.delete(str(each["ReceiptHandle"]))
                yield message.job_id, what
