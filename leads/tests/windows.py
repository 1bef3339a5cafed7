"""Windows and places to judge, and an oracle that judges them in its own way."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from hypothesis import strategies as st

from leads import window as window_module
from leads.places import Place
from leads.window import CallingWindow, parse_weekly

MADRID = Place(community="MD", time_zone="Europe/Madrid")
TENERIFE = Place(community="CN", time_zone="Atlantic/Canary")
BARCELONA = Place(community="CT", time_zone="Europe/Madrid")
SOMEWHERE = Place(community="", time_zone="Europe/Madrid")
PLACES = [MADRID, TENERIFE]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
EVERY_DAY = range(7)
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)  # a Tuesday, 12:00 in Madrid


def window_of(spans, days=EVERY_DAY, on_holidays=True, margin=0):
    """A window of the same spans on those days, written as "09:00-14:00 24:00"."""
    written = [span.split("-") for span in spans.split()]
    weekly = parse_weekly({window_module.DAYS[day]: written for day in days})
    return CallingWindow(
        weekly=weekly, on_holidays=on_holidays, close_margin=margin * MINUTE
    )


SIESTA = window_of(
    "10:00-13:30 16:00-20:15", days=range(5), on_holidays=False, margin=5
)
NIGHT = window_of("00:00-02:30 22:00-24:00")
INSIDE_THE_CHANGE = window_of("02:15-02:45 03:10-24:00", margin=2)

# The oracle: no zoneinfo, no holidays package, no timedeltas of the module. European
# law moves the clocks at 01:00 UTC on the last Sundays of March and October.
HOLIDAYS_2026 = {
    "MD": "01-01 01-06 04-02 04-03 05-01 05-02 08-15 10-12 11-02 12-07 12-08 12-25",
    "CN": "01-01 01-06 04-02 04-03 05-01 05-30 08-15 10-12 11-02 12-08 12-25",
}


@cache
def last_sunday(year, month):
    last = date(year, month, 31)
    return last - timedelta(days=last.isoweekday() % 7)


def wall_clock(at, place):
    naive = at.replace(tzinfo=None)
    starts = datetime.combine(last_sunday(naive.year, 3), time(1))
    ends = datetime.combine(last_sunday(naive.year, 10), time(1))
    summer = starts <= naive < ends
    hours = (1 if place.time_zone == "Europe/Madrid" else 0) + summer
    return naive + timedelta(hours=hours)


def minute_of(hour):
    return 1440 if hour == time.max else hour.hour * 60 + hour.minute


def may_ring(at, place, window):
    clock = wall_clock(at, place)
    if not window.on_holidays and f"{clock:%m-%d}" in HOLIDAYS_2026[place.community]:
        return False
    minute = clock.hour * 60 + clock.minute
    spans = window.weekly.get(clock.weekday(), ())
    return any(minute_of(start) <= minute < minute_of(end) for start, end in spans)


def oracle(at, place, window):
    """The phone may ring now and at every minute that the request may wait."""
    clock = wall_clock(at, place)
    latest = clock + window.close_margin
    if wall_clock(at + window.close_margin, place) != latest:
        return False  # the clocks change while the request waits
    waits = range(int(window.close_margin / MINUTE) + 1)
    return latest.date() == clock.date() and all(
        may_ring(at + n * MINUTE, place, window) for n in waits
    )


def minutes_from(start, *, days):
    return (start + n * MINUTE for n in range(int(days * 24 * 60)))


starts = st.datetimes(
    datetime(2026, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)
).map(lambda at: at.replace(second=0, microsecond=0))
changes = st.sampled_from([datetime(2026, 3, 29), datetime(2026, 10, 25)]).flatmap(
    lambda day: st.integers(-240, 300).map(
        lambda n: day.replace(tzinfo=UTC) + n * MINUTE
    )
)
quarters = st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True).map(sorted)


@st.composite
def any_windows(draw):
    weekly = {}
    for day in draw(st.sets(st.integers(0, 6), min_size=1)):
        marks = draw(quarters)
        pairs = zip(marks[::2], marks[1::2], strict=False)
        weekly[day] = tuple((clock(a), clock(b)) for a, b in pairs)
    return CallingWindow(
        weekly=weekly,
        on_holidays=draw(st.booleans()),
        close_margin=MINUTE * draw(st.sampled_from([0, 2, 10])),
    )


def clock(quarter):
    return time.max if quarter == 96 else time(quarter // 4, quarter % 4 * 15)
