"""The current ETag of a user, from its revision alone: what lets the edge answer 304 without the framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import ids
from domain.queries import check_known, selection
from domain.users import store
from domain.users.etags import V2_MEMBERS, etag
from lanner.http.problems import BadRequest

if TYPE_CHECKING:
    from lanner.http.message import Request


def current_etag(request: Request) -> str | None:
    """The strong ETag of the representation that a GET of `/users/{id}` would give now.

    None for everything that the application answers with an error. Raises `Unavailable` when the storage is down.
    """
    user_id = ids.read(request.path_params["id"])
    if user_id is None or request.version is None:
        return None
    version = request.version.name
    selected: list[str] | None = None
    if request.has_query:
        try:
            if version == "v1":
                check_known(request)
            else:
                check_known(request, "fields")
                selected = selection(request, V2_MEMBERS)
        except BadRequest:
            return None
    revision = store.read_revision(user_id)
    return None if revision is None else etag(version, revision, V2_MEMBERS, selected)
