"""Search answers payload format 1.0; the catch-all and files answer with what they were given."""

import json

from notes_text import excerpt


def handler(event, context):
    """Echo the parts of an event that a test asks for."""
    if event.get("version") == "1.0":
        body = {
            "version": "1.0",
            "q": event["multiValueQueryStringParameters"],
            "excerpt": excerpt((event["queryStringParameters"] or {}).get("q", "")),
            "path": event["path"],
        }
        return {"statusCode": 200, "multiValueHeaders": {"x-many": ["a", "b"]}, "body": json.dumps(body)}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(
            {
                "version": event["version"],
                "routeKey": event["routeKey"],
                "rawPath": event["rawPath"],
                "rawQueryString": event["rawQueryString"],
                "cookies": event.get("cookies"),
                "pathParameters": event.get("pathParameters"),
                "headers": event["headers"],
            }
        ),
    }
