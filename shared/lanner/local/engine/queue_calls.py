"""moto's SQS calls, on indexed queues; and the one that moto lacks, moving messages back from the dead letters.

A move is complete when its call returns: there is nothing to wait for here. Source: SQS API Reference,
"StartMessageMoveTask", "ListMessageMoveTasks", "ChangeMessageVisibilityBatch".
"""

from __future__ import annotations

import copy
import secrets
import time
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sqs import models
from moto.sqs.exceptions import InvalidParameterValue, QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.responses import SQSResponse

from lanner.local.engine.queues import LONGEST_VISIBILITY_MS, SOURCE, IndexedQueue

if TYPE_CHECKING:
    from moto.sqs.models import Message

MOVED_AT_MOST = 100_000  # messages of one call
_MOVES_KEPT = 10  # what ListMessageMoveTasks can show of one queue


def _queue(backend: models.SQSBackend, name: str) -> IndexedQueue:
    queue = backend.get_queue(name)
    assert isinstance(queue, IndexedQueue)
    return queue


def _receive(
    backend: models.SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,  # noqa: ARG001 (the engine waits between requests, never inside one)
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    received = []
    for message in _queue(backend, queue_name).take(count, visibility_timeout):
        shown = copy.copy(message)  # moto filters its attributes in place
        models._filter_message_attributes(shown, message_attribute_names or [])
        received.append(shown)
    return received


def _change_visibility(
    backend: models.SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    _queue(backend, queue_name).change_visibility(receipt_handle, visibility_timeout)


def _change_visibility_batch(
    backend: models.SQSBackend, queue_name: str, entries: list[dict[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    done, failed = [], []
    for entry in entries:
        try:
            timeout = int(entry["VisibilityTimeout"])
            if not 0 <= timeout <= LONGEST_VISIBILITY_MS // 1000:
                raise InvalidParameterValue(f"Value {timeout} for parameter VisibilityTimeout is invalid.")
            _queue(backend, queue_name).change_visibility(entry["ReceiptHandle"], timeout)
            done.append(entry["Id"])
        except (ReceiptHandleIsInvalid, InvalidParameterValue) as error:
            code = "ReceiptHandleIsInvalid" if isinstance(error, ReceiptHandleIsInvalid) else "InvalidParameterValue"
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": str(error.message)})
    return done, failed


def _purge(backend: models.SQSBackend, queue_name: str) -> None:
    _queue(backend, queue_name).purge()


def _by_arn(response: SQSResponse, arn: str) -> IndexedQueue:
    for queue in response.sqs_backend.queues.values():
        if queue.queue_arn == arn and isinstance(queue, IndexedQueue):
            return queue
    raise QueueDoesNotExist()


def _start_move(response: SQSResponse) -> ActionResult:
    """Messages go to `DestinationArn`, or each to the queue that it came from; their receive counts start anew."""
    source_arn, destination = response._get_param("SourceArn"), response._get_param("DestinationArn")
    source = _by_arn(response, source_arn)
    target = _by_arn(response, destination) if destination else None
    moved = 0
    for message in source.give_up(MOVED_AT_MOST):
        origin = message.system_attributes.pop(SOURCE, {}).get("StringValue", source_arn)
        message.approximate_receive_count = 0
        message.approximate_first_receive_timestamp = None
        (target or _by_arn(response, origin)).put(message)
        moved += 1
    task = {
        "TaskHandle": secrets.token_urlsafe(32),
        "Status": "COMPLETED",
        "SourceArn": source_arn,
        **({"DestinationArn": destination} if destination else {}),
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": moved,
        "StartedTimestamp": int(time.time() * 1000),
    }
    source.moves = [task, *source.moves[: _MOVES_KEPT - 1]]
    return ActionResult({"TaskHandle": task["TaskHandle"]})


def _list_moves(response: SQSResponse) -> ActionResult:
    moves = _by_arn(response, response._get_param("SourceArn")).moves
    shown = [{key: value for key, value in task.items() if key != "TaskHandle"} for task in moves]
    return ActionResult({"Results": shown[: response._get_param("MaxResults") or 1]})


def install() -> None:
    """Make every queue of this process an indexed one; to be called before the first is created."""
    module: Any = models  # Any: its names are replaced
    module.Queue = IndexedQueue
    module.generate_receipt_handle = lambda: secrets.token_urlsafe(64)
    backend: Any = models.SQSBackend
    backend.receive_message = _receive
    backend.change_message_visibility = _change_visibility
    backend.change_message_visibility_batch = _change_visibility_batch
    backend.purge_queue = _purge
    responses: Any = SQSResponse
    responses.start_message_move_task = _start_move
    responses.list_message_move_tasks = _list_moves
