"""fastapi-cache2's decorator in memory, under Mangum."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend
from fastapi_cache.decorator import cache
from mangum import Mangum

from bench.peers.fastapi_async import User
from bench.user import USER

app = FastAPI()
FastAPICache.init(InMemoryBackend())


@app.get("/users/{id}")
@cache(expire=3600)
async def user(id: str) -> User:  # noqa: A002 (the route's parameter)
    return User(**{**USER, "id": id})


handler = Mangum(app, lifespan="off")
