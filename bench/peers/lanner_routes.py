"""The FastAPI routes behind our edge."""

from __future__ import annotations

from fastapi import APIRouter

from bench.user import ETAG, USER
from lanner.pipeline.asgi import EdgeResponse, LannerRoute, json_response

router = APIRouter(route_class=LannerRoute)


@router.get("/users/{id}")
def user(id: str) -> EdgeResponse:  # noqa: A002 (the route's parameter)
    return json_response({**USER, "id": id}, headers={"etag": ETAG})
