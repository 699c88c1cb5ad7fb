"""SQS queues whose calls cost the same at every depth.

moto keeps a queue's messages in one list and walks it by every call: on two cores a receive of ten took 26 ms at a
depth of 70 and 1,301 ms at 5,000. `queue_calls.install` puts `IndexedQueue` in the place of moto's, behind moto's own
wire protocol.

A message is in one of three states, and each is an index:

    delayed --its delay ends--> ready --received--> in flight --visibility ends, or is set to 0--> ready ...
                                  |                    |
                                  +---- deleted, purged, moved to the dead letters, past its retention ----> gone

Ready messages are ordered by when they were sent. Those of a FIFO queue stand in one lane per message group, and a lane
with a message in flight gives none until that one is deleted or visible again. A FIFO queue knows the deduplication ids
of the last five minutes, also of messages that are gone, and answers a repetition with the first one's ids.
Changing the visibility of a message that is not in flight is refused, as SQS refuses it: a consumer whose time is over
hears so. A receipt of an earlier receive stays good for deleting.

Source: docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide: sqs-visibility-timeout, using-
messagededuplicationid-property, FIFO-queues-understanding-logic, sqs-dead-letter-queues.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moto.sqs import models
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid

if TYPE_CHECKING:
    from moto.sqs.models import Message

DEDUPLICATION_MS = 5 * 60 * 1000
LONGEST_VISIBILITY_MS = 43_200 * 1000  # from the receive on
SOURCE = "DeadLetterQueueSourceArn"  # the system attribute that says which queue gave a message up
REMEMBERED_DELETIONS = 100_000  # receipts of deleted messages, which may be deleted again without an error
_READY, _DELAYED, _IN_FLIGHT, _GONE = "ready", "delayed", "in flight", "gone"
_NOT_AVAILABLE = "Message does not exist or is not available for visibility timeout change."


def _now_ms() -> float:
    return time.time() * 1000


class _Entry:
    """One message in one queue. `due` is when its delay or its visibility timeout ends."""

    __slots__ = ("due", "lane", "message", "order", "received", "state")

    def __init__(self, message: Message, order: int, lane: _Lane) -> None:
        self.message = message
        self.order = order
        self.lane = lane
        self.state = _DELAYED
        self.due = 0.0
        self.received = 0.0


class _Lane:
    """Ready messages in the order sent: all of a standard queue, one message group of a FIFO queue."""

    __slots__ = ("group", "in_flight", "ready", "size")

    def __init__(self, group: str) -> None:
        self.group = group
        self.ready: list[tuple[int, _Entry]] = []
        self.in_flight = 0
        self.size = 0  # messages in any state

    def next(self) -> _Entry | None:
        """The first ready message, taken out of the lane."""
        while self.ready:
            entry = heapq.heappop(self.ready)[1]
            if entry.state == _READY:
                return entry
        return None


class IndexedQueue(models.Queue):
    """moto's queue with indexes in the place of its list."""

    def __init__(self, name: str, region: str, account_id: str, **kwargs: Any) -> None:  # Any: moto's attributes
        self._entries: dict[int, _Entry] = {}
        self._receipts: dict[str, _Entry] = {}
        self._deleted: dict[str, None] = {}
        self._due: list[tuple[float, int, _Entry]] = []
        self._lanes: dict[str, _Lane] = {}
        self._counts = {_READY: 0, _DELAYED: 0, _IN_FLIGHT: 0}
        self._duplicates: dict[tuple[str, str], tuple[float, str, str | None]] = {}
        self._sent = 0
        self.moves: list[dict[str, Any]] = []  # what StartMessageMoveTask has done, newest first
        super().__init__(name, region, account_id, **kwargs)

    # -- what moto reads

    @property
    def messages(self) -> list[Message]:
        """Those that a receive could give now, in the order sent."""
        self._wake()
        return [entry.message for entry in self._entries.values() if entry.state == _READY]

    @property
    def approximate_number_of_messages(self) -> int:
        self._wake()
        return self._counts[_READY]

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        self._wake()
        return self._counts[_DELAYED]

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        self._wake()
        return self._counts[_IN_FLIGHT]

    # -- sending

    def add_message(self, message: Message) -> None:
        """Take a sent message. A repetition within five minutes is dropped, and answered with the first one's ids."""
        if self.fifo_queue:
            first = self._first_of(message)
            if first is not None:
                message.id, message.sequence_number = first
                return
        self.put(message)

    def _first_of(self, message: Message) -> tuple[str, str | None] | None:
        """Ids of the message that this one repeats; None makes this one the first."""
        now = _now_ms()
        while self._duplicates:
            oldest = next(iter(self._duplicates))
            if now - self._duplicates[oldest][0] < DEDUPLICATION_MS:
                break
            del self._duplicates[oldest]
        message.sequence_number = f"{self._sent + 1:020d}"
        if message.deduplication_id is None:
            return None
        scope = message.group_id or "" if getattr(self, "deduplication_scope", "") == "messageGroup" else ""
        key = (scope, message.deduplication_id)
        known = self._duplicates.get(key)
        if known is not None:
            return known[1:]
        self._duplicates[key] = (now, message.id, message.sequence_number)
        return None

    def put(self, message: Message) -> None:
        """Store a message that is no repetition: sent, or moved here as a dead letter."""
        self._sent += 1
        group = message.group_id or "" if self.fifo_queue else ""
        lane = self._lanes.get(group)
        if lane is None:
            lane = self._lanes[group] = _Lane(group)
        lane.size += 1
        entry = _Entry(message, self._sent, lane)
        self._entries[entry.order] = entry
        self._counts[_DELAYED] += 1
        if message.delayed_until > _now_ms():
            self._sleep(entry, message.delayed_until)
        else:
            self._make_ready(entry)

    # -- receiving

    def take(self, count: int, visibility_timeout: int) -> list[Message]:
        """Up to `count` messages, invisible to others for `visibility_timeout` seconds."""
        self._wake()
        taken: list[_Entry] = []
        for lane in self._open_lanes():
            while len(taken) < count:
                entry = lane.next()
                if entry is None:
                    break
                if not self._leaves(entry):
                    taken.append(entry)
            if len(taken) >= count:
                break
        now = _now_ms()
        for entry in taken:
            entry.message.mark_received(visibility_timeout)
            assert entry.message.receipt_handle is not None
            self._receipts[entry.message.receipt_handle] = entry
            entry.received = now
            if visibility_timeout > 0:
                self._move(entry, _IN_FLIGHT)
                self._sleep(entry, now + int(visibility_timeout) * 1000)
            else:
                heapq.heappush(entry.lane.ready, (entry.order, entry))
        if self.fifo_queue:  # groups that were served go to the end, so that a busy one does not starve the others
            for group in {entry.lane.group for entry in taken}:
                self._lanes[group] = self._lanes.pop(group)
        return [entry.message for entry in taken]

    def _open_lanes(self) -> Iterator[_Lane]:
        for lane in list(self._lanes.values()):  # a lane that becomes empty is removed on the way
            if lane.ready and not (self.fifo_queue and lane.in_flight):
                yield lane

    def _leaves(self, entry: _Entry) -> bool:
        """Whether a message is too old, or goes to the dead letters instead of being received once more."""
        message = entry.message
        sent: Any = message.sent_timestamp  # Any: milliseconds; moto says None
        retention: Any = getattr(self, "message_retention_period")  # noqa: B009 (moto sets it by name)
        if sent + retention * 1000 <= _now_ms():
            self._forget(entry)
            return True
        dead_letters: Any = self.dead_letter_queue  # Any: every queue of this process is an indexed one
        policy: Any = self.redrive_policy
        if dead_letters is None or not policy or message.approximate_receive_count < policy["maxReceiveCount"]:
            return False
        self._forget(entry)
        message.visible_at = message.delayed_until = 0.0
        message.system_attributes[SOURCE] = {"StringValue": self.queue_arn}
        dead_letters.put(message)
        return True

    # -- after receiving

    def delete_message(self, receipt_handle: str) -> None:
        """Raises `ReceiptHandleIsInvalid` for a receipt that never was; deleting twice is no error."""
        entry = self._receipts.get(receipt_handle)
        if entry is not None:
            self._forget(entry)
        elif receipt_handle not in self._deleted:
            raise ReceiptHandleIsInvalid()

    def change_visibility(self, receipt_handle: str, visibility_timeout: int) -> None:
        """Make a message in flight invisible for `visibility_timeout` seconds from now, 0 for visible at once."""
        entry = self._receipts.get(receipt_handle)
        if entry is None and receipt_handle not in self._deleted:
            raise ReceiptHandleIsInvalid()
        self._wake()
        if entry is None or entry.state != _IN_FLIGHT:
            raise InvalidParameterValue(
                f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: {_NOT_AVAILABLE}"
            )
        due = _now_ms() + int(visibility_timeout) * 1000
        if due - entry.received > LONGEST_VISIBILITY_MS:
            raise InvalidParameterValue(
                f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
                "VisibilityTimeout for the message is beyond the limit [43200 seconds]"
            )
        if int(visibility_timeout) > 0:
            self._sleep(entry, due)
        else:
            self._make_ready(entry)

    def give_up(self, limit: int) -> Iterator[Message]:
        """Take up to `limit` ready messages out for good, to be moved elsewhere."""
        self._wake()
        for entry in list(self._entries.values()):
            if limit > 0 and entry.state == _READY:
                limit -= 1
                self._forget(entry)
                yield entry.message

    def purge(self) -> None:
        """Forget every message."""
        for entry in list(self._entries.values()):
            self._forget(entry)

    # -- the indexes

    def _sleep(self, entry: _Entry, due: float) -> None:
        entry.due = entry.message.visible_at = due
        heapq.heappush(self._due, (due, entry.order, entry))

    def _wake(self) -> None:
        """Make ready what is due. A time that was changed meanwhile is no longer its entry's, and is passed over."""
        now = _now_ms()
        while self._due and self._due[0][0] <= now:
            due, _, entry = heapq.heappop(self._due)
            if entry.state in (_DELAYED, _IN_FLIGHT) and entry.due == due:
                self._make_ready(entry)

    def _make_ready(self, entry: _Entry) -> None:
        self._move(entry, _READY)
        heapq.heappush(entry.lane.ready, (entry.order, entry))

    def _move(self, entry: _Entry, state: str) -> None:
        self._counts[entry.state] -= 1
        entry.lane.in_flight += (state == _IN_FLIGHT) - (entry.state == _IN_FLIGHT)
        entry.state = state
        if state != _GONE:
            self._counts[state] += 1

    def _forget(self, entry: _Entry) -> None:
        self._move(entry, _GONE)
        self._entries.pop(entry.order, None)
        for receipt in entry.message.all_receipt_handles:
            if receipt is not None and self._receipts.pop(receipt, None) is not None:
                self._deleted[receipt] = None
        while len(self._deleted) > REMEMBERED_DELETIONS:
            del self._deleted[next(iter(self._deleted))]
        entry.lane.size -= 1
        if entry.lane.size == 0:
            del self._lanes[entry.lane.group]
