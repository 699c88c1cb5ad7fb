"""Uploads by form: what S3's policy allows is stored, what it does not allow is refused as S3 refuses it."""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from typing import Any

import httpx
import pytest

from lanner.local.engine import Engine
from tests.local.engine.conftest import Client

KEY = "uploads/1"


@pytest.fixture
def bucket(client: Client) -> str:
    """An empty bucket."""
    name = f"forms-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


@pytest.fixture
def form(client: Client, bucket: str) -> dict[str, Any]:
    """For one key and one type, 1 to 10 bytes."""
    conditions: list[Any] = [{"Content-Type": "text/csv"}, ["content-length-range", 1, 10]]
    fields = {"Content-Type": "text/csv"}
    made: dict[str, Any] = client("s3").generate_presigned_post(bucket, KEY, Fields=fields, Conditions=conditions)
    return made


def send(form: dict[str, Any], content: bytes = b"a,b", **fields: str) -> httpx.Response:
    files = {"file": ("users.csv", content, "text/plain")}
    return httpx.post(form["url"], data={**form["fields"], **fields}, files=files, timeout=20)


def test_what_the_policy_allows_is_stored(form: dict[str, Any], client: Client, bucket: str) -> None:
    """With the type of the form; a field to be ignored is."""
    assert send(form, b"a,b", **{"x-ignore-me": "1"}).status_code in (201, 204)
    stored = client("s3").get_object(Bucket=bucket, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (b"a,b", "text/csv")


@pytest.mark.parametrize(
    ("content", "fields", "status", "told"),
    [
        (b"", {}, 400, "<Code>EntityTooSmall</Code>"),
        (b"x" * 11, {}, 400, "<Code>EntityTooLarge</Code>"),
        (b"x", {"key": "uploads/2"}, 403, 'Policy Condition failed: ["eq", "$key", "uploads/1"]'),
        (b"x", {"Content-Type": "text/html"}, 403, 'Policy Condition failed: ["eq", "$Content-Type", "text/csv"]'),
        (b"x", {"acl": "public-read"}, 403, "Extra input fields: acl"),
        (b"x", {"policy": "e30="}, 400, "<Code>InvalidPolicyDocument</Code>"),
        (b"x", {"policy": "!"}, 400, "<Code>InvalidPolicyDocument</Code>"),
    ],
)
def test_what_it_does_not_allow_is_refused(
    form: dict[str, Any], client: Client, bucket: str, content: bytes, fields: dict[str, str], status: int, told: str
) -> None:
    """And nothing is stored."""
    answer = send(form, content, **fields)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/xml")
    assert told in answer.text
    assert "Contents" not in client("s3").list_objects_v2(Bucket=bucket, Prefix="uploads/")


def test_policies_as_people_write_them(engine: Engine, bucket: str) -> None:
    """Prefixes, `${filename}` in the key, and an end."""

    def policy(*conditions: Any, expiration: str = "2999-01-01T00:00:00Z") -> str:
        return b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()

    made: dict[str, Any] = {"url": f"{engine.url}/{bucket}", "fields": {"key": "in/${filename}"}}
    own = {"bucket": bucket}
    assert send(made, policy=policy(own, ["starts-with", "$key", "in/users"])).is_success
    assert 'failed: ["starts-with", "$key", "out/"]' in send(made, policy=policy(["starts-with", "$key", "out/"])).text
    assert 'failed: ["eq", "$bucket", "x"]' in send(made, policy=policy({"bucket": "x"}, {"key": "in/users.csv"})).text
    late = send(made, policy=policy(["starts-with", "$key", ""], expiration="2020-01-01T00:00:00.000Z"))
    assert (late.status_code, "Policy expired." in late.text) == (403, True)
