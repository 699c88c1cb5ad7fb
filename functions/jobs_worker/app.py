"""The worker of every kind of job. `MODULES` declare them; they are imported by the first message."""

from __future__ import annotations

from lanner.jobs.worker import Worker

MODULES: tuple[str, ...] = ()

WORKER = Worker(modules=MODULES)
lambda_handler = WORKER.handler()
