"""A small AWS client for the engine alone: three protocols over one kept-alive connection, no boto3 (0.5 s to load).

Requests are not signed: the engine takes any credentials and reads only service and region from the credential scope.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

_JSON_TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "events": "AWSEvents",
    "kms": "TrentService",
    "secretsmanager": "secretsmanager",
    "sqs": "AmazonSQS",
    "ssm": "AmazonSSM",
}
_QUERY_VERSIONS = {"ses": "2010-12-01", "sns": "2010-03-31"}
TIMEOUT = 30.0  # seconds: a first call may load a backend


class AwsError(Exception):
    """An error answer; `code` is AWS's name for it, such as `ResourceInUseException`."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


class AwsClient:
    """One connection to the engine at `url` for one region. Raises `AwsError`, and `OSError` when nobody answers."""

    def __init__(self, url: str, region: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)
        self._region = region

    def close(self) -> None:
        self._connection.close()

    def json(self, service: str, operation: str, document: Mapping[str, Any]) -> dict[str, Any]:  # Any: AWS JSON
        """One call of a service with a JSON protocol."""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"{_JSON_TARGETS[service]}.{operation}",
        }
        status, body = self._send("POST", "/", service, headers, json.dumps(document).encode())
        answer: dict[str, Any] = json.loads(body) if body else {}
        if status >= 300:
            code = str(answer.get("__type", status)).rpartition("#")[2]
            raise AwsError(code, str(answer.get("message") or answer.get("Message") or ""))
        return answer

    def query(self, service: str, action: str, parameters: Mapping[str, str]) -> str:
        """One call of a service with the query protocol; the answer is XML text."""
        form = urlencode({"Action": action, "Version": _QUERY_VERSIONS[service], **parameters})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        status, body = self._send("POST", "/", service, headers, form.encode())
        text = body.decode("utf-8", "replace")
        if status >= 300:
            raise AwsError(_between(text, "Code") or str(status), _between(text, "Message"))
        return text

    def s3(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """One S3 call; `path` is `/bucket/key?query`, percent-encoded."""
        status, content = self._send(method, path, "s3", dict(headers or {}), body)
        if status >= 300:
            text = content.decode("utf-8", "replace")
            raise AwsError(_between(text, "Code") or str(status), _between(text, "Message"))
        return content

    def own(self, method: str, path: str, document: object = None) -> Any:  # Any: JSON
        """One of the engine's own calls below `/_lanner/`."""
        status, body = self._send(method, path, "", {}, b"" if document is None else json.dumps(document).encode())
        if status >= 300:
            raise AwsError(str(status), body.decode("utf-8", "replace"))
        return json.loads(body)

    def _send(self, method: str, path: str, service: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if service:
            scope = f"test/20260101/{self._region}/{service}/aws4_request"
            headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        for attempt in (0, 1):
            try:
                self._connection.request(method, path, body, headers)
                response = self._connection.getresponse()
                return response.status, response.read()
            except (http.client.BadStatusLine, ConnectionResetError, BrokenPipeError):
                self._connection.close()  # a kept connection that the peer has closed meanwhile
                if attempt:
                    raise
        raise AssertionError("the loop returns or raises")


def bucket_body(region: str) -> bytes:
    """The body of S3's CreateBucket: the region, which us-east-1 must leave out."""
    if region == "us-east-1":
        return b""
    place = f"<LocationConstraint>{region}</LocationConstraint>"
    return f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>".encode()


def _between(text: str, tag: str) -> str:
    start = text.find(f"<{tag}>")
    end = text.find(f"</{tag}>")
    return text[start + len(tag) + 2 : end] if 0 <= start < end else ""
