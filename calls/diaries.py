"""Which clinic a lead means, which instant a clock shows, which diary is free then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calls.models import Appointment, Clinic, Resource, Review
from calls.models.appointment import LONGEST_MINUTES

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from leads.models import Lead

FURTHEST = timedelta(days=366)
# Of the free hours that are told: how many, and until when in the day.
FREE_TOLD, LATEST = 3, time(21)


class NoSuchMoment(ValueError):
    """A day and an hour that name no instant to come, or more than one."""

    def __init__(self, review: Review) -> None:
        super().__init__(review)
        self.review = review


def clinic_of(lead: Lead) -> tuple[Clinic | None, Review]:
    """The clinic that a lead names, by its id or else its name; never a guess."""
    number, name = lead.clinic_id.strip(), lead.clinic_name.strip()
    if number:
        known = Clinic.objects.filter(external_id=number).first()
        if known is not None:
            return known, Review.NONE
    if name:
        namesakes = Clinic.objects.filter(name__iexact=name)
        if number:
            namesakes = namesakes.filter(external_id=None)
        found = list(namesakes[:2])
        if len(found) == 1:
            return found[0], Review.NONE
    return None, Review.UNKNOWN_CLINIC if number or name else Review.NO_CLINIC


def zone_of(name: str) -> ZoneInfo:
    """Raises NoSuchMoment: nobody knows what time it is there."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise NoSuchMoment(Review.NO_ZONE) from exc


def moment(on: date, at: time, *, zone: ZoneInfo, now: datetime) -> datetime:
    """The one instant, in UTC, that a clock there shows so. Raises NoSuchMoment."""
    today = now.astimezone(zone).date()
    if on < today:
        raise NoSuchMoment(Review.PAST)
    if on > today + FURTHEST:
        raise NoSuchMoment(Review.FAR)
    first, second = (
        datetime.combine(on, at.replace(fold=fold), tzinfo=zone) for fold in (0, 1)
    )
    if first.utcoffset() != second.utcoffset():
        shown = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
        exists = shown == first.replace(tzinfo=None, fold=0)
        raise NoSuchMoment(Review.TWICE if exists else Review.SKIPPED)
    if first <= now:
        raise NoSuchMoment(Review.PAST)
    return first.astimezone(UTC)


def locked(diaries: QuerySet[Resource]) -> Sequence[Resource]:
    """In the order in which everybody locks them."""
    return list(diaries.select_for_update().order_by("pk"))


def free_one(
    diaries: Sequence[Resource], *, starts_at: datetime, minutes: int
) -> Resource | None:
    """The first that has nothing then."""
    for diary in diaries:
        if not is_taken(diary, starts_at=starts_at, minutes=minutes):
            return diary
    return None


def is_taken(
    diary: Resource,
    *,
    starts_at: datetime,
    minutes: int,
    but: Appointment | None = None,
) -> bool:
    """Whether something there overlaps; one may begin as another ends."""
    near = Appointment.objects.filter(
        held_resource_id=diary.pk,
        starts_at__gt=starts_at - timedelta(minutes=LONGEST_MINUTES),
        starts_at__lt=starts_at + timedelta(minutes=minutes),
    )
    if but is not None:
        near = near.exclude(pk=but.pk)
    return any(
        begin is not None and begin + timedelta(minutes=length) > starts_at
        for begin, length in near.values_list("starts_at", "minutes")
    )


def next_free(resource: Resource, starts_at: datetime, minutes: int) -> list[datetime]:
    """The next starts of that day that would not overlap anything, by the length of an
    appointment. Nothing is held: who comes first has it."""
    zone = ZoneInfo(resource.clinic.time_zone)
    step = timedelta(minutes=minutes)
    day_ends = datetime.combine(
        starts_at.astimezone(zone).date(), LATEST, tzinfo=zone
    ).astimezone(UTC)
    near = Appointment.objects.filter(
        held_resource_id=resource.pk,
        starts_at__gt=starts_at - timedelta(minutes=LONGEST_MINUTES),
        starts_at__lt=day_ends,
    )
    spans = [(one.starts_at, one.ends_at) for one in near.order_by("starts_at")]
    free: list[datetime] = []
    at = starts_at
    while at + step <= day_ends and len(free) < FREE_TOLD:
        ends = [
            end
            for begin, end in spans
            if begin and end and begin < at + step and end > at
        ]
        if ends:
            at = max(ends)
        else:
            free.append(at)
            at += step
    return free
