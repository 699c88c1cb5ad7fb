"""The engine's process: `python -m lanner.local.engine.server --port 0 --services dynamodb,sqs --persist DIR`.

States: listening (the port is bound and printed as `engine listening URL`; requests wait) -> ready (moto is loaded and,
with `--persist`, the last state restored; `engine ready URL`) -> ending (standard input ended, which is how a parent's
death is seen, or SIGTERM: the state is saved, then the process exits).

One thread applies one request at a time, because moto's transactions are not isolated between threads: the event loop
itself calls moto. Only waiting for messages (`ReceiveMessage` with a wait time) is done between requests, never inside
one. SIGINT is left to the parent, which ends us in its own order.

Failure modes: a port that is taken ends the process with status 2 and one line on stderr. A request that moto cannot
answer is a 500 with the error's name; the next request is served.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from lanner.local.engine.http import Connection, serve_socket

BACKLOG = 512
STDIN = 0


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input ends or SIGTERM arrives."""
    parser = argparse.ArgumentParser(prog="lanner engine", description="A moto server that applies requests in order")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--services", default="", help="moto backends to load before `ready`, comma-separated")
    parser.add_argument("--persist", type=Path, default=None, help="keep tables, objects and messages in this folder")
    options = parser.parse_args(arguments)
    try:
        listener = socket.create_server((options.host, options.port), backlog=BACKLOG)
    except OSError as error:
        print(f"engine cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr, flush=True)
        return 2
    listener.setblocking(False)
    url = f"http://{options.host}:{listener.getsockname()[1]}"
    print(f"engine listening {url}", flush=True)
    services = tuple(name for name in options.services.split(",") if name)
    asyncio.run(_serve(listener, url, services, options.persist))
    return 0


async def _serve(listener: socket.socket, url: str, services: tuple[str, ...], persist: Path | None) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(ended.set))
    else:
        loop.add_signal_handler(signal.SIGTERM, ended.set)
    threading.Thread(target=_watch_stdin, args=(loop, ended), daemon=True).start()

    from lanner.local.engine.application import Application  # moto takes 0.3 s to import: the port is bound before

    application = Application(url, services, remember_receipts=persist is not None)
    store = None
    if persist is not None:
        from lanner.local.engine.persist import Store

        store = Store(persist, application)
        store.restore()
    server = await serve_socket(listener, lambda: Connection(application))
    print(f"engine ready {url}", flush=True)
    await ended.wait()
    server.close()
    if store is not None:
        store.save()


def _watch_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """A thread that blocks on standard input: its end is the parent's end, however the parent died."""
    while os.read(STDIN, 4096):  # not sys.stdin: its lock, held by a daemon thread, is fatal to an interpreter's end
        pass
    loop.call_soon_threadsafe(ended.set)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # everything is saved: taking moto's 1,000 modules apart in order would take 0.4 s more
