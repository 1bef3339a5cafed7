"""The numbers never to be called in the admin, once there are calls to ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import opt_outs
from calls.models import OptOut
from leads.models import Suppression
from leads.suppression_admin import SuppressionAdmin

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest


class CallSuppressionAdmin(SuppressionAdmin):
    """Each number that somebody asked not to be called at leads to that call."""

    list_display = (*SuppressionAdmin.list_display[:-2], "call", "added")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        said = OptOut.objects.filter(phone_hash=OuterRef("phone_hash"))
        last = said.order_by("-id").values("attempt_id")[:1]
        rows: QuerySet[Suppression] = super().get_queryset(request)
        return rows.annotate(told_in=Subquery(last))

    def get_fields(
        self, request: HttpRequest, obj: Suppression | None = None
    ) -> tuple[str, ...]:
        fields = super().get_fields(request, obj)
        return (*fields, "call") if obj else fields

    def get_readonly_fields(
        self, request: HttpRequest, obj: Suppression | None = None
    ) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "call")

    @admin.display(description=gettext_lazy("origen"), ordering="source")
    def call(self, suppression: Suppression) -> str:
        told_in = getattr(suppression, "told_in", None)
        if told_in is None or suppression.list != opt_outs.REQUEST:
            return suppression.source
        where = reverse("admin:calls_callattempt_change", args=[told_in])
        return format_html('<a href="{}">{}</a>', where, _("Ver la llamada"))

    def decided(
        self, request: HttpRequest, numbers: QuerySet[Suppression], *, accepted: bool
    ) -> None:
        Decision = OptOut.Decision
        opt_outs.decide(
            numbers,
            Decision.ACCEPTED if accepted else Decision.REJECTED,
            by=cast("User", request.user),
            now=timezone.now(),
        )
