"""One `run_calls` process on virtual time: the real CallManager, moved by the hub."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, cast

from django.utils import timezone
from greenlet import GreenletExit, greenlet  # type: ignore[import-untyped]

from calls import effects
from calls.call_manager import CallManager
from calls.journal import DialJournal
from calls.models import CallAttempt
from calls.pearl import PearlClient
from calls.pearl_search import Interrupted
from calls.queue import Wait
from reliability.virtual_time import Hub, VirtualEvent

# Virtual seconds between two looks at the queue, and between two rounds of questions;
# the real loop looks five times a second.
TICK, TICK_WITHOUT_WORK = 40.0, 400.0
IDLE = {Wait.QUEUE_EMPTY, Wait.CLOSED, Wait.STOPPED, Wait.PAUSED}
ASK, ASK_WITHOUT_WORK = 80.0, 400.0
# Of dials, how many find that the machine slept between the commit and the first byte.
SLEEPS = 0.002


class SleepyJournal(DialJournal):
    """After its line is on disk the machine sometimes sleeps, longer than one may."""

    def __init__(self, folder: Path, *, hub: Hub, dice: Random) -> None:
        super().__init__(folder)
        self._hub, self._dice = hub, dice

    def write_before(self, attempt: CallAttempt, **options: Any) -> None:
        super().write_before(attempt, **options)
        if self._dice.random() < SLEEPS:
            self._hub.sleep(self._dice.uniform(0.1, 200))


class VirtualWorker:
    """Ticks and asks until it is killed; its dials are greenlets."""

    def __init__(
        self,
        hub: Hub,
        *,
        pearl: PearlClient,
        journal: Path,
        dice: Random,
        is_night: Callable[[], bool],
        on_claim: Callable[[CallAttempt], None],
    ) -> None:
        self._hub, self._dice, self._is_night = hub, dice, is_night
        self._on_claim = on_claim
        self._under_way: set[greenlet] = set()
        self.is_dead = False
        self.manager = CallManager(
            pearl=pearl, journal=SleepyJournal(journal, hub=hub, dice=dice)
        )
        self.manager.stop = self.manager.dialer.stop = VirtualEvent(hub)
        hub.later(dice.uniform(0, TICK), self._tick)
        self._under_way.add(hub.spawn(self._ask, after=dice.uniform(0, ASK)))

    def kill(self) -> None:
        """As `kill -9` does: nothing more is written, whatever is under way."""
        self.is_dead = True
        for one in [*self._under_way]:
            one.throw(GreenletExit)

    def _tick(self) -> None:
        if self.is_dead:
            return
        now = timezone.now()
        self.manager._beat_at = now
        self.manager.tick(cast("ThreadPoolExecutor", self), now=now)
        pause = TICK if self._may_change_soon() else TICK_WITHOUT_WORK
        self._hub.later(pause * self._dice.uniform(0.7, 1.3), self._tick)

    def _may_change_soon(self) -> bool:
        """A line gets free, a doubt is cleared up: unlike an empty queue."""
        waits = {*self.manager.waits.values()} - IDLE
        return bool(waits) and not self._is_night()

    def submit(self, dial: Callable[[Any], None], attempt: Any) -> Future[None]:
        """The pool of the manager: a thread gets to its work after a moment."""
        future: Future[None] = Future()

        def work() -> None:
            try:
                dial(attempt)
            finally:
                future.set_result(None)
                self._under_way.discard(made)

        self._on_claim(attempt)
        made = self._hub.spawn(work, after=self._dice.uniform(0.001, 2.0))
        self._under_way.add(made)
        return future

    def _ask(self) -> None:
        """The questions of `CallManager`, without its thread."""
        while not self.is_dead:
            try:
                for campaign in self.manager._campaigns():
                    self.manager._ask_about_safely(campaign)
            except Interrupted:
                return
            while effects.follow_due(now=timezone.now()):
                pass
            pause = ASK if self._may_change_soon() else ASK_WITHOUT_WORK
            self._hub.sleep(pause)
