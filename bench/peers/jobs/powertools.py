"""Powertools: Batch, and Idempotency with DynamoDB around the record's handler."""

from __future__ import annotations

from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from bench.peers.jobs.measured import Measured, boto_effect, drain, queue_url
from tests.jobs.deliveries import event_of


def main() -> None:
    layer = DynamoDBPersistenceLayer(table_name="idempotency", key_attr="pk", boto3_client=boto3.client("dynamodb"))
    config = IdempotencyConfig(event_key_jmespath="messageId")
    act = boto_effect()

    @idempotent_function(data_keyword_argument="record", persistence_store=layer, config=config)
    def perform(record: dict[str, Any]) -> None:
        act()

    def handle(messages: list[dict[str, Any]]) -> object:
        return process_partial_response(
            event=event_of(messages),
            record_handler=lambda record: perform(record=record.raw_event),
            processor=BatchProcessor(event_type=EventType.SQS),
            context=None,
        )

    sqs, url, measured = boto3.client("sqs"), queue_url(), Measured()
    measured.accept(lambda: sqs.send_message(QueueUrl=url, MessageBody="{}"))
    drain(measured, handle)
    measured.write()


if __name__ == "__main__":
    main()
