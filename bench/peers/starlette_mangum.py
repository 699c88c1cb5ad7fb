"""Starlette + Mangum."""

from __future__ import annotations

from mangum import Mangum
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.user import USER


async def user(request: Request) -> JSONResponse:
    return JSONResponse({**USER, "id": request.path_params["id"]})


handler = Mangum(Starlette(routes=[Route("/users/{id}", user)]), lifespan="off")
