"""Bringing the recording of a call here (pearl-api.md 5.6, reliability.md S20).

Its address comes from outside, so it is followed only to servers that are known; the
token goes to Pearl's own and nowhere else. What it is, its first bytes decide.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from typing import IO, NamedTuple
from urllib.parse import urljoin

import requests
from django.utils.http import is_same_domain
from django.utils.translation import gettext_lazy as _
from urllib3.exceptions import HTTPError

from .access import Bearer, is_loopback
from .transport import CLOCK, READ_SIZE, Deadline, one_session
from .verdicts import THROTTLED, PearlError, Throttled, retry_after

# Nothing that two parsers read as two hosts: no user, no backslash, no blank.
ADDRESS = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?([/?][!-\[\]-~]*)?",
    re.IGNORECASE,
)
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DENIED = frozenset({401, 403})
ABSENT = frozenset({404, 410})
PORTS = {"http": 80, "https": 443}
UNSAID_TYPES = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/ogg"}
)
FIRST_BYTES = 12
HEADERS = {
    "Accept": "audio/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "tuotempo-calls",
}
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class RecordingError(PearlError):
    lead = _("No se ha copiado la grabación")

    def __init__(self, code: str, *, status: int | None = None, host: str = "") -> None:
        super().__init__(code, status=status)
        self.host = host

    def _reason(self) -> str:
        if self.host:
            words = _(
                "está en %(host)s, que no se permite; si es de fiar, debe añadirse a "
                "RECORDING_HOSTS"
            )
            return str(words) % {"host": self.host[:100]}
        return super()._reason()


class RecordingRefused(RecordingError):
    """We do not take it, and would not tomorrow: ask no more."""


class RecordingUnavailable(RecordingError):
    """It is not there, or not for us: its address may be over. Ask for a fresh one."""


class RecordingFailed(RecordingError):
    """It did not come, or not whole. Ask again later."""


@dataclass(frozen=True, kw_only=True)
class Audio:
    content_type: str
    suffix: str
    size: int
    sha256: str


class Place(NamedTuple):
    """Where an address leads."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Place:
        """Raises RecordingRefused for what is no plain web address."""
        found = ADDRESS.fullmatch(url)
        if found is None:
            raise RecordingRefused("bad-address")
        scheme, host = found[1].lower(), found[2].lower()
        return cls(scheme, host, int(found[3] or PORTS[scheme]))


