"""A server on a real socket that does, to the byte, what a broken Pearl would do."""

from __future__ import annotations

import itertools
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

DRIP_SECONDS = 0.1


@dataclass
class Seen:
    """A request that the server read to its last byte."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Act:
    """What one connection gets; `server.read` notes the request."""

    play: Callable[[HostileServer, socket.socket], None]
    tls: ssl.SSLContext | None = None


@dataclass
class HostileServer:
    """Plays one act to every connection, each in a thread, and counts what it saw."""

    act: Act
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conn in self._open:
            with suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    @property
    def url(self) -> str:
        return f"{'https' if self.act.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def posts(self) -> int:
        return sum(seen.method == "POST" for seen in self.requests)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                conn, _ = self._listener.accept()
                self.connections += 1
                self._open.append(conn)
                thread = threading.Thread(target=self._serve, args=(conn,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, conn: socket.socket) -> None:
        with conn, suppress(OSError, EOFError):
            if self.act.tls is None:
                self.act.play(self, conn)
                return
            with self.act.tls.wrap_socket(conn, server_side=True) as secure:
                self._open.append(secure)
                self.act.play(self, secure)

    def read(self, conn: socket.socket) -> None:
        """Read one request whole; EOFError if it ends before that."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._some(conn)
        head, _, body = head.partition(b"\r\n\r\n")
        request_line, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        while len(body) < int(headers.get("content-length", 0)):
            body += self._some(conn)
        method, path, _ = request_line.split(" ")
        self.requests.append(Seen(method, path, headers, body))

    def _some(self, conn: socket.socket) -> bytes:
        data = conn.recv(65536)
        if not data:
            raise EOFError
        return data


def reset(conn: socket.socket) -> None:
    """Close with RST, as a crashing peer or a firewall does."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def http(
    status: int | str,
    body: bytes | dict | list | None = b"",
    *headers: str,
    kind: str = "application/json",
    length: int | None = None,
) -> bytes:
    """An answer to the letter; `length` may lie."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


# Acts


def answer(data: bytes, tls: ssl.SSLContext | None = None) -> Act:
    """Read the request, send this, close."""

    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        conn.sendall(data)

    return Act(play, tls)


def keep_open(data: bytes) -> Act:
    """The same for one request after another, on one connection."""

    def play(server: HostileServer, conn: socket.socket) -> None:
        while True:
            server.read(conn)
            conn.sendall(data)

    return Act(play)


def drip(
    at_once: bytes, slowly: bytes, tls: ssl.SSLContext | None = None, forever=False
) -> Act:
    """Read the request, then a byte now and then, as long as anybody listens."""

    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        conn.sendall(at_once)
        for byte in itertools.cycle(slowly) if forever else slowly:
            if server.stop.wait(DRIP_SECONDS):
                return
            conn.sendall(bytes([byte]))

    return Act(play, tls)


def flood(at_once: bytes, again: bytes) -> Act:
    """Read the request, then send without end."""

    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        conn.sendall(at_once)
        while not server.stop.is_set():
            conn.sendall(again)

    return Act(play)


def hang() -> Act:
    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        server.stop.wait(10)

    return Act(play)


def never_read() -> Act:
    """Accept and say nothing, not even to a TLS greeting."""

    def play(server: HostileServer, conn: socket.socket) -> None:
        server.stop.wait(10)

    return Act(play)


def reset_on_accept() -> Act:
    return Act(lambda server, conn: reset(conn))


def close_on_accept() -> Act:
    return Act(lambda server, conn: conn.close())


def reset_mid_request() -> Act:
    def play(server: HostileServer, conn: socket.socket) -> None:
        conn.recv(20)
        reset(conn)

    return Act(play)


def reset_after_read(tls: ssl.SSLContext | None = None) -> Act:
    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        reset(conn)

    return Act(play, tls)


def close_after_read(tls: ssl.SSLContext | None = None) -> Act:
    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        conn.close()

    return Act(play, tls)


# Places where nobody can be reached


@contextmanager
def refusing_port() -> Iterator[int]:
    """Bound but not listening: refused, and nobody else can take it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def deaf_port() -> Iterator[int]:
    """Listening with a full backlog: connecting takes for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            waiting.append(filler)
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in waiting:
                filler.close()
