"""The one thing that is right in this project."""


def handler(event, context):
    """Say so."""
    return {"statusCode": 200, "body": "here"}
