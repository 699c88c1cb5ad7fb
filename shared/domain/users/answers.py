"""Users over HTTP: requests in, answers out, the same for every version but for what a `Version` says.

Conditions (RFC 9110 section 13.2.1) are judged after everything else that would refuse the request, and again in each
attempt of a write: a 404 or 422 wins over a 412.

`Location` of a new user is the path that the client used with the id behind it, so that it leads to the same version
however that was chosen: `/v2/users/<id>` by path, `/users/<id>` by header or media type (which the client will send
again), `/users/<id>?version=2` by query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import orjson

from domain.bodies import read_document, read_patch
from domain.merge_patch import merge_patch
from domain.queries import VERSION, check_known, selection
from domain.users.etags import etag
from domain.users.store import Overtaken
from lanner.http.conditional import evaluate
from lanner.http.message import Request, Response
from lanner.http.problems import PreconditionFailed, Unprocessable, member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.users.model import Content, User
    from domain.users.service import Users
    from lanner.idempotency.execution import Execution
    from lanner.idempotency.store import TransactItem

REQUIRED_MEMBERS = ("id", "created_at")
"""Read-only members that a merge patch may repeat and must not remove."""


class Version(Protocol):
    """How one version shows and takes users: the modules `domain.users.v1` and `domain.users.v2`."""

    NAME: str
    MEMBERS: tuple[str, ...]

    def view(self, user: User) -> dict[str, Any]: ...  # Any: JSON values

    def created(self, document: Mapping[str, Any]) -> Content: ...

    def replaced(self, document: Mapping[str, Any], stored: User) -> Content: ...


class UserAnswers:
    """The operations on single users, as one version has them. `selectable`: whether `fields` chooses members."""

    def __init__(self, version: Version, users: Users, *, selectable: bool) -> None:
        self._version = version
        self._users = users
        self._parameters = ("fields",) if selectable else ()

    def read(self, request: Request, user_id: str) -> Response:
        """GET: 200, or 404."""
        selected = self.selected(request)
        user = self._users.read(user_id)
        return self._answer(user, 200, {}, selected)

    def create(self, request: Request) -> Response:
        """POST: 201 with Location, 409 when the address is taken. A key's answer is stored together with the user."""
        check_known(request)
        content = self._version.created(read_document(request))
        execution: Execution | None = request.state.get("idempotency")

        def along(user: User) -> Sequence[TransactItem]:
            return () if execution is None else execution.completion(self._created(request, user))

        try:
            user = self._users.create(content, along)
        except Overtaken:
            from lanner.idempotency.problems import in_flight

            raise in_flight() from None
        if execution is not None:
            execution.committed()
        return self._created(request, user)

    def replace(self, request: Request, user_id: str) -> Response:
        """PUT: 200; 404, 409, 412, 422."""
        check_known(request)
        document = read_document(request)
        user = self._users.change(
            user_id,
            lambda stored: self._version.replaced(document, stored),
            lambda stored: self._check(request, stored),
        )
        return self._answer(user, 200)

    def patch(self, request: Request, user_id: str) -> Response:
        """PATCH with a JSON Merge Patch: the same as a PUT of the merged document."""
        check_known(request)
        patch = read_patch(request)
        self._check_patch(patch)
        user = self._users.change(
            user_id,
            lambda stored: self._version.replaced(merge_patch(self._version.view(stored), patch), stored),
            lambda stored: self._check(request, stored),
        )
        return self._answer(user, 200)

    def delete(self, request: Request, user_id: str) -> Response:
        """DELETE: 204, then 404."""
        check_known(request)
        self._users.delete(user_id, lambda stored: self._check(request, stored))
        return Response(204)

    def selected(self, request: Request) -> list[str] | None:
        """The members asked for; None for all. Raises `BadRequest`, for unknown parameters too."""
        if not request.has_query:
            return None
        check_known(request, *self._parameters)
        return selection(request, self._version.MEMBERS) if self._parameters else None

    def _check(self, request: Request, stored: User) -> None:
        tag = etag(self._version.NAME, stored.revision)
        if evaluate(request.method, request.headers, tag) == 412:
            raise PreconditionFailed("The user is not in the state that the request's conditions name: read it again")

    def _check_patch(self, patch: Mapping[str, Any]) -> None:
        """What merging would hide: removing what is not there, or what is read-only."""
        errors = [
            member((name,), f"is unknown here; known are {', '.join(self._version.MEMBERS)}")
            for name in patch
            if name not in self._version.MEMBERS
        ]
        errors += [
            member((name,), "is read-only and cannot be removed")
            for name in REQUIRED_MEMBERS
            if name in patch and patch[name] is None
        ]
        if errors:
            raise Unprocessable(f"{errors[0]['pointer']} {errors[0]['detail']}", errors=errors)

    def _created(self, request: Request, user: User) -> Response:
        return self._answer(user, 201, {"location": _location(request, user.id)})

    def _answer(
        self, user: User, status: int, headers: dict[str, str] | None = None, selected: Sequence[str] | None = None
    ) -> Response:
        document = self._version.view(user)
        tag = etag(self._version.NAME, user.revision, self._version.MEMBERS, selected)
        if selected is not None:
            document = {name: document[name] for name in selected}
        return Response(
            status, {"content-type": "application/json", "etag": tag, **(headers or {})}, orjson.dumps(document)
        )


def _location(request: Request, user_id: str) -> str:
    location = f"{request.public_path.rstrip('/')}/{user_id}"
    if request.version_by == "query" and request.version is not None:
        location += f"?{VERSION}={request.version.name.removeprefix('v')}"
    return location
