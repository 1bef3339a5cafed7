"""Leads: listed with the dashboard's filter, and changed with its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from calls import board
from calls.api import new_leads
from calls.api.access import allow
from calls.api.control import campaign_of
from calls.api.new_leads import AddedOut, NewLeadsIn
from calls.api.pages import page_of
from calls.api.problems import Unprocessable
from calls.api.queries import (
    LONGEST_PAGE,
    Id,
    as_address,
    refuse_unknown,
    understood,
)
from calls.models import Scope
from leads import selection
from leads.filters import CALLBACKS, DISPOSITIONS, LARGEST_ID, MANY, LeadFilter
from leads.lead_pages import COUNTED_AT_MOST
from leads.models import BulkChange, CallStatus, Lead, Priority
from leads.selection import Verb

router = Router(tags=["leads"])
MOST_IDS = 10_000
SELECTING = ("leads.view_lead", "leads.select_lead")
Words = Annotated[str, Field(min_length=1, max_length=200)]


class LeadOut(Schema):
    id: int
    first_name: str
    last_name: str
    phone: str = Field(alias="phone_e164")
    city: str
    province: str
    clinic_name: str
    source_file: str
    campaign: str | None = Field(alias="pearl_outbound_id")
    call_status: str
    selected: bool = Field(alias="selected_for_calling")
    priority: int = Field(alias="call_priority")
    attempts: int = Field(alias="call_attempts_count")
    disposition: str
    manual_management: bool
    last_call_at: datetime | None = Field(alias="last_call_attempt")
    next_call_at: datetime | None
    callback_at: datetime | None
    updated_at: datetime


class LeadsOut(Schema):
    """`next`: the `after` of the next page; null on the last one."""

    items: list[LeadOut]
    next: int | None


class Filters(Schema):
    """The filter of the dashboard. Several values of one mean any of them."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=100)
    status: list[CallStatus] = []
    selected: bool | None = None
    priority: Priority | None = None
    attempts: int | None = Field(None, ge=0, le=MANY)
    disposition: Literal[tuple(dict(DISPOSITIONS))] | None = None  # type: ignore[valid-type]
    callback: Literal[tuple(dict(CALLBACKS))] | None = None  # type: ignore[valid-type]
    city: list[Words] = []
    province: list[Words] = []
    clinic: list[Words] = []
    source: list[Words] = []
    lead_import: Id | None = None
    last_from: date | None = None
    last_to: date | None = None
    never_called: bool | None = None
    manual: bool | None = None
    excluded: bool | None = None
    outbound: str = Field("", max_length=100)

    def chosen(self) -> LeadFilter:
        """Raises Unprocessable."""
        query = as_address(self, LeadFilter.base_filters)
        found: LeadFilter = understood(LeadFilter(query, queryset=Lead.objects.all()))
        return found


class ListIn(Filters):
    after: int = Field(0, ge=0, le=LARGEST_ID)
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


