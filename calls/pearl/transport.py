"""Carry one request to Pearl, once, and say whether any of it can have arrived.

Every exchange has a connection of its own and one deadline over everything in it:
name lookup, connection, TLS, sending, headers and body, however slowly they drip.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from .access import Bearer

READ_SIZE = 64 * 1024

# Counts the time a machine spends asleep, which CLOCK_MONOTONIC does not: a call
# must not go out when the lid is opened again.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds_awake() -> float:
    return time.clock_gettime(CLOCK)


Address = tuple[Any, ...]  # an entry of getaddrinfo
MayReach = Callable[[str], bool]  # of an IP address


def anywhere(_address: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, whole as far as its own framing tells."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None
    #: False: neither a length nor chunks, so a cut cannot be told from an end.
    has_declared_end: bool


class Unsent(Exception):
    """Not a byte of the request left; `code` says how far it got."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Lost(Exception):
    """The request left, in part at least, and no whole answer came back."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TooBig(Exception):
    """The answer is longer than we accept."""


class Deadline:
    """A limit over one whole exchange, kept by a thread that cuts the connection.

    `since`: when it began to count, by `seconds_awake`; now, if not given.
    """

    def __init__(self, seconds: float, *, since: float | None = None) -> None:
        now = seconds_awake()
        self._ends_at = (now if since is None else since) + seconds
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(self._ends_at - now, self._expire)
        self._timer.daemon = True
        self.expired = False
        #: Where a failure happened, as the reason it is told by.
        self.stage = "connect"
        #: The only evidence of "nothing was sent": set before the first byte leaves.
        self.sent = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def left(self, *, at_most: float) -> float:
        """Seconds a step may take; TimeoutError when there are none."""
        left = self._ends_at - seconds_awake()
        self.expired = self.expired or left <= 0
        if self.expired or at_most <= 0:
            raise TimeoutError
        return min(left, at_most)

    def guard(self, sock: socket.socket) -> None:
        """Cut this connection when time is up."""
        with self._lock:
            # A duplicate stays valid while TLS takes the socket over, and its
            # number cannot come to mean another connection.
            self._handle = sock.dup()
            if self.expired:
                raise TimeoutError

    def before_bytes_leave(self) -> None:
        """From here on a phone may ring. Too late already: TimeoutError. Asked before
        each piece: who froze in the middle of a request must not complete it."""
        self.left(at_most=1)
        self.sent = True

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._handle is not None:
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)


def converse(
    method: str,
    url: str,
    *,
    auth: Bearer,
    body: bytes | None,
    connect_timeout: float,
    deadline: float,
    since: float | None = None,
    max_bytes: int,
) -> Answer:
    """One request, at most once. Raises Unsent or Lost, never anything of requests'."""
    with Deadline(deadline, since=since) as clock:
        try:
            with one_session(clock, connect_timeout) as session:
                answer = _answer(
                    session.request(
                        method,
                        url,
                        data=body,
                        headers=_headers(body),
                        auth=auth,
                        allow_redirects=False,
                        stream=True,
                        timeout=(connect_timeout, deadline),
                    ),
                    max_bytes=max_bytes,
                )
            if not clock.expired:  # else our own cut may have passed for its end
                return answer
            code = "deadline"
        except TooBig:
            code = "too-big"
        # Whatever went wrong, only `sent` may decide what it means: the libraries
        # raise the same types before and after the request has left.
        except Exception:
            code = "deadline" if clock.expired else clock.stage
    # Raised out here so that no __context__ leads to the request and its headers.
    raise Lost(code) if clock.sent else Unsent(code)


def _headers(body: bytes | None) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Connection": "close",
        "User-Agent": "tuotempo-calls",
    }
    if body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
    return headers


def _answer(response: requests.Response, *, max_bytes: int) -> Answer:
    raw = response.raw
    has_declared_end = raw.length_remaining is not None or raw.chunked
    body = bytearray()
    with response:
        for piece in raw.stream(READ_SIZE, decode_content=True):
            body += piece
            if len(body) > max_bytes:
                raise TooBig
    return Answer(
        status=response.status_code,
        body=bytes(body),
        retry_after=response.headers.get("Retry-After"),
        has_declared_end=has_declared_end,
    )


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: requests would read a redirect's whole body to prepare the next."""
        return None


def one_session(
    clock: Deadline, connect_timeout: float, *, may_reach: MayReach = anywhere
) -> requests.Session:
    """A session for one exchange: no proxy, no .netrc, no cookie, no older socket.

    `may_reach` is asked about each address that the name has, before any is used.
    """
    session = _Session()
    session.trust_env = False
    session.verify = True
    session.mount("https://", _Adapter(clock, connect_timeout, may_reach))
    session.mount("http://", _Adapter(clock, connect_timeout, may_reach))
    return session


class _Adapter(HTTPAdapter):
    def __init__(
        self, clock: Deadline, connect_timeout: float, may_reach: MayReach
    ) -> None:
        self._clock = clock
        self._connect_timeout = connect_timeout
        self._may_reach = may_reach
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = _GuardedTLS if pool.scheme == "https" else _Guarded
        pool.ConnectionCls = partial(
            kind, self._clock, self._connect_timeout, self._may_reach
        )
        return pool


class _Guarded(HTTPConnection):
    """A connection that knows its deadline and notes when the first byte leaves."""

    def __init__(
        self,
        clock: Deadline,
        connect_timeout: float,
        may_reach: MayReach,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self._clock = clock
        self._connect_timeout = connect_timeout
        self._may_reach = may_reach
        super().__init__(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        ends_at = seconds_awake() + self._connect_timeout
        clock = self._clock
        found = _addresses(self._dns_host, self.port, clock=clock, ends_at=ends_at)
        if not all(self._may_reach(str(address[4][0])) for address in found):
            clock.stage = "private"
            raise OSError("not there")
        sock = _connected(found, clock=clock, ends_at=ends_at)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clock.guard(sock)
            # Bounds the TLS handshake; afterwards urllib3 sets its own read timeout.
            sock.settimeout(self._clock.left(at_most=self._connect_timeout))
        except BaseException:
            sock.close()
            raise
        self._clock.stage = "tls"
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        # Holds whatever redirects or retries a later hand may switch on.
        if self._clock.sent:
            raise RuntimeError("one exchange is one request")
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None:  # plain HTTP connects only now
            self.connect()
        self._clock.before_bytes_leave()
        self._clock.stage = "cut"
        super().send(data)


class _GuardedTLS(_Guarded, HTTPSConnection):
    """The same, over TLS."""


def _addresses(
    host: str, port: int, *, clock: Deadline, ends_at: float
) -> list[Address]:
    """Look the name up in a thread: getaddrinfo knows no timeout and can take long."""
    clock.stage = "dns"
    found: queue.SimpleQueue[list[Address] | None] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError):
            found.put(None)

    threading.Thread(target=look_up, daemon=True).start()
    with suppress(queue.Empty):
        addresses = found.get(timeout=clock.left(at_most=_until(ends_at)))
        if addresses:
            return addresses
    raise OSError("no address")


def _connected(
    addresses: list[Address], *, clock: Deadline, ends_at: float
) -> socket.socket:
    """The first address that answers; all of them share one connect timeout."""
    clock.stage = "connect"
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(clock.left(at_most=_until(ends_at)))
            sock.connect(address)
        except OSError:  # TimeoutError among them
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise OSError("no address answers")


def _until(moment: float) -> float:
    return moment - seconds_awake()