class Downloads:
    """`hosts`: the servers besides Pearl's; ".example.com" stands for all below it."""

    def __init__(
        self,
        base_url: str,
        auth: Bearer,
        *,
        hosts: Sequence[str],
        max_bytes: int,
        deadline: float = 45.0,
        connect_timeout: float = 3.0,
    ) -> None:
        self._pearl = Place.of(base_url)
        self._is_simulator = is_loopback(base_url)
        self._auth = auth
        self._hosts = hosts
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._connect_timeout = connect_timeout

    def asks_pearl(self, url: str) -> bool:
        """Whether it is one of the requests that Pearl's account allows."""
        return Place.of(url) == self._pearl

    def fetch(self, url: str, *, into: IO[bytes], goes_on: Callable[[], bool]) -> Audio:
        """Write the recording into a file. Raises RecordingError or Throttled.

        `goes_on` is asked as it comes: False ends it, as a failure.
        """
        ends_at = time.clock_gettime(CLOCK) + self._deadline
        for _redirect in range(MOST_REDIRECTS + 1):
            place = self._checked(url)
            left = max(0.001, ends_at - time.clock_gettime(CLOCK))
            found = self._exchange(url, place, into=into, seconds=left, goes_on=goes_on)
            if isinstance(found, Audio):
                return found
            url = found
        raise RecordingRefused("redirects")

    def _checked(self, url: str) -> Place:
        """Raises RecordingRefused for any place but those that are known."""
        place = Place.of(url)
        if place == self._pearl:
            return place
        if not any(is_same_domain(place.host, host) for host in self._hosts):
            raise RecordingRefused("host", host=place.host)
        is_here = self._is_simulator and is_loopback(f"http://{place.host}")
        if not is_here and (place.scheme, place.port) != ("https", 443):
            raise RecordingRefused("bad-address")
        return place

    def _may_reach(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        return _is_public(ip) or (self._is_simulator and ip.is_loopback)

    def _session(self, clock: Deadline) -> requests.Session:
        timeout = self._connect_timeout
        return one_session(clock, timeout, may_reach=self._may_reach)

    def _exchange(
        self,
        url: str,
        place: Place,
        *,
        into: IO[bytes],
        seconds: float,
        goes_on: Callable[[], bool],
    ) -> Audio | str:
        """One request: the recording, or where it is said to be instead."""
        failure: PearlError
        with Deadline(seconds) as clock:
            try:
                with self._session(clock) as session:
                    response = session.get(
                        url,
                        headers=HEADERS,
                        auth=self._auth if place == self._pearl else None,
                        allow_redirects=False,
                        stream=True,
                        # Longer: it is the deadline that ends it.
                        timeout=(self._connect_timeout, seconds + 1),
                    )
                    with response:
                        found = self._taken(response, url, into=into, goes_on=goes_on)
                if not clock.expired:
                    return found
            except PearlError as exc:
                failure = exc
            except (requests.RequestException, HTTPError, HTTPException, ValueError):
                failure = _lost(clock.stage)
            if clock.expired:  # our own cut may have passed for its end
                failure = RecordingFailed("deadline")
        # Raised out here so that no __context__ leads to the request and its headers.
        raise failure

    def _taken(
        self,
        response: requests.Response,
        url: str,
        *,
        into: IO[bytes],
        goes_on: Callable[[], bool],
    ) -> Audio | str:
        status = response.status_code
        if status in REDIRECTS:
            return urljoin(url, response.headers.get("Location", ""))
        if status == THROTTLED and self.asks_pearl(url):
            wait = response.headers.get("Retry-After")
            now = datetime.now(UTC)
            asked = retry_after(wait, now=now)
            raise Throttled("http-429", status=status, retry_after=asked)
        if status in DENIED:
            raise RecordingUnavailable("denied", status=status)
        if status in ABSENT:
            raise RecordingUnavailable("absent", status=status)
        if status != 200:
            raise RecordingFailed(f"http-{status}", status=status)
        return self._kept(response, into=into, goes_on=goes_on)

    def _kept(
        self,
        response: requests.Response,
        *,
        into: IO[bytes],
        goes_on: Callable[[], bool],
    ) -> Audio:
        _check_declared(response, max_bytes=self._max_bytes)
        first, size, digest = b"", 0, hashlib.sha256()
        for piece in response.iter_content(READ_SIZE):
            if not goes_on():
                raise RecordingFailed("closed")
            size += len(piece)
            if size > self._max_bytes:
                raise RecordingRefused("large")
            if len(first) < FIRST_BYTES:
                first = (first + piece)[:FIRST_BYTES]
                if len(first) == FIRST_BYTES:
                    _sniffed(first)
            digest.update(piece)
            into.write(piece)
        if not size:
            raise RecordingFailed("empty")
        content_type, suffix = _sniffed(first)
        return Audio(
            content_type=content_type,
            suffix=suffix,
            size=size,
            sha256=digest.hexdigest(),
        )


def _check_declared(response: requests.Response, *, max_bytes: int) -> None:
    declared = response.headers.get("Content-Type", "")
    kind = declared.partition(";")[0].strip().lower()
    if kind not in UNSAID_TYPES and not kind.startswith("audio/"):
        raise RecordingFailed("not-audio")
    raw = response.raw
    if (raw.length_remaining or 0) > max_bytes:
        raise RecordingRefused("large")
    if raw.length_remaining is None and not raw.chunked:
        raise RecordingFailed("cut")  # a cut could not be told from the end


def _lost(code: str) -> RecordingError:
    return RecordingRefused(code) if code == "private" else RecordingFailed(code)


def _is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner: ipaddress.IPv4Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    seen = inner or ip
    return seen.is_global and not seen.is_multicast


def _sniffed(first: bytes) -> tuple[str, str]:
    """What a player is told, and how the file ends. Raises RecordingFailed."""
    if first.startswith(b"OggS"):
        return "audio/ogg", ".ogg"
    if first.startswith(b"RIFF") and first[8:12] == b"WAVE":
        return "audio/wav", ".wav"
    if first.startswith(b"ID3") or _is_mp3_frame(first):
        return "audio/mpeg", ".mp3"
    raise RecordingFailed("not-audio")


def _is_mp3_frame(first: bytes) -> bool:
    """The header of a frame of layer III, with a bitrate and a rate that exist."""
    if len(first) < 3 or first[0] != 0xFF or first[1] & 0xE6 != 0xE2:
        return False
    is_version = first[1] & 0x18 != 0x08
    return is_version and first[2] >> 4 not in (0, 15) and first[2] & 0x0C != 0x0C
