"""One lead's form in Django's admin: what staff may change of it, and what follows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import editing, selection, suppressions
from leads.editing import e164_or_blank, place_by_address
from leads.forms import LeadForm
from leads.models import Lead, LeadEvent
from leads.staff_admin import StaffAdmin

if TYPE_CHECKING:
    from django.http import HttpRequest

# What the page beside the form shows, where it is done by verbs, is not in it.
OF_THE_ENGINE = (
    "pearl_outbound_id",
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


class LeadFormAdmin(StaffAdmin):
    """The form. The list of leads builds on it."""

    form = LeadForm
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
                    ("call_priority", "manual_management"),
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
                    ("pearl_outbound_id", "call_error_message"),
                    "pearl_call_response",
                    ("created_at", "updated_at"),
                ),
            },
        ),
    )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Lead | None = None
    ) -> tuple[str, ...]:
        """Where the address decides community and clock, nobody else does."""
        if obj is None:
            return (*OF_THE_ENGINE, "community", "time_zone")
        place = place_by_address(obj)
        places = {"community": place.community, "time_zone": place.time_zone}
        known = (name for name, known in places.items() if known)
        return (*OF_THE_ENGINE, "call_notes", *known)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        now = timezone.now()
        if change:
            _edit(obj, form, by=request.user, now=now)
        else:
            _create(obj, by=request.user)
        # What was corrected may be what held it: it gets a turn, and is asked again.
        Lead.objects.filter(pk=obj.pk).held().give_turn(now=now)
        if obj.phone and not e164_or_blank(obj.phone):
            self.message_user(
                request,
                _("El teléfono no es válido: no se llamará a este lead."),
                messages.WARNING,
            )


def _edit(obj: Lead, form: Any, *, by: Any, now: datetime) -> None:
    changes = {name: getattr(obj, name) for name in form.changed_data}
    fixed = {"community", "time_zone"} - set(form.fields)
    editing.edit(obj.pk, changes, by=by, now=now, forget=fixed)
    if changes.get("manual_management"):
        selection.deselect(Lead.objects.filter(pk=obj.pk), now=now)


def _create(obj: Lead, *, by: Any) -> None:
    editing.follow(obj)
    obj.save()
    suppressions.revive(editing.numbers_of(obj))
    LeadEvent.objects.create(
        lead=obj, kind=LeadEvent.Kind.CREATED, by=by, at=obj.created_at
    )
