"""Leads, their imports and the numbers never to be called, in Django's admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import selection
from leads.forms import LeadForm, SuppressionForm, e164_or_blank
from leads.models import Lead, LeadImport, Priority, Suppression
from leads.phones import group
from leads.places import Place, place_of
from leads.staff_admin import (
    ReadOnlyAdmin,
    StaffAdmin,
    phone_search,
    short_moment,
    status_tag,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

OF_THE_ENGINE = (
    "status",
    "selected_for_calling",
    "pearl_outbound_id",
    "next_call_at",
    "call_attempts_count",
    "last_call_attempt",
    "call_error_message",
    "pearl_call_response",
    "phone_e164",
    "phone_alt_e164",
    "source_file",
    "source_row",
    "lead_import",
    "created_at",
    "updated_at",
)


@admin.register(Lead)
class LeadAdmin(StaffAdmin):
    form = LeadForm
    list_display = (
        "name",
        "number",
        "city",
        "status",
        "priority",
        "wanted",
        "call_attempts_count",
        "last_call",
        "next_call",
        "disposition",
        "source_file",
    )
    list_select_related = True
    list_filter = (
        "call_status",
        "selected_for_calling",
        "call_priority",
        "manual_management",
        "disposition",
        "consent",
    )
    search_fields = ("first_name", "last_name", "national_id", "policy_number")
    search_help_text = gettext_lazy("Nombre, teléfono escrito como sea, NIF o póliza.")
    actions = (
        "take_out_of_queue",
        "priority_high",
        "priority_normal",
        "priority_low",
        "forget_attempts",
        "give_to_a_person",
        "give_back_to_system",
    )
    raw_id_fields = ("lead_import",)
    why_protected = gettext_lazy(
        "Intentos de llamada: %(count)d. Un lead con llamadas no se borra: su "
        "historial debe quedar. Para que no se le llame, páselo a gestión manual o "
        "ponga su número en la lista de exclusión."
    )
    fieldsets = (
        (None, {"fields": ("first_name", "last_name", "phone", "phone_alt", "email")}),
        (
            gettext_lazy("Dónde vive"),
            {
                "fields": (
                    ("postal_code", "city", "province"),
                    ("community", "time_zone"),
                ),
            },
        ),
        (
            gettext_lazy("Llamadas"),
            {
                "fields": (
                    ("status", "selected_for_calling", "next_call_at"),
                    ("call_attempts_count", "last_call_attempt"),
                    "call_error_message",
                    ("call_priority", "manual_management"),
                    "disposition",
                    "call_notes",
                ),
            },
        ),
        (gettext_lazy("Consentimiento"), {"fields": (("consent", "consent_source"),)}),
        (
            gettext_lazy("Datos del seguro"),
            {
                "fields": (
                    ("national_id", "birth_date", "sex"),
                    ("policy_number", "segment", "certificate"),
                    "delegation",
                    ("clinic_name", "clinic_id"),
                    "clinic_address",
                ),
            },
        ),
        (
            gettext_lazy("Origen y detalle técnico"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("source_file", "source_row"),
                    ("lead_import", "external_id"),
                    ("phone_e164", "phone_alt_e164"),
                    "pearl_outbound_id",
                    "pearl_call_response",
                    ("created_at", "updated_at"),
                ),
            },
        ),
    )

    # --- The list ---

    @admin.display(description=gettext_lazy("nombre"), ordering="last_name")
    def name(self, lead: Lead) -> str:
        return str(lead)

    @admin.display(description=gettext_lazy("teléfono"), ordering="phone_e164")
    def number(self, lead: Lead) -> str:
        return group(lead.phone_e164) if lead.phone_e164 else lead.phone

    @admin.display(description=gettext_lazy("estado"), ordering="call_status")
    def status(self, lead: Lead) -> str:
        return status_tag(lead.call_status, lead.get_call_status_display())

    @admin.display(description=gettext_lazy("prioridad"), ordering="call_priority")
    def priority(self, lead: Lead) -> int:
        return lead.call_priority

    @admin.display(
        description=gettext_lazy("cola"), ordering="selected_for_calling", boolean=True
    )
    def wanted(self, lead: Lead) -> bool:
        return lead.selected_for_calling

    @admin.display(description=gettext_lazy("último"), ordering="last_call_attempt")
    def last_call(self, lead: Lead) -> str:
        return short_moment(lead.last_call_attempt)

    @admin.display(description=gettext_lazy("próxima"), ordering="next_call_at")
    def next_call(self, lead: Lead) -> str:
        return short_moment(lead.next_call_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lead], search_term: str
    ) -> tuple[QuerySet[Lead], bool]:
        by_phone = phone_search(search_term, "phone_e164", "phone_alt_e164")
        if by_phone is None:
            return super().get_search_results(request, queryset, search_term)
        typed = search_term.strip()
        other = (
            Q(national_id__icontains=typed)
            | Q(policy_number__icontains=typed)
            | Q(phone_e164="", phone__contains=typed)
        )
        return queryset.filter(by_phone | other), False

    # --- The form ---

    def get_readonly_fields(
        self, request: HttpRequest, obj: Lead | None = None
    ) -> tuple[str, ...]:
        """Where the address decides community and clock, nobody else does."""
        if obj is None:
            return (*OF_THE_ENGINE, "community", "time_zone")
        place = _place(obj)
        places = {"community": place.community, "time_zone": place.time_zone}
        return (*OF_THE_ENGINE, *(name for name, known in places.items() if known))

    def derived_columns(self, obj: Lead, form: Any) -> dict[str, Any]:
        obj.phone_e164 = e164_or_blank(obj.phone)
        obj.phone_alt_e164 = e164_or_blank(obj.phone_alt)
        place = _place(obj)
        typed = form.cleaned_data
        return {
            "phone_e164": obj.phone_e164,
            "phone_alt_e164": obj.phone_alt_e164,
            "community": place.community or typed.get("community", ""),
            "time_zone": place.time_zone or typed.get("time_zone", ""),
        }

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        if not change:
            for name, value in self.derived_columns(obj, form).items():
                setattr(obj, name, value)
        super().save_model(request, obj, form, change)
        now = timezone.now()
        row = Lead.objects.filter(pk=obj.pk)
        if (
            change
            and "manual_management" in form.changed_data
            and obj.manual_management
        ):
            selection.deselect(row, now=now)
        # What was corrected may be what held it: it gets a turn, and is asked again.
        row.held().update(next_call_at=now)
        if obj.phone and not obj.phone_e164:
            self.message_user(
                request,
                _("El teléfono no es válido: no se llamará a este lead."),
                messages.WARNING,
            )

    # --- The verbs ---

    @admin.action(description=gettext_lazy("Quitar de la cola"), permissions=["change"])
    def take_out_of_queue(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        why_not = _("no estaban en la cola")
        self.apply(request, leads, selection.deselect, why_not=why_not)

    @admin.action(
        description=gettext_lazy("Prioridad 1 (alta)"), permissions=["change"]
    )
    def priority_high(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        self.apply(request, leads, selection.set_priority, Priority.HIGH)

    @admin.action(
        description=gettext_lazy("Prioridad 3 (normal)"), permissions=["change"]
    )
    def priority_normal(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        self.apply(request, leads, selection.set_priority, Priority.NORMAL)

    @admin.action(
        description=gettext_lazy("Prioridad 5 (baja)"), permissions=["change"]
    )
    def priority_low(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        self.apply(request, leads, selection.set_priority, Priority.LOW)

    @admin.action(
        description=gettext_lazy("Olvidar los intentos y errores"),
        permissions=["change"],
    )
    def forget_attempts(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        why_not = _("están en una llamada")
        self.apply(request, leads, selection.reset, why_not=why_not)

    @admin.action(
        description=gettext_lazy("Pasar a gestión manual"), permissions=["change"]
    )
    def give_to_a_person(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        self.apply(request, leads, selection.set_manual, True)

    @admin.action(
        description=gettext_lazy("Devolver al sistema"), permissions=["change"]
    )
    def give_back_to_system(self, request: HttpRequest, leads: QuerySet[Lead]) -> None:
        self.apply(request, leads, selection.set_manual, False)

    def apply(
        self,
        request: HttpRequest,
        leads: QuerySet[Lead],
        verb: Callable[..., int],
        *values: Any,
        why_not: str = "",
        **named: Any,
    ) -> None:
        """One verb of `selection` for all the chosen leads, and what came of it."""
        total = leads.count()
        changed = verb(leads, *values, now=timezone.now(), **named)
        why_not = why_not or _("ya estaban así")
        self.report(request, changed=changed, total=total, why_not=why_not)


@admin.register(Suppression)
class SuppressionAdmin(StaffAdmin):
    form = SuppressionForm
    list_display = ("number", "reason", "source", "proposed", "added")
    list_filter = ("proposed",)
    search_fields = ("reason", "source")
    search_help_text = gettext_lazy("Teléfono escrito de cualquier forma, o motivo.")
    actions = ("confirm",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Suppression | None = None
    ) -> tuple[str, ...]:
        return ("phone_e164", "created_at") if obj else ("created_at",)

    @admin.display(description=gettext_lazy("teléfono"), ordering="phone_e164")
    def number(self, suppression: Suppression) -> str:
        return group(suppression.phone_e164)

    @admin.display(description=gettext_lazy("fecha"), ordering="created_at")
    def added(self, suppression: Suppression) -> str:
        return short_moment(suppression.created_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        by_phone = phone_search(search_term, "phone_e164")
        if by_phone is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(by_phone), False

    def delete_model(self, request: HttpRequest, obj: Suppression) -> None:
        phones = [obj.phone_e164]
        super().delete_model(request, obj)
        self._give_turns(phones)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Suppression]
    ) -> None:
        phones = list(queryset.values_list("phone_e164", flat=True))
        super().delete_queryset(request, queryset)
        self._give_turns(phones)

    def _give_turns(self, phones: list[str]) -> None:
        """Leads that the list held back are asked about again."""
        held = Lead.objects.filter(phone_e164__in=phones).held()
        held.update(next_call_at=timezone.now())

    @admin.action(
        description=gettext_lazy("Confirmar las propuestas"), permissions=["change"]
    )
    def confirm(self, request: HttpRequest, numbers: QuerySet[Suppression]) -> None:
        total = numbers.count()
        changed = numbers.filter(proposed=True).update(proposed=False)
        self.report(
            request, changed=changed, total=total, why_not=_("ya eran definitivas")
        )


@admin.register(LeadImport)
class LeadImportAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "done",
        "rows",
        "created",
        "duplicates",
        "suppressed",
        "rejected",
        "created_by",
    )
    list_select_related = ("created_by",)
    search_fields = ("name",)
    fields = (
        "name",
        "created_at",
        "created_by",
        "rows",
        "created",
        "duplicates",
        "suppressed",
        "rejected",
        "rows_to_review",
        "sha256",
    )
    readonly_fields = ("rows_to_review",)

    @admin.display(description=gettext_lazy("fecha"), ordering="created_at")
    def done(self, record: LeadImport) -> str:
        return short_moment(record.created_at)

    @admin.display(description=gettext_lazy("filas por revisar"))
    def rows_to_review(self, record: LeadImport) -> str:
        rows = ((problem["row"], problem["reason"]) for problem in record.problems)
        return format_html_join("", "<div>{} · {}</div>", rows) or "—"


def _place(lead: Lead) -> Place:
    return place_of(
        postal_code=lead.postal_code,
        province=lead.province,
        phone_e164=e164_or_blank(lead.phone),
    )
