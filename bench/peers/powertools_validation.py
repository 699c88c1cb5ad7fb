"""Powertools' REST resolver with validation."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from bench.user import USER

app = APIGatewayRestResolver(enable_validation=True)


@app.get("/users/<user_id>")
def user(user_id: str) -> dict[str, str]:
    return {**USER, "id": user_id}


def handler(event: Any, context: Any) -> Any:
    return app.resolve(event, context)
