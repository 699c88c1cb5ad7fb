"""The worker of every kind of job. `MODULES` declare them; they are imported by the first message."""

from __future__ import annotations

from lanner.jobs.worker import Worker

MODULES: tuple[str, ...] = ("domain.mail.jobs", "domain.notifications.jobs", "domain.files.jobs", "domain.reports.jobs")

WORKER = Worker(modules=MODULES)
lambda_handler = WORKER.handler()
