"""Campaigns and what became of their calls, in Django's admin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import by_hand
from calls.attempt_results_admin import AttemptResults
from calls.campaign_test_admin import CampaignTestMode
from calls.clinic_admin import ClinicAdmin
from calls.collected_field_admin import CollectedFieldAdmin
from calls.collected_value_admin import CollectedValueAdmin
from calls.correction_admin import CallCorrection
from calls.event_admin import PearlEventAdmin
from calls.forms import CampaignForm, ReasonActionForm
from calls.lead_admin import CallableLeadAdmin
from calls.models import (
    ApiToken,
    CallAttempt,
    Campaign,
    Clinic,
    CollectedField,
    CollectedValue,
    Listen,
    OutcomeTable,
    PearlAccount,
    PearlEvent,
    Recording,
    Run,
    Worker,
)
from calls.outcome_admin import OutcomeTableAdmin
from calls.recording_admin import ListenAdmin, RecordingAdmin
from calls.suppression_admin import CallSuppressionAdmin
from calls.token_admin import ApiTokenAdmin
from leads.models import Lead, Suppression
from leads.phones import group
from leads.staff_admin import (
    ReadOnlyAdmin,
    StaffAdmin,
    phone_search,
    short_moment,
    status_tag,
)

if TYPE_CHECKING:
    from django.http import HttpRequest


# Leads and exclusions, now that there are campaigns and calls.
admin.site.unregister([Lead, Suppression])
admin.site.register(Lead, CallableLeadAdmin)
admin.site.register(Suppression, CallSuppressionAdmin)
admin.site.register(ApiToken, ApiTokenAdmin)
admin.site.register(PearlEvent, PearlEventAdmin)
admin.site.register(Recording, RecordingAdmin)
admin.site.register(Listen, ListenAdmin)
admin.site.register(CollectedField, CollectedFieldAdmin)
admin.site.register(CollectedValue, CollectedValueAdmin)
admin.site.register(Clinic, ClinicAdmin)
admin.site.register(OutcomeTable, OutcomeTableAdmin)


# --- Campaigns ------------------------------------------------------------------------


@admin.register(Campaign)
class CampaignAdmin(CampaignTestMode, StaffAdmin):
    form = CampaignForm
    list_display = (
        "name",
        "status",
        "max_concurrent_calls",
        "pearl_agents",
        "max_attempts",
        "requires_consent",
        "checked",
    )
    list_filter = ("state",)
    search_fields = ("name", "outbound_id", "pearl_id")
    why_protected = gettext_lazy(
        "Ejecuciones e intentos: %(count)d. Una campaña con llamadas no se borra: su "
        "historial debe quedar."
    )
    fieldsets = (
        (None, {"fields": ("name", "outbound_id", "pearl_id")}),
        (
            gettext_lazy("Ritmo"),
            {"fields": (("max_concurrent_calls", "timeout_seconds"),)},
        ),
        (
            gettext_lazy("Cuándo se llama"),
            {
                "fields": (
                    "weekly_hours",
                    ("on_holidays", "always_open"),
                    "close_margin_seconds",
                ),
            },
        ),
        (
            gettext_lazy("A quién y cuántas veces"),
            {
                "fields": (
                    "requires_consent",
                    ("max_attempts", "max_per_day", "min_gap_minutes"),
                    "retry_minutes",
                ),
            },
        ),
        (
            gettext_lazy("Situación"),
            {
                "description": gettext_lazy(
                    "Lo escribe el sistema. Se empieza y se detiene en Llamadas."
                ),
                "fields": (
                    ("state", "generation"),
                    "state_reason",
                    "test_phone",
                    ("pearl_agents", "checked_at"),
                ),
            },
        ),
    )
    readonly_fields = (
        "state",
        "generation",
        "state_reason",
        "test_phone",
        "pearl_agents",
        "checked_at",
    )

    @admin.display(description=gettext_lazy("estado"), ordering="state")
    def status(self, campaign: Campaign) -> str:
        return status_tag(campaign.state, campaign.get_state_display())

    @admin.display(description=gettext_lazy("comprobada"), ordering="checked_at")
    def checked(self, campaign: Campaign) -> str:
        return short_moment(campaign.checked_at)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> tuple[str, ...]:
        """Leads hang from the campaign by its id in Pearl: it stays once one does."""
        own = tuple(self.readonly_fields)
        if obj is not None and (obj.runs.exists() or obj.leads.exists()):
            return ("outbound_id", *own)
        return own


class CampaignFilter(admin.RelatedFieldListFilter):
    """As Django's, with our name for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("campaña")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("campaign_name", "started", "started_by", "ended", "end_reason")
    list_select_related = ("campaign", "started_by")
    list_filter = (("campaign", CampaignFilter),)
    fields = (
        "campaign_name",
        ("started_at", "started_by"),
        ("until_empty", "call_limit"),
        ("stop_requested_at", "stopped_by"),
        ("ended_at", "end_reason"),
    )
    readonly_fields = ("campaign_name",)

    @admin.display(description=gettext_lazy("campaña"), ordering="campaign")
    def campaign_name(self, run: Run) -> str:
        return run.campaign.name

    @admin.display(description=gettext_lazy("inicio"), ordering="started_at")
    def started(self, run: Run) -> str:
        return short_moment(run.started_at)

    @admin.display(description=gettext_lazy("fin"), ordering="ended_at")
    def ended(self, run: Run) -> str:
        return short_moment(run.ended_at)


