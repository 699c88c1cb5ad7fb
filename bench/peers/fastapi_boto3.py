"""FastAPI + Mangum + boto3: a read of one user from DynamoDB as it is mostly written, with an async route."""

from __future__ import annotations

import os

import boto3
from fastapi import FastAPI, HTTPException
from mangum import Mangum

from bench.peers.fastapi_async import User

app = FastAPI()
table = boto3.client("dynamodb")


@app.get("/users/{id}")
async def user(id: str) -> User:  # noqa: A002 (the route's parameter)
    key = {"pk": {"S": f"U#{id}"}}
    item = table.get_item(TableName=os.environ["LANNER_USERS_TABLE"], Key=key, ConsistentRead=True).get("Item")
    if item is None:
        raise HTTPException(404)
    return User(**{name: item[name]["S"] for name in User.model_fields})


handler = Mangum(app, lifespan="off")
