"""The baseline: Django's own list of leads, with the same columns and filters."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from leads.models import Lead
from tuotempo.urls import urlpatterns as ours

site = admin.AdminSite(name="stock")


@admin.register(Lead, site=site)
class StockLeadAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "__str__",
        "phone_e164",
        "city",
        "call_status",
        "call_priority",
        "selected_for_calling",
        "call_attempts_count",
        "last_call_attempt",
        "next_call_at",
        "disposition",
        "source_file",
    )
    list_filter = (
        "call_status",
        "selected_for_calling",
        "call_priority",
        "city",
        "province",
        "clinic_name",
        "source_file",
        "disposition",
        "call_attempts_count",
        "last_call_attempt",
        "callback_at",
        "manual_management",
    )
    search_fields = (
        "first_name",
        "last_name",
        "phone_e164",
        "phone_alt_e164",
        "national_id",
        "policy_number",
    )
    list_per_page = 50
    change_list_template = "admin/change_list.html"


urlpatterns = [path("stock/", site.urls), *ours]
