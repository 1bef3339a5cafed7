"""Columns and values of a lead as people read them on its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.models import Disposition, Lead, NotInterested, Priority, Suppression
from leads.places import CANARY

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOTHING = "—"
# The words of a bulk change that are no columns of a lead.
LABELS: dict[str, StrOrPromise] = {
    "outbound_id": gettext_lazy("Campaña"),
    "pearl_outbound_id": gettext_lazy("Campaña"),
    "priority": gettext_lazy("Prioridad"),
    "reason": gettext_lazy("Motivo"),
    "list": gettext_lazy("Lista"),
}
CHOICES: dict[str, Any] = {
    "priority": Priority.choices,
    "disposition": Disposition.choices,
    "reason": NotInterested.choices,
    "list": Suppression.List.choices,
}


def column_label(name: str) -> StrOrPromise:
    if name in LABELS:
        return LABELS[name]
    column = _column(name)
    return capfirst(str(column.verbose_name)) if column is not None else name


def column_words(
    name: str, pair: Sequence[Any], *, campaigns: Mapping[str, str]
) -> tuple[str, str]:
    before, after = (value_words(name, value, campaigns=campaigns) for value in pair)
    return before or NOTHING, after or NOTHING


def value_words(name: str, value: Any, *, campaigns: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return _("sí") if value else _("no")
    if value is None or value == "" or isinstance(value, dict | list):
        return ""
    if name in ("outbound_id", "pearl_outbound_id"):
        return campaigns.get(str(value), str(value))
    for chosen, label in CHOICES.get(name) or _choices(name):
        if str(chosen) == str(value):
            return str(label)
    return _moment_or_text(value)


def moment_words(
    at: datetime, *, now: datetime, time_zone: str = "", short: bool = True
) -> str:
    """ "mañana 9:00" on the clock of the centre, and on the lead's where it differs."""
    words = _on_clock(at, now=now, zone=ZoneInfo(settings.TIME_ZONE), short=short)
    if time_zone in ("", settings.TIME_ZONE):
        return words
    there = date_format(at.astimezone(ZoneInfo(time_zone)), "G:i")
    return _("%(here)s (allí son las %(there)s)") % {"here": words, "there": there}


def lasted_words(seconds: int | None) -> str:
    """Empty: it is not known, or nobody spoke."""
    if not seconds:
        return ""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock_words(time_zone: str) -> str:
    if time_zone == CANARY:
        return _("hora de Canarias")
    if time_zone in ("", settings.TIME_ZONE):
        return _("hora peninsular")
    return _("hora de %s") % time_zone


def _on_clock(at: datetime, *, now: datetime, zone: ZoneInfo, short: bool) -> str:
    here, today = at.astimezone(zone), now.astimezone(zone).date()
    hour = date_format(here, "G:i")
    if short and here.date() == today:
        return _("hoy %s") % hour
    if short and here.date() == today + timedelta(days=1):
        return _("mañana %s") % hour
    return date_format(here, "d/m/Y H:i")


def _column(name: str) -> Field[Any, Any] | None:
    try:
        column = Lead._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return column if isinstance(column, Field) else None


def _choices(name: str) -> Any:
    column = _column(name)
    return column.flatchoices if column is not None and column.choices else ()


def _moment_or_text(value: Any) -> str:
    text = str(value)
    try:
        moment = parse_datetime(text) if len(text) > 10 else None
        day = parse_date(text) if len(text) == 10 else None
    except ValueError:
        return text
    if moment is not None:
        if moment.utcoffset() is not None:
            moment = moment.astimezone(ZoneInfo(settings.TIME_ZONE))
        return date_format(moment, "d/m/Y H:i")
    return _day(day) if day is not None else text


def _day(day: date) -> str:
    return date_format(day, "d/m/Y")
