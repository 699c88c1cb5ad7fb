"""The audit's worker: one item per message; a message that is not JSON is reported back."""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event, context):
    """Write each record; say which could not be written."""
    failures = []
    for record in event["Records"]:
        try:
            line = json.loads(record["body"])
        except ValueError:
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        item = {"id": {"S": f"audit-{record['messageId']}"}, "text": {"S": json.dumps(line)}}
        dynamodb.put_item(TableName=os.environ["NOTES_TABLE"], Item=item)
    return {"batchItemFailures": failures}
