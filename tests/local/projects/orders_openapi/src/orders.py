"""Orders that nobody stores: each function says what it was asked."""

import json


def answer(body, status=200):
    """A proxy response."""
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def list_orders(event, context):
    """The list, with the state that was asked for and who asked."""
    user = event["requestContext"]["authorizer"]["principalId"]
    return answer({"state": event["queryStringParameters"]["state"], "user": user, "stage": event["stageVariables"]})


def one_order(event, context):
    """One order by any method."""
    return answer({"id": event["pathParameters"]["id"], "method": event["httpMethod"]})


def status(event, context):
    """An HTTP API may answer with a plain object."""
    return {"ok": True, "stage": event["requestContext"]["stage"]}


def key(event, context):
    """Whoever has the key `open` is let in."""
    effect = "Allow" if event["authorizationToken"] == "open" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": "keeper", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
