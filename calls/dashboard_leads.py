"""The leads of /calls: filtered, chosen and changed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from calls import board
from calls.models import Campaign
from leads import selection
from leads.filters import LARGEST_ID, LeadFilter
from leads.lead_pages import COUNTED_AT_MOST, Order, Page, Place, read_page
from leads.models import Lead, Priority
from leads.selection import Verb

PAGE_SIZES = (25, 50, 100)
OLDEST_FIRST = Order(descending=False)
PLACE_VARS = ("page", "after", "before", "end")


@require_GET
def leads_fragment(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The filtered leads. Ticks arrive as `id` and are drawn again."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    context = leads_context(request, campaign)
    response = render(request, "calls/_leads.html", context)
    if "moved" in request.GET:
        response["HX-Push-Url"] = f"{reverse('calls:manager')}?{context['query']}"
    return response


@require_POST
@permission_required("leads.select_lead", raise_exception=True)
def change_leads(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A verb of `leads.selection` on the ticked leads, or on all of the filter."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    if request.POST.get("scope") == "all":
        leads = LeadFilter(request.GET, queryset=Lead.objects.all())
        # A filter that is not understood must not mean everybody.
        chosen = leads.qs if leads.is_valid() else Lead.objects.none()
    else:
        ids = [pk for pk in request.POST.getlist("id") if pk.isdigit()]
        chosen = Lead.objects.filter(pk__in=[pk for pk in ids if len(pk) < 19])
    changed = _apply(request, chosen, campaign=campaign)
    board.forget(campaign)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('calls:manager')}?{request.GET.urlencode()}")
    context = leads_context(request, campaign) | {"ticked": set()}
    response = render(request, "calls/_leads.html", context)
    text = ngettext("%d lead cambiado.", "%d leads cambiados.", changed) % changed
    if not changed:
        text = _("No cambió ningún lead: ya estaban así o no se les puede llamar.")
    trigger_client_event(response, "toast", {"text": text})
    return trigger_client_event(response, "tick", after="settle")


def _apply(request: HttpRequest, leads: QuerySet[Lead], *, campaign: Campaign) -> int:
    known = {
        "select": (Verb.SELECT, {"outbound_id": campaign.outbound_id}),
        "deselect": (Verb.DESELECT, {}),
        "reset": (Verb.RESET, {}),
        "manual:on": (Verb.MANUAL, {}),
        "manual:off": (Verb.AUTOMATIC, {}),
    } | {f"priority:{n}": (Verb.PRIORITY, {"priority": n}) for n in Priority.values}
    verb, values = known.get(request.POST.get("verb", ""), (None, {}))
    if verb is None:
        raise PermissionDenied(_("Esa acción no existe."))
    change = selection.apply(
        leads,
        verb,
        values,
        now=timezone.now(),
        by=request.user,  # type: ignore[arg-type]
        filter_query=request.GET.urlencode(),
    )
    return change.changed


def leads_context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    now = timezone.now()
    leads = LeadFilter(request.GET, queryset=Lead.objects.all(), now=now)
    size = _number(request.GET.get("size"), default=PAGE_SIZES[0])
    size = size if size in PAGE_SIZES else PAGE_SIZES[0]
    page = read_page(
        # A filter that is not understood shows nobody, as it changes nobody.
        leads.narrowed(at_most=COUNTED_AT_MOST)
        if leads.is_valid()
        else Lead.objects.none(),
        order=OLDEST_FIRST,
        place=_place(request),
        size=size,
    )
    query = request.GET.copy()
    for name in ("id", "moved", "csrfmiddlewaretoken"):
        query.pop(name, None)
    query["campaign"] = str(campaign.pk)
    pageless = query.copy()
    for name in PLACE_VARS:
        pageless.pop(name, None)
    return {
        "campaign": campaign,
        "leads": page.leads,
        "filter": leads,
        "total": min(page.count, COUNTED_AT_MOST),
        "is_cut": page.is_cut,
        "page": page,
        "moves": _moves(page, pageless),
        "size": size,
        "sizes": PAGE_SIZES,
        "query": query.urlencode(),
        "pageless": pageless.urlencode(),
        "board_now": now,
        "ticked": {_number(pk) for pk in request.GET.getlist("id")},
        "may_select": request.user.has_perm("leads.select_lead"),
    }


def _place(request: HttpRequest) -> Place:
    return Place(
        number=_number(request.GET.get("page"), default=1),
        after=_number(request.GET.get("after")) or None,
        before=_number(request.GET.get("before")) or None,
        at_end="end" in request.GET,
    )


def _moves(page: Page, pageless: QueryDict) -> list[tuple[str, str]]:
    """The other pages within reach: what each is called, and its query."""
    moves: dict[str, tuple[str, Any] | None] = {}
    if page.has_previous:
        moves[_("Primera")] = None
    if page.is_cut and page.leads:
        if page.has_previous:
            moves[_("Anterior")] = ("before", page.leads[0].pk)
        if page.has_next:
            moves[_("Siguiente")] = ("after", page.leads[-1].pk)
            moves[_("Última")] = ("end", 1)
    elif not page.is_cut:
        if page.has_previous:
            moves[_("Anterior")] = ("page", page.number - 1)
        if page.has_next:
            moves[_("Siguiente")] = ("page", page.number + 1)
            moves[_("Última")] = ("page", page.pages)
    links = []
    for words, place in moves.items():
        query = pageless.copy()
        if place is not None:
            query[place[0]] = str(place[1])
        links.append((words, query.urlencode()))
    return links


def _number(text: str | None, *, default: int = 0) -> int:
    """What an address says; `default` if that is no number or no database holds it."""
    is_number = text and text.isascii() and text.isdigit() and len(text) < 20
    return min(int(text), LARGEST_ID) if text and is_number else default
