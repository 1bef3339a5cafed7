"""Time that passes as fast as the machine can: one heap of instants, no waiting.

What takes time runs in a greenlet and sleeps on the heap, so that hundreds of requests
can be under way at once in one thread, in an order that a seed decides. Everything that
asks Django for the time is told this one.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from threading import Event
from unittest import mock

from django.db import connection
from django.utils import timezone
from greenlet import (  # type: ignore[import-untyped]
    GreenletExit,
    getcurrent,
    greenlet,
)

from calls import dialing
from simulator.clock import Clock, Timer


class Hub:
    """Runs what is due, in order, and nothing at the same time."""

    def __init__(self, *, start: datetime) -> None:
        self.seconds = start.timestamp()
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._main = getcurrent()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def _seconds(self) -> float:
        return self.seconds

    def at(self, seconds: float, act: Callable[[], object]) -> Timer:
        """Run `act` at that instant, or now if it is over."""
        timer = Timer(max(seconds, self.seconds), act)  # type: ignore[arg-type]
        heapq.heappush(self._heap, (timer.due, next(self._numbers), timer))
        return timer

    def later(self, seconds: float, act: Callable[[], object]) -> Timer:
        return self.at(self.seconds + seconds, act)

    def spawn(self, act: Callable[[], object], *, after: float = 0.0) -> greenlet:
        """Run `act` where it may sleep. Killed by throwing GreenletExit into it."""
        made = greenlet(act, parent=self._main)
        # Else it would open a database connection of its own.
        made.gr_context = copy_context()
        self.later(after, lambda: None if made.dead else made.switch())
        return made

    def sleep(self, seconds: float) -> None:
        """Of a greenlet. Others use the same database connection meanwhile."""
        assert not connection.in_atomic_block, "it waits inside a transaction"
        me = getcurrent()
        timer = self.later(seconds, me.switch)
        try:
            self._main.switch()
        except GreenletExit:
            timer.cancel()
            raise

    def run(self, *, until: float) -> None:
        """Everything that is due by then; then it is then."""
        while self._heap and self._heap[0][0] <= until:
            due, _number, timer = heapq.heappop(self._heap)
            if timer.act is not None:
                self.seconds = due
                timer.act()
        self.seconds = max(self.seconds, until)

    def forget(self) -> None:
        """Nothing of what was to come will."""
        self._heap.clear()

    @contextmanager
    def is_the_time(self) -> Iterator[None]:
        """For Django, the product and whoever measures how long a machine slept."""
        with (
            mock.patch.object(timezone, "now", self.now),
            mock.patch.object(dialing, "seconds_awake", self._seconds),
        ):
            yield


class VirtualClock(Clock):
    """The simulator's, on the hub: its wall and its own time are one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._speed = 1.0
        self._timers: list[Timer] = []

    def real(self) -> float:
        return self._hub.seconds

    def wall(self) -> float:
        return self._hub.seconds

    def simulated(self) -> float:
        return self._hub.seconds

    def set_speed(self, speed: float) -> None:
        assert speed == 1, "virtual time needs no speed"

    def later(self, seconds: float, act: Callable[[], None]) -> Timer:
        return self._hub.later(seconds, act)

    def clear(self) -> None:
        """What is set is the hub's to forget."""


class VirtualEvent(Event):
    """An event that a greenlet may wait for: virtual seconds pass."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set() and timeout:
            self._hub.sleep(timeout)
        return self.is_set()
