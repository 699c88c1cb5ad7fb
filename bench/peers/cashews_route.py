"""cashews' decorator in memory around what the route reads, under Mangum."""

from __future__ import annotations

from cashews import cache
from fastapi import FastAPI
from mangum import Mangum

from bench.peers.fastapi_async import User
from bench.user import USER

app = FastAPI()
cache.setup("mem://")


@cache(ttl="1h", key="user:{id}")
async def load(id: str) -> dict[str, str]:  # noqa: A002 (the route's parameter)
    return {**USER, "id": id}


@app.get("/users/{id}")
async def user(id: str) -> User:  # noqa: A002 (the route's parameter)
    return User(**await load(id))


handler = Mangum(app, lifespan="off")
