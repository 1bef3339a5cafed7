"""When the phone of a lead may ring: weekly windows, holidays and the lead's clock."""

from __future__ import annotations

import heapq
import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import holidays
from django.db.models import TextChoices
from django.utils.dates import WEEKDAYS
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from leads.places import COMMUNITIES, Place

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# By day, Monday is 0; whole minutes; `time.max` as an end means 24:00.
Weekly = Mapping[int, tuple[tuple[time, time], ...]]
# Time since midnight: from the first, up to the second without it.
Span = tuple[timedelta, timedelta]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SUNDAY = DAYS.index("sun")
HOUR = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
END_OF_DAY = "24:00"
LEGAL_START = timedelta(hours=9)
LEGAL_END = timedelta(hours=21)
SEARCH = timedelta(days=60)

REASONS: dict[str, StrOrPromise] = {
    "not_json": _(
        "El horario no se entiende: cada día lleva una lista de tramos, "
        'como [["09:00", "14:00"], ["16:00", "21:00"]].'
    ),
    "unknown_day": _(
        "El horario nombra un día desconocido: use mon, tue, wed, thu, fri, sat y sun."
    ),
    "bad_hour": _(
        "{day}: escriba las horas como 09:00, de 00:00 a 23:59, o 24:00 para terminar."
    ),
    "backwards": _("{day}: un tramo termina antes de empezar."),
    "overlapping": _("{day}: dos tramos se pisan, únalos en uno."),
    "not_legal": _(
        "El horario sale de lo permitido (de 9 a 21, sin domingos ni festivos): "
        "corríjalo."
    ),
    "negative_margin": _("El margen de cierre no puede ser negativo."),
}


