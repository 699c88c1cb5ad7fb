"""Objects in S3: presigned forms and links, reading by ranges, writing results. boto3, loaded by the first use.

    uploads/<file id>             what a client uploaded, once, through its form
    work/<file id>/...            parts of results while a job runs
    results/<file id>/...         what a client may download
    reports/<report id>/...       as results

A presigned POST and not a PUT: its policy makes S3 itself refuse another key, another type and a size out of range.
Signatures are version 4 (botocore would presign with version 2, which new buckets refuse), for the region's own
endpoint (the global one redirects until its DNS knows a new bucket). A link lives as long as the role's credentials
at most.

Failure modes: `Gone` where an object is no longer what it was, `Unavailable` where S3 does not answer.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lanner.aws import clients
from lanner.aws.endpoints import service_endpoint, service_region
from lanner.http.problems import Unavailable
from lanner.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET_SETTING = "LANNER_FILES_BUCKET"

UPLOAD_S = 900
"""Seconds that an upload may begin in."""
DOWNLOAD_S = 900

RANGE = 1 << 20
"""Bytes read at once: few requests, and little memory."""

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "PreconditionFailed", "412", "InvalidRange"})


class Gone(Exception):
    """The object is not there, or is not the one that was meant."""


class Source:
    """One object in one state of it: `version` where the bucket keeps versions, and the `etag` in any case."""

    __slots__ = ("etag", "key", "size", "version")

    def __init__(self, key: str, etag: str, size: int, version: str = "") -> None:
        self.key = key
        self.etag = etag
        self.size = size
        self.version = version

    def ranges(self, offset: int = 0, size: int = RANGE) -> Iterator[bytes]:
        """The bytes from `offset` to the end, in pieces of `size`. Raises `Gone` and `Unavailable`."""
        while offset < self.size:
            data = self.read(offset, min(offset + size, self.size))
            if not data:
                raise Gone(f"{self.key} ends at byte {offset} of {self.size}")
            yield data
            offset += len(data)

    def read(self, first: int, end: int) -> bytes:
        """The bytes from `first` up to `end`. Raises `Gone` and `Unavailable`."""
        which = {"VersionId": self.version} if self.version else {}
        answer = _call("get_object", Key=self.key, Range=f"bytes={first}-{end - 1}", IfMatch=f'"{self.etag}"', **which)
        try:
            body: bytes = answer["Body"].read()
        except Exception as error:  # botocore's and urllib3's: the connection broke while the body came
            raise Unavailable("The storage of files does not answer", retry_after=1) from error
        return body


def upload_form(key: str, content_type: str, largest: int, expires_in: int = UPLOAD_S) -> dict[str, Any]:
    """`{url, fields}` of a POST of multipart/form-data: the fields, then `file`. `largest` is in bytes."""
    fields = {"Content-Type": content_type, "success_action_status": "201"}
    conditions: list[Any] = [
        {"Content-Type": content_type},
        {"success_action_status": "201"},
        ["content-length-range", 1, largest],
    ]
    form: dict[str, Any] = _client().generate_presigned_post(
        setting(BUCKET_SETTING), key, Fields=fields, Conditions=conditions, ExpiresIn=expires_in
    )
    return form


def download_link(key: str, filename: str, content_type: str, *, inline: bool = False) -> str:
    """A URL that gives the object for `DOWNLOAD_S`; a browser saves it as `filename`, or shows it."""
    disposition = "inline" if inline else f'attachment; filename="{filename}"'
    url: str = _client().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": setting(BUCKET_SETTING),
            "Key": key,
            "ResponseContentDisposition": disposition,
            "ResponseContentType": content_type,
        },
        ExpiresIn=DOWNLOAD_S,
    )
    return url


def put(key: str, body: bytes, content_type: str) -> None:
    """Write an object; the same again changes nothing. Raises `Unavailable`."""
    _call("put_object", Key=key, Body=body, ContentType=content_type)


def get(key: str) -> bytes:
    """A whole object that we wrote ourselves. Raises `Gone` and `Unavailable`."""
    body: bytes = _call("get_object", Key=key)["Body"].read()
    return body


def _call(operation: str, **parameters: Any) -> Any:  # Any: boto3's own
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(_client(), operation)(Bucket=setting(BUCKET_SETTING), **parameters)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _GONE:
            raise Gone(f"{parameters['Key']}: {code}") from error
        if int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) >= 500 or code == "SlowDown":
            raise Unavailable("The storage of files is busy", retry_after=1) from error
        raise
    except BotoCoreError as error:
        raise Unavailable("The storage of files does not answer", retry_after=1) from error


def _client() -> Any:  # Any: boto3 makes its classes at run time
    region = service_region(os.environ)
    client = clients.client("s3", region=region, endpoint=service_endpoint("s3", region, os.environ))
    client.meta.events.register_first("choose-signer.s3", _version_4, unique_id="lanner-s3v4")
    return client


def _version_4(**_: Any) -> str:
    return "s3v4"
