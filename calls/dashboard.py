"""The HTMX views of /calls. Each moving part is a fragment with a URL of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from calls import alarms, board, live, pearl_switch, preflight, runs, starting
from calls.dashboard_lead import drawer_context
from calls.dashboard_leads import leads_context
from calls.models import Campaign
from calls.pearl import Outbound, PearlClient, PearlError
from calls.pearl_pill import pearl_pill
from calls.shared import shared
from calls.viewers import Rights, for_viewers
from leads.wording import number

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from calls.board import Board


@require_GET
@permission_required("calls.view_campaign", raise_exception=True)
def calls_manager(request: HttpRequest) -> HttpResponse:
    """The page."""
    campaigns = board.campaigns()
    if not campaigns:
        return render(request, "calls/no_campaign.html")
    campaign = _campaign(request, campaigns)
    rights, now = Rights.of(request.user), timezone.now()
    context = leads_context(request, rights, campaign)
    context |= drawer_context(request, rights, campaign)
    if shown := board.at_hand(campaign, now=now):
        context |= _board_context(shown, rights)
    events_url = reverse("calls:events", args=[campaign.pk])
    context |= {
        "rights": rights,
        "is_simulated": settings.PEARL_IS_SIMULATOR,
        "events_url": events_url if live.can_stream(request) else "",
        "active_ms": round(1000 * settings.SCREEN_POLL_ACTIVE_SECONDS),
        "idle_ms": round(1000 * settings.SCREEN_POLL_IDLE_SECONDS),
    }
    return render(request, "calls/calls_manager.html", context)


@require_GET
@for_viewers
def board_fragment(
    request: HttpRequest, rights: Rights, campaign_id: int
) -> HttpResponse:
    """The control card, the counters, why nobody is called, and the side: calls in
    course, activity, processes. Drawn once for all who may see the same."""
    key = f"board-html:{board.version(campaign_id)}:{get_language()}:{rights.key}"
    known: str | None = cache.get(key)
    if known is not None:
        return HttpResponse(known)
    try:
        shown = board.board(campaign_id, now=timezone.now())
    except Campaign.DoesNotExist as exc:
        raise Http404 from exc

    def draw() -> str:
        facts = {
            "alarms": alarms.alarms(now=shown.now),
            "pearl_pill": pearl_pill(now=shown.now),
        }
        context = _board_context(shown, rights) | facts
        return render_to_string("calls/_board.html", context)

    html = shared(key, draw, seconds=board.kept_seconds())
    return HttpResponse(html)


@require_POST
@permission_required("calls.run_campaign", raise_exception=True)
def start(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """START, or the end of a pause; refused with its reason when it cannot work."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    test_phone = request.POST.get("test_phone", "")
    try:
        starting.start(campaign.pk, by=_person(request), test_phone=test_phone)
    except starting.Refused as refusal:
        return _board(request, campaign, problem=str(refusal))
    return _board(request, campaign, toast=_("La campaña está en marcha."))


