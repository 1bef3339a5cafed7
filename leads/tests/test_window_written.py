"""A window that makes no sense, or is wider than the law, is told as such."""

from __future__ import annotations

import json
from datetime import UTC, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.tests.windows import (
    EVERY_DAY,
    HOLIDAYS_2026,
    MINUTE,
    PLACES,
    SIESTA,
    any_windows,
    changes,
    starts,
    wall_clock,
    window_of,
)
from leads.window import (
    ALWAYS_OPEN,
    DEFAULT_WINDOW,
    CallingWindow,
    WindowError,
    exceeds_legal_hours,
    is_open,
    parse_weekly,
    weekly_to_json,
)


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
