"""The leads' page in Django's admin, once there are campaigns to call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls.models import CallAttempt, Campaign
from leads import selection
from leads.admin import LeadAdmin
from leads.models import Lead
from leads.staff_admin import short_moment, status_tag

if TYPE_CHECKING:
    from django.http import HttpRequest

    InlineBase = admin.TabularInline[CallAttempt, Lead]
else:
    InlineBase = admin.TabularInline

QUEUE_ACTION = "put_in_queue_of_"


class AttemptInline(InlineBase):
    """The calls of a lead, last first. A line each, so its first cell is the link."""

    model = CallAttempt
    fields = ("sent", "how_far", "outcome", "duration_seconds", "summary", "error")
    readonly_fields = fields
    ordering = ("-id",)
    extra = 0
    can_delete = False
    classes = ("calls-of-lead",)
    verbose_name_plural = gettext_lazy("historial de llamadas")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("enviada"))
    def sent(self, attempt: CallAttempt) -> str:
        where = reverse("admin:calls_callattempt_change", args=[attempt.pk])
        moment = short_moment(attempt.send_started_at or attempt.claimed_at)
        return format_html('<a href="{}">{}</a>', where, moment)

    @admin.display(description=gettext_lazy("situación"))
    def how_far(self, attempt: CallAttempt) -> str:
        return status_tag(attempt.state, attempt.get_state_display())


class CallableLeadAdmin(LeadAdmin):
    """The leads' page, with the queue of each campaign and the calls of each lead."""

    inlines = (AttemptInline,)

    def get_inlines(self, request: HttpRequest, obj: Lead | None) -> Any:
        return self.inlines if obj else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not self.has_change_permission(request):
            return actions
        queues = {}
        for campaign in Campaign.objects.order_by("name", "id"):
            words = _("Poner en cola de «%s»") % campaign.name
            name = f"{QUEUE_ACTION}{campaign.pk}"
            queues[name] = (_put_in_queue_of(campaign), name, words)
        return queues | actions


def _put_in_queue_of(campaign: Campaign) -> Callable[..., None]:
    def action(
        page: CallableLeadAdmin, request: HttpRequest, leads: QuerySet[Lead]
    ) -> None:
        why_not = _("ya estaban en esa cola, en gestión manual o sin número válido")
        page.apply(
            request,
            leads,
            selection.select,
            outbound_id=campaign.outbound_id,
            why_not=why_not,
        )

    return action
