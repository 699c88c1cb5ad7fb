"""What takes requests: a route group whose POST accepts a job, behind a small HTTP server, in processes that die.

Each request becomes the event that API Gateway would make of it and goes to the group's own Lambda handler, through
the whole edge: `Idempotency-Key`, then the job under the key of the request's execution, with an effect of its own.
"""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import socket

import orjson

from domain.versions import REGISTRY
from lanner.group import RouteGroup
from lanner.http.message import Request, Response
from lanner.idempotency.execution import execution_of
from lanner.idempotency.policy import IdempotencyPolicy
from lanner.jobs.answers import accepted
from lanner.jobs.producer import Producer
from tests.builders import Context, rest_event
from tests.functions.gateway_events import Answer
from tests.jobs.effects import effect
from tests.jobs.torture.faults import lose_answers
from tests.jobs.torture.work import kind_of

PATH = "/v2/work"
LEASE_S = 1.5
"""Of a request whose front died: how long its client is told that it is in flight."""

GROUP = RouteGroup(
    "torture",
    registry=REGISTRY,
    versions=("v2",),
    paths={"/work": "POST", "/jobs/{id}": "GET"},
    edge={"POST /work": "tests.jobs.torture.front:create", "GET /jobs/{id}": "lanner.jobs.answers:read"},
    idempotency=IdempotencyPolicy(required=("/work",), lease_s=LEASE_S),
)
lambda_handler = GROUP.handler()


def create(request: Request) -> Response:
    """202 with the job; what the request itself writes is in the same transaction."""
    number = int(orjson.loads(request.body)["n"])
    execution = execution_of(request)
    assert execution is not None  # the group requires a key
    status = Producer(tenant=request.principal.id).enqueue(
        kind_of(number), {"n": number}, key=execution.job_key, with_items=[effect(f"asked {number}")]
    )
    return accepted(request, status)


class Handler(BaseHTTPRequestHandler):
    """HTTP on one side, Lambda's event and answer on the other."""

    def do_GET(self) -> None:
        self._answer(rest_event("GET", self.path, headers=dict(self.headers.items())))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(rest_event("POST", self.path, headers=dict(self.headers.items()), body=body.decode()))

    def _answer(self, event: dict[str, object]) -> None:
        answer = Answer(lambda_handler(event, Context()))
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except ConnectionError:
            return  # a client that did not wait

    def log_message(self, *arguments: object) -> None:
        """Nothing: the edge writes its own line."""


def serve(listener: socket) -> None:
    """Take requests from a listening socket that several processes share, one after the other."""
    lose_answers()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the lines of the edge
    server = HTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # a client that went away
    server.serve_forever()
