"""No phone rings outside its window, by the clock and the calendar where it is."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads import window as window_module
from leads.places import Place
from leads.window import (
    ALWAYS_OPEN,
    DEFAULT_WINDOW,
    CallingWindow,
    Closed,
    WindowError,
    exceeds_legal_hours,
    is_open,
    next_closing,
    next_opening,
    parse_weekly,
    weekly_to_json,
    why_closed,
)

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


WINDOWS = {
    "default": DEFAULT_WINDOW,
    "always": ALWAYS_OPEN,
    "siesta": SIESTA,
    "night": NIGHT,
    "inside the change": INSIDE_THE_CHANGE,
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.community)
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=str)
def test_every_minute_of_a_clock_change_is_judged_by_the_wall_clock(day, window, place):
    start = datetime.combine(day, time(20), tzinfo=UTC) - timedelta(days=1)

    for at in minutes_from(start, days=1.5):
        assert is_open(at, place=place, window=window) is oracle(at, place, window), at


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.community)
@pytest.mark.parametrize("window", [DEFAULT_WINDOW, SIESTA], ids=["default", "siesta"])
def test_every_minute_of_a_week_with_a_holiday(window, place):
    for at in minutes_from(datetime(2026, 10, 8, 22, tzinfo=UTC), days=7):
        assert is_open(at, place=place, window=window) is oracle(at, place, window), at


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.community)
def test_a_whole_year_sampled_every_seventeen_minutes(place):
    at = datetime(2026, 1, 1, 1, tzinfo=UTC)
    while at.year == 2026:
        expected = oracle(at, place, DEFAULT_WINDOW)
        assert is_open(at, place=place, window=DEFAULT_WINDOW) is expected, at
        at += 17 * MINUTE


@pytest.mark.parametrize(
    ("day", "madrid", "tenerife", "barcelona", "somewhere"),
    [
        (date(2026, 10, 12), False, False, False, False),  # national, a Monday
        (date(2026, 12, 25), False, False, False, False),
        (date(2026, 9, 11), True, True, False, False),  # Catalonia, a Friday
        (date(2028, 5, 2), False, True, True, False),  # Madrid, a Tuesday
        (date(2025, 5, 30), True, False, True, False),  # Canary Islands, a Friday
        (date(2026, 11, 24), True, True, True, True),
        (date(2026, 11, 22), False, False, False, False),  # a Sunday
    ],
)
def test_a_holiday_closes_where_it_is_one(day, madrid, tenerife, barcelona, somewhere):
    at = datetime.combine(day, time(11), tzinfo=UTC)

    found = [
        is_open(at, place=place, window=DEFAULT_WINDOW)
        for place in (MADRID, TENERIFE, BARCELONA, SOMEWHERE)
    ]

    assert found == [madrid, tenerife, barcelona, somewhere]


def test_the_day_of_madrid_closes_a_saturday_that_was_opened_on_purpose():
    saturdays = window_of("09:00-21:00", days=[5], on_holidays=False)
    at = datetime(2026, 5, 2, 10, tzinfo=UTC)

    assert why_closed(at, place=MADRID, window=saturdays) == Closed.HOLIDAY
    assert is_open(at, place=BARCELONA, window=saturdays)


def test_the_same_instant_is_closed_in_tenerife_and_open_in_madrid():
    nine_in_madrid = datetime(2026, 11, 24, 8, tzinfo=UTC)

    assert is_open(nine_in_madrid, place=MADRID, window=DEFAULT_WINDOW)
    assert not is_open(nine_in_madrid, place=TENERIFE, window=DEFAULT_WINDOW)


@pytest.mark.parametrize(
    "time_zone", ["", "Europe/Madrit", "Europe", "../x", "\0", "ñ"]
)
def test_an_unknown_time_zone_is_never_open(time_zone):
    place = Place(community="MD", time_zone=time_zone)

    for window in (DEFAULT_WINDOW, ALWAYS_OPEN):
        assert why_closed(NOON, place=place, window=window) == Closed.UNKNOWN_TIME_ZONE
        assert next_opening(NOON, place=place, window=window) is None
        assert next_closing(NOON, place=place, window=window) is None


@pytest.mark.parametrize(
    ("at", "community"),
    [
        (NOON, "XX"),
        (datetime(2150, 11, 24, 11, tzinfo=UTC), "MD"),
        (datetime(1999, 11, 24, 11, tzinfo=UTC), "MD"),
        (datetime(2150, 11, 24, 11, tzinfo=UTC), ""),
    ],
)
def test_without_a_table_of_holidays_nothing_is_open(at, community):
    place = Place(community=community, time_zone="Europe/Madrid")

    reason = why_closed(at, place=place, window=DEFAULT_WINDOW)

    assert reason == Closed.HOLIDAYS_UNKNOWN
    assert next_opening(at, place=place, window=DEFAULT_WINDOW) is None


@pytest.mark.parametrize("answer", [OSError("unreadable"), {}])
def test_a_table_that_cannot_be_read_closes_and_is_read_again(monkeypatch, answer):
    def broken(*args, **kwargs):
        if isinstance(answer, Exception):
            raise answer
        return answer

    window_module._holidays_of.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(window_module.holidays, "country_holidays", broken)
        assert not is_open(NOON, place=MADRID, window=DEFAULT_WINDOW)

    assert is_open(NOON, place=MADRID, window=DEFAULT_WINDOW)


def test_a_datetime_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        is_open(datetime(2026, 11, 24, 12), place=MADRID, window=DEFAULT_WINDOW)


def test_the_zone_in_which_the_instant_is_written_does_not_matter():
    for zone in (timezone(timedelta(hours=9)), ZoneInfo("America/New_York")):
        at = NOON.astimezone(zone)

        assert is_open(at, place=MADRID, window=DEFAULT_WINDOW)
        assert next_closing(at, place=MADRID, window=DEFAULT_WINDOW) == datetime(
            2026, 11, 24, 19, 58, tzinfo=UTC
        )


@pytest.mark.parametrize(
    ("hour", "reason"),
    [
        (time(9, 59, 59, 999999), Closed.BEFORE_OPENING),
        (time(10), None),
        (time(13, 24, 59, 999999), None),
        (time(13, 25), Closed.BETWEEN_WINDOWS),
        (time(15, 59), Closed.BETWEEN_WINDOWS),
        (time(16), None),
        (time(20, 9, 59), None),
        (time(20, 10), Closed.AFTER_CLOSING),
        (time(23, 59), Closed.AFTER_CLOSING),
    ],
)
def test_a_siesta_and_its_margin_are_kept_to_the_microsecond(hour, reason):
    at = datetime.combine(NOON.date(), hour, tzinfo=ZoneInfo("Europe/Madrid"))

    assert why_closed(at, place=MADRID, window=SIESTA) == reason


def test_the_reason_names_the_day_before_the_hour():
    sunday_night = datetime(2026, 11, 22, 23, tzinfo=UTC) - timedelta(hours=1)
    holiday_night = datetime(2026, 10, 12, 2, tzinfo=UTC)

    reasons = [
        why_closed(at, place=MADRID, window=DEFAULT_WINDOW)
        for at in (sunday_night, holiday_night)
    ]

    assert reasons == [Closed.DAY_CLOSED, Closed.HOLIDAY]


def test_a_request_that_could_wait_through_a_clock_change_is_not_sent():
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    window = window_of("00:00-02:30", margin=2)

    for at in (before, before.astimezone(ZoneInfo("Europe/Madrid"))):
        assert why_closed(at, place=MADRID, window=window) == Closed.CLOCK_CHANGE


def test_touching_spans_are_one_and_twenty_four_hours_end_the_day():
    touching = window_of("09:00-14:00 14:00-21:00", margin=2)
    until_midnight = window_of("20:00-24:00", days=[1])
    last_minute = datetime(2026, 11, 24, 22, 59, 59, 999999, tzinfo=UTC)

    assert is_open(NOON + timedelta(minutes=119), place=MADRID, window=touching)
    assert is_open(last_minute, place=MADRID, window=until_midnight)
    assert next_closing(last_minute, place=MADRID, window=until_midnight) == datetime(
        2026, 11, 24, 23, tzinfo=UTC
    )


def test_a_margin_longer_than_the_window_never_opens_it():
    short = window_of("09:00-09:10", margin=10)

    assert next_opening(NOON, place=MADRID, window=short) is None


def test_a_window_that_never_closes_has_no_closing():
    assert next_opening(NOON, place=MADRID, window=ALWAYS_OPEN) == NOON
    assert next_closing(NOON, place=MADRID, window=ALWAYS_OPEN) is None


def test_a_window_without_hours_never_opens():
    empty = CallingWindow(weekly={})

    assert why_closed(NOON, place=MADRID, window=empty) == Closed.DAY_CLOSED
    assert next_opening(NOON, place=MADRID, window=empty) is None


def test_the_next_opening_jumps_weekends_and_holidays():
    friday_night = datetime(2026, 12, 4, 22, tzinfo=UTC)  # then 7 and 8 are holidays

    found = next_opening(friday_night, place=MADRID, window=DEFAULT_WINDOW)

    assert found == datetime(2026, 12, 9, 8, tzinfo=UTC)


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


@pytest.mark.parametrize(
    "spans", ["02:15-02:45", "01:00-02:30", "02:30-05:00", "00:00-24:00"]
)
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=str)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.community)
def test_openings_and_closings_of_a_clock_change_are_all_found(day, spans, place):
    window = window_of(spans, days=[5, 6], margin=2)
    friday = datetime.combine(day, time(12), tzinfo=UTC) - 2 * DAY
    minutes = list(minutes_from(friday, days=3))
    states = [oracle(at, place, window) for at in minutes]

    swaps = [
        m for m, (a, b) in zip(minutes[1:], pairwise(states), strict=True) if a != b
    ]
    assert len(swaps) >= 2
    at = friday
    for n, swap in enumerate(swaps):
        find = next_closing if n % 2 else next_opening
        assert find(at, place=place, window=window) == swap
        at = swap


@settings(max_examples=50, deadline=None)
@given(starts | changes, any_windows(), st.sampled_from(PLACES))
def test_nothing_is_open_before_the_next_opening(at, window, place):
    opening = next_opening(at, place=place, window=window)

    scan = minutes_from(at, days=3)
    first = next((m for m in scan if oracle(m, place, window)), None)
    later = opening is None or opening >= at + 3 * DAY
    assert opening == first if first else later


@settings(max_examples=50, deadline=None)
@given(starts | changes, any_windows(), st.sampled_from(PLACES))
def test_an_open_window_stays_open_until_its_closing(at, window, place):
    opening = next_opening(at, place=place, window=window)
    if opening is None:
        return

    closing = next_closing(opening, place=place, window=window)

    scan = minutes_from(opening, days=1.5)
    first = next((m for m in scan if not oracle(m, place, window)), None)
    later = closing is None or closing >= opening + 1.5 * DAY
    assert closing == first if first else later


@given(any_windows())
def test_a_weekly_window_survives_being_stored(window):
    stored = json.dumps(weekly_to_json(window.weekly))

    assert parse_weekly(stored) == window.weekly


REFUSED = {
    "not_json": ["", "{", "[]", "null", "[" * 100_000, '{"mon": "09:00-21:00"}'],
    "unknown_day": ['{"lun": []}', '{"0": []}'],
    "bad_hour": [
        "9:00-21:00",
        "09:00-25:00",
        "09:00-21:60",
        "09:00-24:30",
        "٠٩:00-21:00",
    ],
    "backwards": ["21:00-09:00", "09:00-09:00", "09:00-00:00", "24:00-24:00"],
    "overlapping": ["09:00-14:00 13:59-21:00", "16:00-21:00 09:00-16:30"],
}
REFUSED["not_json"] += ['{"mon": [["09:00"]]}', '{"mon": ["09:00", "21:00"]}']
REFUSED["bad_hour"] += ["09:00-21:00:30", '{"mon": [[9, 21]]}']


@pytest.mark.parametrize(
    ("stored", "code"), [(text, code) for code in REFUSED for text in REFUSED[code]]
)
def test_a_window_that_makes_no_sense_is_refused_with_its_reason(stored, code):
    with pytest.raises(WindowError) as refusal:
        window_of(stored) if stored[:1].isdecimal() else parse_weekly(stored)

    assert refusal.value.code == code
    assert str(refusal.value.reason).endswith(".")


@pytest.mark.parametrize(
    ("weekly", "code"),
    [
        ({7: ((time(9), time(21)),)}, "unknown_day"),
        ({0: ((time(9), time(21, 0, 30)),)}, "bad_hour"),
        ({0: ((time(9, tzinfo=UTC), time(21, tzinfo=UTC)),)}, "bad_hour"),
        ({0: ((time(21), time(9)),)}, "backwards"),
    ],
)
def test_a_window_is_checked_however_it_is_made(weekly, code):
    with pytest.raises(WindowError) as refusal:
        CallingWindow(weekly=weekly)

    assert refusal.value.code == code


def test_a_margin_never_lengthens_the_window():
    with pytest.raises(WindowError) as refusal:
        CallingWindow(weekly={}, close_margin=-MINUTE)

    assert refusal.value.code == "negative_margin"


within = [DEFAULT_WINDOW, SIESTA, CallingWindow(weekly={})]
within += [window_of("09:00-21:00", days=range(6), on_holidays=False)]
beyond = [ALWAYS_OPEN, window_of("09:00-21:00", days=range(5), on_holidays=True)]
beyond += [
    window_of(spans, days=days, on_holidays=False, margin=5)
    for spans, days in [
        ("09:00-21:00", [6]),
        ("09:00-21:00", EVERY_DAY),
        ("08:59-21:00", [0]),
        ("09:00-21:01", [0]),
        ("09:00-10:00 20:00-24:00", [0]),
    ]
]


@pytest.mark.parametrize(
    ("window", "exceeds"), [(w, False) for w in within] + [(w, True) for w in beyond]
)
def test_a_window_wider_than_the_law_is_told(window, exceeds):
    assert exceeds_legal_hours(window) is exceeds


@given(starts | changes, any_windows(), st.sampled_from(PLACES))
def test_a_window_within_the_law_never_rings_outside_it(at, window, place):
    if exceeds_legal_hours(window) or not is_open(at, place=place, window=window):
        return

    wall = wall_clock(at, place)
    assert 9 <= wall.hour < 21
    assert wall.isoweekday() != 7
    assert f"{wall:%m-%d}" not in HOLIDAYS_2026[place.community]
