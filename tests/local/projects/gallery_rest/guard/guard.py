"""Two authorizers: one reads a token, one the whole request."""


def by_token(event, context):
    """`Bearer allow-<name>` may do everything, `Bearer deny` nothing, the rest is not known."""
    token = event["authorizationToken"].removeprefix("Bearer ")
    if token == "crash":
        raise RuntimeError("the authorizer is broken")
    if not token.startswith(("allow", "deny")):
        raise Exception("Unauthorized")
    name = token.partition("-")[2] or "someone"
    return policy(name, "Allow" if token.startswith("allow") else "Deny", event["methodArn"])


def by_visitor(event, context):
    """A visitor with a ticket may look."""
    allowed = event["queryStringParameters"]["ticket"] == "valid"
    return policy(event["headers"]["x-visitor"], "Allow" if allowed else "Deny", event["methodArn"])


def policy(principal, effect, arn):
    """An IAM policy for every method of the stage."""
    stage = "/".join(arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"level": 3, "vip": True, "name": principal},
    }
