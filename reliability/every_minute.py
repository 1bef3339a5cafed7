"""Every minute of a leap year: is a phone rung only where and when it may be?

    python -m reliability.every_minute [--year 2028]

Compares `leads.window`, as a campaign uses it, with `legal_hours`: at each minute of
the year, in each place, for each week of hours. `--year` is one of its tables.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from reliability.legal_hours import DEFAULT, HOLIDAYS, Hours, Rule, Year, hours_of

PLACES = (
    ("Europe/Madrid", "MD"),
    ("Europe/Madrid", "CT"),
    ("Europe/Madrid", "AN"),
    ("Atlantic/Canary", "CN"),
    ("Africa/Ceuta", "AN"),
    # Where nobody of ours lives, clocks change at midnight, by half an hour, or never.
    ("America/Santiago", "MD"),
    ("Australia/Lord_Howe", "CN"),
    ("Asia/Kathmandu", "CT"),
)
SHORT_PLACES = (PLACES[0], PLACES[1], PLACES[3], PLACES[5], PLACES[6])


@dataclass(frozen=True, kw_only=True)
class Week:
    """A campaign's own hours, as it keeps them and as the judge reads them."""

    name: str
    stored: dict[str, list[list[str]]]
    judged: Hours
    margin: int = 2
    on_holidays: bool = False


def _week(name: str, spans: str, days: str, margin: int, on_holidays: bool) -> Week:
    names = days.split()
    every = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    written = [span.split("-") for span in spans.split()]
    return Week(
        name=name,
        stored=dict.fromkeys(names, written),
        judged=hours_of(spans, days=[every.index(one) for one in names]),
        margin=margin,
        on_holidays=on_holidays,
    )


WORK = "mon tue wed thu fri"
WEEKS = (
    Week(
        name="default",
        stored={day: [["09:00", "21:00"]] for day in WORK.split()},
        judged=DEFAULT,
    ),
    _week("siesta", "10:00-13:30 16:00-20:15", f"{WORK} sat", 5, False),
    _week("small hours", "01:10-02:40 22:00-23:50", f"{WORK} sat sun", 10, True),
)


@dataclass(kw_only=True)
class Finding:
    """What a comparison found; `wrong` holds a few examples."""

    minutes: int = 0
    openings: int = 0
    wrong: list[str]


def _judged(zone: str, community: str, week: Week, *, year: int) -> Year:
    rule = Rule(
        zone=zone,
        community=community,
        hours=week.judged,
        on_holidays=week.on_holidays,
        provider_zone="Europe/Madrid",
    )
    return Year.of(rule, year=year, margin=week.margin)


def compare(
    place: tuple[str, str], week: Week, *, year: int, thorough: bool, stride: int = 11
) -> Finding:
    """The product against the judge. Not `thorough`: the days around each holiday and
    change of the clocks whole, the minutes around each edge, and one in `stride`."""
    from calls.models import Campaign
    from leads.places import Place
    from leads.window import is_open, next_opening

    zone, community = place
    judged = _judged(zone, community, week, year=year)
    campaign = Campaign(
        weekly_hours=week.stored,
        on_holidays=week.on_holidays,
        close_margin_seconds=60 * week.margin,
    )
    window, where = campaign.window, Place(community=community, time_zone=zone)
    found = Finding(wrong=[])

    def expect(what: str, index: int, told: object, expected: object) -> None:
        if told != expected and len(found.wrong) < 20:
            at = judged.at(index)
            found.wrong.append(f"{zone} {community} {week.name} {at}: {what} {told}")

    for index in _minutes(judged, thorough=thorough, stride=stride):
        found.minutes += 1
        told = is_open(judged.at(index), place=where, window=window)
        expect("open", index, told, bool(judged.open[index]))
    for index in judged.edges():
        last = judged.at(index) - timedelta(microseconds=1)
        told = is_open(last, place=where, window=window)
        expect("open just before", index, told, bool(judged.open[index - 1]))
    for index in _askings(judged, thorough=thorough):
        if (expected := judged.next_open[index]) < 0:
            continue
        found.openings += 1
        opening = next_opening(judged.at(index), place=where, window=window)
        expect("next opening", index, opening, judged.at(expected))
    return found


def _minutes(judged: Year, *, thorough: bool, stride: int) -> Iterable[int]:
    every = range(len(judged.open))
    if thorough:
        return every
    chosen = {*every[::stride]}
    edges = [*judged.edges()]
    for edge in edges:
        chosen.update(range(edge - 3, edge + 4))
    for first, second in _unusual(judged, edges):
        chosen.update(range(first, second))
    return sorted(chosen & {*every})


def _unusual(judged: Year, edges: list[int]) -> Iterator[tuple[int, int]]:
    """Stretches between edges that are as long as hardly any other: around them the
    clocks change or a day is missing."""
    lengths = [b - a for a, b in pairwise(edges)]
    for index, length in enumerate(lengths):
        if lengths.count(length) < 20:
            middle = (edges[index] + edges[index + 1]) // 2
            for at in (edges[index], middle, edges[index + 1]):
                yield max(at - 300, 0), min(at + 300, len(judged.open))


def _askings(judged: Year, *, thorough: bool) -> Iterator[int]:
    """When to ask for the next opening."""
    if thorough:
        yield from range(0, len(judged.open), 10)
    for edge in judged.edges():
        yield from (edge - 1, edge)
    yield from range(0, len(judged.open), 977)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--year", type=int, choices=sorted(HOLIDAYS), default=2028)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuotempo.settings")
    import django

    django.setup()
    began, minutes, wrong = time.monotonic(), 0, list[str]()
    print(f"{'place':<28} {'hours':<12} {'minutes':>8} {'openings':>8} {'wrong':>6}")
    for place in PLACES:
        for week in WEEKS:
            found = compare(place, week, year=options.year, thorough=True)
            minutes += found.minutes
            wrong += found.wrong
            print(
                f"{' '.join(place):<28} {week.name:<12} {found.minutes:>8} "
                f"{found.openings:>8} {len(found.wrong):>6}",
                flush=True,
            )
    print(f"{minutes} minutes in {time.monotonic() - began:.0f} s; wrong: {len(wrong)}")
    for line in wrong[:20]:
        print(line)
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