@require_POST
@permission_required("calls.run_campaign", raise_exception=True)
def pause(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """PAUSE: no new calls until somebody goes on."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    going_on = runs.pause(campaign.pk, now=timezone.now(), by=_person(request))
    if going_on is None:
        return _board(request, campaign, toast=_("La campaña no estaba llamando."))
    return _board(request, campaign, toast=_promise(_("En pausa."), going_on))


@require_POST
@permission_required("calls.view_campaign", raise_exception=True)
def stop(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """STOP, which always wins and says how many calls go on."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    going_on = runs.stop(campaign.pk, now=timezone.now(), by=_person(request))
    return _board(request, campaign, toast=_promise(_("Detenida."), going_on))


@require_http_methods(["GET", "POST"])
@permission_required("calls.view_campaign", raise_exception=True)
def emergency(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """STOP here, and then the campaign is paused at Pearl too."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    if request.method == "GET":
        return _ask(request, campaign, "calls/_ask_emergency.html")
    by, now = _person(request), timezone.now()
    going_on = runs.stop(campaign.pk, now=now, by=by)
    reason: object = ""
    try:
        with PearlClient.from_settings() as pearl:
            is_paused = pearl_switch.pause(campaign, pearl=pearl, now=now, by=by)
    except PearlError as exc:
        is_paused, reason = False, exc
    if not is_paused:
        problem = _(
            "Aquí está detenida y no se llamará a nadie más, pero no consta que Pearl "
            "la haya pausado. %s Páusela en la web de Pearl o repita la parada."
        )
        return _board(request, campaign, problem=problem % reason)
    toast = _promise(_("Detenida, y pausada en Pearl."), going_on)
    return _board(request, campaign, toast=toast)


@require_http_methods(["GET", "POST"])
@permission_required("calls.run_campaign", raise_exception=True)
def resume_at_pearl(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Make a campaign run again at Pearl, which dials at once what it has queued."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    by, now = _person(request), timezone.now()
    failed = _("No consta que Pearl la haya reactivado. %s Vuelva a intentarlo.")
    seen = runs.last_event(campaign_id)
    if request.method == "POST" and request.POST.get("seen") != str(seen):
        problem = _(
            "Alguien cambió algo desde que se preguntó, quizá con una parada: no se ha "
            "reactivado nada. Mire el estado y, si procede, vuelva a intentarlo."
        )
        return _board(request, campaign, problem=problem)
    with PearlClient.from_settings() as pearl:
        try:
            if request.method == "GET":
                queued = pearl_switch.queued(campaign, pearl=pearl, now=now)
                template = "calls/_ask_resume_at_pearl.html"
                return _ask(request, campaign, template, queued=queued, seen=seen)
            is_running = pearl_switch.resume(campaign, pearl=pearl, now=now, by=by)
        except PearlError as exc:
            if request.method == "GET":
                return _ask(request, campaign, "calls/_ask_failed.html", problem=exc)
            return _board(request, campaign, problem=failed % exc)
    if not is_running:
        return _board(request, campaign, problem=failed % "")
    return _board(request, campaign, toast=_("La campaña está en marcha en Pearl."))


@require_POST
@permission_required("calls.run_campaign", raise_exception=True)
def check_pearl(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Ask Pearl now: all that a START would ask, and which campaigns it has."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    unknown: list[Outbound] = []
    with PearlClient.from_settings() as pearl:
        findings = preflight.check(campaign, pearl=pearl, now=timezone.now())
        with suppress(PearlError):  # the findings say so already
            unknown = pearl_switch.read_campaigns(pearl=pearl)
    board.forget(campaign.pk)
    return _ask(
        request,
        campaign,
        "calls/_pearl_checked.html",
        findings=findings,
        unknown=unknown,
    )


@require_POST
@permission_required("calls.run_campaign", raise_exception=True)
def set_limit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """How many calls at a time: a number, or one `step` more or less."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    text, step = request.POST.get("limit", ""), request.POST.get("step", "")
    if step in ("1", "-1"):
        limit = runs.change_limit(
            campaign.pk, step=int(step), now=timezone.now(), by=_person(request)
        )
    elif text.isascii() and text.isdigit() and 1 <= int(text) <= runs.MAX_LIMIT:
        limit = runs.change_limit(
            campaign.pk, to=int(text), now=timezone.now(), by=_person(request)
        )
    else:
        problem = _("Escriba un número de llamadas simultáneas entre 1 y 1.000.")
        return _board(request, campaign, problem=problem)
    toast = _("Llamadas simultáneas: %s.") % number(limit)
    return _board(request, campaign, toast=toast)


# --- What the views share -----------------------------------------------------------


def _campaign(request: HttpRequest, campaigns: list[Campaign]) -> Campaign:
    wanted = request.GET.get("campaign", "")
    known = {str(campaign.pk): campaign for campaign in campaigns}
    return known.get(wanted, campaigns[0])


def _board(
    request: HttpRequest, campaign: Campaign, *, toast: str = "", problem: str = ""
) -> HttpResponse:
    changed = bool(toast or problem)
    if changed:
        board.forget(campaign.pk)
        campaign = Campaign.objects.get(pk=campaign.pk)
    if changed and not request.headers.get("HX-Request"):
        message = messages.error if problem else messages.success
        message(request, problem or toast)
        return redirect(f"{reverse('calls:manager')}?campaign={campaign.pk}")
    context = _board_context_of(request, campaign) | {"problem": problem}
    response = render(request, "calls/_board.html", context)
    if toast:
        trigger_client_event(response, "toast", {"text": toast, "key": "panel"})
        trigger_client_event(response, "leads", {})
    return response


def _board_context_of(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    shown = board.board(campaign.pk, now=timezone.now())
    return _board_context(shown, Rights.of(request.user))


def _board_context(shown: Board, rights: Rights) -> dict[str, Any]:
    return {"board": shown, "rights": rights, "campaigns": shown.campaigns}


def _ask(
    request: HttpRequest, campaign: Campaign, template: str, **facts: Any
) -> HttpResponse:
    """What a dialog of the page shows; a page of its own without JavaScript."""
    context = _board_context_of(request, campaign) | {"dialog": template} | facts
    if request.headers.get("HX-Request"):
        return render(request, template, context)
    return render(request, "calls/ask.html", context)


def _promise(done: str, going_on: int) -> str:
    """What STOP promises: nobody else is called, and who is in a call stays in it."""
    if not going_on:
        return _("%s No se llamará a nadie más.") % done
    text = ngettext(
        "%(done)s %(n)s llamada en curso terminará por sí misma.",
        "%(done)s %(n)s llamadas en curso terminarán por sí mismas.",
        going_on,
    )
    return text % {"done": done, "n": number(going_on)}


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
