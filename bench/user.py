"""The one user that every peer serves, and the REST API event that asks for it."""

from __future__ import annotations

import copy
from typing import Any

ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
USER: dict[str, str] = {
    "id": ID,
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.org",
    "locale": "en-GB",
    "created_at": "2026-01-02T03:04:05.678Z",
    "updated_at": "2026-02-03T04:05:06.789Z",
}
ETAG = '"v2-7"'

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "CloudFront-Forwarded-Proto": "https",
    "CloudFront-Is-Desktop-Viewer": "true",
    "CloudFront-Viewer-Country": "DE",
    "Host": "abcdefghij.execute-api.eu-west-1.amazonaws.com",
    "Origin": "https://app.example.org",
    "User-Agent": "bench/1.0",
    "Via": "2.0 abc.cloudfront.net (CloudFront)",
    "X-Amz-Cf-Id": "a1b2c3d4e5f6",
    "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


def event(path: str = f"/users/{ID}", stage: str = "v2", **headers: str) -> dict[str, Any]:
    """A complete REST API event; a fresh copy, because some peers write into theirs."""
    sent = {**HEADERS, **headers}
    return copy.deepcopy(
        {
            "resource": "/users/{id}",
            "path": path,
            "httpMethod": "GET",
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": {"id": ID, "user_id": ID},
            "stageVariables": None,
            "requestContext": {
                "resourceId": "abc123",
                "resourcePath": "/users/{id}",
                "httpMethod": "GET",
                "extendedRequestId": "abc=",
                "requestTime": "23/Nov/2026:04:00:00 +0000",
                "path": f"/{stage}{path}",
                "accountId": "123456789012",
                "protocol": "HTTP/1.1",
                "stage": stage,
                "domainPrefix": "abcdefghij",
                "requestTimeEpoch": 1795406400000,
                "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "identity": {"sourceIp": "203.0.113.9", "userAgent": "bench/1.0", "apiKeyId": None},
                "domainName": "abcdefghij.execute-api.eu-west-1.amazonaws.com",
                "apiId": "abcdefghij",
            },
            "body": None,
            "isBase64Encoded": False,
        }
    )


class Context:
    """Lambda's context object, as far as anybody here looks at it."""

    function_name = "users"
    function_version = "7"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:users"
    aws_request_id = "11111111-2222-4333-8444-555555555555"
    log_group_name = "/aws/lambda/users"
    log_stream_name = "2026/11/23/[7]abc"
    identity = None
    client_context = None

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 9_000
