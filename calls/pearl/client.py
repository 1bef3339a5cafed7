"""Pearl's HTTP interface, one method per question. It sends once and never repeats.

No retries, no pacing, no log: those who call decide by the error they catch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from . import codes
from .access import Bearer, checked_url, is_loopback
from .campaigns import (
    Account,
    OngoingCalls,
    Outbound,
    OutboundSettings,
    Pearl,
    read_account,
    read_ongoing_calls,
    read_outbound,
    read_outbound_settings,
    read_pearl,
)
from .ids import CallId, RequestId, is_id
from .reading import as_object
from .recordings import Downloads
from .reports import (
    CallReport,
    CallRequestReport,
    Page,
    read_call,
    read_call_request,
)
from .transport import Answer, Lost, Unsent, converse
from .verdicts import (
    AccessDenied,
    CallNotSent,
    CallRefused,
    CallUncertain,
    NoAnswer,
    PlacedCall,
    checked_id,
    needed,
    placed_call,
    same,
    usable,
)

PHONE = re.compile(r"\+[1-9][0-9]{6,14}")

MAX_BYTES = 8 * 1024 * 1024

BULK_FIELDS = (
    "Summary",
    "Transcript",
    "Recording",
    "CollectedInfo",
    "Tags",
    "OverallSentiment",
    "IsCallTransferred",
    "LeadId",
    "CreditDebited",
)

T = TypeVar("T")


class PearlClient:
    """Talks to Pearl. Threads may share one; after `close` it sends nothing more."""

    def __init__(
        self,
        *,
        base_url: str,
        account_id: str,
        secret_key: str,
        connect_timeout: float = 3.0,
        call_deadline: float = 25.0,
        read_deadline: float = 15.0,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._base_url = checked_url(base_url)
        self._auth = Bearer(account_id, secret_key)
        self._connect_timeout = connect_timeout
        self._call_deadline = call_deadline
        self._read_deadline = read_deadline
        self._max_bytes = max_bytes
        self._is_closed = False

    @classmethod
    def from_settings(cls) -> Self:
        from django.conf import settings

        return cls(
            base_url=settings.PEARL_API_URL,
            account_id=settings.PEARL_ACCOUNT_ID,
            secret_key=settings.PEARL_SECRET_KEY,
        )

    def __repr__(self) -> str:
        return f"<PearlClient {self._base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Refuse to send from now on; what is under way ends by itself."""
        self._is_closed = True

    @property
    def is_simulator(self) -> bool:
        """Pearl is on this very machine, so no real phone can ring."""
        return is_loopback(self._base_url)

    # Dialing

    def make_call(
        self,
        outbound_id: str,
        *,
        to: str,
        data: Mapping[str, str],
        deadline: float | None = None,
        since: float | None = None,
    ) -> PlacedCall:
        """Ask Pearl to dial `to` (E.164); the id is of the *request*, not of the call.

        `deadline`: seconds for the whole exchange, instead of the client's own; they
        count from `since`, a reading of `seconds_awake`, or from now.
        Raises CallNotSent, CallRefused, AccessDenied, Throttled or CallUncertain.
        Source: POST /v1/Outbound/{outboundId}/Call, pearl-api.md 4.2.
        """
        if not is_id(outbound_id):
            raise AccessDenied("bad-outbound")
        if not PHONE.fullmatch(to):
            raise CallRefused("bad-number")
        if not all(isinstance(text, str) for pair in data.items() for text in pair):
            raise CallRefused("bad-data")
        failure: CallNotSent | CallUncertain
        try:
            answer = self._send(
                "POST",
                f"/v1/Outbound/{outbound_id}/Call",
                {"to": to, "callData": dict(data)},
                deadline=deadline or self._call_deadline,
                since=since,
            )
        except Unsent as exc:
            failure = CallNotSent(exc.code)
        except Lost as exc:
            failure = CallUncertain(exc.code)
        else:
            return placed_call(answer, now=datetime.now(UTC))
        raise failure

    # Version 1

    def account(self) -> Account:
        """Source: GET /v1/Account, pearl-api.md 3.1."""
        return needed(read_account(self._object("GET", "/v1/Account", has_id=False)))

    def outbounds(self) -> list[Outbound]:
        """Source: GET /v1/Outbound, pearl-api.md 4.1."""
        return self._list("/v1/Outbound", read_outbound)

    def outbound(self, outbound_id: str) -> Outbound:
        """Source: GET /v1/Outbound/{outboundId}, pearl-api.md 4.1."""
        source = self._object("GET", f"/v1/Outbound/{checked_id(outbound_id)}")
        return same(read_outbound(source), outbound_id, lambda one: one.id)

    def set_outbound_active(self, outbound_id: str, active: bool) -> int | None:
        """Run or pause an outbound; returns its new status (2.5), None if not told.

        After NoAnswer it may have happened: read the outbound.
        Source: POST /v1/Outbound/{outboundId}/Active, pearl-api.md 4.1.
        """
        path = f"/v1/Outbound/{checked_id(outbound_id)}/Active"
        answer = self._read("POST", path, {"isActive": active})
        return codes.ACTIVITY_STATUS.read(answer)

    def call_request(self, request_id: RequestId) -> CallRequestReport:
        """Source: GET /v1/Outbound/CallRequest/{requestId}, pearl-api.md 4.3."""
        if not isinstance(request_id, RequestId):
            raise TypeError("a RequestId is needed")
        source = self._object("GET", f"/v1/Outbound/CallRequest/{request_id}")
        report = read_call_request(source)
        return same(report, str(request_id), lambda one: str(one.request_id))

    def search_call_requests(
        self,
        outbound_id: str,
        *,
        since: datetime,
        until: datetime,
        skip: int = 0,
        limit: int = 100,
    ) -> Page[CallRequestReport]:
        """Requests created between two moments, oldest first; they carry no number.

        Source: POST /v1/Outbound/{outboundId}/CallRequest, pearl-api.md 4.3.
        """
        return self._page(
            f"/v1/Outbound/{checked_id(outbound_id)}/CallRequest",
            _search(since, until, skip=skip, limit=limit, by="created"),
            read_call_request,
        )

    def search_calls(
        self,
        outbound_id: str,
        *,
        since: datetime,
        until: datetime,
        skip: int = 0,
        limit: int = 100,
    ) -> Page[CallReport]:
        """Calls between two moments, oldest first, without what was said in them.

        Source: POST /v1/Outbound/{outboundId}/Calls, pearl-api.md 4.4.
        """
        return self._page(
            f"/v1/Outbound/{checked_id(outbound_id)}/Calls",
            _search(since, until, skip=skip, limit=limit, by="startTime"),
            read_call,
        )

    def call(self, call_id: CallId) -> CallReport:
        """Source: GET /v1/Call/{callId}, pearl-api.md 5.1."""
        if not isinstance(call_id, CallId):
            raise TypeError("a CallId is needed")
        source = self._object("GET", f"/v1/Call/{call_id}")
        return same(read_call(source), str(call_id), lambda one: str(one.call_id))

    # Version 2

    def pearls(self) -> list[Pearl]:
        """Source: GET /v2/Pearl, pearl-api.md 6.1."""
        return self._list("/v2/Pearl", read_pearl)

    def pearl(self, pearl_id: str) -> Pearl:
        """Source: GET /v2/Pearl/{pearlId}, pearl-api.md 6.2."""
        source = self._object("GET", f"/v2/Pearl/{checked_id(pearl_id)}")
        return same(read_pearl(source), pearl_id, lambda one: one.id)

    def ongoing_calls(self, pearl_id: str) -> OngoingCalls:
        """Source: GET /v2/Pearl/{pearlId}/OngoingCalls, pearl-api.md 6.4."""
        path = f"/v2/Pearl/{checked_id(pearl_id)}/OngoingCalls"
        return needed(read_ongoing_calls(self._object("GET", path)))

    def bulk_calls(
        self,
        pearl_id: str,
        *,
        since: datetime,
        until: datetime,
        skip: int = 0,
        limit: int = 100,
        fields: Sequence[str] = BULK_FIELDS,
    ) -> Page[CallReport]:
        """Calls between two moments, oldest first, with the `fields` asked for.

        NoAnswer with code "too-big": ask for fewer at a time.
        Source: POST /v2/Pearl/{pearlId}/Calls/Bulk, pearl-api.md 6.5.
        """
        search = _search(since, until, skip=skip, limit=limit, by="startTime")
        return self._page(
            f"/v2/Pearl/{checked_id(pearl_id)}/Calls/Bulk",
            {**search, "fields": list(fields)},
            read_call,
        )

    def outbound_settings(self, pearl_id: str) -> OutboundSettings:
        """Pearl's own dialing rules; None in a field means unknown, not unlimited.

        Source: GET /v2/Pearl/{pearlId}/Settings, pearl-api.md 6.6.
        """
        path = f"/v2/Pearl/{checked_id(pearl_id)}/Settings"
        return read_outbound_settings(self._object("GET", path))

    def downloads(self, *, hosts: Sequence[str], max_bytes: int) -> Downloads:
        """Of recordings. Source: GET /v2/Recording/…, pearl-api.md 5.6."""
        return Downloads(self._base_url, self._auth, hosts=hosts, max_bytes=max_bytes)

    # Sending

    def _object(
        self, method: str, path: str, *, has_id: bool = True
    ) -> Mapping[str, Any]:
        document = self._read(method, path, has_id=has_id)
        if not isinstance(document, dict):
            raise NoAnswer("unlike")
        return document

    def _list(
        self, path: str, read: Callable[[Mapping[str, Any]], T | None]
    ) -> list[T]:
        document = self._read("GET", path, has_id=False)
        if not isinstance(document, list):
            raise NoAnswer("unlike")
        found = (read(as_object(item)) for item in document)
        return [one for one in found if one is not None]

    def _page(
        self,
        path: str,
        search: dict[str, Any],
        item: Callable[[Mapping[str, Any]], T | None],
    ) -> Page[T]:
        document = self._read("POST", path, search)
        page = Page.read(document, item, skip=search["skip"], limit=search["limit"])
        if page is None:
            raise NoAnswer("not-page")
        return page

    def _read(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        has_id: bool = True,
    ) -> object:
        """Anything but a dial: whatever goes wrong, asking again harms nobody."""
        try:
            answer = self._send(method, path, body, deadline=self._read_deadline)
        except (Unsent, Lost) as exc:
            failure = NoAnswer(exc.code)
        else:
            return usable(answer, has_id=has_id, now=datetime.now(UTC))
        raise failure

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        deadline: float,
        since: float | None = None,
    ) -> Answer:
        if self._is_closed:
            raise Unsent("closed")
        return converse(
            method,
            self._base_url + path,
            auth=self._auth,
            body=None if body is None else json.dumps(body).encode(),
            connect_timeout=self._connect_timeout,
            deadline=deadline,
            since=since,
            max_bytes=self._max_bytes,
        )


def _search(
    since: datetime, until: datetime, *, skip: int, limit: int, by: str
) -> dict[str, Any]:
    """The body of a search: Pearl's defaults are undocumented, so none is relied on."""
    return {
        "fromDate": _utc(since),
        # Rounded up: a call in the last millisecond belongs to the window.
        "toDate": _utc(until + timedelta(microseconds=999)),
        "skip": skip,
        "limit": limit,
        "sortProp": by,
        # Oldest first: what begins while we page is appended, so nothing moves.
        "isAscending": True,
    }


def _utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a datetime without time zone would be searched hours off")
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