class WindowError(ValueError):
    """No window can be made of this. Show `reason` to whoever wrote it."""

    def __init__(self, code: str, *, day: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        name = "" if day is None else WEEKDAYS[day]
        self.reason: StrOrPromise = format_lazy(REASONS[code], day=name)


class Closed(TextChoices):
    """Why nobody may be called, in words for the screen."""

    UNKNOWN_TIME_ZONE = "unknown_time_zone", _("No se sabe qué hora es donde vive")
    HOLIDAYS_UNKNOWN = "holidays_unknown", _("No hay calendario de festivos")
    DAY_CLOSED = "day_closed", _("Ese día de la semana no se llama")
    HOLIDAY = "holiday", _("Es festivo donde vive")
    BEFORE_OPENING = "before_opening", _("Aún no es hora de llamar")
    BETWEEN_WINDOWS = "between_windows", _("Pausa entre dos tramos del horario")
    AFTER_CLOSING = "after_closing", _("Ya pasó la hora de llamar")
    CLOCK_CHANGE = "clock_change", _("Está a punto de cambiar la hora")
    PROVIDER_CLOSED = "provider_closed", _("A esa hora Pearl no llama")


@dataclass(frozen=True, kw_only=True)
class CallingWindow:
    """Hours of the week, on the lead's own clock, in which its phone may ring.

    Each span closes `close_margin` early, at midnight too: a request may wait in
    the provider's queue before the phone rings. `provider_zone`: the provider keeps
    the same hours, without holidays, on this clock. A request that reached it outside
    them would wait there and ring when it opens, be that early, or a holiday, where the
    lead is; so both clocks must be within the hours. Raises `WindowError`.
    """

    weekly: Weekly
    on_holidays: bool = False
    close_margin: timedelta = timedelta(minutes=2)
    provider_zone: str = ""
    spans: tuple[tuple[Span, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.close_margin < timedelta(0):
            raise WindowError("negative_margin")
        weekly = MappingProxyType(_checked(self.weekly))
        object.__setattr__(self, "weekly", weekly)
        spans = (_joined(weekly.get(day, ())) for day in range(len(DAYS)))
        early = (tuple((a, b - self.close_margin) for a, b in day) for day in spans)
        object.__setattr__(self, "spans", tuple(early))


def is_open(at: datetime, *, place: Place, window: CallingWindow) -> bool:
    """Whether a phone there may ring at that instant. In doubt it may not."""
    return why_closed(at, place=place, window=window) is None


def why_closed(at: datetime, *, place: Place, window: CallingWindow) -> Closed | None:
    """None: the window is open."""
    if at.utcoffset() is None:
        raise ValueError("a datetime without time zone names no instant")
    zone = _zone(place.time_zone)
    if zone is None:
        return Closed.UNKNOWN_TIME_ZONE
    at = at.astimezone(UTC)
    here = at.astimezone(zone)
    closed = _day_closed(here.date(), place.community, window) or _hour_closed(
        here, window.spans[here.weekday()]
    )
    if closed is None and _clock_changes(here, at + window.close_margin):
        return Closed.CLOCK_CHANGE
    if closed is None and not _provider_is_open(at, window, here=place.time_zone):
        return Closed.PROVIDER_CLOSED
    return closed


def next_opening(
    at: datetime, *, place: Place, window: CallingWindow
) -> datetime | None:
    """The first open instant from `at` on, in UTC. None: not within 60 days."""
    for moment in _turning_points(at, place, window):
        if is_open(moment, place=place, window=window):
            return moment
    return None


def next_closing(
    at: datetime, *, place: Place, window: CallingWindow
) -> datetime | None:
    """When the window that is open at `at` stops, in UTC.

    None: it is not open, or does not stop within 60 days.
    """
    if not is_open(at, place=place, window=window):
        return None
    for moment in _turning_points(at, place, window):
        if not is_open(moment, place=place, window=window):
            return moment
    return None


def knows_clock(place: Place) -> bool:
    """Whether its time zone is one that there is."""
    return _zone(place.time_zone) is not None


def exceeds_legal_hours(window: CallingWindow) -> bool:
    """True: it lets a phone ring outside 09:00–21:00, on a Sunday or on a holiday."""
    if window.on_holidays or window.weekly.get(SUNDAY):
        return True
    return any(
        _since_midnight(start) < LEGAL_START or _since_midnight(end) > LEGAL_END
        for spans in window.weekly.values()
        for start, end in spans
    )


def parse_weekly(stored: str | Mapping[str, Any]) -> Weekly:
    """From {"mon": [["09:00", "21:00"]]}, as JSON text or as read from it."""
    weekly: dict[int, tuple[tuple[time, time], ...]] = {}
    for name, spans in _loaded(stored).items():
        if name not in DAYS:
            raise WindowError("unknown_day")
        if not isinstance(spans, list | tuple):
            raise WindowError("not_json")
        day = DAYS.index(name)
        weekly[day] = tuple(_parsed_span(span, day=day) for span in spans)
    return _checked(weekly)


def weekly_to_json(weekly: Weekly) -> dict[str, list[list[str]]]:
    """The form that `parse_weekly` reads, ready for a JSONField."""
    return {
        DAYS[day]: [[_hour_text(start), _hour_text(end)] for start, end in spans]
        for day, spans in sorted(_checked(weekly).items())
    }


def _day_closed(day: date, community: str, window: CallingWindow) -> Closed | None:
    if not window.spans[day.weekday()]:
        return Closed.DAY_CLOSED
    if window.on_holidays:
        return None
    try:
        holiday = day in _holidays_of(community, day.year)
    except Exception:  # whatever ails the table, an unknown day is no working day
        return Closed.HOLIDAYS_UNKNOWN
    return Closed.HOLIDAY if holiday else None


def _hour_closed(here: datetime, spans: tuple[Span, ...]) -> Closed | None:
    clock = timedelta(
        hours=here.hour,
        minutes=here.minute,
        seconds=here.second,
        microseconds=here.microsecond,
    )
    for start, close in spans:
        if start <= clock < close:
            return None
    if clock < spans[0][0]:
        return Closed.BEFORE_OPENING
    if clock >= spans[-1][1]:
        return Closed.AFTER_CLOSING
    return Closed.BETWEEN_WINDOWS


def _provider_is_open(at: datetime, window: CallingWindow, *, here: str) -> bool:
    if window.provider_zone in ("", here):
        return True
    there = at.astimezone(ZoneInfo(window.provider_zone))
    spans = window.spans[there.weekday()]
    is_closed = not spans or _hour_closed(there, spans) is not None
    return not is_closed and not _clock_changes(there, at + window.close_margin)


def _clock_changes(here: datetime, latest_ring: datetime) -> bool:
    """A request that waits while the clocks change may ring at an hour not foreseen."""
    return latest_ring.astimezone(here.tzinfo).utcoffset() != here.utcoffset()


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


@lru_cache(maxsize=256)
def _holidays_of(community: str, year: int) -> frozenset[date]:
    """Holidays of a community; of every one together when it is not known ("")."""
    days: set[date] = set()
    for code in {community} if community else COMMUNITIES:
        table = holidays.country_holidays("ES", subdiv=code, years=year)
        if not table:
            raise LookupError(f"no holidays of {code} in {year}")
        days.update(table)
    return frozenset(days)


def _turning_points(
    at: datetime, place: Place, window: CallingWindow
) -> Iterator[datetime]:
    """`at` and, in order, the later instants at which open and closed may swap."""
    at = at.astimezone(UTC)
    yield at
    zone = _zone(place.time_zone)
    if zone is None:
        return
    zones = {zone, _zone(window.provider_zone) or zone}
    yield from heapq.merge(*(_points_of(one, at, window) for one in zones))


def _points_of(
    zone: ZoneInfo, at: datetime, window: CallingWindow
) -> Iterator[datetime]:
    today = at.astimezone(zone).date()
    for days in range(SEARCH.days + 1):
        points = _edges(today + timedelta(days=days), zone, window)
        yield from sorted(p for p in points if at < p <= at + SEARCH)


def _edges(day: date, zone: ZoneInfo, window: CallingWindow) -> Iterator[datetime]:
    """Starts and ends of that day, each as many times as the clock shows it."""
    midnight = datetime.combine(day, time.min)
    for span in window.spans[day.weekday()]:
        for edge in span:
            wall = (midnight + edge).replace(tzinfo=zone)
            yield wall.astimezone(UTC)
            yield wall.replace(fold=1).astimezone(UTC)
    change = _clock_change(day, zone)
    if change is not None:
        yield change - window.close_margin
        yield change


def _clock_change(day: date, zone: ZoneInfo) -> datetime | None:
    """The instant of that day from which its clocks show another offset."""

    def offset(minute: int) -> timedelta | None:
        return (start + timedelta(minutes=minute)).astimezone(zone).utcoffset()

    start = datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
    minutes = range(24 * 60)
    before = offset(0)
    if offset(minutes[-1]) == before:
        return None
    first = bisect_left(minutes, True, key=lambda minute: offset(minute) != before)
    return start + timedelta(minutes=first)


def _checked(weekly: Weekly) -> dict[int, tuple[tuple[time, time], ...]]:
    """Sorted, without empty days. Raises `WindowError`."""
    checked = {}
    for day, spans in weekly.items():
        if day not in range(len(DAYS)):
            raise WindowError("unknown_day")
        for start, end in spans:
            _check_span(start, end, day=day)
        ordered = tuple(sorted(spans))
        if any(end > start for (_a, end), (start, _b) in pairwise(ordered)):
            raise WindowError("overlapping", day=day)
        if ordered:
            checked[day] = ordered
    return checked


def _check_span(start: time, end: time, *, day: int) -> None:
    for hour in (start, end):
        whole = not (hour.tzinfo or hour.second or hour.microsecond)
        if not whole and hour != time.max:
            raise WindowError("bad_hour", day=day)
    if start >= end:
        raise WindowError("backwards", day=day)


def _joined(spans: tuple[tuple[time, time], ...]) -> list[Span]:
    """Touching spans are one: no margin closes 14:00 between 09–14 and 14–21."""
    joined: list[Span] = []
    for start, end in spans:
        span = (_since_midnight(start), _since_midnight(end))
        if joined and joined[-1][1] == span[0]:
            span = (joined.pop()[0], span[1])
        joined.append(span)
    return joined


def _since_midnight(hour: time) -> timedelta:
    if hour == time.max:
        return timedelta(days=1)
    return timedelta(hours=hour.hour, minutes=hour.minute)


def _loaded(stored: str | Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        loaded = json.loads(stored) if isinstance(stored, str) else stored
    except (ValueError, RecursionError) as exc:
        raise WindowError("not_json") from exc
    if not isinstance(loaded, Mapping):
        raise WindowError("not_json")
    return loaded


def _parsed_span(span: Any, *, day: int) -> tuple[time, time]:
    if not isinstance(span, list | tuple) or len(span) != 2:
        raise WindowError("not_json")
    start, end = span
    return _parsed_hour(start, day=day), _parsed_hour(end, day=day)


def _parsed_hour(text: Any, *, day: int) -> time:
    if text == END_OF_DAY:
        return time.max
    if not isinstance(text, str) or not HOUR.fullmatch(text):
        raise WindowError("bad_hour", day=day)
    return time.fromisoformat(text)


def _hour_text(hour: time) -> str:
    return END_OF_DAY if hour == time.max else f"{hour:%H:%M}"


_WORKING_DAY = ((time(9), time(21)),)
_WHOLE_DAY = ((time.min, time.max),)

DEFAULT_WINDOW = CallingWindow(weekly=dict.fromkeys(range(5), _WORKING_DAY))
ALWAYS_OPEN = CallingWindow(
    weekly=dict.fromkeys(range(7), _WHOLE_DAY),
    on_holidays=True,
    close_margin=timedelta(0),
)
