"""Celery over SQS: acknowledged late, so that a job is done at least once; one process, ten messages fetched ahead."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from celery import Celery

from bench.peers.jobs import JOBS, WARM
from bench.peers.jobs.measured import Measured, boto_effect, queue_url


def main() -> None:
    keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    host = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
    app = Celery("bench", broker=f"sqs://{keys[0]}:{keys[1]}@{host}//")
    queue = {"url": queue_url(), "access_key_id": keys[0], "secret_access_key": keys[1]}
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=10,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "region": os.environ["AWS_REGION"],
            "is_secure": False,
            "wait_time_seconds": 1,
            "visibility_timeout": 600,
            "predefined_queues": {"celery": queue},
        },
    )
    act, done = boto_effect(), 0

    @app.task(name="bench.effect")
    def perform() -> None:
        nonlocal done
        if done == WARM:
            measured.start()
        if done == WARM + JOBS:  # one more was accepted: the last message that counts has been deleted by now
            measured.stop("perform")
            measured.write()
            os._exit(0)
        act()
        done += 1

    measured = Measured()
    measured.accept(perform.delay, more=1)
    app.Worker(
        pool="solo", concurrency=1, loglevel="ERROR", without_gossip=True, without_mingle=True, without_heartbeat=True
    ).start()


if __name__ == "__main__":
    main()
