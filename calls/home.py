"""Today at a glance: the first page of the site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from calls import board
from calls.call_manager import DEAD_AFTER
from calls.models import CallAttempt, Campaign, RunState, Worker
from calls.states import CALL_STATUS_OF, State
from leads.filters import LeadFilter, midnight
from leads.models import CallStatus, Lead

if TYPE_CHECKING:
    from calls.board import Board

CACHED_SECONDS = 5
# The running ones come first; the page costs no more with a hundred campaigns.
CAMPAIGNS_SHOWN = 6
COUNTED_AT_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number, what it counts, and where those are listed (in the admin)."""

    status: CallStatus
    count: int
    url: str


@dataclass(frozen=True, kw_only=True)
class CampaignToday:
    campaign: Campaign
    figures: list[Figure]
    queued: int
    calling: int
    workers: int
    why: str

    @property
    def is_running(self) -> bool:
        return self.campaign.state == RunState.RUNNING

    @property
    def is_stopping(self) -> bool:
        return self.campaign.state == RunState.STOPPING

    @property
    def total(self) -> int:
        return sum(figure.count for figure in self.figures)


@dataclass(frozen=True, kw_only=True)
class Today:
    """All that the page shows, in a fixed number of queries for each campaign shown."""

    at: datetime
    figures: list[Figure]
    campaigns: list[CampaignToday]
    further: list[Campaign]
    callbacks: int
    callbacks_cut: bool
    workers: int
    workers_url: str
    has_leads: bool
    is_simulated: bool

    @property
    def total(self) -> int:
        return sum(figure.count for figure in self.figures)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Today at a glance, and the tool that starts calls."""
    return render(request, "home.html", {"today": today(now=timezone.now())})


def today(*, now: datetime) -> Today:
    """At most five seconds old."""
    key = f"today:{get_language()}"
    known: Today | None = cache.get(key)
    if known is None:
        known = _look(now=now)
        cache.set(key, known, CACHED_SECONDS)
    return known


def _look(*, now: datetime) -> Today:
    since = midnight(timezone.localdate(now))
    campaigns = list(Campaign.objects.order_by(_running_first(), "name", "id"))
    shown, further = campaigns[:CAMPAIGNS_SHOWN], campaigns[CAMPAIGNS_SHOWN:]
    ended = _ended_since(since, campaigns=campaigns)
    boards = [board.board(campaign, now=now) for campaign in shown]
    callbacks = LeadFilter(
        QueryDict("callback=today"), queryset=Lead.objects.all(), now=now
    )
    at_work = {"stopped_at__isnull": True, "heartbeat_at__gt": now - DEAD_AFTER}
    count = callbacks.qs[: COUNTED_AT_MOST + 1].count()
    return Today(
        at=now,
        figures=_figures(sum(ended.values(), Counter()), since=since),
        campaigns=[
            _campaign_today(one, ended=ended[one.campaign.pk], since=since)
            for one in boards
        ],
        further=further,
        callbacks=min(count, COUNTED_AT_MOST),
        callbacks_cut=count > COUNTED_AT_MOST,
        workers=Worker.objects.filter(**at_work).count(),
        workers_url=_admin_list("worker", at_work),
        has_leads=Lead.objects.exists(),
        is_simulated=any(one.is_simulated for one in boards),
    )


def _running_first() -> Case:
    first = [RunState.RUNNING, RunState.STOPPING]
    whens = [When(state=state, then=Value(rank)) for rank, state in enumerate(first)]
    return Case(*whens, default=Value(len(first)), output_field=IntegerField())


def _ended_since(
    moment: datetime, *, campaigns: Iterable[Campaign]
) -> dict[int, Counter[CallStatus]]:
    """By campaign, what became of the calls that ended since then; tests are none."""
    ended: dict[int, Counter[CallStatus]] = {one.pk: Counter() for one in campaigns}
    rows = (
        CallAttempt.objects.filter(
            campaign__in=ended,
            closed_at__gte=moment,
            state=State.ENDED,
            is_test=False,
        )
        .order_by()
        .values_list("campaign_id", "outcome")
        .annotate(Count("id"))
    )
    for campaign_id, outcome, count in rows:
        ended[campaign_id][CALL_STATUS_OF[outcome]] += count
    return ended


def _campaign_today(
    shown: Board, *, ended: Counter[CallStatus], since: datetime
) -> CampaignToday:
    by_status = {stat.status: stat.count for stat in shown.stats}
    return CampaignToday(
        campaign=shown.campaign,
        figures=_figures(ended, since=since, campaign=shown.campaign),
        queued=by_status.get(CallStatus.SELECTED, 0),
        calling=by_status.get(CallStatus.CALLING, 0),
        workers=len(shown.workers),
        why=shown.why,
    )


def _figures(
    ended: Counter[CallStatus], *, since: datetime, campaign: Campaign | None = None
) -> list[Figure]:
    whose = {} if campaign is None else {"campaign__id__exact": campaign.pk}
    return [
        Figure(
            status=status,
            count=ended[status],
            url=_admin_list(
                "callattempt",
                {
                    "closed_at__gte": since,
                    "state__exact": State.ENDED.value,
                    "is_test__exact": 0,
                    "outcome__in": ",".join(
                        str(outcome)
                        for outcome, becomes in CALL_STATUS_OF.items()
                        if becomes == status
                    ),
                    **whose,
                },
            ),
        )
        for status in board.ENDED_STATUSES
    ]


def _admin_list(model: str, lookups: dict[str, object]) -> str:
    return f"{reverse(f'admin:calls_{model}_changelist')}?{urlencode(lookups)}"
