"""The HTMX views of the leads at /calls: filtered, listed, chosen and changed."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from calls import board
from calls.lead_choice import cleaned, number_of
from calls.lead_table import LeadTable
from calls.models import Campaign
from calls.shared import shared
from calls.viewers import Rights, for_viewers
from leads import selection
from leads.bulk_words import ACTIONS, undone_words
from leads.chips import SUGGESTED
from leads.models import BulkChange, CallStatus, Lead, Priority
from leads.selection import UNDOABLE, Plan, Verb
from leads.staff_admin import is_id
from leads.suggestions import suggest
from leads.wording import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

VERBS: dict[str, tuple[str, dict[str, Any]]] = {
    "select": (Verb.SELECT, {}),
    "deselect": (Verb.DESELECT, {}),
    "reset": (Verb.RESET, {}),
    "manual:on": (Verb.MANUAL, {}),
    "manual:off": (Verb.AUTOMATIC, {}),
} | {f"priority:{n}": (Verb.PRIORITY, {"priority": n}) for n in Priority.values}
# As one types, these change letter by letter.
TYPED = frozenset({"q", *SUGGESTED})


def leads_context(
    request: HttpRequest, rights: Rights, campaign: Campaign
) -> dict[str, Any]:
    """What `_leads.html` takes, for the page and for its fragments."""
    return {
        "campaign": campaign,
        "table": LeadTable(request.GET, campaign=campaign, now=timezone.now()),
        "rights": rights,
        "statuses": CallStatus.choices,
        "priorities": Priority.choices,
    }


@require_GET
@permission_required("leads.view_lead", raise_exception=True)
def leads_fragment(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The filter and its leads, when the filter or the page is another."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    context = leads_context(request, Rights.of(request.user), campaign)
    response = render(request, "calls/_leads.html", context)
    address = context["table"].query
    here = query_of_page(request)
    moves = cleaned(QueryDict(address)), cleaned(QueryDict(here))
    if moves[0] != moves[1]:
        header = "HX-Replace-Url" if _is_same_typing(*moves) else "HX-Push-Url"
        response[header] = f"{reverse('calls:manager')}?{address}"
    return response


def query_of_page(request: HttpRequest) -> str:
    """What the address of the page around a fragment says; nothing, if it is none."""
    try:
        return urlsplit(request.headers.get("HX-Current-URL", "")).query
    except ValueError:
        return ""


@require_GET
@for_viewers
def list_fragment(
    request: HttpRequest, rights: Rights, campaign_id: int
) -> HttpResponse:
    """The leads alone, while calls go on: the same for all who may do the same."""
    if not rights.may_see_leads:
        raise PermissionDenied

    def draw() -> str:
        campaign = get_object_or_404(Campaign, pk=campaign_id)
        context = leads_context(request, rights, campaign)
        return render_to_string("calls/_lead_list.html", context)

    asked = sha256(request.GET.urlencode().encode()).hexdigest()
    key = f"leads:{board.version(campaign_id)}:{get_language()}:{rights.key}:{asked}"
    return HttpResponse(shared(key, draw, seconds=board.kept_seconds()))


@require_GET
@permission_required("leads.view_lead", raise_exception=True)
def suggestions_fragment(request: HttpRequest) -> HttpResponse:
    """Values to tick that begin as somebody types."""
    name = next((one for one in SUGGESTED if one in request.GET), "")
    # htmx sends the box typed in first, and then the values ticked around it.
    typed, *ticked = request.GET.getlist(name) or [""]
    found = suggest(name, typed[:100]) if name else []
    values = [value for value in found if value not in ticked]
    context = {"name": name, "values": values, "typed": typed}
    return render(request, "calls/_lead_suggestions.html", context)


# --- Many at once -------------------------------------------------------------------


@require_POST
def change_leads(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A verb on the ticked leads; or on all of the filter, once that was confirmed."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    verb, values = VERBS.get(request.POST.get("verb", ""), ("", {}))
    if not verb:
        raise PermissionDenied(_("Esa acción no existe."))
    words = ACTIONS[verb]
    if not request.user.has_perms(
        ("leads.view_lead", f"leads.{words.permission}_lead")
    ):
        raise PermissionDenied
    if verb == Verb.SELECT:
        values = {"outbound_id": campaign.outbound_id}
    table = LeadTable(request.GET, campaign=campaign, now=timezone.now())
    is_whole = request.POST.get("scope") == "all"
    if is_whole and not table.choice.is_understood:
        # A filter that is not understood must not mean everybody.
        problem = _("El filtro tiene errores: no se ha cambiado ningún lead.")
        return _answer(request, text=problem, kind="error")
    leads = _whole_of(request, table) if is_whole else _ticked(request)
    plan = selection.plan(leads, verb, values, now=timezone.now())
    if is_whole and "confirmed" not in request.POST:
        return _ask(request, table, verb=verb, plan=plan)
    if not plan.changed:
        return _answer(request, text=_told(verb, changed=0, plan=plan))
    change = selection.apply(
        leads,
        verb,
        values,
        now=timezone.now(),
        by=cast("User", request.user),
        filter_query=table.choice.query if is_whole else "",
    )
    board.forget(campaign.pk)
    return _answer(
        request,
        text=_told(verb, changed=change.changed, plan=plan),
        is_done=True,
        action=_undo_of(change, campaign=campaign),
    )


@require_POST
@permission_required("leads.select_lead", raise_exception=True)
def undo_change(request: HttpRequest, campaign_id: int, change_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    change = get_object_or_404(BulkChange, pk=change_id, by=request.user.pk)
    back = selection.undo(change, by=cast("User", request.user), now=timezone.now())
    board.forget(campaign.pk)
    return _answer(request, text=undone_words(change, back=back), is_done=True)


def _ticked(request: HttpRequest) -> QuerySet[Lead]:
    ids = [pk for pk in request.POST.getlist("id") if is_id(pk)]
    return Lead.objects.filter(pk__in=ids)


def _whole_of(request: HttpRequest, table: LeadTable) -> QuerySet[Lead]:
    leads = table.choice.leads.order_by()
    if table.choice.why:
        # Whom a rule decides is a question to the same table: MySQL must have the
        # answer before it writes there.
        leads = Lead.objects.filter(pk__in=list(leads.values_list("pk", flat=True)))
    if only := request.POST.get("only"):
        leads = leads.filter(call_status=only)
    if newest := number_of(request.POST.get("newest")):
        leads = leads.filter(pk__lte=newest)
    return leads


def _ask(
    request: HttpRequest, table: LeadTable, *, verb: str, plan: Plan
) -> HttpResponse:
    """How many would change, how many would not, and why. The answer is about the leads
    of now: who is imported while somebody reads was not asked about."""
    words = ACTIONS[verb]
    only = request.POST.get("only", "")
    template = "calls/_ask_change_leads.html"
    context = {
        "dialog": template,
        "campaign": table.campaign,
        "table": table,
        "words": words,
        "verb": request.POST["verb"],
        "only": only,
        "newest": Lead.objects.order_by("-pk").values_list("pk", flat=True).first(),
        "only_words": dict(CallStatus.choices).get(only, ""),
        "plan": plan,
        "button": words.button(plan.changed),
    }
    if not request.headers.get("HX-Request"):
        return render(request, "calls/ask.html", context)
    response = render(request, template, context)
    response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _told(verb: str, *, changed: int, plan: Plan) -> str:
    """How many changed, and how many did not and why."""
    if not plan.total:
        return _("Marque primero algún lead.")
    words = ngettext(
        "%(what)s: %(count)s lead cambiado.",
        "%(what)s: %(count)s leads cambiados.",
        changed,
    ) % {"what": ACTIONS[verb].title, "count": number(changed)}
    stay = max(plan.total - changed, 0)
    if not stay:
        return words
    same = ngettext("%s se queda como está", "%s se quedan como están", stay)
    why = "; ".join(f"{label}: {number(count)}" for label, count in plan.reasons)
    told = f"{words} {same % number(stay)}"
    return f"{told} ({why})." if why else f"{told}."


def _undo_of(change: BulkChange, *, campaign: Campaign) -> dict[str, str] | None:
    if change.verb not in UNDOABLE or not change.changed:
        return None
    url = reverse("calls:undo_change", args=[campaign.pk, change.pk])
    return {"label": _("Deshacer"), "url": url}


def _answer(
    request: HttpRequest,
    *,
    text: str,
    kind: str = "",
    is_done: bool = False,
    action: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A toast; the leads are drawn again by themselves, and unticked if it is done."""
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('calls:manager')}?{request.GET.urlencode()}")
    toast: dict[str, Any] = {"text": text}
    if kind:
        toast["kind"] = kind
    if action:
        toast["action"] = action
    events: dict[str, Any] = {"toast": toast, "leads": {}, "board": {}}
    if is_done:
        events["acted"] = {}
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps(events)
    return response


def _is_same_typing(address: QueryDict, before: QueryDict) -> bool:
    """Going back skips the letters of a word, not the word."""
    names = {*address, *before} - {"campaign"}
    differing = {n for n in names if address.getlist(n) != before.getlist(n)}
    return differing <= TYPED and all(
        name in address and name in before for name in differing
    )
