"""The HTMX views of one lead at /calls: the panel beside the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from calls import board, lead_acts, lead_side
from calls.dashboard_leads import query_of_page
from calls.lead_acts import Answer
from calls.lead_choice import number_of
from calls.lead_forms import CallNowForm, NoteForm, PromiseForm
from calls.models import Campaign
from calls.viewers import Rights
from calls.wording import NOTHING, column_label, column_words
from leads.models import Lead
from leads.notes import add_note

if TYPE_CHECKING:
    from django import forms
    from django.contrib.auth.models import User

SHOWN_DATA = (
    "phone_alt",
    "email",
    "province",
    "national_id",
    "birth_date",
    "policy_number",
    "clinic_name",
    "clinic_address",
    "consent",
    "source_file",
)


def drawer_context(
    request: HttpRequest, rights: Rights, campaign: Campaign
) -> dict[str, Any]:
    """Of the page: the lead that its address names, if the viewer may see leads."""
    pk = number_of(request.GET.get("lead"))
    lead = Lead.objects.filter(pk=pk).first() if pk else None
    if lead is None or not rights.may_see_leads:
        return {}
    return _context(request, campaign, lead) | {"is_lead_open": True}


@require_GET
@permission_required("leads.view_lead", raise_exception=True)
def lead_fragment(request: HttpRequest, campaign_id: int, lead_id: int) -> HttpResponse:
    """The panel, which the address then names: a reload and the back button find it."""
    campaign, lead = _found(campaign_id, lead_id)
    response = render(
        request, "calls/_lead_panel.html", _context(request, campaign, lead)
    )
    address = _address(request, campaign)
    address["lead"] = str(lead.pk)
    response["HX-Push-Url"] = f"{reverse('calls:manager')}?{address.urlencode()}"
    return response


@require_GET
@permission_required("leads.view_lead", raise_exception=True)
def history_fragment(
    request: HttpRequest, campaign_id: int, lead_id: int
) -> HttpResponse:
    """Its older part alone, in the place of the link to it."""
    campaign, lead = _found(campaign_id, lead_id)
    context = lead_side.history_context(
        lead,
        user=request.user,
        urls=_urls(campaign, lead),
        before=request.GET.get("before", ""),
    )
    return render(request, "admin/leads/lead/_entries.html", context)


@require_POST
@permission_required(("leads.view_lead", "leads.change_lead"), raise_exception=True)
def note(request: HttpRequest, campaign_id: int, lead_id: int) -> HttpResponse:
    campaign, lead = _found(campaign_id, lead_id)
    form = NoteForm(request.POST, auto_id="note_%s")
    if not form.is_valid():
        return _answer(request, campaign, lead, note_form=form)
    text = form.cleaned_data["text"]
    add_note(lead.pk, text=text, by=_who(request), now=timezone.now())
    return _answer(request, campaign, lead, Answer(said=_("Nota guardada.")))


@require_POST
@permission_required(("leads.view_lead", "leads.select_lead"), raise_exception=True)
def call_now(request: HttpRequest, campaign_id: int, lead_id: int) -> HttpResponse:
    campaign, lead = _found(campaign_id, lead_id)
    known = board.campaigns()
    form = CallNowForm(request.POST, lead=lead, campaigns=known, auto_id="now_%s")
    if not form.is_valid():
        return _answer(request, campaign, lead, call_now_form=form)
    done = lead_acts.call_now(
        lead, form, campaigns=known, by=_who(request), now=timezone.now()
    )
    return _answer(request, campaign, lead, done)


@require_POST
@permission_required(("leads.view_lead", "leads.select_lead"), raise_exception=True)
def promise(request: HttpRequest, campaign_id: int, lead_id: int) -> HttpResponse:
    campaign, lead = _found(campaign_id, lead_id)
    now = timezone.now()
    form = PromiseForm(
        request.POST,
        lead=lead,
        campaigns=board.campaigns(),
        now=now,
        auto_id="promise_%s",
    )
    if not form.is_valid():
        return _answer(request, campaign, lead, promise_form=form)
    done = lead_acts.promise(lead, form, by=_who(request), now=now)
    return _answer(request, campaign, lead, done)


@require_POST
@permission_required(("leads.view_lead", "leads.select_lead"), raise_exception=True)
def drop_promise(request: HttpRequest, campaign_id: int, lead_id: int) -> HttpResponse:
    campaign, lead = _found(campaign_id, lead_id)
    done = lead_acts.drop_promise(lead, by=_who(request), now=timezone.now())
    return _answer(request, campaign, lead, done)


# --- What the views share -----------------------------------------------------------


def _found(campaign_id: int, lead_id: int) -> tuple[Campaign, Lead]:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    return campaign, get_object_or_404(Lead, pk=lead_id)


def _answer(
    request: HttpRequest,
    campaign: Campaign,
    lead: Lead,
    done: Answer | None = None,
    **forms_shown: forms.Form,
) -> HttpResponse:
    """The panel anew, with what was done or what is wrong."""
    board.forget(campaign.pk)
    if not request.headers.get("HX-Request") and not forms_shown:
        return redirect(_urls(campaign, lead)["page"])
    lead = Lead.objects.get(pk=lead.pk)
    context = _context(request, campaign, lead, forms_shown)
    context |= {"done": done}
    if not request.headers.get("HX-Request"):
        return render(request, "calls/lead_panel.html", context)
    response = render(request, "calls/_lead_panel.html", context)
    trigger_client_event(response, "board", {})
    return trigger_client_event(response, "leads", {})


def _context(
    request: HttpRequest,
    campaign: Campaign,
    lead: Lead,
    forms_shown: dict[str, forms.Form] | None = None,
) -> dict[str, Any]:
    address = _address(request, campaign)
    context = lead_side.side_context(
        lead,
        user=request.user,
        urls=_urls(campaign, lead),
        forms_shown=forms_shown,
        before=request.GET.get("before", ""),
    )
    return context | {
        "lead_data": _data(lead),
        "list_url": f"{reverse('calls:manager')}?{address.urlencode()}",
    }


def _address(request: HttpRequest, campaign: Campaign) -> QueryDict:
    """Of the list around the panel."""
    query = request.META.get("QUERY_STRING", "")
    if request.headers.get("HX-Request"):
        query = query_of_page(request)
    address = QueryDict(query, mutable=True)
    address.pop("lead", None)
    address["campaign"] = str(campaign.pk)
    return address


def _urls(campaign: Campaign, lead: Lead) -> dict[str, str]:
    names = {
        "note": "lead_note",
        "call_now": "lead_call_now",
        "promise": "lead_promise",
        "drop_promise": "lead_drop_promise",
        "timeline": "lead_history",
    }
    urls = {
        name: reverse(f"calls:{view}", args=[campaign.pk, lead.pk])
        for name, view in names.items()
    }
    page = f"{reverse('calls:manager')}?campaign={campaign.pk}&lead={lead.pk}"
    return urls | {"page": page, "older": f"{page}&"}


def _data(lead: Lead) -> list[tuple[str, str]]:
    shown = []
    for name in SHOWN_DATA:
        value = column_words(name, (None, getattr(lead, name)), campaigns={})[1]
        if value != NOTHING:
            shown.append((str(column_label(name)), value))
    return shown


def _who(request: HttpRequest) -> User:
    return cast("User", request.user)
