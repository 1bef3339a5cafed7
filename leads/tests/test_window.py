"""No phone rings outside its window, by the clock and the calendar where it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from leads import window as window_module
from leads.places import Place
from leads.tests.windows import (
    BARCELONA,
    INSIDE_THE_CHANGE,
    MADRID,
    MINUTE,
    NIGHT,
    NOON,
    PLACES,
    SIESTA,
    SOMEWHERE,
    TENERIFE,
    minutes_from,
    oracle,
    window_of,
)
from leads.window import (
    ALWAYS_OPEN,
    DEFAULT_WINDOW,
    CallingWindow,
    Closed,
    is_open,
    next_closing,
    next_opening,
    why_closed,
)

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


def test_nobody_is_asked_for_while_the_providers_own_clock_is_past_the_hours():
    nine_to_nine = dict.fromkeys(range(5), ((time(9), time(21)),))
    window = CallingWindow(weekly=nine_to_nine, provider_zone="Europe/Madrid")
    holiday_in_madrid = datetime(2028, 5, 2, 12, tzinfo=UTC)

    def in_tenerife(hour, minute=0):
        return datetime(2026, 11, 24, hour, minute, tzinfo=UTC)

    closed = [
        why_closed(at, place=TENERIFE, window=window)
        for at in (in_tenerife(19, 57), in_tenerife(19, 58), in_tenerife(21))
    ]
    assert closed == [None, Closed.PROVIDER_CLOSED, Closed.AFTER_CLOSING]
    assert is_open(holiday_in_madrid, place=TENERIFE, window=window)
    morning = next_opening(in_tenerife(20), place=TENERIFE, window=window)
    assert morning == in_tenerife(9) + timedelta(days=1)


def test_touching_spans_are_one_and_twenty_four_hours_end_the_day():
    touching = window_of("09:00-14:00 14:00-21:00", margin=2)
    until_midnight = window_of("20:00-24:00", days=[1])
    last_minute = datetime(2026, 11, 24, 22, 59, 59, 999999, tzinfo=UTC)

    assert is_open(NOON + timedelta(minutes=119), place=MADRID, window=touching)
    assert is_open(last_minute, place=MADRID, window=until_midnight)
    assert next_closing(last_minute, place=MADRID, window=until_midnight) == datetime(
        2026, 11, 24, 23, tzinfo=UTC
    )
