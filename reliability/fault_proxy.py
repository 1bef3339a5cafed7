"""A proxy that does to connections what networks do, in front of Pearl or a database.

It runs in a thread of its own. Whole outages are switched by `go`; what befalls a
single exchange is decided by those who speak its protocol: `PearlProxy` here, and
`mysql_proxy` for the database.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

Address = tuple[str, int] | str  # host and port, or the path of a unix socket
T = TypeVar("T")

PIECE = 64 * 1024


class Outage(StrEnum):
    """What befalls every connection, those that are open too."""

    NONE = "none"
    REFUSED = "refused"  # nobody listens, and what was open is cut
    RESET = "reset"  # accepted, and cut at once
    SILENT = "silent"  # accepted, and never answered, not even once it is over
    FROZEN = "frozen"  # nothing passes; once it is over, all of it arrives


@dataclass(eq=False)
class Link:
    """One connection of a client, with the one to the upstream that is for it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: asyncio.StreamWriter | None = None
    is_dead: bool = False

    def cut(self) -> None:
        """Both ends see a reset."""
        for writer in (self.writer, self.upstream):
            if writer is not None:
                reset(writer)


class Cut(Exception):
    """The exchange ends here, by a reset of both sides."""


class Proxy(ABC):
    """Listens where nobody else does (`address`), and passes on to `upstream`."""

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.outage = Outage.NONE
        self.connections = 0
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._folder = tempfile.TemporaryDirectory(prefix="tt-proxy-")
        self.address: Address = str(Path(self._folder.name) / "s")
        if not isinstance(upstream, str):
            self.address = ("127.0.0.1", 0)

    def __enter__(self) -> Self:
        self._thread.start()
        self._in_loop(self._listen())
        return self

    def __exit__(self, *_exc: object) -> None:
        self._in_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._folder.cleanup()

    # What a test asks of it

    def go(self, outage: Outage) -> None:
        """From now on; NONE ends what there was."""
        self._in_loop(self._go(outage))

    def cut_all(self) -> None:
        self._in_loop(self._cut_all())

    # What each protocol does

    @abstractmethod
    async def converse(self, link: Link) -> None:
        """Serve one connection. Raises Cut, OSError or EOFError when it is to end."""

    async def connect(self, link: Link) -> asyncio.StreamReader:
        """To the upstream, for this link."""
        if isinstance(self.upstream, str):
            opened = asyncio.open_unix_connection(self.upstream, limit=PIECE)
        else:
            opened = asyncio.open_connection(*self.upstream, limit=PIECE)
        reader, link.upstream = await opened
        return reader

    async def may_pass(self, link: Link) -> None:
        """Returns once bytes of this link may go on; never for one that is dead."""
        await self._flows.wait()
        if link.is_dead:
            await asyncio.Event().wait()

    # The thread's own

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> None:
        if isinstance(self.address, str):
            self._server = await asyncio.start_unix_server(self._serve, self.address)
            return
        host, port = self.address
        self._server = await asyncio.start_server(
            self._serve, host, port, reuse_address=True
        )
        self.address = self._server.sockets[0].getsockname()[:2]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if isinstance(self.address, str):
            Path(self.address).unlink(missing_ok=True)

    async def _go(self, outage: Outage) -> None:
        self.outage = outage
        if outage == Outage.REFUSED:
            await self._stop_listening()
        elif self._server is None:
            await self._listen()
        if outage in (Outage.REFUSED, Outage.RESET):
            await self._cut_all()
        if outage == Outage.SILENT:
            for link in self._links:
                link.is_dead = True
        if outage == Outage.FROZEN:
            self._flows.clear()
        else:
            self._flows.set()

    async def _cut_all(self) -> None:
        for link in list(self._links):
            link.cut()

    async def _end(self) -> None:
        await self._stop_listening()
        await self._cut_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # what is closed is gone a turn of the loop later

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        link = Link(reader, writer, is_dead=self.outage == Outage.SILENT)
        if self.outage == Outage.RESET:
            link.cut()
            return
        self._links.add(link)
        try:
            await self.converse(link)
        except Cut:
            link.cut()
        except (OSError, EOFError):
            pass
        finally:
            self._links.discard(link)
            for one in (link.writer, link.upstream):
                if one is not None:
                    one.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST (a unix socket knows no such thing: it is closed at once)."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


