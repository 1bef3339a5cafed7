"""A window opens and closes when it says it will."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.tests.windows import (
    DAY,
    MADRID,
    NOON,
    PLACES,
    any_windows,
    changes,
    minutes_from,
    oracle,
    starts,
    window_of,
)
from leads.window import (
    ALWAYS_OPEN,
    DEFAULT_WINDOW,
    CallingWindow,
    Closed,
    next_closing,
    next_opening,
    why_closed,
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
