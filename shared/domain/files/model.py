"""A file as it is stored, and the states that a client sees.

awaiting_upload ──the object arrives──▶ processing ──the job succeeds──▶ done
                                             └──the job fails, is cancelled or dead──▶ failed

`failed` is not stored: it is what the file's job says.
"""

from __future__ import annotations

from typing import Any

AWAITING_UPLOAD = "awaiting_upload"
PROCESSING = "processing"
DONE = "done"
FAILED = "failed"
STATES = (AWAITING_UPLOAD, PROCESSING, DONE, FAILED)

MAX_BYTES = 512 << 20
"""Of one file: what a job reads twice within a few minutes."""

KEEP_S = 30 * 86_400
"""How long a file, its results and its record live; the bucket's lifecycle in template.yaml says the same."""


class Upload:
    """The object that arrived: the first one, whatever was uploaded to the same form later."""

    __slots__ = ("etag", "size", "version")

    def __init__(self, etag: str, size: int, version: str) -> None:
        self.etag = etag
        self.size = size
        self.version = version  # "" where the bucket keeps no versions


class Result:
    """What the job found. `rows` counts those of an import: read, created, failed; None for other files.

    `errors_key` is the object with the rows that failed, "" where there is none.
    """

    __slots__ = ("errors_key", "media_type", "rows", "sha256", "size")

    def __init__(
        self, size: int, sha256: str, media_type: str, rows: dict[str, int] | None = None, errors_key: str = ""
    ) -> None:
        self.size = size
        self.sha256 = sha256
        self.media_type = media_type
        self.rows = rows
        self.errors_key = errors_key


class File:
    """One file. Times are as the API writes them; `expires_at` is in seconds since the epoch."""

    __slots__ = (
        "content_type",
        "created_at",
        "expires_at",
        "filename",
        "id",
        "job_id",
        "principal",
        "result",
        "upload",
    )

    def __init__(
        self,
        id: str,  # noqa: A002 (the field's name)
        principal: str,
        filename: str,
        content_type: str,
        created_at: str,
        expires_at: int,
        *,
        upload: Upload | None = None,
        job_id: str = "",
        result: Result | None = None,
    ) -> None:
        self.id = id
        self.principal = principal
        self.filename = filename
        self.content_type = content_type
        self.created_at = created_at
        self.expires_at = expires_at
        self.upload = upload
        self.job_id = job_id
        self.result = result

    def __repr__(self) -> str:
        return f"File({self.id})"


Item = dict[str, Any]
"""`Any`: DynamoDB's AttributeValue form."""