# --- Pearl --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What befalls one request and its answer. Nothing, if nothing is said."""

    latency: float = 0.0  # seconds, each way
    #: So many bytes of the request arrive (negative: all but so many), then a reset.
    request_bytes: int | None = None
    #: So many bytes of the answer come back, then a reset, or an end if `closes`.
    reply_bytes: int | None = None
    closes: bool = False
    drip: float = 0.0  # seconds between the bytes of the answer
    #: The request arrives so many seconds later, whether or not the client waits.
    late: float = 0.0
    #: The request never arrives, or arrives and its answer does not come back; the
    #: client is left waiting.
    swallowed: bool = False
    unanswered: bool = False


@dataclass(kw_only=True)
class Seen:
    """One request as it came to the proxy. Moments are of `time.monotonic`."""

    method: str
    path: str
    body: bytes = field(repr=False)
    at: float
    status: int | None = None
    answered_at: float | None = None

    @property
    def is_dial(self) -> bool:
        return self.method == "POST" and self.path.endswith("/Call")

    @property
    def said(self) -> dict[str, Any]:
        """The JSON object of the body; empty if there is none."""
        with suppress(ValueError):
            document = json.loads(self.body)
            return document if isinstance(document, dict) else {}
        return {}

    @property
    def marker(self) -> str:
        return str(self.said.get("callData", {}).get("ttAttemptId", ""))


Choice = Callable[[Seen], Fault]


def no_fault(_seen: Seen) -> Fault:
    return Fault()


class PearlProxy(Proxy):
    """HTTP, one request a connection, as our client sends it."""

    def __init__(self, upstream: Address, *, choose: Choice = no_fault) -> None:
        super().__init__(upstream)
        self.choose = choose
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        assert not isinstance(self.address, str)
        return f"http://127.0.0.1:{self.address[1]}"

    def dials(self) -> list[Seen]:
        return [one for one in self.seen if one.is_dial]

    async def converse(self, link: Link) -> None:
        raw, seen = await _read_request(link.reader)
        self.seen.append(seen)
        await self.may_pass(link)
        fault = self.choose(seen)
        await asyncio.sleep(fault.latency + fault.late)
        if fault.swallowed:
            await link.reader.read()
            return
        answer = await self.connect(link)
        assert link.upstream is not None
        link.upstream.write(raw[: fault.request_bytes])
        await link.upstream.drain()
        if fault.request_bytes is not None:
            await asyncio.sleep(0.02)  # else the reset overtakes what was sent
            raise Cut
        await self._answer(link, answer, fault, seen)

    async def _answer(
        self, link: Link, answer: asyncio.StreamReader, fault: Fault, seen: Seen
    ) -> None:
        whole = await answer.read()  # HTTP/1.1 with "Connection: close"
        await self.may_pass(link)
        seen.status, seen.answered_at = _status(whole), time.monotonic()
        if fault.unanswered:
            await link.reader.read()
            return
        await asyncio.sleep(fault.latency)
        told = whole[: fault.reply_bytes]
        pieces = [told] if not fault.drip else [bytes([byte]) for byte in told]
        for piece in pieces:
            link.writer.write(piece)
            await link.writer.drain()
            await asyncio.sleep(fault.drip)
        if fault.reply_bytes is not None and not fault.closes:
            await asyncio.sleep(0.02)
            raise Cut


async def _read_request(reader: asyncio.StreamReader) -> tuple[bytes, Seen]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _version = lines[0].split(" ")
    pairs = (line.split(": ", 1) for line in lines[1:] if ": " in line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    at = time.monotonic()
    return head + body, Seen(method=method, path=path, body=body, at=at)


def _status(answer: bytes) -> int | None:
    words = answer[:64].split(b" ")
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def in_turn(faults: list[Fault]) -> Callable[[], Fault]:
    """The faults one after another, and from the beginning again."""
    again = itertools.cycle(faults)
    return lambda: next(again)
