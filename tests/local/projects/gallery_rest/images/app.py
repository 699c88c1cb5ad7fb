"""Pictures in a bucket; everything else answers with the event it was given."""

import base64
import json
import os

import boto3

BUCKET = os.environ["BUCKET"]
s3 = boto3.client("s3")


def handler(event, context):
    """Every route of the public API, by resource and method."""
    resource, method = event["resource"], event["httpMethod"]
    if resource == "/health":
        return {"statusCode": 200, "body": "OK"}
    if resource == "/images/{id}":
        return (get if method == "GET" else put)(event["pathParameters"]["id"], event)
    shown = {key: event[key] for key in event if key != "requestContext"}
    shown["requestContext"] = {key: event["requestContext"].get(key) for key in ("path", "stage", "authorizer")}
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"X-Many": ["1", "2"]},
        "body": json.dumps(shown),
    }


def put(name, event):
    """Keep the bytes of a request; JSON and text arrive as they are, pictures as base64."""
    content = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()
    s3.put_object(Bucket=BUCKET, Key=name, Body=content)
    owner = event["requestContext"]["authorizer"]["principalId"]
    return {"statusCode": 201, "body": json.dumps({"bytes": len(content), "owner": owner})}


def get(name, event):
    """The bytes of a picture, binary."""
    try:
        content = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return {"statusCode": 404, "body": json.dumps({"message": f"no picture {name}"})}
    body = base64.b64encode(content).decode()
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True, "body": body}
