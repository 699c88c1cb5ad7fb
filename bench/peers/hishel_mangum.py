"""hishel's ASGI middleware around FastAPI under Mangum, its entries in a dictionary: its fastest storage."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import FastAPI, Response
from hishel import AsyncBaseStorage, Entry
from hishel.asgi import ASGICacheMiddleware
from mangum import Mangum

from bench.peers.fastapi_async import User
from bench.user import USER

app = FastAPI()


@app.get("/users/{id}")
async def user(id: str, response: Response) -> User:  # noqa: A002 (the route's parameter)
    response.headers["cache-control"] = "public, max-age=3600"
    return User(**{**USER, "id": id})


class Dictionary(AsyncBaseStorage):
    """Entries in memory, their bodies read once."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, Entry] = {}
        self._bodies: dict[str, bytes] = {}

    async def create_entry(self, request: Any, response: Any, key: str, **_: Any) -> Entry:
        self._bodies[key] = b"".join([chunk async for chunk in response.stream])
        entry = Entry(id=uuid.uuid4(), request=request, response=response)
        self._entries[key] = entry
        response.stream = _chunks(self._bodies[key])
        return entry

    async def get_entries(self, key: str) -> list[Entry]:
        entry = self._entries.get(key)
        if entry is None:
            return []
        entry.response.stream = _chunks(self._bodies[key])
        return [entry]

    async def update_headers(self, id: uuid.UUID, headers: Any) -> None:  # noqa: A002 (hishel's name)
        return None

    async def remove_entry(self, id: uuid.UUID) -> None:  # noqa: A002 (hishel's name)
        return None


async def _chunks(body: bytes) -> Any:
    yield body


handler = Mangum(ASGICacheMiddleware(app, storage=Dictionary()), lifespan="off")
