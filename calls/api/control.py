"""START, PAUSE, STOP, and how it goes; what Pearl has and whether it answers."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field

from calls import board, preflight, runs, starting
from calls.api.access import ASKS_PEARL, allow
from calls.api.once import asks_others
from calls.api.queries import Id
from calls.models import Campaign, Run, Scope
from calls.pearl import PearlClient

router = Router(tags=["control"])


class CampaignOut(Schema):
    id: int
    name: str
    outbound_id: str
    state: str
    state_reason: str
    generation: int
    max_concurrent_calls: int
    pearl_status: int | None
    test_phone: str


class RunOut(Schema):
    id: int
    started_at: datetime
    started_by: str | None
    done: int


class InCourse(Schema):
    attempt: int
    lead: int
    state: str
    since: datetime


class WorkerOut(Schema):
    identity: str
    heartbeat_at: datetime


class StatusOut(Schema):
    """`leads` by status, and `queue` by the rule that decides about its leads now; null
    while very many are being counted."""

    campaign: CampaignOut
    run: RunOut | None
    leads: dict[str, int] | None
    queue: dict[str, int] | None
    in_course: list[InCourse]
    to_review: int
    calls_a_minute: float
    workers: list[WorkerOut]
    lost_workers: list[WorkerOut]
    why_nobody_is_called: str


class CampaignIn(Schema):
    model_config = ConfigDict(extra="forbid")

    campaign: Id | None = None


class StartIn(CampaignIn):
    """`test_phone`: of the campaign's test mode, to say that one knows of it."""

    test_phone: str = ""


class LimitIn(CampaignIn):
    max_concurrent_calls: int = Field(ge=1, le=runs.MAX_LIMIT)


class LimitOut(Schema):
    max_concurrent_calls: int


class StopOut(Schema):
    """`in_course`: calls that go on; nobody else is called."""

    state: str
    in_course: int


class TheirCampaign(Schema):
    outbound_id: str
    name: str | None
    status: int | None
    campaign: int | None


class FindingOut(Schema):
    level: str
    sentence: str


class ConnectionOut(Schema):
    ok: bool
    findings: list[FindingOut]


@router.get("status", response=StatusOut, summary="How a campaign goes")
def status(request: HttpRequest, campaign: Query[Id | None] = None) -> StatusOut:
    allow(request, "calls.view_campaign")
    shown = board.board(campaign_of(campaign).pk, now=timezone.now())
    counts = shown.counts
    return StatusOut(
        campaign=CampaignOut.from_orm(shown.campaign),
        run=_told(shown.run, done=shown.done) if shown.run else None,
        leads=dict(counts.by_status) if counts else None,
        queue={str(k): n for k, n in counts.rules.items()} if counts else None,
        in_course=[
            InCourse(
                attempt=one.pk, lead=one.lead_id, state=one.state, since=one.claimed_at
            )
            for one in shown.in_course
        ],
        to_review=shown.manual,
        calls_a_minute=shown.per_minute,
        workers=[WorkerOut.from_orm(one) for one in shown.workers],
        lost_workers=[WorkerOut.from_orm(one) for one in shown.lost_workers],
        why_nobody_is_called=shown.why,
    )


def _told(run: Run, *, done: int) -> RunOut:
    by = run.started_by.get_username() if run.started_by else None
    return RunOut(id=run.pk, started_at=run.started_at, started_by=by, done=done)


@router.post(
    "start",
    response=RunOut,
    summary="Start, or go on after a pause",
    throttle=ASKS_PEARL,
)
@asks_others
def start(request: HttpRequest, payload: StartIn) -> RunOut:
    """409 with the reason when it cannot work. Twice is as once."""
    person = allow(request, "calls.run_campaign", scope=Scope.CALLS)
    campaign = campaign_of(payload.campaign)
    run = starting.start(campaign.pk, by=person, test_phone=payload.test_phone)
    board.forget(campaign.pk)
    return _told(run, done=sum(runs.totals(run).outcomes.values()))


@router.post("limit", response=LimitOut, summary="How many calls at a time")
def limit(request: HttpRequest, payload: LimitIn) -> LimitOut:
    person = allow(request, "calls.run_campaign", scope=Scope.CALLS)
    campaign = campaign_of(payload.campaign)
    after = runs.change_limit(
        campaign.pk, to=payload.max_concurrent_calls, now=timezone.now(), by=person
    )
    board.forget(campaign.pk)
    return LimitOut(max_concurrent_calls=after)


# Whoever asks too often may still stop: neither of these waits for its turn.
@router.post("pause", response=StopOut, summary="No new calls until START", throttle=[])
def pause(request: HttpRequest, payload: CampaignIn) -> StopOut:
    person = allow(request, "calls.run_campaign", scope=Scope.CALLS)
    campaign = campaign_of(payload.campaign)
    going_on = runs.pause(campaign.pk, now=timezone.now(), by=person)
    return _stopped(campaign, going_on or 0)


@router.post("stop", response=StopOut, summary="Stop: it always wins", throttle=[])
def stop(request: HttpRequest, payload: CampaignIn) -> StopOut:
    """Whoever may look may stop, as on the dashboard."""
    person = allow(request, "calls.view_campaign", scope=Scope.CALLS)
    campaign = campaign_of(payload.campaign)
    going_on = runs.stop(campaign.pk, now=timezone.now(), by=person)
    return _stopped(campaign, going_on)


def _stopped(campaign: Campaign, going_on: int) -> StopOut:
    board.forget(campaign.pk)
    campaign.refresh_from_db()
    return StopOut(state=campaign.state, in_course=going_on)


@router.get(
    "pearl/campaigns",
    response=list[TheirCampaign],
    summary="The campaigns at Pearl",
    throttle=ASKS_PEARL,
)
def pearl_campaigns(request: HttpRequest) -> list[TheirCampaign]:
    """Asked of Pearl now; `campaign` is ours of the same outbound."""
    allow(request, "calls.view_campaign", "calls.run_campaign")
    with PearlClient.from_settings() as pearl:
        theirs = pearl.outbounds()
    ours = dict(Campaign.objects.values_list("outbound_id", "pk"))
    return [
        TheirCampaign(
            outbound_id=one.id,
            name=one.name,
            status=one.status,
            campaign=ours.get(one.id),
        )
        for one in theirs
    ]


@router.get(
    "test/connection",
    response=ConnectionOut,
    summary="All START would ask",
    throttle=ASKS_PEARL,
)
def connection(
    request: HttpRequest, campaign: Query[Id | None] = None
) -> ConnectionOut:
    """Asked of Pearl now. Nobody is called."""
    allow(request, "calls.view_campaign", "calls.run_campaign")
    checked = campaign_of(campaign)
    with PearlClient.from_settings() as pearl:
        findings = preflight.check(checked, pearl=pearl, now=timezone.now())
    board.forget(checked.pk)
    return ConnectionOut(
        ok=not any(one.forbids for one in findings),
        findings=[
            FindingOut(level=one.level, sentence=str(one.sentence)) for one in findings
        ],
    )


def campaign_of(pk: int | None) -> Campaign:
    """The one named; the only one, if none is."""
    if pk is not None:
        return get_object_or_404(Campaign, pk=pk)
    some = list(Campaign.objects.order_by("pk")[:2])
    if len(some) != 1:
        several = _("Hay varias campañas: diga cuál en «campaign».")
        raise HttpError(409, several if some else _("No hay ninguna campaña."))
    return some[0]
