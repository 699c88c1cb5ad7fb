"""What the administrators see."""

import json


def handler(event, context):
    """Numbers, and the key that was used."""
    key = event["requestContext"]["identity"].get("apiKey")
    return {"statusCode": 200, "body": json.dumps({"resource": event["resource"], "key": key})}
