"""The read of one report from the event itself: clients ask again and again while the job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.reports.answers import ReportAnswers

if TYPE_CHECKING:
    from lanner.http.message import Request, Response

_ANSWERS = ReportAnswers()


def read(request: Request) -> Response:
    """GET `/reports/{id}`."""
    return _ANSWERS.read(request, request.path_params["id"])
