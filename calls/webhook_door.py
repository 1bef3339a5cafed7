"""Takes Pearl's webhooks in, hundreds a second: ahead of Django and its middleware, and
those that come together in one transaction.

Nothing is answered before it is kept. Workers read what was kept; if none does, this
process does, while no webhook waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from calls import webhooks

logger = logging.getLogger(__name__)

PATH = "/webhooks/pearl/"
# What one transaction takes: MariaDB refuses packets of more than 16 MB.
BATCH = 200
BATCH_BYTES = 4 * 1024 * 1024
# What may wait for the database before Pearl is told to come again.
WAITING_BYTES = 64 * 1024 * 1024
# A worker has this long to read an event before this process does.
LEFT_FOR = timedelta(seconds=5)
QUIET_SECONDS = 1.0

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Site = Callable[[Scope, Receive, Send], Awaitable[None]]


class Door:
    """ASGI: webhooks are taken in here, everything else is the site's."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._desks: WeakKeyDictionary[Any, Desk] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_webhook = scope["type"] == "http" and scope["path"].startswith(PATH)
        if not is_webhook or scope["method"] != "POST":
            await self._site(scope, receive, send)
            return
        status = await self._status(scope, receive)
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _status(self, scope: Scope, receive: Receive) -> int:
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}

        def header(name: str) -> str | None:
            value = headers.get(name.lower())
            return None if value is None else value.decode("latin-1")

        token = scope["path"].removeprefix(PATH)
        if refused := webhooks.refusal(token, header):
            return refused
        body = await _body(receive, at_most=settings.WEBHOOK_MAX_BYTES)
        if body is None:
            return 413
        loop = asyncio.get_running_loop()
        desk = self._desks.setdefault(loop, Desk())
        return 200 if await desk.keep(body) else 503


async def _body(receive: Receive, *, at_most: int) -> bytes | None:
    """None: more than `at_most` bytes."""
    parts: list[bytes] = []
    more, size = True, 0
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > at_most:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


class Desk:
    """Keeps bodies in groups: while one is written, the next gathers."""

    def __init__(self) -> None:
        self._waiting: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._writes = ThreadPoolExecutor(1, "webhooks")
        self._reads = ThreadPoolExecutor(1, "webhooks-left")
        self._heard_at = monotonic()

    async def keep(self, body: bytes) -> bool:
        """Once it is committed. False: it was not, so Pearl has to come again."""
        if self._bytes > WAITING_BYTES:
            return False
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((body, kept))
        self._bytes += len(body)
        self._heard_at = monotonic()
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next_batch()
            bodies = [body for body, _kept in batch]
            try:
                done = await loop.run_in_executor(self._writes, _keep, bodies)
            except Exception:
                logger.exception("%s webhooks could not be kept", len(bodies))
                done = [False] * len(bodies)
            for (_body, kept), is_kept in zip(batch, done, strict=True):
                if not kept.done():
                    kept.set_result(is_kept)
        if self._reader is None or self._reader.done():
            self._reader = loop.create_task(self._read_what_is_left())

    def _next_batch(self) -> list[tuple[bytes, asyncio.Future[bool]]]:
        size = count = 0
        for body, _kept in self._waiting[:BATCH]:
            if count and size + len(body) > BATCH_BYTES:
                break
            size, count = size + len(body), count + 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._bytes -= size
        return batch

    async def _read_what_is_left(self) -> None:
        """Until nothing is left: workers read them first, and answers come before."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(LEFT_FOR.total_seconds())
        read = True
        while read:
            if monotonic() - self._heard_at < QUIET_SECONDS:
                await asyncio.sleep(QUIET_SECONDS)
                continue
            try:
                read = await loop.run_in_executor(self._reads, _read_one)
            except Exception:
                logger.exception("a worker has to read the webhooks")
                return


def _keep(bodies: list[bytes]) -> list[bool]:
    """The connection stays open: `keep_all` replaces one that was lost."""
    return webhooks.keep_all(bodies, now=timezone.now())


def _read_one() -> bool:
    now = timezone.now()
    try:
        return webhooks.process_kept(now=now, at_most=1, kept_for=LEFT_FOR) > 0
    finally:
        close_old_connections()
