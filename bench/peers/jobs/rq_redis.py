"""RQ over Redis, by its worker that forks for every job (the default), or by the one that does not (`simple`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from redis import Redis
from rq import Queue, SimpleWorker, Worker

from bench.peers.jobs import JOBS, WARM
from bench.peers.jobs.measured import Measured, boto_effect

_ACT: list[Callable[[], object]] = []


def perform() -> None:
    """The job: a client for the process, as the workers' own documents say."""
    if not _ACT:
        _ACT.append(boto_effect())
    _ACT[0]()


def main() -> None:
    redis = Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
    redis.flushall()
    queue, measured = Queue("bench", connection=redis), Measured()
    from bench.peers.jobs import rq_redis  # as it is imported by the worker, not as __main__

    rq_redis.perform()  # forks inherit the client
    measured.accept(lambda: queue.enqueue(rq_redis.perform, result_ttl=0))
    kind = SimpleWorker if sys.argv[2:] == ["simple"] else Worker
    worker = kind([queue], connection=redis)
    worker.work(burst=True, max_jobs=WARM, logging_level="ERROR")
    measured.start()
    kind([queue], connection=redis).work(burst=True, max_jobs=JOBS, logging_level="ERROR")
    measured.stop("perform")
    measured.write()


if __name__ == "__main__":
    main()
