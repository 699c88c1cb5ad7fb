"""Lists of users over HTTP: by signed cursor in v2, by bounded offset in v1 (`domain.users.listing` reads them).

Both are in the order of creation. A v2 cursor is bound to v2's list and to `created_after`; `limit` and `fields` may
change from page to page. `prev` and `next` are links; `next_cursor` is null on the last page, and that is the only sign
of it: a page may be shorter than `limit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from domain import ids, times
from domain.queries import check_known, selection, single
from domain.users import listing, store, v1, v2
from domain.users.fields import check_email
from lanner.http.message import Response
from lanner.http.pagination import Cursor, CursorCodec, offset, page_links, page_size
from lanner.http.problems import BadRequest, parameter
from lanner.settings import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.users.model import User
    from lanner.http.message import Request
    from lanner.http.pagination import Direction

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 1000
"""Skipping reads what it skips; from here on a cursor is the only honest way."""

KEYS_SETTING = "LANNER_CURSOR_KEYS"
V2_SCOPE = "v2/users"
V2_PARAMETERS = ("limit", "cursor", "email", "created_after", "fields")
V1_PARAMETERS = ("limit", "offset")
USE_CURSOR = "to read further use the cursor of GET /v2/users (next_cursor)"


def list_v2(request: Request) -> Response:
    """`{data, next_cursor}`. Raises `BadRequest` for parameters that are unknown or wrong."""
    check_known(request, *V2_PARAMETERS)
    limit = page_size(request.query_values("limit"), DEFAULT_LIMIT, MAX_LIMIT)
    selected = selection(request, v2.MEMBERS)
    email, created_after, text = (single(request, name) for name in ("email", "created_after", "cursor"))
    floor = ids.FIRST if created_after is None else _floor(created_after)
    filters = {"email": email, "created_after": None if created_after is None else floor}
    codec = _codec()
    cursor = None if text is None else codec.decode(text, scope=V2_SCOPE, filters=filters)
    links: dict[str, str] = {}
    if email is not None:
        users = _with_email(email, floor)
    else:
        page = _turn_to(cursor, limit, floor)
        users = page.users
        for direction, position in _neighbours(page, cursor):
            links[direction] = codec.encode([position], scope=V2_SCOPE, filters=filters, direction=direction)
    data = [v2.view(user) for user in users]
    if selected is not None:
        data = [{name: document[name] for name in selected} for document in data]
    return _page(
        {"data": data, "next_cursor": links.get("next")}, page_links(request.public_path, request.query, links)
    )


def _turn_to(cursor: Cursor | None, limit: int, floor: str) -> listing.Page:
    if cursor is None:
        return listing.forward(limit, floor=floor)
    turn = listing.forward if cursor.direction == "next" else listing.backward
    return turn(limit, cursor.position[0], floor)


def _neighbours(page: listing.Page, cursor: Cursor | None) -> Iterator[tuple[Direction, str]]:
    """Where the pages beside this one begin; beside an empty page, the place that led to it belongs to them."""
    here: str = ids.FIRST if cursor is None else cursor.position[0]
    if page.has_next:
        yield "next", page.users[-1].id if page.users else ids.before(here)
    if page.has_prev:
        yield "prev", page.users[0].id if page.users else ids.after(here)


def list_v1(request: Request) -> Response:
    """`{data, limit, offset}`. Raises `BadRequest` for parameters that are unknown or wrong."""
    check_known(request, *V1_PARAMETERS)
    limit = page_size(request.query_values("limit"), DEFAULT_LIMIT, MAX_LIMIT)
    skipped = offset(request.query_values("offset"), MAX_OFFSET, beyond=USE_CURSOR)
    after = listing.skip(skipped) if skipped else None
    if skipped and after is None:
        page = listing.Page([], True, False)
    else:
        page = listing.forward(limit, after)
    links: dict[str, str] = {}
    if page.has_next and skipped + limit <= MAX_OFFSET:
        links["next"] = str(skipped + limit)
    if skipped:
        links["prev"] = str(max(0, skipped - limit))
    document = {"data": [v1.view(user) for user in page.users], "limit": limit, "offset": skipped}
    return _page(document, page_links(request.public_path, request.query, links, name="offset"))


def _page(document: dict[str, Any], links: str) -> Response:  # Any: JSON values
    headers = {"content-type": "application/json", "link": links}
    return Response(200, headers, orjson.dumps(document))


def _with_email(email: str, floor: str) -> list[User]:
    try:
        check_email(email)
    except ValueError as error:
        raise BadRequest(f"The parameter email {error}", errors=[parameter("email", str(error))]) from None
    user = store.read_by_email(email)
    return [user] if user is not None and user.id >= floor else []


def _floor(created_after: str) -> str:
    """The smallest id of a user made after that moment."""
    try:
        milliseconds = times.parse_rfc3339(created_after)
    except ValueError as error:
        detail = f"is no RFC 3339 time: {error}"
        raise BadRequest(f"The parameter created_after {detail}", errors=[parameter("created_after", detail)]) from None
    return ids.first_of(min(max(milliseconds + 1, 0), times.MAX_MS))


def _codec() -> CursorCodec:
    return CursorCodec([key.strip().encode() for key in setting(KEYS_SETTING).split(",") if key.strip()])
