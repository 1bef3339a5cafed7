"""What staff write of an appointment: its place in a diary, or why it is cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import diaries
from calls.models import Appointment, CancelReason, Clinic, Resource
from calls.models.appointment import LONGEST_MINUTES

if TYPE_CHECKING:
    from leads.models import Lead

LONGEST_NOTE = 500


class PlaceForm(forms.Form):
    """Day and hour on the clock of the clinic whose diary is chosen."""

    resource = forms.ModelChoiceField(
        label=gettext_lazy("Agenda"),
        queryset=Resource.objects.none(),
        error_messages={"required": gettext_lazy("Elija la agenda.")},
    )
    day = forms.DateField(
        label=gettext_lazy("Día"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    hour = forms.TimeField(
        label=gettext_lazy("Hora"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutos"),
        min_value=1,
        max_value=LONGEST_MINUTES,
        required=False,
    )

    def __init__(
        self,
        *args: Any,
        now: datetime,
        appointment: Appointment | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*args, **named)
        self.now = now
        known = Q(is_active=True)
        if appointment is not None and appointment.resource_id:
            known |= Q(pk=appointment.resource_id)
        field: Any = self.fields["resource"]
        field.queryset = (
            Resource.objects.filter(known)
            .select_related("clinic")
            .order_by("clinic__name", "clinic_id", "id")
        )
        field.choices = _choices(field.queryset)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            clinic = cleaned["resource"].clinic
            cleaned["starts_at"] = self._moment(cleaned["day"], cleaned["hour"], clinic)
            cleaned["minutes"] = cleaned["minutes"] or clinic.minutes
        return cleaned

    def _moment(self, day: date, hour: time, clinic: Clinic) -> datetime:
        try:
            return diaries.moment(
                day, hour, zone=ZoneInfo(clinic.time_zone), now=self.now
            )
        except diaries.NoSuchMoment as exc:
            words = str(exc.review.label)
            raise forms.ValidationError(f"{words[:1].upper()}{words[1:]}.") from exc

    @property
    def place(self) -> dict[str, Any]:
        names = ("resource", "starts_at", "minutes")
        return {name: self.cleaned_data[name] for name in names}

    @classmethod
    def of(cls, appointment: Appointment, *, now: datetime) -> PlaceForm:
        """As the appointment is; or, without a place yet, as it was agreed."""
        at = appointment.starts_at
        here = at and at.astimezone(ZoneInfo(appointment.zone_name))
        resource = appointment.resource_id or _first_diary(appointment.clinic)
        return cls(
            now=now,
            appointment=appointment,
            auto_id="move_%s",
            initial={
                "resource": resource,
                "day": here.date() if here else appointment.asked_date,
                "hour": (here.time() if here else appointment.asked_time),
                "minutes": appointment.minutes,
            },
        )


class NewForm(PlaceForm):
    confirmed = forms.BooleanField(
        label=gettext_lazy("Ya está confirmada con la persona"), required=False
    )

    @classmethod
    def for_lead(
        cls, lead: Lead, *, now: datetime, day: str, clinic: Clinic | None
    ) -> NewForm:
        own, _why = diaries.clinic_of(lead)
        return cls(
            now=now,
            auto_id="new_%s",
            initial={"resource": _first_diary(own or clinic), "day": day},
        )


class CancelForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Motivo"),
        choices=[("", "—"), *CancelReason.choices[1:]],
        error_messages={"required": gettext_lazy("Elija el motivo.")},
    )
    note = forms.CharField(
        label=gettext_lazy("Nota"), max_length=LONGEST_NOTE, required=False
    )


def _first_diary(clinic: Clinic | None) -> int | None:
    if clinic is None:
        return None
    open_ones = clinic.resources.filter(is_active=True).order_by("pk")
    return open_ones.values_list("pk", flat=True).first()


def _choices(resources: Any) -> Sequence[Any]:
    named = [(one.pk, f"{one.clinic} · {one}") for one in resources]
    return [("", _("Elija clínica y agenda")), *named]
