"""When a lead is tried again after a call that did not reach the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from calls.states import Outcome
from leads.places import Place
from leads.window import CallingWindow, next_opening


def next_try(
    outcome: Outcome,
    *,
    attempts: int,
    ended_at: datetime,
    minutes: Mapping[str, Sequence[int]],
    max_attempts: int,
    place: Place,
    window: CallingWindow,
) -> datetime | None:
    """The next legal instant to call again; None: the lead leaves the queue.

    `minutes` gives, by outcome, the wait after the first, second, … attempt; past the
    end of its list, or of `max_attempts`, there is no more.
    """
    waits = minutes.get(outcome, ())
    if attempts >= max_attempts or attempts > len(waits):
        return None
    due = ended_at + timedelta(minutes=waits[max(attempts, 1) - 1])
    return next_opening(due, place=place, window=window) or due
