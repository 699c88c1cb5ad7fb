"""The schemas of jobs, for OpenAPI; `lanner.jobs.status` makes the documents and a test holds both together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC")]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]


class Job(BaseModel):
    """A job: work that was accepted and goes on after the answer."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    kind: Annotated[str, Field(description="What is done, for example report.build")]
    status: Annotated[Status, Field(description="dead: given up after its last attempt; the others are what they say")]
    progress: Annotated[int, Field(ge=0, le=100, description="Percent; it never goes back")]
    note: Annotated[str, Field(description="What is being done, as the job says it")]
    attempt: Annotated[int, Field(ge=0, description="0 before the first")]
    max_attempts: Annotated[
        int | None, Field(ge=1, description="Null until the first attempt, where it is not known before")
    ]
    cancel_requested: Annotated[bool, Field(description="Somebody asked for it to be cancelled")]
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    result: Annotated[JsonValue, Field(description="There when it has succeeded")] = None
    problem: Annotated[
        dict[str, JsonValue] | None, Field(description="RFC 9457; there when it has failed or is dead")
    ] = None


class JobPage(BaseModel):
    """Some jobs, newest first."""

    data: list[Job]
    next_cursor: Annotated[str | None, Field(description="Null on the last page, the only sign of it")]
