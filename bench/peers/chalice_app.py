"""Chalice."""

from __future__ import annotations

from chalice import Chalice

from bench.user import USER

app = Chalice(app_name="bench")


@app.route("/users/{id}")
def user(id: str) -> dict[str, str]:  # noqa: A002 (the route's parameter)
    return {**USER, "id": id}


handler = app
