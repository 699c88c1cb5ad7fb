"""Answers of an HTTP API, as the payload format 2.0 takes them."""

import json


def answer(status, body=None, headers=None, cookies=None):
    """A proxy response."""
    response = {"statusCode": status, "headers": {"content-type": "application/json", **(headers or {})}}
    if body is not None:
        response["body"] = json.dumps(body)
    if cookies:
        response["cookies"] = cookies
    return response
