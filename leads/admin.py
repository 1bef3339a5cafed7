"""The list of leads in Django's admin: its columns, filter, saved views and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.utils import model_format_dict
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import (  # noqa: F401 (they register)
    change_admin,
    import_admin,
    saved_views,
    suppression_admin,
)
from leads.bulk_actions import BulkLeadAdmin
from leads.bulk_words import ACTIONS
from leads.chips import SUGGESTED
from leads.lead_list import ORDERS, LeadChangeList
from leads.models import Lead
from leads.phones import group
from leads.staff_admin import short_moment, status_tag
from leads.suggestions import suggest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# The others wait behind "Más acciones".
AT_HAND = ("select", "deselect")
DANGEROUS = (
    *(verb for verb, words in ACTIONS.items() if words.dangerous),
    "delete_selected",
)


@admin.register(Lead)
class LeadAdmin(BulkLeadAdmin):
    list_display = (
        "name",
        "number",
        "city",
        "status",
        "priority",
        "wanted",
        "attempts",
        "last_call",
        "next_call",
        "result",
        "source",
    )
    list_display_links = ("name",)
    sortable_by = tuple(ORDERS)

    # --- The columns ---

    @admin.display(description="")
    def action_checkbox(self, obj: Lead) -> SafeString:
        return format_html(
            '<input type="checkbox" class="tick" name="_selected_action" value="{}" '
            'aria-label="{}">',
            obj.pk,
            obj,
        )

    @admin.display(description=gettext_lazy("nombre"), ordering="last_name")
    def name(self, lead: Lead) -> str:
        return str(lead)

    @admin.display(description=gettext_lazy("teléfono"))
    def number(self, lead: Lead) -> str:
        if lead.phone_e164:
            return group(lead.phone_e164)
        return status_tag("error", lead.phone or _("sin teléfono"))

    @admin.display(description=gettext_lazy("ciudad"), empty_value="")
    def city(self, lead: Lead) -> str:
        return lead.city

    @admin.display(description=gettext_lazy("estado"))
    def status(self, lead: Lead) -> str:
        tag = status_tag(lead.call_status, lead.get_call_status_display())
        if not lead.manual_management:
            return tag
        return format_html('{} <span class="faint">{}</span>', tag, _("manual"))

    @admin.display(description=gettext_lazy("prior."))
    def priority(self, lead: Lead) -> int:
        return lead.call_priority

    @admin.display(description=gettext_lazy("en cola"))
    def wanted(self, lead: Lead) -> str:
        return _("Sí") if lead.selected_for_calling else _("No")

    @admin.display(description=gettext_lazy("intentos"))
    def attempts(self, lead: Lead) -> int:
        return lead.call_attempts_count

    @admin.display(
        description=gettext_lazy("último intento"),
        ordering="last_call_attempt",
        empty_value="",
    )
    def last_call(self, lead: Lead) -> str:
        return short_moment(lead.last_call_attempt)

    @admin.display(
        description=gettext_lazy("próxima llamada"),
        ordering="next_call_at",
        empty_value="",
    )
    def next_call(self, lead: Lead) -> str:
        if lead.callback_at is None:
            return short_moment(lead.next_call_at)
        when = short_moment(lead.callback_at)
        return format_html('{} <span class="faint">{}</span>', when, _("rellamada"))

    @admin.display(description=gettext_lazy("resultado"), empty_value="")
    def result(self, lead: Lead) -> str:
        return str(lead.get_disposition_display()) if lead.disposition else ""

    @admin.display(description=gettext_lazy("archivo"), empty_value="")
    def source(self, lead: Lead) -> str:
        return lead.source_file

    # --- The list ---

    def get_changelist(self, request: HttpRequest, **options: Any) -> Any:
        return LeadChangeList

    def get_urls(self) -> list[URLPattern]:
        def view(where: str, handler: Any, name: str) -> URLPattern:
            found: URLPattern = path(
                where, self.admin_site.admin_view(handler), name=name
            )
            return found

        return [
            view("suggest/", self.suggest_view, "leads_lead_suggest"),
            view("views/", self.save_view_view, "leads_lead_save_view"),
            view(
                "views/<int:view_id>/delete/",
                self.delete_view_view,
                "leads_lead_delete_view",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query, user = request.GET.urlencode(), cast("User", request.user)
        actions: dict[str, Any] = self.get_actions(request)
        called = model_format_dict(self.opts)
        buttons = [(name, str(words) % called) for _f, name, words in actions.values()]
        # What cannot be taken back comes last.
        buttons.sort(key=lambda button: button[0] in DANGEROUS)
        extra = {
            "title": _("Leads"),
            "tabs": saved_views.tabs(user, query),
            "suggested": SUGGESTED,
            "at_hand": [one for one in buttons if one[0] in AT_HAND],
            "more": [one for one in buttons if one[0] not in AT_HAND],
            "dangerous": DANGEROUS,
            "last_change": self.last_change(request),
            "may_import": request.user.has_perm("leads.import_lead"),
        }
        return super().changelist_view(request, extra | (extra_context or {}))

    def suggest_view(self, request: HttpRequest) -> HttpResponse:
        """What the inputs offer while somebody types in them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        name = request.GET.get("field", "")
        typed = request.GET.get("text", "")[:100]
        values = suggest(name, typed) if name in SUGGESTED else []
        return JsonResponse({"values": values})

    def save_view_view(self, request: HttpRequest) -> HttpResponse:
        self._need_a_post(request)
        return saved_views.save(request)

    def delete_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        self._need_a_post(request)
        return saved_views.delete(request, view_id)

    def _need_a_post(self, request: HttpRequest) -> None:
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
