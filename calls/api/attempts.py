"""The calls: listed with the filter of the dashboard, and one with what it brought."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from calls import recording_page
from calls.api.access import allow
from calls.api.pages import page_of
from calls.api.queries import (
    LONGEST_PAGE,
    Id,
    as_address,
    refuse_unknown,
    understood,
)
from calls.attempt_filter import RESULTS, AttemptFilter
from calls.models import CallAttempt, Recording
from calls.states import State
from leads.filters import LARGEST_ID

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

router = Router(tags=["attempts"])

_SOUND = {
    kind: {"schema": {"type": "string", "format": "binary"}}
    for kind in ("audio/mpeg", "audio/ogg", "audio/wav")
}
AUDIO = {
    "responses": {
        200: {"description": "All of it", "content": _SOUND},
        206: {"description": "The part that Range asks for", "content": _SOUND},
        416: {"description": "It ends before that part"},
    }
}


class AttemptOut(Schema):
    """`pearl_request_id` is of the order to call, `pearl_call_id` of the call."""

    id: int
    lead: int = Field(alias="lead_id")
    campaign: int = Field(alias="campaign_id")
    run: int = Field(alias="run_id")
    phone: str
    is_test: bool
    state: str
    outcome: str
    error: str
    claimed_at: datetime
    sent_at: datetime | None = Field(alias="send_started_at")
    accepted_at: datetime | None
    started_at: datetime | None
    closed_at: datetime | None
    duration_seconds: int | None
    pearl_request_id: str | None
    pearl_call_id: str | None


class AttemptsOut(Schema):
    """`next`: the `after` of the next page; null on the last one."""

    items: list[AttemptOut]
    next: int | None


class Turn(Schema):
    role: int | str | None = None
    text: str | None = None
    start: float | None = None
    end: float | None = None


class AttemptDetail(AttemptOut):
    """With what was said: names and health data. `recording`: its address, once it is
    kept here."""

    summary: str
    transcript: list[Turn]
    collected_info: dict[str, Any]
    tags: list[Any]
    sentiment: int | None
    recording: str | None

    @staticmethod
    def resolve_transcript(attempt: CallAttempt) -> list[dict[str, Any]]:
        """As the timeline reads it: what is no turn is left out."""
        told = attempt.transcript if isinstance(attempt.transcript, list) else []
        return [turn for turn in told if isinstance(turn, dict)]

    @staticmethod
    def resolve_recording(attempt: CallAttempt) -> str | None:
        kept: Recording | None = getattr(attempt, "recording", None)
        if kept is None or kept.state != Recording.State.KEPT:
            return None
        return reverse("api:recording", args=[attempt.pk])


class ListIn(Schema):
    model_config = ConfigDict(extra="forbid")

    campaign: Id | None = None
    lead: Id | None = None
    run: Id | None = None
    state: list[State] = []
    result: Literal[tuple(dict(RESULTS))] | None = None  # type: ignore[valid-type]
    since: date | None = None
    test: bool | None = None
    said: str | None = Field(None, description="Words that were said in the call.")
    after: int = Field(0, ge=0, le=LARGEST_ID)
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


@router.get("attempts", response=AttemptsOut, summary="Calls, oldest first")
def attempts(request: HttpRequest, filters: Query[ListIn]) -> dict[str, Any]:
    allow(request, "calls.view_callattempt", "leads.view_lead")
    refuse_unknown(request, ListIn)
    rows = _chosen(filters)
    ids, after = page_of(rows, after=filters.after, limit=filters.limit)
    found = CallAttempt.objects.in_bulk(ids)
    return {"items": [found[pk] for pk in ids if pk in found], "next": after}


@router.get("attempts/{attempt_id}", response=AttemptDetail, summary="One call")
def attempt(request: HttpRequest, attempt_id: Path[Id]) -> CallAttempt:
    allow(request, "calls.view_callattempt", "leads.view_lead")
    return get_object_or_404(
        CallAttempt.objects.select_related("recording"), pk=attempt_id
    )


@router.get(
    "attempts/{attempt_id}/recording",
    url_name="recording",
    summary="What was said, as sound",
    openapi_extra=AUDIO,
)
def recording(request: HttpRequest, attempt_id: Path[Id]) -> HttpResponseBase:
    """Of a call whose recording is kept here. Each listen is noted. One Range at a time
    is understood."""
    allow(request, "calls.view_recording", "calls.view_callattempt", "leads.view_lead")
    return recording_page.recording(request, attempt_id)


def _chosen(filters: ListIn) -> Any:
    """Raises Unprocessable."""
    rows = CallAttempt.objects.all()
    if filters.campaign is not None:
        rows = rows.filter(campaign=filters.campaign)
    if filters.lead is not None:
        rows = rows.filter(lead=filters.lead)
    query = as_address(filters, ("run", "state", "result", "since", "test", "said"))
    return understood(AttemptFilter(query, queryset=rows)).qs
