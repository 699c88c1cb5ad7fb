"""The schemas of reports, for OpenAPI. The rules themselves are `domain.reports.requests`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.reports.requests import DEFAULT_DAYS, MAX_DAYS

Kind = Literal["growth", "locales", "activity"]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC")]
State = Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]

ID = "0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
NEW_EXAMPLE: dict[str, JsonValue] = {"kind": "growth", "from": "2026-11-01", "to": "2026-11-30"}


class ReportWrite(BaseModel):
    """A report to make. Days are UTC and both included."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_EXAMPLE]})

    kind: Kind
    first: Annotated[
        str | None,
        Field(
            alias="from",
            json_schema_extra={"format": "date"},
            description=f"The {DEFAULT_DAYS} days to its end unless given; at most {MAX_DAYS}. Locales: of all users",
        ),
    ] = None
    last: Annotated[str | None, Field(alias="to", json_schema_extra={"format": "date"}, description="Today")] = None


class About(BaseModel):
    """What a report is about."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    first: Annotated[str | None, Field(alias="from", json_schema_extra={"format": "date"})]
    last: Annotated[str, Field(alias="to", json_schema_extra={"format": "date"})]
    rows: int
    generated_at: Time


class ReportLink(BaseModel):
    """A file of a report: HTML with charts, or CSV."""

    model_config = ConfigDict(extra="forbid")

    name: str
    content_type: str
    url: Annotated[str, Field(json_schema_extra={"format": "uri"}, description="Presigned: works for whoever has it")]
    expires_at: Time


class Report(BaseModel):
    """A report. Its files are removed after thirty days."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, description="That of its job")]
    status: State
    progress: Annotated[int, Field(ge=0, le=100)]
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    job: str
    about: About | None
    problem: Annotated[dict[str, JsonValue] | None, Field(description="Why it failed (RFC 9457)")]
    results: list[ReportLink]


class AcceptedReport(BaseModel):
    """The job that makes a report, as `GET /jobs/{id}` has it."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: Literal["report.build"]
    status: State
    progress: int