class LeadsIn(Schema):
    """Which leads: by id, or all that a filter finds (an empty one is not enough)."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Id] | None = Field(None, max_length=MOST_IDS, examples=[[41, 42]])
    filter: Filters | None = None


class SelectIn(LeadsIn):
    campaign: Id | None = None


class PriorityIn(LeadsIn):
    priority: Priority


class ManualIn(LeadsIn):
    """`manual`: a person attends to them, and they are not called."""

    manual: bool


class ChangeOut(Schema):
    """`unchanged`: why the others stay as they were, and how many."""

    change: int
    changed: int
    unchanged: dict[str, int]


@router.get("leads", response=LeadsOut, summary="Leads, filtered")
def leads(request: HttpRequest, filters: Query[ListIn]) -> dict[str, Any]:
    allow(request, "leads.view_lead")
    refuse_unknown(request, ListIn)
    found = filters.chosen().narrowed(at_most=COUNTED_AT_MOST)
    ids, after = page_of(
        found.leads, after=filters.after, limit=filters.limit, is_many=found.is_many
    )
    rows = Lead.objects.in_bulk(ids)
    return {"items": [rows[pk] for pk in ids if pk in rows], "next": after}


@router.post("leads", response=AddedOut, summary="New leads, up to 1,000")
def add(request: HttpRequest, payload: NewLeadsIn) -> AddedOut:
    """Each row becomes a lead, changes the lead of that person, or is refused whole:
    by the rules of an import. More than one asks for the permission to import."""
    permission = "leads.import_lead" if len(payload.items) > 1 else "leads.add_lead"
    person = allow(request, permission, "leads.change_lead", scope=Scope.LEADS)
    answer = new_leads.add(payload, by=person)
    board.forget_all()
    return answer


@router.post("leads/select", response=ChangeOut, summary="Put leads in the queue")
def select(request: HttpRequest, payload: SelectIn) -> ChangeOut:
    allow(request, *SELECTING, scope=Scope.LEADS)
    outbound_id = campaign_of(payload.campaign).outbound_id
    return _change(request, payload, Verb.SELECT, {"outbound_id": outbound_id})


@router.post("leads/deselect", response=ChangeOut, summary="Out of the queue")
def deselect(request: HttpRequest, payload: LeadsIn) -> ChangeOut:
    return _change(request, payload, Verb.DESELECT, {})


@router.post("leads/reset", response=ChangeOut, summary="Forget attempts and errors")
def reset(request: HttpRequest, payload: LeadsIn) -> ChangeOut:
    return _change(request, payload, Verb.RESET, {}, permission="leads.change_lead")


@router.post("leads/priority", response=ChangeOut, summary="1 high … 5 low")
def priority(request: HttpRequest, payload: PriorityIn) -> ChangeOut:
    values = {"priority": int(payload.priority)}
    return _change(request, payload, Verb.PRIORITY, values)


@router.post(
    "leads/manual", response=ChangeOut, summary="To a person, or back to the system"
)
def manual(request: HttpRequest, payload: ManualIn) -> ChangeOut:
    verb = Verb.MANUAL if payload.manual else Verb.AUTOMATIC
    return _change(request, payload, verb, {}, permission="leads.change_lead")


@router.post("leads/undo/{change_id}", summary="Undo one's own last selection")
def undo(request: HttpRequest, change_id: Path[Id]) -> dict[str, int]:
    person = allow(request, "leads.select_lead", scope=Scope.LEADS)
    change = get_object_or_404(BulkChange, pk=change_id, by=person)
    back = selection.undo(change, by=person, now=timezone.now())
    board.forget_all()
    return {"back": back}


def _change(
    request: HttpRequest,
    payload: LeadsIn,
    verb: str,
    values: Mapping[str, Any],
    *,
    permission: str = "leads.select_lead",
) -> ChangeOut:
    person = allow(request, "leads.view_lead", permission, scope=Scope.LEADS)
    chosen, query = _chosen(payload)
    now = timezone.now()
    plan = selection.plan(chosen, verb, values, now=now)
    change = selection.apply(
        chosen, verb, values, now=now, by=person, filter_query=query
    )
    board.forget_all()
    return ChangeOut(
        change=change.pk,
        changed=change.changed,
        unchanged={str(label): count for label, count in plan.reasons},
    )


def _chosen(payload: LeadsIn) -> tuple[QuerySet[Lead], str]:
    """Never everybody by mistake: nothing named, or both, is refused."""
    if (payload.ids is None) == (payload.filter is None):
        raise Unprocessable({"ids": _("Diga ids o filter, uno de los dos.")})
    if payload.filter is None:
        return Lead.objects.filter(pk__in=payload.ids or ()), ""
    chosen = payload.filter.chosen()
    if not chosen.active():
        raise Unprocessable({"filter": _("Un filtro vacío serían todos los leads.")})
    return chosen.qs, chosen.data.urlencode()
