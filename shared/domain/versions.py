"""The versions of this API: the one place where they are declared.

Dates, brownouts and differences are read from here by the edge, by `GET /versions`, by OpenAPI, by the documentation
and by the counts of who still calls what. To add a version, add an entry and the changes that it brings.
"""

from __future__ import annotations

from lanner.versioning.changes import VersionChange
from lanner.versioning.registry import ApiVersion, Brownout, VersionRegistry

# Tuesdays in the eight weeks before v1's sunset, at hours when somebody is at work in Europe or America to notice.
V1_BROWNOUTS = (
    Brownout("2027-07-13T14:00:00Z", "2027-07-13T15:00:00Z"),
    Brownout("2027-07-27T13:00:00Z", "2027-07-27T17:00:00Z"),
    Brownout("2027-08-10T09:00:00Z", "2027-08-10T17:00:00Z"),
    Brownout("2027-08-24T09:00:00Z", "2027-08-25T09:00:00Z"),
)

V2_CHANGES = (
    VersionChange(
        version="v2",
        title="A name has two parts",
        description=(
            "`name` became `given_name` and `family_name`; `family_name` is null for people who have one name. "
            "v1 shows the two joined by a space, or exactly what a v1 client wrote."
        ),
        resources=("users",),
        upgrade="domain.users.versions:v1_to_v2",
        downgrade="domain.users.versions:v2_to_v1",
    ),
    VersionChange(
        version="v2",
        title="Users have a locale",
        description="`locale` is a BCP 47 language tag, `en` unless it was set; writing through v1 leaves it as it is.",
        resources=("users",),
    ),
    VersionChange(
        version="v2",
        title="Users say when they were changed",
        description="`updated_at` is the time of the last write through any version; it is read-only.",
        resources=("users",),
    ),
    VersionChange(
        version="v2",
        title="Lists of users go by cursor",
        description=(
            "`limit` and `cursor` replace `limit` and `offset`: pass `next_cursor` of one page to get the next; null "
            "is the end. The filters `email` and `created_after` and the selection `fields` are new."
        ),
        resources=("users",),
    ),
    VersionChange(
        version="v2",
        title="Categories have a slug",
        description="`slug` names a category in URLs; categories written through v1 keep the slug that they have.",
        resources=("categories",),
        upgrade="domain.catalog.versions:categories_v1_to_v2",
        downgrade="domain.catalog.versions:categories_v2_to_v1",
    ),
    VersionChange(
        version="v2",
        title="The catalog says when it was changed",
        description="Categories, translations and settings carry `updated_at`, the time of the last write; read-only.",
        resources=("categories", "translations", "settings"),
        upgrade="domain.catalog.versions:undated_to_dated",
        downgrade="domain.catalog.versions:dated_to_undated",
    ),
    VersionChange(
        version="v2",
        title="Users have statistics",
        description="`/users/statistics` has growth by month and the shares of locales; v1 has nothing like it.",
        resources=("users",),
    ),
    VersionChange(
        version="v2",
        title="Work that goes on after the answer",
        description=(
            "`/notifications` sends mail and webhooks, `/files` imports users from CSV, `/reports` has figures and "
            "charts made. Heavy work is answered 202 with a job, which `/jobs` of every version shows and cancels."
        ),
        resources=("notifications", "files", "reports"),
    ),
)

REGISTRY = VersionRegistry(
    (
        ApiVersion(
            "v1",
            released_at="2024-03-01",
            deprecated_at="2026-09-01",
            sunset_at="2027-09-01",
            brownouts=V1_BROWNOUTS,
            migration="/v2/docs/changes#v2",
        ),
        ApiVersion("v2", released_at="2026-03-01", changes=V2_CHANGES),
    ),
    default="v2",
)
