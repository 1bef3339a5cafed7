"""The values that calls collected in Django's admin: those to be reviewed first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import collected, home
from calls.collected_value_forms import ReviewForm
from calls.collected_words import (
    MOODS,
    kept_words,
    raw_words,
    said,
    tags_of,
    value_words,
)
from calls.models import CollectedValue
from calls.talk import turns_of
from calls.timeline import person
from leads.staff_admin import ReadOnlyAdmin, short_moment, status_tag

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

State = CollectedValue.State
LIST = "admin:calls_collectedvalue_changelist"
ONE = "admin:calls_collectedvalue_change"


class StateFilter(admin.SimpleListFilter):
    """Without a choice, what waits for somebody."""

    title = gettext_lazy("situación")
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return [("all", _("Todos")), *State.choices]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or State.REVIEW
        for value, label in self.lookup_choices:
            yield {
                "selected": value == chosen,
                "query_string": changelist.get_query_string({"state": value}),
                "display": label,
            }

    def queryset(
        self, request: Any, queryset: QuerySet[CollectedValue]
    ) -> QuerySet[CollectedValue]:
        chosen = self.value() or State.REVIEW
        return queryset if chosen == "all" else queryset.filter(state=chosen)


class CollectedValueAdmin(ReadOnlyAdmin):
    """A list, oldest first, and a page for each, where it is corrected or dismissed."""

    list_display = ("heard", "what", "as_said", "read_as", "status", "lead")
    list_filter = (StateFilter, "field")
    ordering = ("id",)
    empty_list = gettext_lazy(
        "Nada por revisar. Lo que una llamada recoja y no esté claro esperará aquí."
    )

    class Media:
        css = {"all": ["css/collected.css"]}

    # --- The list ---

    @admin.display(description=gettext_lazy("llamada"))
    def heard(self, value: CollectedValue) -> str:
        attempt = value.attempt
        return short_moment(attempt.send_started_at or attempt.claimed_at)

    @admin.display(description=gettext_lazy("dato"))
    def what(self, value: CollectedValue) -> str:
        return value.field.label

    @admin.display(description=gettext_lazy("como llegó"))
    def as_said(self, value: CollectedValue) -> str:
        return raw_words(value.raw)

    @admin.display(description=gettext_lazy("valor"))
    def read_as(self, value: CollectedValue) -> str:
        return value.get_problem_display() if _waits(value) else value_words(value)

    @admin.display(description=gettext_lazy("situación"))
    def status(self, value: CollectedValue) -> str:
        return status_tag(f"value-{value.state}", value.get_state_display())

    @admin.display(description=gettext_lazy("lead"))
    def lead(self, value: CollectedValue) -> str:
        where = reverse("admin:leads_lead_change", args=[value.attempt.lead_id])
        return format_html('<a href="{}">{}</a>', where, value.attempt.lead)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"title": _("Datos recogidos en las llamadas")} | (extra_context or {})
        return super().changelist_view(request, extra)

    # --- One value ---

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        value = self.get_object(request, object_id)
        if value is None:
            raise Http404
        may_review = request.user.has_perm("calls.change_collectedvalue")
        if request.method == "POST" and not may_review:
            raise PermissionDenied
        form = ReviewForm(
            request.POST if request.method == "POST" else None, value=value
        )
        if request.method == "POST" and form.is_valid():
            return self._settle(request, value, form)
        context = self.admin_site.each_context(request)
        context |= {"opts": self.opts, "title": _("Revisar un dato recogido")}
        context |= _page_of(value) | {"form": form if may_review else None}
        page = "admin/calls/collectedvalue/review.html"
        status = 400 if form.is_bound else 200
        return TemplateResponse(request, page, context, status=status)

    def _settle(
        self, request: HttpRequest, value: CollectedValue, form: ReviewForm
    ) -> HttpResponse:
        by, now = cast("User", request.user), timezone.now()
        reason = form.cleaned_data["reason"]
        if "dismiss" in request.POST:
            done = collected.dismiss(value, reason=reason, by=by, now=now)
            words = _("Descartado.")
        else:
            typed = form.cleaned_data["value"]
            done = collected.correct(value, typed, reason=reason, by=by, now=now)
            words = _("Corregido.")
        if not done:
            words = _("Cambió mientras lo miraba: revise cómo está ahora.")
            self.message_user(request, words, messages.ERROR)
            return redirect(ONE, value.pk)
        home.forget()
        waiting = CollectedValue.objects.filter(state=State.REVIEW).order_by("id")
        following = waiting.filter(pk__gt=value.pk).first() or waiting.first()
        if following is None:
            self.message_user(request, f"{words} {_('No queda ninguno por revisar.')}")
            return redirect(LIST)
        self.message_user(request, f"{words} {_('Este es el siguiente.')}")
        return redirect(ONE, following.pk)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CollectedValue]:
        rows: QuerySet[CollectedValue] = super().get_queryset(request)
        return rows.select_related("field", "settled_by", "attempt__lead")


def _waits(value: CollectedValue) -> bool:
    return value.state == State.REVIEW


def _page_of(value: CollectedValue) -> dict[str, Any]:
    attempt = value.attempt
    others = attempt.values.exclude(pk=value.pk).select_related("field", "settled_by")
    changes = value.changes.select_related("by").order_by("-pk")
    return {
        "value": value,
        "said": said(value),
        "attempt": attempt,
        "lead": attempt.lead,
        "mood": MOODS.get(attempt.sentiment or 0),
        "tags": tags_of(attempt.tags),
        "turns": turns_of(attempt),
        "others": [said(other) for other in others.order_by("field__order", "pk")],
        "changes": [
            {
                "at": change.at,
                "who": person(change.by),
                "reason": change.reason,
                "state": State(change.after["state"]).label,
                "words": kept_words(change.after, field=value.field),
            }
            for change in changes
        ],
    }
