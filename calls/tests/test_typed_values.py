"""What was collected is read strictly: a clear value, or the reason why not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.typed_values import (
    FARTHEST,
    FORMATS,
    NUMBER_PLACES,
    Choice,
    Kind,
    Problem,
    Reading,
    folded,
    is_nothing,
    read,
)

MADRID = ZoneInfo("Europe/Madrid")
CALLED = date(2025, 9, 23)
MORNING = Choice(code="morning", label="Mañana", words=("por la mañana", "a.m."))
AFTERNOON = Choice(code="afternoon", label="Tarde", words=("por la tarde",))


def how(kind: Kind, **more) -> Reading:
    return Reading(kind=kind, formats=tuple(FORMATS.get(kind, ())), **more)


WISH = how(Kind.DATE, ahead=True)
HOUR = how(Kind.TIME)
PART = how(Kind.CHOICE, choices=(MORNING, AFTERNOON))


def reading(raw, how: Reading, called_on: date = CALLED):
    return read(raw, how, called_on=called_on, time_zone=MADRID)


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("25-09-2025", date(2025, 9, 25)),
        ("2025-09-25", date(2025, 9, 25)),
        (" 25/09/2025 ", date(2025, 9, 25)),
        ("5.10.2025", date(2025, 10, 5)),
        # Day before month, always.
        ("03/04/2026", date(2026, 4, 3)),
        ("25 de septiembre de 2025", date(2025, 9, 25)),
        ("1 de Enero del 2026", date(2026, 1, 1)),
        ("29-02-2024", Problem.PAST),
        ("23-09-2025", CALLED),
        ("22-09-2025", Problem.PAST),
        ("25-09-2205", Problem.TOO_FAR),
        ("31-02-2026", Problem.NO_SUCH_DAY),
        ("09/25/2025", Problem.NO_SUCH_DAY),
        ("00-10-2025", Problem.NO_SUCH_DAY),
        ("25-09-0000", Problem.NO_SUCH_DAY),
        ("25-09-25", Problem.NOT_A_DATE),
        ("25-09/2025", Problem.NOT_A_DATE),
        ("25-09-2025 o 26-09-2025", Problem.NOT_A_DATE),
        ("mañana", Problem.NOT_A_DATE),
        ("el jueves", Problem.NOT_A_DATE),
        ("25 de septiembre", Problem.NOT_A_DATE),
        ("２５-09-2025", Problem.NOT_A_DATE),
        ("2025-09-25T17:00:00", Problem.NOT_A_DATE),
        (20250925, Problem.NOT_A_DATE),
        (True, Problem.NOT_PLAIN),
        (["25-09-2025"], Problem.NOT_PLAIN),
        ("x" * 3000, Problem.TOO_LONG),
    ],
)
def test_a_wished_day_is_clear_or_to_be_reviewed(raw, typed):
    assert reading(raw, WISH) == typed


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("17:00:00", time(17)),
        ("09:30", time(9, 30)),
        ("5:00 PM", time(17)),
        ("12:15 a.m.", time(0, 15)),
        ("12:00 pm", time(12)),
        # Perhaps of the afternoon.
        ("5:00", Problem.NOT_A_TIME),
        ("24:00", Problem.NO_SUCH_TIME),
        ("13:00 PM", Problem.NO_SUCH_TIME),
        ("0:30 am", Problem.NO_SUCH_TIME),
        ("17:60", Problem.NO_SUCH_TIME),
        ("a las cinco", Problem.NOT_A_TIME),
        ("17", Problem.NOT_A_TIME),
        ("por la tarde", Problem.NOT_A_TIME),
        (17, Problem.NOT_A_TIME),
    ],
)
def test_an_hour_is_clear_or_to_be_reviewed(raw, typed):
    assert reading(raw, HOUR) == typed


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("2025-09-25 17:00", datetime(2025, 9, 25, 15, tzinfo=UTC)),
        ("25/09/2025 17:00:30", datetime(2025, 9, 25, 15, 0, 30, tzinfo=UTC)),
        ("2025-09-25T17:00:00Z", datetime(2025, 9, 25, 17, tzinfo=UTC)),
        ("2025-09-25T17:00:00.123+02:00", datetime(2025, 9, 25, 15, tzinfo=UTC)),
        ("2025-10-26 02:30", Problem.CLOCK_CHANGE),
        ("2026-03-29 02:30", Problem.CLOCK_CHANGE),
        ("2025-09-25", Problem.NOT_A_MOMENT),
        ("2025-02-30 10:00", Problem.NO_SUCH_DAY),
        ("2025-09-25 25:00", Problem.NO_SUCH_TIME),
        ("2025-09-25T17:00+99:00", Problem.NOT_A_MOMENT),
        ("0001-01-01T00:00+10:00", Problem.NOT_A_MOMENT),
        # Already the 23rd in Madrid.
        ("2025-09-22T23:00:00Z", datetime(2025, 9, 22, 23, tzinfo=UTC)),
        ("2025-09-22T21:00:00Z", Problem.PAST),
    ],
)
def test_a_moment_is_clear_or_to_be_reviewed(raw, typed):
    assert reading(raw, how(Kind.MOMENT, ahead=True)) == typed


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        (True, True),
        ("Sí", True),
        ("SI.", True),
        ("false", False),
        ("No", False),
        ("claro", Problem.NOT_YES_NO),
        ("no sé", Problem.NOT_YES_NO),
        (1, Problem.NOT_YES_NO),
    ],
)
def test_an_answer_is_yes_no_or_to_be_reviewed(raw, typed):
    assert reading(raw, how(Kind.YES_NO)) is typed


def test_more_words_may_mean_yes_but_none_means_both():
    wide = how(
        Kind.YES_NO,
        choices=(Choice(code="yes", label="Sí", words=("claro", "eso")),),
    )
    torn = how(Kind.YES_NO, choices=(Choice(code="no", label="Sí"),))

    assert reading("Claro", wide) is True
    assert reading("sí", torn) is Problem.NOT_YES_NO


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("morning", "morning"),
        ("MAÑANA", "morning"),
        ("Por la  Tarde", "afternoon"),
        ("mañana o tarde", Problem.NOT_A_CHOICE),
        ("", Problem.NOT_A_CHOICE),
        (3, Problem.NOT_A_CHOICE),
    ],
)
def test_a_choice_is_one_of_those_foreseen(raw, typed):
    assert reading(raw, PART) == typed


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        (3, Decimal(3)),
        (2.5, Decimal("2.5")),
        ("-12", Decimal(-12)),
        ("12,5", Decimal("12.5")),
        ("12.5", Decimal("12.5")),
        ("1.234,5", Decimal("1234.5")),
        ("1.234.567,5", Decimal("1234567.5")),
        ("1.234", Problem.UNCLEAR_NUMBER),
        ("1,234", Problem.UNCLEAR_NUMBER),
        ("1e3", Problem.NOT_A_NUMBER),
        ("dos", Problem.NOT_A_NUMBER),
        ("9" * 41, Problem.NOT_A_NUMBER),
        ("9" * 20, Problem.NUMBER_RANGE),
        ("0,00001", Problem.NUMBER_RANGE),
        (float("inf"), Problem.NUMBER_RANGE),
        (float("nan"), Problem.NUMBER_RANGE),
        (10**30, Problem.NUMBER_RANGE),
    ],
)
def test_a_number_is_clear_or_to_be_reviewed(raw, typed):
    assert reading(raw, how(Kind.NUMBER)) == typed


def test_only_the_formats_of_the_field_are_read():
    day_first = Reading(kind=Kind.DATE, formats=("day_first",))

    assert reading("2025-09-25", day_first) == Problem.NOT_A_DATE
    assert reading("25-09-2025", day_first) == date(2025, 9, 25)


@pytest.mark.parametrize("raw", [None, "", " \n", [], {}])
def test_what_nobody_said_is_no_value_at_all(raw):
    assert is_nothing(raw)
    assert not is_nothing(False)
    assert not is_nothing(0)


# --- Whatever comes -----------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
LIKE_VALUES = st.text("0123456789-/.,: TZAPMapm+", max_size=24)
TYPES = {
    Kind.DATE: date,
    Kind.TIME: time,
    Kind.MOMENT: datetime,
    Kind.YES_NO: bool,
    Kind.CHOICE: str,
    Kind.NUMBER: Decimal,
    Kind.TEXT: str,
}


@given(raw=JSON | LIKE_VALUES, kind=st.sampled_from(Kind), ahead=st.booleans())
def test_anything_is_read_as_its_type_or_gives_a_reason(raw, kind, ahead):
    found = reading(raw, how(kind, ahead=ahead, choices=(MORNING, AFTERNOON)))

    assert isinstance(found, Problem) or type(found) is TYPES[kind]
    if isinstance(found, Decimal):
        assert found.is_finite()
        assert found == round(found, NUMBER_PLACES)


@given(day=st.dates(min_value=date(1000, 1, 1)), called=st.dates())
def test_a_day_survives_each_way_of_writing_it(day, called):
    free = how(Kind.DATE)
    written = (f"{day:%d-%m-%Y}", f"{day.day}/{day.month}/{day.year}", day.isoformat())

    assert [reading(text, free) for text in written] == [day] * 3
    wished = reading(day.isoformat(), WISH, called_on=called)
    in_time = timedelta(0) <= day - called <= FARTHEST
    assert (wished == day) is in_time
    assert in_time or wished in (Problem.PAST, Problem.TOO_FAR)


@given(at=st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_moment_on_the_clock_of_the_centre_means_one_instant_or_none(at):
    at = at.replace(microsecond=0)

    found = reading(f"{at:%d/%m/%Y %H:%M:%S}", how(Kind.MOMENT))

    assert found == Problem.CLOCK_CHANGE or (
        found.astimezone(MADRID).replace(tzinfo=None) == at
    )


@given(text=st.text(max_size=40))
def test_folding_twice_is_folding_once(text):
    assert folded(folded(text)) == folded(text)
