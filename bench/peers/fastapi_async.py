"""Bare FastAPI + Mangum, an async route with a response model."""

from __future__ import annotations

from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel

from bench.user import USER


class User(BaseModel):
    id: str
    given_name: str
    family_name: str
    email: str
    locale: str
    created_at: str
    updated_at: str


app = FastAPI()


@app.get("/users/{id}")
async def user(id: str) -> User:  # noqa: A002 (the route's parameter)
    return User(**{**USER, "id": id})


handler = Mangum(app, lifespan="off")
