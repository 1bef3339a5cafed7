"""One lead: what is known of it, its history, and what a person does to it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field

from calls import alarms, board, lead_acts, timeline
from calls.api.access import allow
from calls.api.control import campaign_of
from calls.api.leads import LeadOut
from calls.api.problems import Unprocessable
from calls.api.queries import Id, Moment, refuse_unknown, understood
from calls.lead_acts import Answer
from calls.lead_forms import CallNowForm, DispositionForm, NoteForm, PromiseForm
from calls.models import Campaign, Scope
from leads import promises
from leads.models import Disposition, Lead, NotInterested
from leads.notes import LONGEST_NOTE, add_note

router = Router(tags=["leads"])
# The form asks for the day and the hour on the lead's clock.
FORM_NAMES = {"day": "at", "hour": "at", "__all__": "at"}


class LeadDetail(LeadOut):
    phone_as_typed: str = Field(alias="phone")
    phone_alt: str = Field(alias="phone_alt_e164")
    email: str
    postal_code: str
    time_zone: str
    national_id: str
    birth_date: date | None
    policy_number: str
    clinic_address: str
    external_id: str
    consent: str
    consent_source: str
    call_now: bool
    disposition_reason: str
    error: str | None = Field(alias="call_error_message")
    notes: str | None = Field(alias="call_notes")
    created_at: datetime


class LeadState(Schema):
    """Where a lead stands, and nothing of who it is: answers are kept for a day."""

    id: int
    campaign: str | None = Field(alias="pearl_outbound_id")
    call_status: str
    selected: bool = Field(alias="selected_for_calling")
    priority: int = Field(alias="call_priority")
    manual_management: bool
    call_now: bool
    disposition: str
    disposition_reason: str
    next_call_at: datetime | None
    callback_at: datetime | None
    updated_at: datetime


class ChangedOut(Schema):
    """One column, before and after, in words."""

    label: str
    before: str
    after: str


class TurnOut(Schema):
    who: str
    text: str


class EntryOut(Schema):
    """`attempt` and `ending` are of calls; `changes` and `by` of what people did."""

    at: datetime
    title: str
    by: str
    text: str
    changes: list[ChangedOut]
    details: list[ChangedOut]
    attempt: int | None
    ending: str
    turns: list[TurnOut]
    lead_import: int | None


class HistoryOut(Schema):
    """Newest first. `next`: the `before` of the next page; empty on the last one."""

    items: list[EntryOut]
    next: str


class HistoryIn(Schema):
    model_config = ConfigDict(extra="forbid")

    before: str = Field("", max_length=80)
    limit: int = Field(timeline.AT_MOST, ge=1, le=timeline.AT_MOST)


class NoteIn(Schema):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class CallNowIn(Schema):
    """`campaign`: which one calls, if the lead is of none yet."""

    model_config = ConfigDict(extra="forbid")

    campaign: Id | None = None


class CallbackIn(CallNowIn):
    """`at`: when the call is promised, within the hours of the campaign."""

    at: Moment = Field(examples=["2026-12-01T17:30:00+01:00"])


class DispositionIn(CallNowIn):
    """`reason` is of `not_interested`, `at` of `call_back`. `do_not_call` and
    `wrong_number` exclude the telephone for good: they ask for `confirmed`."""

    disposition: Disposition = Field(examples=["not_interested"])
    reason: NotInterested = NotInterested.NONE
    at: Moment | None = None
    confirmed: bool = False


@router.get("leads/{lead_id}", response=LeadDetail, summary="One lead")
def lead(request: HttpRequest, lead_id: Path[Id]) -> Lead:
    allow(request, "leads.view_lead")
    return get_object_or_404(Lead, pk=lead_id)


@router.get(
    "leads/{lead_id}/history", response=HistoryOut, summary="What happened to it"
)
def history(
    request: HttpRequest, lead_id: Path[Id], filters: Query[HistoryIn]
) -> HistoryOut:
    """With the calls, for whoever may see calls."""
    person = allow(request, "leads.view_lead")
    refuse_unknown(request, HistoryIn)
    if filters.before and timeline.read_key(filters.before) is None:
        raise Unprocessable({"before": _("No es el «next» de una página.")})
    page = timeline.page(
        get_object_or_404(Lead, pk=lead_id),
        before=filters.before,
        at_most=filters.limit,
        with_calls=person.has_perm("calls.view_callattempt"),
    )
    # Without a sign that an address takes for a space.
    older = page.older.replace("+00:00", "Z")
    return HistoryOut(items=[_told(one) for one in page.entries], next=older)


@router.post("leads/{lead_id}/note", response=LeadState, summary="Write a note")
def note(request: HttpRequest, lead_id: Path[Id], payload: NoteIn) -> LeadState:
    person = allow(request, "leads.view_lead", "leads.change_lead", scope=Scope.LEADS)
    form = understood(NoteForm({"text": payload.text}))
    text = form.cleaned_data["text"]
    if not add_note(lead_id, text=text, by=person, now=timezone.now()):
        raise Http404
    return _as_it_is(lead_id)


@router.post(
    "leads/{lead_id}/call-now", response=LeadState, summary="To the queue's head"
)
def call_now(request: HttpRequest, lead_id: Path[Id], payload: CallNowIn) -> LeadState:
    person = allow(request, "leads.view_lead", "leads.select_lead", scope=Scope.LEADS)
    found, options = _found(lead_id, payload)
    form = understood(CallNowForm(options.pop("data"), **options))
    return _done(
        found,
        lead_acts.call_now(
            found,
            form,
            campaigns=options["campaigns"],
            by=person,
            now=timezone.now(),
        ),
    )


@router.post("leads/{lead_id}/callback", response=LeadState, summary="Promise a call")
def callback(request: HttpRequest, lead_id: Path[Id], payload: CallbackIn) -> LeadState:
    person = allow(request, "leads.view_lead", "leads.select_lead", scope=Scope.LEADS)
    now = timezone.now()
    found, options = _found(lead_id, payload)
    data = options.pop("data") | _on_its_clock(found, payload.at)
    form = understood(PromiseForm(data, now=now, **options), names=FORM_NAMES)
    return _done(found, lead_acts.promise(found, form, by=person, now=now))


@router.delete(
    "leads/{lead_id}/callback", response=LeadState, summary="The call is not wanted"
)
def drop_callback(request: HttpRequest, lead_id: Path[Id]) -> LeadState:
    """It leaves the queue. Without a promise, nothing changes."""
    person = allow(request, "leads.view_lead", "leads.select_lead", scope=Scope.LEADS)
    found = get_object_or_404(Lead, pk=lead_id)
    done = lead_acts.drop_promise(found, by=person, now=timezone.now())
    return _done(found, done)


@router.post(
    "leads/{lead_id}/disposition", response=LeadState, summary="What its calls mean"
)
def disposition(
    request: HttpRequest, lead_id: Path[Id], payload: DispositionIn
) -> LeadState:
    """Most of them take the lead off the queue; `call_back` puts it there."""
    is_promise = payload.disposition == Disposition.CALL_BACK
    more = ("leads.select_lead",) if is_promise else ()
    person = allow(
        request, "leads.view_lead", "leads.change_lead", *more, scope=Scope.LEADS
    )
    now = timezone.now()
    found, options = _found(lead_id, payload, needs_campaign=is_promise)
    data = options.pop("data") | payload.model_dump(exclude={"campaign", "at"})
    data |= _on_its_clock(found, payload.at) if payload.at else {}
    form = understood(DispositionForm(data, now=now, **options), names=FORM_NAMES)
    if is_promise:
        return _done(found, lead_acts.promise(found, form, by=person, now=now))
    if form.needs_confirmation:
        raise Unprocessable({"confirmed": _("Excluye el número: confírmelo.")})
    reason = form.cleaned_data["reason"]
    promises.dispose(found.pk, payload.disposition, now=now, by=person, reason=reason)
    alarms.forget()
    return _done(found, Answer())


# --- What they share ------------------------------------------------------------------


def _found(
    lead_id: int, payload: CallNowIn, *, needs_campaign: bool = True
) -> tuple[Lead, dict[str, Any]]:
    """The lead, and what its forms take. Raises Unprocessable."""
    found = get_object_or_404(Lead, pk=lead_id)
    campaigns = board.campaigns()
    own = next(
        (one for one in campaigns if one.outbound_id == found.pearl_outbound_id), None
    )
    if own is not None and payload.campaign not in (None, own.pk):
        words = _("El lead ya es de otra campaña: «%s».") % own.name
        raise Unprocessable({"campaign": words})
    chosen: Campaign | None = own
    if own is None and needs_campaign:
        chosen = campaign_of(payload.campaign)
    data = {"campaign": chosen.outbound_id} if chosen else {}
    return found, {"data": data, "lead": found, "campaigns": campaigns}


def _on_its_clock(found: Lead, at: datetime) -> dict[str, Any]:
    local = at.astimezone(ZoneInfo(found.time_zone or settings.TIME_ZONE))
    return {"day": local.date(), "hour": local.time()}


def _done(found: Lead, answer: Answer) -> LeadState:
    if answer.refused:
        raise HttpError(409, answer.refused)
    board.forget_all()
    return _as_it_is(found.pk)


def _as_it_is(lead_id: int) -> LeadState:
    return LeadState.from_orm(get_object_or_404(Lead, pk=lead_id))


def _told(entry: timeline.Entry) -> EntryOut:
    return EntryOut(
        at=entry.shown_at,
        title=str(entry.title),
        by=entry.by,
        text=entry.text,
        changes=[_changed(one) for one in entry.changes],
        details=[_changed(one) for one in entry.details],
        attempt=entry.attempt.pk if entry.attempt else None,
        ending=str(entry.ending),
        turns=[
            TurnOut(who=one.who, text=one.text)
            for one in (entry.talk.turns if entry.talk else ())
        ],
        lead_import=entry.import_id,
    )


def _changed(one: timeline.Change) -> ChangedOut:
    return ChangedOut(label=str(one.label), before=one.before, after=one.after)
