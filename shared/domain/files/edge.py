"""The read of one file from the event itself: clients ask again and again while a job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.files.answers import FileAnswers

if TYPE_CHECKING:
    from lanner.http.message import Request, Response

_ANSWERS = FileAnswers()


def read(request: Request) -> Response:
    """GET `/files/{id}`."""
    return _ANSWERS.read(request, request.path_params["id"])
