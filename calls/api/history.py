"""The runs of the campaigns, and the stream of what changes just now."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from calls import live, runs
from calls.api.access import allow
from calls.api.control import campaign_of
from calls.api.pages import page_of
from calls.api.queries import Id, refuse_unknown
from calls.models import Run
from leads.filters import LARGEST_ID, midnight

router = Router()
LONGEST_PAGE = 100
STREAM = {
    "responses": {
        200: {
            "description": "`board`: ask for the status again. `leads`: ask for leads "
            "or calls again. `beat`: nothing new, still here. No event holds data.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": "id: 1764300000000\nevent: board\ndata: 1\n\n",
                }
            },
        },
        204: {"description": "This server cannot stream: ask for the status instead"},
    },
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
            "description": "The last id that was heard: what came since is told",
        }
    ],
}


class TotalsOut(Schema):
    """`placed`: what Pearl took on, by `outcomes`, `in_course`, `unknown`, `manual`."""

    outcomes: dict[str, int]
    placed: int
    in_course: int
    unknown: int
    manual: int
    rejected: int
    not_sent: int


class RunDetail(Schema):
    id: int
    campaign: int
    started_at: datetime
    started_by: str | None
    until_empty: bool
    call_limit: int | None
    is_test: bool
    stop_requested_at: datetime | None
    stopped_by: str | None
    ended_at: datetime | None
    end_reason: str
    totals: TotalsOut


class RunsOut(Schema):
    """`next`: the `after` of the next page; null on the last one."""

    items: list[RunDetail]
    next: int | None


class RunsIn(Schema):
    """`since`: the first day; `going`: not ended yet."""

    model_config = ConfigDict(extra="forbid")

    campaign: Id | None = None
    since: date | None = None
    going: bool | None = None
    after: int = Field(0, ge=0, le=LARGEST_ID)
    limit: int = Field(20, ge=1, le=LONGEST_PAGE)


@router.get("runs", response=RunsOut, tags=["control"], summary="Runs, oldest first")
def run_list(request: HttpRequest, filters: Query[RunsIn]) -> RunsOut:
    allow(request, "calls.view_run")
    refuse_unknown(request, RunsIn)
    rows = Run.objects.all()
    if filters.campaign is not None:
        rows = rows.filter(campaign=filters.campaign)
    if filters.since is not None:
        rows = rows.filter(started_at__gte=midnight(filters.since))
    if filters.going is not None:
        rows = rows.filter(ended_at__isnull=filters.going)
    ids, after = page_of(rows, after=filters.after, limit=filters.limit)
    return RunsOut(items=_told(ids), next=after)


@router.get("runs/{run_id}", response=RunDetail, tags=["control"], summary="One run")
def run(request: HttpRequest, run_id: Path[Id]) -> RunDetail:
    allow(request, "calls.view_run")
    get_object_or_404(Run, pk=run_id)
    return _told([run_id])[0]


@router.get(
    "events",
    response={204: None},
    tags=["events"],
    summary="What changes, as it does",
    openapi_extra=STREAM,
)
def events(
    request: HttpRequest, campaign: Query[Id | None] = None
) -> HttpResponseBase | Status[None]:
    """Server-sent events, as the dashboard hears them. The stream ends after ten
    minutes at the latest: come again with Last-Event-ID."""
    allow(request, "calls.view_campaign")
    shown = campaign_of(campaign)
    if not live.can_stream(request):
        return Status(204, None)
    live.let_connections_go()
    return live.stream(request, shown.pk, looking=nullcontext())


def _told(ids: list[int]) -> list[RunDetail]:
    found = Run.objects.select_related("started_by", "stopped_by").in_bulk(ids)
    totals = runs.totals_of(ids)
    return [
        RunDetail(
            id=pk,
            campaign=one.campaign_id,
            started_at=one.started_at,
            started_by=_name(one.started_by),
            until_empty=one.until_empty,
            call_limit=one.call_limit,
            is_test=bool(one.test_phone),
            stop_requested_at=one.stop_requested_at,
            stopped_by=_name(one.stopped_by),
            ended_at=one.ended_at,
            end_reason=one.end_reason,
            totals=TotalsOut.from_orm(totals[pk]),
        )
        for pk in ids
        if (one := found.get(pk))
    ]


def _name(user: Any) -> str | None:
    return user.get_username() if user is not None else None
