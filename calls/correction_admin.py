"""The page of Django's admin where a person corrects the outcome of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from calls import board, corrections
from calls.corrections import CorrectionRefused
from calls.models import CallAttempt
from calls.outcome_forms import CorrectionForm
from calls.states import Outcome, State
from calls.wording import moment_words
from leads.models import Lead

if TYPE_CHECKING:
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[CallAttempt]
else:
    ModelAdmin = admin.ModelAdmin

MAY_CORRECT = "calls.correct_callattempt"


class CallCorrection(ModelAdmin):
    change_form_template = "admin/calls/callattempt/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<int:attempt_id>/correct/",
            self.admin_site.admin_view(self.correct_view),
            name="calls_callattempt_correct",
        )
        return [page, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        attempt = self.get_object(request, object_id)
        extra: dict[str, Any] = {}
        if attempt is not None and attempt.state == State.ENDED:
            changes = attempt.outcome_changes.select_related("by").order_by("-pk")
            extra = {
                "may_correct": request.user.has_perm(MAY_CORRECT),
                "outcome_changes": list(changes),
                "pearl_says": corrections.pearl_says(attempt),
            }
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | extra
        )

    def correct_view(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        if not request.user.has_perms(["calls.view_callattempt", MAY_CORRECT]):
            raise PermissionDenied
        attempt = self.get_object(request, str(attempt_id))
        if attempt is None or attempt.state != State.ENDED:
            messages.warning(request, _("Solo se corrige una llamada terminada."))
            return redirect("admin:calls_callattempt_changelist")
        form = CorrectionForm(
            request.POST or None,
            initial={"outcome": attempt.outcome, "seen": attempt.outcome},
        )
        if request.method == "POST" and form.is_valid():
            try:
                corrections.correct(
                    attempt.pk,
                    Outcome(form.cleaned_data["outcome"]),
                    seen=form.cleaned_data["seen"],
                    reason=form.cleaned_data["reason"].strip(),
                    by=cast("Any", request.user),
                    now=timezone.now(),
                )
            except CorrectionRefused as exc:
                form.add_error(None, str(exc.reason))
            else:
                board.forget(attempt.campaign_id)
                messages.success(request, _said(attempt))
                where = "admin:calls_callattempt_change"
                return redirect(reverse(where, args=[attempt.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Corregir el resultado"),
            "subtitle": str(attempt),
            "attempt": attempt,
            "pearl_says": corrections.pearl_says(attempt),
            "form": form,
        }
        template = "admin/calls/callattempt/correct.html"
        status = 400 if form.errors else 200
        return TemplateResponse(request, template, context, status=status)


def _said(attempt: CallAttempt) -> str:
    """What was done, and where it leaves the lead."""
    lead = Lead.objects.get(pk=attempt.lead_id)
    if attempt.is_test:
        return _("Resultado corregido.")
    if not lead.selected_for_calling:
        return _("Resultado corregido. El lead está fuera de la cola.")
    if lead.next_call_at is None:
        return _("Resultado corregido. El lead está en la cola.")
    when = moment_words(lead.next_call_at, now=timezone.now(), time_zone=lead.time_zone)
    return _("Resultado corregido. Al lead se le llamará a partir de: %s.") % when
