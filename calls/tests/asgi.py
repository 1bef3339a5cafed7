"""The site under ASGI, as in production: the live server of Django's tests is WSGI."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from tuotempo.asgi import application


@dataclass(frozen=True)
class AsgiServer:
    url: str


@contextmanager
def asgi_server() -> Iterator[AsgiServer]:
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="asgi")
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "uvicorn did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield AsgiServer(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()