# --- Attempts -------------------------------------------------------------------------


@admin.register(CallAttempt)
class CallAttemptAdmin(CallCorrection, AttemptResults):
    """Read-only, but for attempts of which only a person can say what happened."""

    list_display = (
        "sent",
        "lead_link",
        "number",
        "how_far",
        "outcome",
        "duration_seconds",
        "campaign_name",
        "error",
    )
    list_select_related = ("lead", "campaign")
    list_filter = ("state", "outcome", ("campaign", CampaignFilter))
    search_fields = ("=token", "=pearl_request_id", "=pearl_call_id")
    search_help_text = gettext_lazy(
        "Teléfono escrito de cualquier forma, o identificador del intento o de Pearl."
    )
    action_form = ReasonActionForm
    actions = ("it_rang", "it_did_not_ring")
    readonly_fields = (
        "lead_link",
        "campaign_name",
        "run_link",
        "number",
        "how_far",
        "brought_back",
        "conversation",
        "answers",
        "recorded",
        "asked_again",
    )
    fieldsets = (
        (None, {"fields": ("lead_link", "number", ("campaign_name", "run_link"))}),
        (
            gettext_lazy("Qué pasó"),
            {
                "fields": (
                    ("how_far", "outcome", "error"),
                    ("started_at", "duration_seconds"),
                    "summary",
                    "brought_back",
                    "conversation",
                    "answers",
                    "recorded",
                ),
            },
        ),
        (
            gettext_lazy("Detalle técnico"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("claimed_at", "send_started_at", "accepted_at", "closed_at"),
                    "confirmed_at",
                    ("verdict", "owner", "counted", "asked_again"),
                    ("pearl_request_id", "pearl_call_id"),
                    ("call_code", "conversation_code", "request_code"),
                    ("outcome_version", "corrected_at"),
                ),
            },
        ),
    )

    @admin.display(description=gettext_lazy("enviada"), ordering="claimed_at")
    def sent(self, attempt: CallAttempt) -> str:
        return short_moment(attempt.send_started_at or attempt.claimed_at)

    @admin.display(description=gettext_lazy("lead"))
    def lead_link(self, attempt: CallAttempt) -> str:
        where = reverse("admin:leads_lead_change", args=[attempt.lead_id])
        return format_html('<a href="{}">{}</a>', where, attempt.lead)

    @admin.display(description=gettext_lazy("campaña"), ordering="campaign")
    def campaign_name(self, attempt: CallAttempt) -> str:
        return attempt.campaign.name

    @admin.display(description=gettext_lazy("se preguntará a Pearl"))
    def asked_again(self, attempt: CallAttempt) -> str:
        return short_moment(attempt.next_lookup_at)

    @admin.display(description=gettext_lazy("ejecución"))
    def run_link(self, attempt: CallAttempt) -> str:
        where = reverse("admin:calls_run_change", args=[attempt.run_id])
        return format_html('<a href="{}">{}</a>', where, attempt.run)

    @admin.display(description=gettext_lazy("número"), ordering="phone")
    def number(self, attempt: CallAttempt) -> str:
        if not attempt.is_test:
            return group(attempt.phone)
        words = _("prueba")
        return format_html('{} <b class="mark">{}</b>', group(attempt.phone), words)

    @admin.display(description=gettext_lazy("situación"), ordering="state")
    def how_far(self, attempt: CallAttempt) -> str:
        return status_tag(attempt.state, attempt.get_state_display())

    @admin.display(description=gettext_lazy("transcripción"))
    def conversation(self, attempt: CallAttempt) -> str:
        turns = (
            f"{turn.get('role')}: {turn.get('text')}" for turn in attempt.transcript
        )
        return _preformatted("\n".join(turns))

    @admin.display(description=gettext_lazy("grabación"))
    def recorded(self, attempt: CallAttempt) -> str:
        """Where Pearl has it is for nobody's browser."""
        found = Recording.objects.filter(attempt=attempt).first()
        if found is None:
            return "—"
        where = reverse("admin:calls_recording_change", args=[found.pk])
        return format_html('<a href="{}">{}</a>', where, found.get_state_display())

    @admin.display(description=gettext_lazy("datos recogidos"))
    def answers(self, attempt: CallAttempt) -> str:
        if not attempt.collected_info:
            return "—"
        return _preformatted(
            json.dumps(attempt.collected_info, ensure_ascii=False, indent=2)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CallAttempt], search_term: str
    ) -> tuple[QuerySet[CallAttempt], bool]:
        by_phone = phone_search(search_term, "phone")
        if by_phone is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(by_phone), False

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.settle_callattempt"))

    @admin.action(
        description=gettext_lazy("Por revisar: sí sonó"), permissions=["settle"]
    )
    def it_rang(self, request: HttpRequest, attempts: QuerySet[CallAttempt]) -> None:
        self._settle(request, attempts, rang=True)

    @admin.action(
        description=gettext_lazy("Por revisar: no sonó"), permissions=["settle"]
    )
    def it_did_not_ring(
        self, request: HttpRequest, attempts: QuerySet[CallAttempt]
    ) -> None:
        self._settle(request, attempts, rang=False)

    def _settle(
        self, request: HttpRequest, attempts: QuerySet[CallAttempt], *, rang: bool
    ) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(
                request,
                _("Escriba el motivo, junto a la acción: cómo se sabe si sonó."),
                messages.ERROR,
            )
            return
        said = _("sí sonó") if rang else _("no sonó")
        words = f"{said}: {reason} ({request.user.get_username()})"
        now = timezone.now()
        changed = 0
        chosen = list(attempts)
        for attempt in chosen:
            if by_hand.close_by_hand(attempt, rang=rang, reason=words, now=now):
                changed += 1
                self.log_change(request, attempt, words)
        self.report(
            request,
            changed=changed,
            total=len(chosen),
            why_not=_("no estaban por revisar"),
        )


# --- What Pearl said, and who is working ----------------------------------------------


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("identity", "started", "heartbeat", "stopped", "serving")

    @admin.display(description=gettext_lazy("inicio"), ordering="started_at")
    def started(self, worker: Worker) -> str:
        return short_moment(worker.started_at)

    @admin.display(description=gettext_lazy("último latido"), ordering="heartbeat_at")
    def heartbeat(self, worker: Worker) -> str:
        return short_moment(worker.heartbeat_at)

    @admin.display(description=gettext_lazy("fin"), ordering="stopped_at")
    def stopped(self, worker: Worker) -> str:
        return short_moment(worker.stopped_at)


@admin.register(PearlAccount)
class PearlAccountAdmin(ReadOnlyAdmin):
    list_display = (
        "account_id",
        "credit_balance",
        "total_agents",
        "checked_at",
        "waits_until",
        "problem",
    )
    fields = list_display

    @admin.display(description=gettext_lazy("Pearl pide esperar hasta"))
    def waits_until(self, account: PearlAccount) -> str:
        moments = (account.blocked_until, account.breaker_until)
        return short_moment(max(filter(None, moments), default=None))


def _preformatted(text: str) -> str:
    return format_html('<pre class="as-said">{}</pre>', text) if text else "—"
