"""The pages and HTMX views of appointments, for whoever may see leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from calls import alarms, appointment_words, appointments, diaries
from calls.appointment_calendar import AppointmentCalendar, Shown
from calls.appointment_forms import CancelForm, NewForm, PlaceForm
from calls.appointments import AppointmentRefused, State
from calls.lead_choice import number_of
from calls.models import Appointment, CancelReason, Clinic
from calls.timeline import person
from leads.filters import LeadFilter
from leads.models import Lead

if TYPE_CHECKING:
    from django import forms
    from django.contrib.auth.models import User

SEE = ("calls.view_appointment", "leads.view_lead")
CHANGE = (*SEE, "calls.change_appointment")
ADD = (*SEE, "calls.add_appointment")
# What asks by itself, to show the same again.
ITSELF = "appointments"
EVENTS_SHOWN = 30
LEADS_FOUND = 10
SAID = {
    State.CONFIRMED: _("Cita confirmada."),
    State.DONE: _("Anotada como realizada."),
    State.NO_SHOW: _("Anotada como no presentada."),
    State.CANCELLED: _("Cita cancelada. El lead sigue fuera de la cola."),
}


# --- The calendar -------------------------------------------------------------------


@require_GET
@permission_required(SEE, raise_exception=True)
def appointment_list(request: HttpRequest) -> HttpResponse:
    """The page; an appointment opens over it."""
    return render(request, "calls/appointments.html", _calendar_context(request))


@require_GET
@permission_required(SEE, raise_exception=True)
def calendar_fragment(request: HttpRequest) -> HttpResponse:
    """The calendar alone, whose address the browser then has."""
    context = _calendar_context(request)
    response = render(request, "calls/_appointments.html", context)
    if request.headers.get("HX-Trigger") != ITSELF:
        response["HX-Push-Url"] = context["calendar"].here
    return response


def _calendar_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "calendar": AppointmentCalendar(request.GET, now=timezone.now()),
        "may_add": request.user.has_perms(ADD),
        "has_clinics": Clinic.objects.exists(),
    }


# --- One appointment ----------------------------------------------------------------


@require_GET
@permission_required(SEE, raise_exception=True)
def appointment(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _found(pk))


@require_POST
@permission_required(CHANGE, raise_exception=True)
def move(request: HttpRequest, pk: int) -> HttpResponse:
    one, now = _found(pk), timezone.now()
    form = PlaceForm(request.POST, now=now, appointment=one, auto_id="move_%s")
    if not form.is_valid():
        return _show(request, one, move_form=form)
    try:
        appointments.move(
            one, seen=_seen(request), by=_who(request), now=now, **form.place
        )
    except AppointmentRefused as exc:
        form.add_error(None, _refusal(exc, form))
        return _show(request, _found(pk), move_form=form)
    return _answer(request, pk, said=_("Cita cambiada."))


@require_POST
@permission_required(CHANGE, raise_exception=True)
def change_state(request: HttpRequest, pk: int) -> HttpResponse:
    one = _found(pk)
    to = request.POST.get("to", "")
    if to not in State.values:
        return HttpResponse(status=400)
    reason, note = str(CancelReason.NONE), ""
    if to == State.CANCELLED:
        form = CancelForm(request.POST, auto_id="cancel_%s")
        if not form.is_valid():
            return _show(request, one, cancel_form=form)
        reason, note = form.cleaned_data["reason"], form.cleaned_data["note"]
    try:
        appointments.change_state(
            one,
            State(to),
            seen=_seen(request),
            by=_who(request),
            now=timezone.now(),
            reason=reason,
            note=note,
        )
    except AppointmentRefused as exc:
        return _show(request, _found(pk), refused=str(exc.reason))
    return _answer(request, pk, said=str(SAID[State(to)]))


# --- A new one ----------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@permission_required(ADD, raise_exception=True)
def new_appointment(request: HttpRequest) -> HttpResponse:
    """First for whom, then where and when."""
    pk = number_of(request.GET.get("lead"))
    lead = get_object_or_404(Lead, pk=pk) if pk else None
    if lead is None:
        return _ask_for_whom(request)
    now = timezone.now()
    if request.method == "GET":
        clinic_pk = number_of(request.GET.get("clinic"))
        form = NewForm.for_lead(
            lead,
            now=now,
            day=request.GET.get("on", ""),
            clinic=Clinic.objects.filter(pk=clinic_pk).first() if clinic_pk else None,
        )
        return _show_new(request, lead, form)
    form = NewForm(request.POST, now=now, auto_id="new_%s")
    if not form.is_valid():
        return _show_new(request, lead, form)
    try:
        made = appointments.make(
            lead.pk,
            by=_who(request),
            now=now,
            confirmed=form.cleaned_data["confirmed"],
            **form.place,
        )
    except AppointmentRefused as exc:
        form.add_error(None, _refusal(exc, form))
        return _show_new(request, lead, form)
    return _answer(request, made.pk, said=_("Cita guardada."))


def _ask_for_whom(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    found: list[Lead] = []
    if text:
        query = QueryDict(mutable=True)
        query["q"] = text
        leads = LeadFilter(query, queryset=Lead.objects.all(), now=timezone.now())
        if leads.is_valid():
            some = leads.narrowed(at_most=1000).leads
            found = list(some.order_by()[: LEADS_FOUND + 1])
    kept = {name: request.GET[name] for name in ("on", "clinic") if name in request.GET}
    context = {
        "text": text,
        "found": found[:LEADS_FOUND],
        "is_cut": len(found) > LEADS_FOUND,
        "kept": kept,
        "dialog": "calls/_appointment_whom.html",
    }
    return _in_dialog(request, context)


def _show_new(request: HttpRequest, lead: Lead, form: NewForm) -> HttpResponse:
    context = {"lead": lead, "form": form, "dialog": "calls/_appointment_new.html"}
    return _in_dialog(request, context)


# --- What the views share -----------------------------------------------------------


def _found(pk: int) -> Appointment:
    known = Appointment.objects.select_related("lead", "clinic", "resource", "attempt")
    return get_object_or_404(known, pk=pk)


def _show(
    request: HttpRequest,
    one: Appointment,
    *,
    said: str = "",
    refused: str = "",
    **forms_shown: forms.Form,
) -> HttpResponse:
    now = timezone.now()
    events = one.events.select_related("by", "appointment__clinic")
    becomes = appointments.MAY_BECOME[State(one.state)]
    context: dict[str, Any] = {
        "appointment": one,
        "shown": Shown.of(one),
        "said": said,
        "refused": refused,
        "may_change": request.user.has_perms(CHANGE),
        "may_become": [
            state
            for state in (State.CONFIRMED, State.DONE, State.NO_SHOW)
            if state in becomes and _is_time_for(one, state, now=now)
        ],
        "is_corrected": one.state in appointments.ONLY_AFTER_START,
        "may_move": one.state in appointments.MOVABLE,
        "may_cancel": State.CANCELLED in becomes,
        "move_form": PlaceForm.of(one, now=now),
        "cancel_form": CancelForm(auto_id="cancel_%s"),
        "events": [
            (event, person(event.by), appointment_words.changes(event))
            for event in events.order_by("-at", "-id")[:EVENTS_SHOWN]
        ],
        "dialog": "calls/_appointment.html",
    }
    return _in_dialog(request, context | forms_shown)


def _is_time_for(one: Appointment, state: State, *, now: Any) -> bool:
    if one.review:
        return False
    is_begun = one.starts_at is not None and one.starts_at <= now
    return is_begun or state not in appointments.ONLY_AFTER_START


def _in_dialog(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """What htmx opens over the page is, without it, a page."""
    if request.headers.get("HX-Request"):
        return render(request, context["dialog"], context)
    return render(request, "calls/appointment.html", context)


def _answer(request: HttpRequest, pk: int, *, said: str) -> HttpResponse:
    """The appointment anew; the calendar behind it hears of it."""
    alarms.forget()
    if not request.headers.get("HX-Request"):
        messages.success(request, said)
        return redirect(reverse("calls:appointment", args=[pk]))
    response = _show(request, _found(pk), said=said)
    return trigger_client_event(response, "appointments", {})


def _refusal(exc: AppointmentRefused, form: PlaceForm) -> str:
    """With the hours that are free after the one that is taken."""
    words = str(exc.reason)
    if not isinstance(exc, appointments.PlaceTaken):
        return words
    free = diaries.next_free(**form.place)
    if not free:
        return words
    zone_name = form.cleaned_data["resource"].clinic.time_zone
    hours = ", ".join(appointment_words.hour(at, zone_name=zone_name) for at in free)
    return f"{words} {_('Después está libre: %s.') % hours}"


def _seen(request: HttpRequest) -> int:
    """-1, which no appointment has: the form did not say what it showed."""
    text = request.POST.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _who(request: HttpRequest) -> User:
    return cast("User", request.user)
