"""`lanner.jobs`: the effect is in the transaction that makes the job succeeded."""

from __future__ import annotations

from bench.peers.jobs.measured import Measured, drain
from lanner.jobs.declaration import Registry
from lanner.jobs.producer import Producer
from lanner.jobs.worker import Worker
from tests.jobs.deliveries import event_of
from tests.jobs.effects import effect


def main() -> None:
    registry = Registry()
    registry.job("bench.effect")(lambda payload, context: context.finish_with([effect("bench")]))
    worker, producer, measured = Worker(registry=registry), Producer(tenant="bench"), Measured()
    measured.accept(lambda: producer.enqueue("bench.effect", {}))
    drain(measured, lambda messages: worker.handle(event_of(messages)))
    measured.write()


if __name__ == "__main__":
    main()
