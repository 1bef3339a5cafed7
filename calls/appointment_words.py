"""Appointments as people read them: on the clock of the place where they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext_lazy as _

from calls.models import Appointment, AppointmentEvent, CancelReason, Review
from calls.wording import NOTHING, clock_words

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LABELS: Mapping[str, StrOrPromise] = {
    "starts_at": _("Día y hora"),
    "minutes": _("Minutos"),
    "clinic": _("Clínica"),
    "resource": _("Agenda"),
    "review": _("Por revisar"),
    "cancel_reason": _("Motivo"),
}
CHOICES: Mapping[str, Mapping[str, StrOrPromise]] = {
    "review": dict(Review.choices),
    "cancel_reason": dict(CancelReason.choices),
}


def moment(at: datetime, *, zone_name: str) -> str:
    """ "30/11/2026 17:00", with whose clock it is where that is not ours."""
    words = date_format(at.astimezone(ZoneInfo(zone_name)), "d/m/Y H:i")
    return " ".join(filter(None, (words, elsewhere(zone_name))))


def hour(at: datetime, *, zone_name: str) -> str:
    words = date_format(at.astimezone(ZoneInfo(zone_name)), "H:i")
    return " ".join(filter(None, (words, elsewhere(zone_name))))


def when(appointment: Appointment) -> str:
    """When it is; or, while no instant is known, what was said in the call."""
    if appointment.starts_at is not None:
        return moment(appointment.starts_at, zone_name=appointment.zone_name)
    if appointment.asked_date is None or appointment.asked_time is None:
        return NOTHING
    hour = time_format(appointment.asked_time, "H:i")
    return f"{date_format(appointment.asked_date, 'd/m/Y')} {hour}"


def changes(event: AppointmentEvent) -> list[tuple[StrOrPromise, str, str]]:
    """Label, before and after. "" before: there was nothing."""
    found = event.changes if isinstance(event.changes, dict) else {}
    zone_name = event.appointment.zone_name
    told = []
    for name, label in LABELS.items():
        pair = found.get(name)
        if not isinstance(pair, list) or len(pair) != 2:
            continue
        before, after = (_words(name, value, zone_name=zone_name) for value in pair)
        told.append((label, before, after or NOTHING))
    return told


def _words(name: str, value: Any, *, zone_name: str) -> str:
    if value is None:
        return ""
    if name == "starts_at":
        at = parse_datetime(str(value))
        return moment(at, zone_name=zone_name) if at else ""
    return str(CHOICES.get(name, {}).get(str(value), value))


def elsewhere(zone_name: str) -> str:
    """Whose clock it is, where that is not ours."""
    return "" if zone_name == settings.TIME_ZONE else f"({clock_words(zone_name)})"
