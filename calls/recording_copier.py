"""The part of `run_calls` that copies recordings, one after another, in its own thread.

It takes the place of a question to Pearl while it copies, never that of a dial, and a
turn of the budget for each request to Pearl. While calls are made it keeps to a share
of the turns; then it makes up for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Event

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from calls import budget, recordings
from calls.models import Campaign, RunState
from calls.pearl import PearlClient, Throttled

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
SHORTEST_PAUSE = 0.05  # in which others may have the line
# Of the turns that the budget has while calls are made: one in so many.
SHARE = 5
FORGET_EVERY = timedelta(minutes=10)


class RecordingCopier:
    """`line`: held while a request is under way, as questions to Pearl hold it."""

    def __init__(
        self,
        *,
        pearl: PearlClient,
        line: AbstractContextManager[object],
        turn: Callable[[], bool],
        stop: Event,
    ) -> None:
        self.line = line
        self.stop = stop
        self._ways = recordings.Ways(
            pearl=pearl, turn=turn, goes_on=lambda: not stop.is_set()
        )
        self._forget_at = timezone.now()

    def run(self) -> None:
        pause = IDLE_SECONDS
        while not self.stop.wait(pause):
            pause = IDLE_SECONDS
            try:
                close_old_connections()
                if self.copy_one(now=timezone.now()):
                    pause = self._pause()
                self._forget_now_and_then(now=timezone.now())
            except (OperationalError, InterfaceError):
                logger.warning("the database does not answer; nothing is copied")
            except Exception:
                logger.exception("recordings cannot be copied")
        close_old_connections()

    def copy_one(self, *, now: datetime) -> bool:
        """False: nothing was due, or Pearl is to be left alone."""
        account = budget.account()
        if budget.is_blocked(account, now=now) or budget.breaker_is_open(account):
            return False
        with self.line:
            recording = recordings.claim_next(now=now)
            if recording is None:
                return False
            try:
                recordings.copy(recording, ways=self._ways)
            except Throttled as exc:
                budget.block(now=timezone.now(), retry_after=exc.retry_after)
        return True

    def _pause(self) -> float:
        dialing = Campaign.objects.filter(state=RunState.RUNNING).exists()
        pause = budget.interval().total_seconds() * SHARE if dialing else 0.0
        return max(pause, SHORTEST_PAUSE)

    def _forget_now_and_then(self, *, now: datetime) -> None:
        if now < self._forget_at:
            return
        self._forget_at = now + FORGET_EVERY
        if recordings.forget_old(now=now) == recordings.BATCH:
            self._forget_at = now  # there are more
