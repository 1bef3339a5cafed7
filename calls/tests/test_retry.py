"""When a lead is tried again, and that it is never at an illegal hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from calls.models import default_retry_minutes
from calls.retry import next_try
from calls.states import Outcome
from leads.places import Place
from leads.window import DEFAULT_WINDOW, is_open

MADRID = Place(community="MD", time_zone="Europe/Madrid")
TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def again(outcome: Outcome, *, attempts: int = 1, at: datetime = TUESDAY):
    return next_try(
        outcome,
        attempts=attempts,
        ended_at=at,
        minutes=default_retry_minutes(),
        max_attempts=3,
        place=MADRID,
        window=DEFAULT_WINDOW,
    )


def test_each_outcome_waits_its_own_time():
    assert again(Outcome.NO_ANSWER) == TUESDAY + timedelta(hours=2)
    assert again(Outcome.BUSY) == TUESDAY + timedelta(hours=1)
    assert again(Outcome.BUSY, attempts=2) == TUESDAY + timedelta(hours=2)


def test_who_was_reached_or_must_not_be_called_is_not_tried_again():
    for outcome in (
        Outcome.SUCCESS,
        Outcome.NOT_SUCCESSFUL,
        Outcome.CONVERSATION,
        Outcome.BLACKLISTED,
    ):
        assert again(outcome) is None


def test_no_more_after_the_last_attempt_or_the_end_of_the_list():
    assert again(Outcome.NO_ANSWER, attempts=3) is None
    assert again(Outcome.FAILED, attempts=2) is None


def test_a_retry_that_falls_into_the_night_waits_for_the_morning():
    evening = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

    assert again(Outcome.NO_ANSWER, at=evening) == datetime(
        2026, 11, 25, 8, 0, tzinfo=UTC
    )


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),
    st.sampled_from([o for o in Outcome if o]),
    st.integers(1, 2),
)
def test_a_retry_is_always_at_a_legal_hour_and_never_before_its_wait(at, outcome, n):
    due = again(outcome, attempts=n, at=at)

    if due is not None:
        assert is_open(due, place=MADRID, window=DEFAULT_WINDOW)
        assert due - at >= timedelta(minutes=60)
