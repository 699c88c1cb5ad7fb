"""The only place that makes boto3 clients: on first use, kept for each service, region and endpoint.

boto3 and botocore are imported by the first call, never by importing this module. Clients give up early (a request
waits for them) and use botocore's standard retries; endpoints and credentials come from the environment as in any
AWS SDK.
"""

from __future__ import annotations

import os
import threading
from typing import Any

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 5.0
TOTAL_ATTEMPTS = 3

_clients: dict[tuple[int, str, str | None, str | None], Any] = {}
_lock = threading.Lock()


def client(service: str, *, region: str | None = None, endpoint: str | None = None) -> Any:
    """The boto3 client of a service (`Any`: boto3 makes its classes at run time).

    `region` and `endpoint` default to what the environment says. A forked child makes clients of its own.
    """
    key = (os.getpid(), service, region, endpoint)
    found = _clients.get(key)
    return found if found is not None else _make(key)


def reset() -> None:
    """Forget every client: before a snapshot, after a restore, or when the environment changed."""
    with _lock:
        for made in _clients.values():
            made.close()
        _clients.clear()


def _make(key: tuple[int, str, str | None, str | None]) -> Any:
    import boto3
    from botocore.config import Config

    _, service, region, endpoint = key
    with _lock:
        if key not in _clients:
            # boto3's client() is typed by literal service names; which one this is, is the caller's to say.
            region = region or os.environ.get("AWS_REGION")  # botocore itself reads AWS_DEFAULT_REGION alone
            make: Any = boto3.session.Session(region_name=region).client
            _clients[key] = make(
                service,
                endpoint_url=endpoint,
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_S,
                    read_timeout=READ_TIMEOUT_S,
                    retries={"mode": "standard", "total_max_attempts": TOTAL_ATTEMPTS},
                ),
            )
        return _clients[key]
