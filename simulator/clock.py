"""Two times: the wall's, which clients see, and the simulated, run at `speed`."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime


def iso(moment: float) -> str:
    """UTC with milliseconds and a Z, as Pearl writes it (pearl-api.md 1.5)."""
    stamp = datetime.fromtimestamp(moment, UTC)
    return stamp.isoformat(timespec="milliseconds")[:-6] + "Z"


def iso_or_none(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)


class Timer:
    """Something that will happen at a simulated instant, unless cancelled before."""

    __slots__ = ("act", "due")

    def __init__(self, due: float, act: Callable[[], None]) -> None:
        self.due = due
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        self.act = None


class Clock:
    """One heap of timers in simulated time: a new speed also moves those set."""

    def __init__(self, *, speed: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._wall_offset = time.time() - self._loop.time()
        self._speed = speed
        self._real_origin = self._loop.time()
        self._simulated_origin = 0.0
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    def real(self) -> float:
        """Monotonic real seconds."""
        return self._loop.time()

    def wall(self) -> float:
        """Real epoch seconds that never go back, so lists stay sorted by them."""
        return self._wall_offset + self._loop.time()

    def simulated(self) -> float:
        elapsed = self._loop.time() - self._real_origin
        return self._simulated_origin + elapsed * self._speed

    def real_seconds(self, simulated_seconds: float) -> float:
        return simulated_seconds / self._speed

    def set_speed(self, speed: float) -> None:
        self._simulated_origin = self.simulated()
        self._real_origin = self._loop.time()
        self._speed = speed
        self._arm()

    def later(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Run `act` after so many simulated seconds."""
        timer = Timer(self.simulated() + seconds, act)
        heapq.heappush(self._heap, (timer.due, next(self._numbers), timer))
        if self._heap[0][2] is timer:
            self._arm()
        return timer

    def clear(self) -> None:
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._heap:
            wait = (self._heap[0][0] - self.simulated()) / self._speed
            self._alarm = self._loop.call_later(max(0.0, wait), self._fire)

    def _fire(self) -> None:
        self._alarm = None
        now = self.simulated()
        while self._heap and self._heap[0][0] <= now:
            act = heapq.heappop(self._heap)[2].act
            if act is not None:
                # Through the loop: one failing timer must not silence the others.
                self._loop.call_soon(act)
        self._arm()
