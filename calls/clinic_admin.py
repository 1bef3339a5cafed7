"""Clinics, their diaries and the secret address of their calendar, in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import calendar_feed
from calls.models import Clinic, Resource
from leads.staff_admin import StaffAdmin

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    ResourceInlineBase = admin.StackedInline[Resource, Clinic]
else:
    ResourceInlineBase = admin.StackedInline


class ResourceInline(ResourceInlineBase):
    model = Resource
    extra = 0


class ClinicAdmin(StaffAdmin):
    list_display = ("name", "external_id", "diaries", "minutes", "has_feed")
    search_fields = ("name", "external_id")
    inlines = (ResourceInline,)
    change_form_template = "admin/calls/clinic/change_form.html"
    fields = ("name", "external_id", "address", "time_zone", "minutes")
    why_protected = gettext_lazy(
        "Citas: %(count)d. Una clínica o una agenda con citas no se borra: cierre la "
        "agenda."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Clinic]:
        clinics: QuerySet[Clinic] = super().get_queryset(request)
        return clinics.annotate(diary_count=Count("resources"))

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<int:clinic_id>/calendar/",
            self.admin_site.admin_view(self.calendar),
            name="calls_clinic_calendar",
        )
        return [page, *super().get_urls()]

    def calendar(self, request: HttpRequest, clinic_id: int) -> HttpResponse:
        """Its secret address: shown, renewed or taken away by whoever may change it."""
        clinic = self.get_object(request, str(clinic_id))
        if clinic is None or not self.has_change_permission(request, clinic):
            raise PermissionDenied
        if request.method == "POST":
            return self._change_calendar(request, clinic)
        address = ""
        if clinic.feed_token:
            where = reverse("calendar_feed", args=[clinic.feed_token])
            address = request.build_absolute_uri(where)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Calendario de «%s»") % clinic.name,
            "clinic": clinic,
            "address": address,
        }
        return TemplateResponse(request, "admin/calls/clinic/calendar.html", context)

    def _change_calendar(self, request: HttpRequest, clinic: Clinic) -> HttpResponse:
        if "stop" in request.POST:
            calendar_feed.stop(clinic)
            words = _("Calendario apagado: su dirección ya no funciona.")
        else:
            calendar_feed.renew(clinic)
            words = _("Dirección nueva. La anterior, si la había, ya no funciona.")
        self.log_change(request, clinic, words)
        self.message_user(request, words, messages.SUCCESS)
        return redirect(request.path)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        clinic: Clinic = form.instance
        if not change and not clinic.resources.exists():
            Resource.objects.create(clinic=clinic)
            self.message_user(request, _("Se le ha abierto una agenda: «Agenda»."))

    @admin.display(description=gettext_lazy("agendas"), ordering="diary_count")
    def diaries(self, clinic: Clinic) -> int:
        return clinic.diary_count  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=gettext_lazy("calendario"), boolean=True)
    def has_feed(self, clinic: Clinic) -> bool:
        return clinic.feed_token is not None
