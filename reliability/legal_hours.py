"""When a phone may ring, found without the product: a clock and a written-out table.

The judge of every ring in time. Zones are the tz database's, minute by minute; holidays
are written here, those of 2024 as the BOE published them (resolution of 23 October
2023), those of 2028 by the same rules (the next leap year).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

MINUTE = 60

NATIONAL = "01-01 01-06 05-01 08-15 10-12 11-01 12-06 12-25"
HOLIDAYS: Mapping[int, Mapping[str, str]] = {
    2024: {
        "MD": f"{NATIONAL} 03-28 03-29 05-02 07-25",
        "CN": f"{NATIONAL} 03-28 03-29 05-30",
        "CT": f"{NATIONAL} 03-29 04-01 06-24 09-11 12-26",
        "AN": f"{NATIONAL} 02-28 03-28 03-29 12-09",
    },
    2028: {
        "MD": f"{NATIONAL} 12-08 04-13 04-14 05-02",
        "CN": f"{NATIONAL} 12-08 04-13 04-14 05-30",
        "CT": f"{NATIONAL} 12-08 04-14 04-17 06-24 09-11 12-26",
        "AN": f"{NATIONAL} 12-08 02-28 04-13 04-14",
    },
}

# Minutes of the local day, from the first up to the second without it; Monday is 0.
Hours = Mapping[int, Sequence[tuple[int, int]]]


def hours_of(spans: str, *, days: Sequence[int]) -> Hours:
    """The same spans on each of the days, written as "09:00-14:00 16:00-21:00"."""
    pairs = [tuple(map(minutes, span.split("-"))) for span in spans.split()]
    return {day: [(start, end) for start, end in pairs] for day in days}


def minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return 60 * int(hour) + int(minute)


DEFAULT = hours_of("09:00-21:00", days=range(5))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Where a phone is, and when somebody wants it to ring."""

    zone: str
    community: str
    hours: Hours = field(default_factory=lambda: DEFAULT)
    on_holidays: bool = False
    # The provider keeps the same hours on this clock, and knows no holidays: what
    # reaches it outside them rings another day.
    provider_zone: str = ""

    def may_ring(self, at: float) -> bool:
        """At this instant, in seconds of the epoch."""
        here = datetime.fromtimestamp(at, ZoneInfo(self.zone))
        if not self.on_holidays and f"{here:%m-%d}" in self._holidays(here.year):
            return False
        return self._is_within(here)

    def may_be_asked_for(self, at: float) -> bool:
        """The provider dials then, and the phone may ring."""
        if not self.may_ring(at):
            return False
        zone = self.provider_zone
        return not zone or self._is_within(datetime.fromtimestamp(at, ZoneInfo(zone)))

    def _is_within(self, here: datetime) -> bool:
        minute = here.hour * 60 + here.minute
        return any(a <= minute < b for a, b in self.hours.get(here.weekday(), ()))

    def _holidays(self, year: int) -> str:
        return HOLIDAYS[year][self.community]


@dataclass(frozen=True, kw_only=True)
class Year:
    """Every minute of a year in one place: may a call begin?

    `margin`: a request may wait so many minutes at the provider, and the phone must be
    allowed to ring at each of them. Nor may the clocks change while it waits.
    """

    start: int
    open: bytearray
    next_open: array[int]

    @classmethod
    def of(cls, rule: Rule, *, year: int, margin: int) -> Year:
        start = int(datetime(year, 1, 1, 12, tzinfo=UTC).timestamp())
        # Twelve hours short at both ends: the tables of other years are not here.
        count = (366 - 1) * 24 * 60
        zone, ring, offset = ZoneInfo(rule.zone), bytearray(), array("l")
        for at in range(start, start + count * MINUTE, MINUTE):
            here = datetime.fromtimestamp(at, zone)
            shift = here.utcoffset()
            offset.append(0 if shift is None else int(shift.total_seconds()))
            ring.append(here.year == year and rule.may_be_asked_for(at))
        is_open = bytearray(
            all(ring[i : i + margin + 1]) and offset[i] == offset[i + margin]
            for i in range(count - margin)
        )
        return cls(start=start, open=is_open, next_open=_next(is_open))

    def at(self, index: int) -> datetime:
        return datetime.fromtimestamp(self.start + index * MINUTE, UTC)

    def edges(self) -> Iterator[int]:
        """The minutes from which it is open, or no more."""
        return (i for i in range(1, len(self.open)) if self.open[i] != self.open[i - 1])


def _next(is_open: bytearray) -> array[int]:
    """For each minute the first open one from it on; -1: none to the end."""
    found, last = array("l", bytes(8 * len(is_open))), -1
    for i in range(len(is_open) - 1, -1, -1):
        last = i if is_open[i] else last
        found[i] = last
    return found
