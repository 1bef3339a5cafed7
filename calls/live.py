"""Server-sent events: which parts of the screens have changed, and nothing else. The
HTML comes from each part's own address, so an event holds nobody's data.

One look at the database serves every viewer of this process; nobody looks while nobody
views. A viewer that was away asks for what came after its `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db import Error, connections
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils import timezone

from calls import board, counts
from calls.call_manager import DEAD_AFTER
from calls.models import CallAttempt, Campaign, ControlEvent, PearlAccount, Worker
from calls.states import HELD
from calls.viewers import Rights, viewers
from leads.models import BulkChange, LeadEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

logger = logging.getLogger(__name__)

BOARD, LEADS, BEAT = "board", "leads", "beat"
PARTS = frozenset({BOARD, LEADS})
# Changes that a viewer who comes back can still be told; then it is told everything.
KEPT = 500
BEAT_SECONDS = 15.0
RETRY_MS = 2000
# Then the browser comes again, and its session and permission are asked anew.
STREAM_SECONDS = 600.0


class Pulse(NamedTuple):
    """What, of a campaign, must differ once one of its parts has changed."""

    calls: tuple[Any, ...]
    leads: tuple[Any, ...]
    control: tuple[Any, ...]

    def parts_since(self, before: Pulse) -> frozenset[str]:
        if (self.calls, self.leads) != (before.calls, before.leads):
            return PARTS
        return frozenset({BOARD}) if self != before else frozenset()


def look() -> dict[int, Pulse]:
    """The pulse of every campaign, in one query that reads a few rows of each index.

    No clock is compared: each claim raises the last attempt's id, and what follows it
    changes how many attempts stand in each state.
    """
    now = timezone.now()
    account = PearlAccount.objects.filter(account_id=settings.PEARL_ACCOUNT_ID)
    alive = Worker.objects.filter(stopped_at=None, heartbeat_at__gt=now - DEAD_AFTER)
    facts = {
        **{f"in_{state}": _how_many(state) for state in HELD},
        "attempt": _last(CallAttempt.objects.all()),
        "lead_event": _last(LeadEvent.objects.all()),
        "bulk": _last(BulkChange.objects.all()),
        "switched": _last(ControlEvent.objects.all()),
        "worker": _last(alive),
        "workers": _count(alive),
        "problem": Subquery(account.values("problem")[:1]),
        "failures": Subquery(account.values("failures")[:1]),
        "credit": Subquery(account.values("credit_balance")[:1]),
        "blocked": Subquery(account.values("blocked_until")[:1]),
    }
    of_calls = ("attempt", *(name for name in facts if name.startswith("in_")))
    of_leads = ("lead_event", "bulk")
    of_gate = (
        *("name", "state", "generation", "state_reason", "max_concurrent_calls"),
        *("test_phone", "pearl_agents", "pearl_status"),
    )
    rest = [name for name in facts if name not in (*of_calls, *of_leads)]
    rows = Campaign.objects.annotate(**facts).values("pk", *of_gate, *facts)
    return {
        row["pk"]: Pulse(
            calls=tuple(row[name] for name in of_calls),
            leads=tuple(row[name] for name in of_leads),
            control=tuple(row[name] for name in (*of_gate, *rest)),
        )
        for row in rows
    }


def _how_many(state: str) -> Coalesce:
    here = CallAttempt.objects.filter(campaign=OuterRef("pk"), state=state)
    return _count(here)


def _count(rows: QuerySet[Any]) -> Coalesce:
    one = rows.order_by().values(one=Value(1)).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(one, output_field=IntegerField()), 0)


def _last(rows: QuerySet[Any]) -> Subquery:
    return Subquery(rows.order_by("-pk").values("pk")[:1])


class Watch:
    """The one that looks for all viewers of a process, in their event loop."""

    def __init__(self) -> None:
        # Where this process began to count: an id of another one is not of here.
        self.first = self.number = time.time_ns() // 1_000_000
        self._changes: deque[tuple[int, int, frozenset[str]]] = deque(maxlen=KEPT)
        self._known: dict[int, Pulse] = {}
        self._viewers = 0
        self._looking: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._pool = ThreadPoolExecutor(1, "live")

    async def stream(
        self, campaign_id: int, *, since: int | None
    ) -> AsyncIterator[str]:
        """Events for a viewer of a campaign, until it leaves or it is time to return.
        Who has seen nothing yet (None) is told that everything has changed."""
        self._viewers += 1
        if self._looking is None or self._looking.done():
            self._begin()
        try:
            seen, parts = self._missed(campaign_id, since=since)
            yield f"retry: {RETRY_MS}\n" + _message(seen, parts or {BEAT})
            until = time.monotonic() + STREAM_SECONDS
            while time.monotonic() < until:
                if seen == self.number and not await self._news_within(BEAT_SECONDS):
                    yield _message(seen, {BEAT})
                    continue
                seen, parts = self._missed(campaign_id, since=seen)
                if parts:
                    yield _message(seen, parts)
        finally:
            self._viewers -= 1

    async def _news_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _begin(self) -> None:
        """Nobody has looked for a while, so what came before is no longer known."""
        self.number += 1
        self._known = {}
        self._changes.clear()
        self._looking = asyncio.create_task(self._keep_looking())

    def _missed(
        self, campaign_id: int, *, since: int | None
    ) -> tuple[int, frozenset[str]]:
        """What has changed after `since`; everything, if that is too long ago."""
        oldest = self._changes[0][0] - 1 if self._changes else self.number
        if since is None or not oldest <= since <= self.number:
            return self.number, PARTS
        parts = frozenset[str]()
        for number, campaign, changed in self._changes:
            if number > since and campaign == campaign_id:
                parts |= changed
        return self.number, parts

    async def _keep_looking(self) -> None:
        loop = asyncio.get_running_loop()
        while self._viewers:
            began = time.monotonic()
            try:
                self._note(await loop.run_in_executor(self._pool, _look_safely))
                board.note_watched()
            except Error as exc:
                logger.warning("live: no database: %s", type(exc).__name__)
            except Exception:
                # Nobody else looks: without the next look all viewers are deaf.
                logger.exception("live: a look failed")
            spent = time.monotonic() - began
            await asyncio.sleep(max(settings.LIVE_SECONDS - spent, 0.05))
            if not self._viewers:
                # Who comes while it is being closed is looked for all the same.
                await loop.run_in_executor(self._pool, connections.close_all)

    def _note(self, pulses: dict[int, Pulse]) -> None:
        known, self._known = self._known, pulses
        changed = {
            pk: pulse.parts_since(known[pk]) if pk in known else PARTS
            for pk, pulse in pulses.items()
        }
        changed = {pk: parts for pk, parts in changed.items() if parts}
        if not changed:
            return
        self.number += 1
        for pk, parts in changed.items():
            board.forget(pk)
            self._changes.append((self.number, pk, parts))
        # Whoever waits now is woken; the next ones wait for the next news.
        self._news.set()
        self._news = asyncio.Event()


def _look_safely() -> dict[int, Pulse]:
    """One connection for all looks; a broken one is replaced by the next look."""
    try:
        viewers.ask_now_and_then(now=timezone.now())
        return {
            # What was counted in the background has changed too when that is done.
            pk: pulse._replace(control=(*pulse.control, counts.latest(pk)))
            for pk, pulse in look().items()
        }
    except Error:
        connections.close_all()
        raise


def _message(number: int, names: Iterable[str]) -> str:
    """An event of each name. They hold no data, but without it they are not told."""
    return "".join(
        f"id: {number}\nevent: {name}\ndata: 1\n\n" for name in sorted(names)
    )


# A process has one event loop, but for its tests.
_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


async def events(request: HttpRequest, campaign_id: int) -> HttpResponseBase:
    """The stream of a campaign. 204, which browsers do not ask again: this server
    cannot stream (WSGI holds a thread for each viewer), so they poll."""
    user = await request.auser()
    rights = await sync_to_async(_rights_of)(user)
    if not rights.may_view:
        raise PermissionDenied
    if not can_stream(request):
        return HttpResponse(status=204)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return stream(request, campaign_id, looking=viewers.looking(key, rights))


def stream(
    request: HttpRequest, campaign_id: int, *, looking: AbstractContextManager[None]
) -> StreamingHttpResponse:
    """For whoever may view; `looking` lasts as long as they do."""
    last = request.headers.get("Last-Event-ID", "")
    is_number = last.isascii() and last.isdigit() and len(last) < 20
    since = int(last) if is_number else None

    async def told() -> AsyncIterator[str]:
        watch = _watches.setdefault(asyncio.get_running_loop(), Watch())
        with looking:
            async for message in watch.stream(campaign_id, since=since):
                yield message

    return StreamingHttpResponse(
        told(),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _rights_of(user: User | AnonymousUser) -> Rights:
    rights = Rights.of(user)
    let_connections_go()
    return rights


def let_connections_go() -> None:
    """A stream keeps its thread for minutes, but not its connection."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def can_stream(request: HttpRequest) -> bool:
    return isinstance(request, ASGIRequest) and settings.LIVE_EVENTS
