"""Notes: list, create, read, delete."""

import base64
import json
import os
import uuid

import boto3
from notes_common import answer
from notes_text import excerpt

TABLE = os.environ["NOTES_TABLE"]
PAGE_SIZE = int(os.environ["PAGE_SIZE"])
dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")


def handle(event, context):
    """Every route of this function, by its route key."""
    return ROUTES.get(event["routeKey"], one)(event)


def list_notes(event):
    """One page of notes."""
    found = dynamodb.scan(TableName=TABLE, Limit=PAGE_SIZE)
    notes = [{"id": item["id"]["S"], "excerpt": excerpt(item["text"]["S"])} for item in found["Items"]]
    return answer(200, {"notes": notes}, {"x-note-count": str(len(notes))})


def create(event):
    """A new note, and a line for the audit."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    try:
        text = json.loads(body)["text"]
    except (ValueError, KeyError):
        return answer(400, {"error": "a note is {\"text\": ...}"})
    note_id = str(uuid.uuid4())
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": note_id}, "text": {"S": text}})
    sqs.send_message(QueueUrl=os.environ["AUDIT_QUEUE"], MessageBody=json.dumps({"created": note_id}))
    cookies = [f"last={note_id}; Path=/; HttpOnly", "seen=yes"]
    return answer(201, {"id": note_id}, {"location": f"/notes/{note_id}"}, cookies)


def one(event):
    """GET and DELETE of one note."""
    key = {"id": {"S": event["pathParameters"]["id"]}}
    method = event["requestContext"]["http"]["method"]
    if method == "DELETE":
        dynamodb.delete_item(TableName=TABLE, Key=key)
        return {"statusCode": 204}
    if method != "GET":
        return answer(405, {"error": method}, {"allow": "GET, DELETE"})
    item = dynamodb.get_item(TableName=TABLE, Key=key).get("Item")
    if item is None:
        return answer(404, {"error": "no such note"})
    return {"id": item["id"]["S"], "text": item["text"]["S"]}


ROUTES = {"GET /notes": list_notes, "POST /notes": create}
