"""Today at a glance: the first page of the site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.views.decorators.http import require_GET

from calls import board
from calls.attempt_list import address_of
from calls.call_manager import DEAD_AFTER
from calls.models import CallAttempt, Campaign, CollectedValue, RunState, Worker
from calls.outcome_table import ENDED_STATUSES, shown_status
from calls.states import State
from leads.filters import LeadFilter, midnight
from leads.models import CallStatus, Lead, Suppression
from leads.wording import number

if TYPE_CHECKING:
    from calls.board import Board

CACHED_SECONDS = 5
MAY_SEE = "calls.view_campaign"
# The running ones come first; the page costs no more with a hundred campaigns.
CAMPAIGNS_SHOWN = 6
COUNTED_AT_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number, what it counts, and where those are listed."""

    status: CallStatus
    count: int
    url: str


@dataclass(frozen=True, kw_only=True)
class CampaignToday:
    """None: it is still being counted."""

    campaign: Campaign
    figures: list[Figure]
    queued: int | None
    calling: int | None
    why: str

    @property
    def is_running(self) -> bool:
        return self.campaign.state == RunState.RUNNING

    @property
    def is_between(self) -> bool:
        return self.campaign.state in (RunState.PAUSED, RunState.STOPPING)

    @property
    def is_empty(self) -> bool:
        return (self.queued, self.calling) == (0, 0)


@dataclass(frozen=True, kw_only=True)
class Today:
    """All that the page shows, in a fixed number of queries for each campaign shown."""

    at: datetime
    figures: list[Figure]
    campaigns: list[CampaignToday]
    further: list[Campaign]
    callbacks: int
    callbacks_cut: bool
    values_to_review: int
    exclusions_to_review: int
    workers: int
    workers_url: str
    has_leads: bool
    is_simulated: bool

    @property
    def values_words(self) -> str:
        count = self.values_to_review
        words = ngettext(
            "%s dato que no se entendió", "%s datos que no se entendieron", count
        )
        return words % _as_counted(count)

    @property
    def exclusions_words(self) -> str:
        count = self.exclusions_to_review
        words = ngettext("%s exclusión propuesta", "%s exclusiones propuestas", count)
        return words % _as_counted(count)

    @property
    def total(self) -> int:
        return sum(figure.count for figure in self.figures)

    @property
    def is_complete(self) -> bool:
        return all(one.queued is not None for one in self.campaigns)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Today at a glance, and the tool that starts calls."""
    may_see = request.user.has_perm(MAY_SEE)
    shown = today(now=timezone.now(), wait=False) if may_see else None
    return render(request, "home.html", {"today": shown})


@require_GET
@permission_required(MAY_SEE, raise_exception=True)
def today_fragment(request: HttpRequest) -> HttpResponse:
    """The page's content alone, which asks for itself again."""
    return render(
        request, "_today.html", {"today": today(now=timezone.now(), wait=True)}
    )


def today(*, now: datetime, wait: bool) -> Today:
    """At most five seconds old. Without `wait`, what must first be counted may be left
    out: the page does not wait for it, and asks again at once."""
    key = f"today:{get_language()}"
    known: Today | None = cache.get(key)
    if known is None:
        known = _look(now=now, wait=wait)
        if known.is_complete:
            cache.set(key, known, CACHED_SECONDS)
    return known


def forget() -> None:
    """After a change that its author must see at once."""
    cache.delete(f"today:{get_language()}")


def _look(*, now: datetime, wait: bool) -> Today:
    since = midnight(timezone.localdate(now))
    campaigns = list(Campaign.objects.order_by(_running_first(), "name", "id"))
    shown, further = campaigns[:CAMPAIGNS_SHOWN], campaigns[CAMPAIGNS_SHOWN:]
    ended = _ended_since(since, campaigns=campaigns)
    boards = {
        one: board.board(one.pk, now=now) if wait else board.at_hand(one, now=now)
        for one in shown
    }
    callbacks = LeadFilter(
        QueryDict("callback=today"), queryset=Lead.objects.all(), now=now
    )
    at_work = {"stopped_at__isnull": True, "heartbeat_at__gt": now - DEAD_AFTER}
    count = callbacks.qs[: COUNTED_AT_MOST + 1].count()
    return Today(
        at=now,
        figures=_figures(sum(ended.values(), Counter()), since=since),
        campaigns=[
            _campaign_today(one, boards[one], ended=ended[one.pk], since=since)
            for one in shown
        ],
        further=further,
        callbacks=min(count, COUNTED_AT_MOST),
        callbacks_cut=count > COUNTED_AT_MOST,
        values_to_review=_some(CollectedValue.objects.filter(state="review")),
        exclusions_to_review=_some(
            # `=True` would be a bare column, which SQLite does not look up by index.
            Suppression.objects.active(now=now).filter(proposed__in=[True])
        ),
        workers=Worker.objects.filter(**at_work).count(),
        workers_url=_admin_list("worker", at_work),
        has_leads=Lead.objects.exists(),
        is_simulated=settings.PEARL_IS_SIMULATOR,
    )


def _as_counted(count: int) -> str:
    is_cut = count > COUNTED_AT_MOST
    return f"{number(COUNTED_AT_MOST)}+" if is_cut else number(count)


def _some(rows: QuerySet[Any]) -> int:
    """How many, as far as anybody counts them."""
    return rows.order_by().values("pk")[: COUNTED_AT_MOST + 1].count()


def _running_first() -> Case:
    first = [RunState.RUNNING, RunState.PAUSED, RunState.STOPPING]
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
        ended[campaign_id][shown_status(outcome)] += count
    return ended


def _campaign_today(
    campaign: Campaign,
    shown: Board | None,
    *,
    ended: Counter[CallStatus],
    since: datetime,
) -> CampaignToday:
    by_status = {stat.status: stat.count for stat in shown.stats} if shown else {}
    return CampaignToday(
        campaign=campaign,
        figures=_figures(ended, since=since, campaign=campaign),
        queued=by_status.get(CallStatus.SELECTED),
        calling=by_status.get(CallStatus.CALLING),
        why=shown.why if shown else "",
    )


def _figures(
    ended: Counter[CallStatus], *, since: datetime, campaign: Campaign | None = None
) -> list[Figure]:
    since_day = timezone.localdate(since).isoformat()
    return [
        Figure(
            status=status,
            count=ended[status],
            url=address_of(
                campaign,
                {"result": status.value, "since": since_day, "test": "false"},
            ),
        )
        for status in ENDED_STATUSES
    ]


def _admin_list(model: str, lookups: dict[str, object]) -> str:
    return f"{reverse(f'admin:calls_{model}_changelist')}?{urlencode(lookups)}"
