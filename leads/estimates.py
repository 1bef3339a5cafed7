"""About how many leads a filter finds, from a sample of the table; exact counts of very
many would read them all."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from django.db.models import Max, Min, Q

from leads.models import Lead

if TYPE_CHECKING:
    from django.db.models import QuerySet

SAMPLE = 10_000  # ids
RUN = 100  # ids that follow one another: they lie together on the disk
FEWEST = 20  # of the sample: of fewer, chance says more than the leads
ENOUGH = 50  # for a second digit


def estimated(leads: QuerySet[Lead]) -> int:
    """To one or two digits; 0: too few of the sample are among them to say.

    The sample lies over all the ids, so that each file imported has its part in it.
    """
    ends = Lead.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return 0
    span = ends["last"] - ends["first"] + 1
    if span <= SAMPLE:
        return 0
    runs = Q()
    for start in _starts(ends["first"], span):
        runs |= Q(pk__range=(start, start + RUN - 1))
    # Named apart, they are looked at first: SQLite would begin with a city's index.
    sample = Lead.objects.filter(runs).values("pk")
    found = leads.filter(pk__in=sample).order_by().count()
    if found < FEWEST:
        return 0
    digits = 2 if found >= ENOUGH else 1
    return rounded(found * span / SAMPLE, digits=digits)


def _starts(first: int, span: int) -> list[int]:
    """In each of equal parts at a place of its own, lest the ids have a rhythm. The
    same places each time: a total that comes and goes looks like a fault."""
    places = Random(0)  # noqa: S311 (no secret)
    parts = SAMPLE // RUN
    long = span // parts
    return [
        first + span * part // parts + places.randrange(long - RUN + 1)
        for part in range(parts)
    ]


def rounded(number: float, *, digits: int) -> int:
    return round(float(f"{number:.{digits - 1}e}"))
