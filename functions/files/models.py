"""The schemas of files, for OpenAPI. The rules themselves are `domain.files.requests`; a test holds both together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.files.model import MAX_BYTES
from domain.files.requests import CONTENT_TYPE_MAX, FILENAME_MAX

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC")]
Url = Annotated[str, Field(json_schema_extra={"format": "uri"}, description="Presigned: works for whoever has it")]
Filename = Annotated[
    str, Field(min_length=1, max_length=FILENAME_MAX, description="A name without a path and control characters")
]
ContentType = Annotated[
    str,
    Field(
        min_length=3,
        max_length=CONTENT_TYPE_MAX,
        description="A media type; `text/csv` is imported as users. The upload must have the same",
    ),
]

NEW_EXAMPLE: dict[str, JsonValue] = {"filename": "users.csv", "content_type": "text/csv"}
ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
EXAMPLE: dict[str, JsonValue] = {
    "id": ID,
    **NEW_EXAMPLE,
    "state": "done",
    "created_at": "2026-11-23T03:52:11.123Z",
    "expires_at": "2026-12-23T03:52:11.000Z",
    "size": 62,
    "detected_type": "text/csv",
    "sha256": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "rows": {"read": 1, "created": 1, "failed": 0},
    "job": "/v2/jobs/0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1c",
    "problem": None,
    "results": [],
    "upload": None,
}


class Upload(BaseModel):
    """A form: POST `fields`, then the content as `file`, as multipart/form-data to `url`."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["POST"]
    url: Url
    fields: dict[str, str]
    headers: Annotated[dict[str, str], Field(description="Headers that the upload needs: none")]
    max_bytes: Annotated[int, Field(description=f"S3 refuses what is larger; {MAX_BYTES}")]
    expires_at: Time


class Rows(BaseModel):
    """The rows of an import."""

    model_config = ConfigDict(extra="forbid")

    read: int
    created: int
    failed: int


class ResultLink(BaseModel):
    """What can be downloaded."""

    model_config = ConfigDict(extra="forbid")

    name: str
    content_type: str
    url: Url
    expires_at: Time


class File(BaseModel):
    """A file. What is not known yet is null."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, description="UUIDv7")]
    filename: Filename
    content_type: ContentType
    state: Literal["awaiting_upload", "processing", "done", "failed"]
    created_at: Time
    expires_at: Annotated[Time, Field(description="When the file and its results are removed")]
    size: Annotated[int | None, Field(description="Bytes")]
    detected_type: Annotated[str | None, Field(description="By the content")]
    sha256: Annotated[str | None, Field(description="Of the content, in hexadecimal")]
    rows: Rows | None
    job: Annotated[str | None, Field(description="The job that processes it")]
    problem: Annotated[dict[str, JsonValue] | None, Field(description="Why it failed (RFC 9457)")]
    results: list[ResultLink]
    upload: Annotated[Upload | None, Field(description="In the answer to POST alone")]


class FileWrite(BaseModel):
    """A file to upload."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_EXAMPLE]})

    filename: Filename
    content_type: ContentType
