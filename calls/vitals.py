"""How the system does, in figures: what the doctor judges and the metrics tell.

Each is one query that does not grow with the tables: states that hold few rows, the
last hour, or a count that stops at `COUNTED_AT_MOST`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from calls.call_manager import DEAD_AFTER
from calls.models import CallAttempt, Campaign, PearlEvent, Recording, Worker
from calls.states import HELD, State
from leads.models import CallStatus, Lead

COUNTED_AT_MOST = 10_000
# A process that was lost so long ago is no news any more.
LOST_SHOWN = timedelta(minutes=15)


def workers(*, now: datetime) -> tuple[list[Worker], list[Worker]]:
    """Those at work, and those that fell silent without signing off."""
    unsigned = Worker.objects.filter(stopped_at=None)
    recent = unsigned.filter(heartbeat_at__gt=now - DEAD_AFTER - LOST_SHOWN)
    alive: list[Worker] = []
    lost: list[Worker] = []
    for worker in recent.order_by("started_at", "id"):
        is_alive = worker.heartbeat_at > now - DEAD_AFTER
        (alive if is_alive else lost).append(worker)
    return alive, lost


@dataclass(frozen=True, kw_only=True)
class Held:
    """So many attempts of a campaign are in this state; `since`: the oldest."""

    campaign_id: int
    state: State
    count: int
    since: datetime


def held_attempts() -> list[Held]:
    """Of the states that an attempt does not stay in."""
    rows = (
        CallAttempt.objects.filter(state__in=HELD)
        .values_list("campaign_id", "state")
        .annotate(
            count=Count("id"), since=Min(Coalesce("send_started_at", "claimed_at"))
        )
        .order_by("campaign_id", "state")
    )
    return [
        Held(campaign_id=pk, state=State(state), count=count, since=since)
        for pk, state, count, since in rows
    ]


@dataclass(frozen=True, kw_only=True)
class Closed:
    campaign_id: int
    state: State
    outcome: str
    count: int


def closed_since(since: datetime) -> list[Closed]:
    # Campaign by campaign, as the index has them.
    every = list(Campaign.objects.values_list("pk", flat=True))
    rows = (
        CallAttempt.objects.filter(campaign__in=every, closed_at__gte=since)
        .values_list("campaign_id", "state", "outcome")
        .annotate(Count("id"))
        .order_by("campaign_id", "state", "outcome")
    )
    return [
        Closed(campaign_id=pk, state=State(state), outcome=outcome, count=count)
        for pk, state, outcome, count in rows
    ]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Work not yet done; `since`: when the oldest of it was due."""

    count: int = 0
    since: datetime | None = None

    def age(self, *, now: datetime) -> timedelta:
        return now - self.since if self.since else timedelta(0)


def webhooks_waiting() -> Waiting:
    """Kept, but read by nobody yet."""
    new = PearlEvent.objects.filter(result=PearlEvent.Result.NEW)
    return _waiting(new.order_by("id"), "received_at")


def recordings_waiting(*, now: datetime) -> Waiting:
    due = Recording.objects.filter(state=Recording.State.WAITING, next_try_at__lte=now)
    return _waiting(due.order_by("next_try_at", "id"), "next_try_at")


def effects_waiting(*, now: datetime) -> Waiting:
    """What follows from calls whose end Pearl has confirmed."""
    due = CallAttempt.objects.filter(effects_due_at__lte=now)
    return _waiting(due.order_by("effects_due_at", "id"), "effects_due_at")


def lookups_waiting(campaign: Campaign, *, now: datetime) -> Waiting:
    """Calls that Pearl was to be asked about by now."""
    due = CallAttempt.objects.filter(campaign=campaign, next_lookup_at__lte=now)
    return _waiting(due.order_by("next_lookup_at", "id"), "next_lookup_at")


def leases_over(*, before: datetime) -> Waiting:
    """Attempts that a worker should have reaped."""
    over = CallAttempt.objects.filter(
        state__in=[State.CLAIMED, State.DIALING], lease_expires_at__lt=before
    )
    return _waiting(over.order_by("lease_expires_at", "id"), "lease_expires_at")


def leads_without_call() -> int:
    """Leads that show a call which no attempt holds: nobody would ever call them."""
    held = CallAttempt.objects.filter(open_lead_id=OuterRef("pk"))
    calling = Lead.objects.filter(call_status=CallStatus.CALLING)
    return calling.exclude(Exists(held)).order_by()[:COUNTED_AT_MOST].count()


def _waiting(rows: QuerySet[Any], since: str) -> Waiting:
    first = rows.values_list(since, flat=True).first()
    if first is None:
        return Waiting()
    count = rows.order_by().values("pk")[:COUNTED_AT_MOST].count()
    return Waiting(count=count, since=first)
