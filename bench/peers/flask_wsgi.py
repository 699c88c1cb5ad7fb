"""Flask + apig-wsgi."""

from __future__ import annotations

from apig_wsgi import make_lambda_handler
from flask import Flask

from bench.user import USER

app = Flask(__name__)


@app.get("/users/<user_id>")
def user(user_id: str) -> dict[str, str]:
    return {**USER, "id": user_id}


handler = make_lambda_handler(app)
