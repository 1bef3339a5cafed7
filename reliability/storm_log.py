"""What the ring log says of the presses of START and STOP; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Press:
    """A button, from the request's first byte to its whole answer."""

    what: str
    began: float
    ended: float


@dataclass(frozen=True, kw_only=True)
class Ring:
    to: str
    placed: float
    ended: float | None

    @classmethod
    def read(cls, told: dict[str, Any]) -> Ring:
        return cls(
            to=told["to"],
            placed=_seconds(told["placed_at"]),
            ended=_seconds(told["ended_at"]) if told["ended_at"] else None,
        )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@dataclass(kw_only=True)
class Phase:
    """One limit, and what came of it."""

    limit: int
    stops: int = 0
    starts: int = 0
    calls: int = 0
    peak: int = 0
    #: After a STOP was answered: how many rings at most, and how long after it.
    late_most: int = 0
    late_seconds: float = 0.0
    #: The longest that a line stood free while leads waited and the campaign ran.
    idle_seconds: float = 0.0

    HEADER = (
        f"{'limit':>5} {'stops':>6} {'starts':>6} {'calls':>6} {'peak':>5} "
        f"{'rings after STOP':>17} {'latest (s)':>10} {'line idle (s)':>13}"
    )

    def __str__(self) -> str:
        return (
            f"{self.limit:>5} {self.stops:>6} {self.starts:>6} {self.calls:>6} "
            f"{self.peak:>5} {self.late_most:>17} {self.late_seconds:>10.2f} "
            f"{self.idle_seconds:>13.2f}"
        )


def judge(phase: Phase, presses: list[Press], rings: list[Ring]) -> None:
    """Fill in what the ring log says of the presses."""
    placed = sorted(ring.placed for ring in rings)
    phase.calls = len(rings)
    for stop, until in quiet_times(presses):
        late = [at - stop.ended for at in placed if stop.ended < at < until]
        phase.late_most = max(phase.late_most, len(late))
        phase.late_seconds = max([phase.late_seconds, *late])
    for since, until in running_times(presses):
        idle = _idle(phase.limit, rings, since=since, until=until)
        phase.idle_seconds = max(phase.idle_seconds, idle)


def quiet_times(presses: list[Press]) -> Iterator[tuple[Press, float]]:
    """After each STOP's answer until the next START could begin. One during which a
    START was pressed proves nothing."""
    starts = sorted(press.began for press in presses if press.what == "start")
    for stop in presses:
        if stop.what != "stop":
            continue
        later = next((at for at in starts if at > stop.began), float("inf"))
        if later > stop.ended:
            yield stop, later


def running_times(presses: list[Press]) -> Iterator[tuple[float, float]]:
    """From a START's answer to the next STOP, with no other press about it."""
    ordered = sorted(presses, key=lambda press: press.began)
    for this, following in pairwise(ordered):
        if this.what == "start" and following.began > this.ended:
            yield this.ended, following.began


def _idle(limit: int, rings: list[Ring], *, since: float, until: float) -> float:
    """The longest stretch with a free line in which nobody was rung."""
    moments = [(ring.placed, 1) for ring in rings]
    moments += [(ring.ended, -1) for ring in rings if ring.ended is not None]
    busy, free_from, longest = 0, since, 0.0
    for at, change in sorted(moments):
        if at > until:
            break
        if busy < limit and change == 1 and at > since:
            longest = max(longest, at - free_from)
        busy += change
        free_from = max(at, since)
    return max(longest, until - free_from) if busy < limit else longest
