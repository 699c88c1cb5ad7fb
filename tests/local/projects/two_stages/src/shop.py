"""Functions that say which stage called them."""

import json


def answer(body):
    """A proxy response."""
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def show(event, context):
    """The stage, its variables and the caller, as the event has them."""
    request = event["requestContext"]
    path = event.get("rawPath") or request["path"]
    guard = (request.get("authorizer") or {}).get("stage")
    return answer({"stage": request["stage"], "variables": event["stageVariables"], "path": path, "guard": guard})


def guard(event, context):
    """Lets everybody into the stage that was asked for, and nowhere else."""
    arn = event["methodArn"]
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "anybody", "policyDocument": policy, "context": {"stage": arn.split("/")[1]}}


def fixed(event, context):
    """The old price."""
    return answer({"price": 10, "stage": event["requestContext"]["stage"]})


def haggled(event, context):
    """The new price."""
    return answer({"price": 7, "stage": event["requestContext"]["stage"]})
