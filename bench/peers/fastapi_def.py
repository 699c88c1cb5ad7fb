"""FastAPI + Mangum as it is mostly written: a `def` route, CORS and gzip middleware."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from mangum import Mangum

from bench.peers.fastapi_async import User
from bench.user import USER

app = FastAPI()
app.add_middleware(GZipMiddleware, minimum_size=1_000)
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.org"])


@app.get("/users/{id}")
def user(id: str) -> User:  # noqa: A002 (the route's parameter)
    return User(**{**USER, "id": id})


handler = Mangum(app, lifespan="off")
