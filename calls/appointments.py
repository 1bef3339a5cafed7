"""Every change of an appointment: agreed, moved, confirmed, kept or cancelled.

Two people never get one place: a diary is locked while a time in it is given away, and
the database refuses the same start twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from calls.diaries import (
    FURTHEST,
    NoSuchMoment,
    clinic_of,
    free_one,
    is_taken,
    locked,
    moment,
    zone_of,
)
from calls.models import (
    Appointment,
    AppointmentEvent,
    AppointmentState,
    CallAttempt,
    CancelReason,
    Resource,
    Review,
)
from calls.models.appointment import LONGEST_MINUTES
from calls.outcomes import lock_lead_of
from leads import promises
from leads.models import BulkChange, Disposition, Lead, LeadEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

T = TypeVar("T")
State = AppointmentState
Kind = AppointmentEvent.Kind
Verb = BulkChange.Verb

DEFAULT_MINUTES = 30
# What each state may become; the rest is refused. The last two correct a wrong press.
MAY_BECOME: dict[State, frozenset[State]] = {
    State.PROPOSED: frozenset({State.CONFIRMED, State.CANCELLED}),
    State.CONFIRMED: frozenset({State.DONE, State.NO_SHOW, State.CANCELLED}),
    State.CANCELLED: frozenset(),
    State.DONE: frozenset({State.NO_SHOW}),
    State.NO_SHOW: frozenset({State.DONE}),
}
MOVABLE = (State.PROPOSED, State.CONFIRMED)
ONLY_AFTER_START = (State.DONE, State.NO_SHOW)
# A person who did one of these since the call began has decided about the lead.
DECISIONS = Q(
    kind__in=[
        LeadEvent.Kind.CALLBACK,
        LeadEvent.Kind.CALL_NOW,
        LeadEvent.Kind.DISPOSITION,
        LeadEvent.Kind.EXCLUDED,
    ]
) | Q(
    bulk_change__verb__in=[Verb.DISPOSITION, Verb.SELECT, Verb.CALL_NOW, Verb.EXCLUDE],
    bulk_change__undone_at=None,
)
# These outlive any appointment: the person is not called again.
FOR_GOOD = (Disposition.DO_NOT_CALL, Disposition.WRONG_NUMBER)


class AppointmentRefused(ValueError):
    """Nothing was changed. Show `reason`."""

    def __init__(self, reason: StrOrPromise) -> None:
        super().__init__(reason)
        self.reason = reason


class PlaceTaken(AppointmentRefused):
    """Somebody else has that time in that diary. Another one may be free."""

    def __init__(self) -> None:
        super().__init__(_("Esa hora ya está ocupada en esa agenda: elija otra."))


# --- Agreed in a call ---------------------------------------------------------------


@transaction.atomic
def agree(
    attempt: CallAttempt, *, on: date, at: time, now: datetime
) -> Appointment | None:
    """What was agreed in a call becomes an appointment, once however often it is told.

    `on` and `at` are on the clock of the clinic, or else of the lead. What cannot be
    booked is kept with its reason in `review`. None: a test call agrees nothing.
    """
    if attempt.is_test:
        return None
    lead = lock_lead_of(attempt.pk)
    known = Appointment.objects.filter(attempt_id=attempt.pk).first()
    if known is not None:
        return known
    made = _agreed(lead, attempt, on=on, at=at, now=now)
    _note(made, Kind.MADE, by=None, now=now, before={})
    if not _decided_since(lead, attempt.claimed_at):
        _take_out_of_queue(lead, by=None, now=now)
    return made


def _agreed(
    lead: Lead, attempt: CallAttempt, *, on: date, at: time, now: datetime
) -> Appointment:
    at = at.replace(tzinfo=None, fold=0)
    clinic, review = clinic_of(lead)
    minutes = clinic.minutes if clinic else DEFAULT_MINUTES
    starts_at, resource = None, None
    try:
        zone = zone_of(clinic.time_zone if clinic else lead.time_zone)
        starts_at = moment(on, at, zone=zone, now=now)
    except NoSuchMoment as exc:
        review = review or exc.review
    if clinic and starts_at and not review:
        diaries = locked(clinic.resources.filter(is_active=True))
        resource = free_one(diaries, starts_at=starts_at, minutes=minutes)
        if resource is None:
            review = Review.TAKEN if diaries else Review.NO_RESOURCE
    return Appointment.objects.create(
        lead=lead,
        attempt_id=attempt.pk,
        clinic=clinic,
        resource=resource,
        starts_at=starts_at,
        minutes=minutes,
        asked_date=on,
        asked_time=at,
        review=review,
        created_at=now,
        updated_at=now,
    )


def _decided_since(lead: Lead, begun_at: datetime) -> bool:
    events = LeadEvent.objects.filter(DECISIONS, lead=lead, at__gte=begun_at)
    return events.filter(by__isnull=False).exists()


def _take_out_of_queue(lead: Lead, *, by: User | None, now: datetime) -> None:
    if lead.disposition not in FOR_GOOD:
        promises.dispose(lead.pk, Disposition.APPOINTMENT, now=now, by=by)


# --- By a person --------------------------------------------------------------------


@transaction.atomic
def make(
    lead_id: int,
    *,
    resource: Resource,
    starts_at: datetime,
    minutes: int,
    by: User | None,
    now: datetime,
    confirmed: bool = False,
) -> Appointment:
    """Raises AppointmentRefused. The lead leaves the queue with «cita»."""
    lead = Lead.objects.select_for_update().filter(pk=lead_id).first()
    if lead is None:
        raise AppointmentRefused(_("Ese lead ya no existe."))
    diary = _give(resource, starts_at=starts_at, minutes=minutes, now=now)
    made = _written(
        lambda: Appointment.objects.create(
            lead=lead,
            clinic_id=diary.clinic_id,
            resource=diary,
            starts_at=starts_at,
            minutes=minutes,
            state=State.CONFIRMED if confirmed else State.PROPOSED,
            created_at=now,
            updated_at=now,
            created_by=by,
        )
    )
    _note(made, Kind.MADE, by=by, now=now, before={})
    if confirmed:
        _note(made, Kind.CONFIRMED, by=by, now=now)
    _take_out_of_queue(lead, by=by, now=now)
    return made


@transaction.atomic
def move(
    appointment: Appointment,
    *,
    seen: int,
    resource: Resource,
    starts_at: datetime,
    minutes: int,
    by: User | None,
    now: datetime,
) -> None:
    """Another time or diary, which it holds from then on; its state stays.

    `seen`: the `sequence` of what the person looked at. Raises AppointmentRefused.
    """
    there = (appointment.resource_id, appointment.starts_at, appointment.minutes)
    if there == (resource.pk, starts_at, minutes):
        return
    diary = _give(
        resource, starts_at=starts_at, minutes=minutes, now=now, to=appointment
    )
    rows = Appointment.objects.filter(
        pk=appointment.pk, state__in=MOVABLE, sequence=seen
    )
    changed = _written(
        lambda: rows.update(
            clinic_id=diary.clinic_id,
            resource=diary,
            starts_at=starts_at,
            minutes=minutes,
            review=Review.NONE,
            sequence=F("sequence") + 1,
            updated_at=now,
        )
    )
    if not changed:
        raise AppointmentRefused(_why_not(appointment.pk, seen=seen, to=None, now=now))
    before = _place(appointment)
    appointment.refresh_from_db()
    _note(appointment, Kind.MOVED, by=by, now=now, before=before)


@transaction.atomic
def change_state(
    appointment: Appointment,
    to: State,
    *,
    seen: int,
    by: User | None,
    now: datetime,
    reason: str = CancelReason.NONE,
    note: str = "",
) -> None:
    """`reason` belongs to a cancellation, and to nothing else. `seen`: the `sequence`
    of what the person looked at. Raises AppointmentRefused."""
    if (to == State.CANCELLED) != (reason != CancelReason.NONE):
        raise AppointmentRefused(_("Elija el motivo de la cancelación."))
    before = [state for state, after in MAY_BECOME.items() if to in after]
    rows = Appointment.objects.filter(
        pk=appointment.pk, state__in=before, sequence=seen
    )
    if to != State.CANCELLED:
        rows = rows.filter(review=Review.NONE)
    if to in ONLY_AFTER_START:
        rows = rows.filter(starts_at__lte=now)
    changed = rows.update(
        state=to, cancel_reason=reason, sequence=F("sequence") + 1, updated_at=now
    )
    if changed != 1:
        raise AppointmentRefused(_why_not(appointment.pk, seen=seen, to=to, now=now))
    seen_as = _place(appointment)
    appointment.refresh_from_db()
    _note(appointment, Kind(to), by=by, now=now, before=seen_as, text=note)


def _why_not(pk: int, *, seen: int, to: State | None, now: datetime) -> StrOrPromise:
    there = Appointment.objects.filter(pk=pk).first()
    if there is None:
        return _("Esa cita ya no existe.")
    if there.sequence != seen:
        return _("La cita ha cambiado mientras tanto: vea cómo está ahora.")
    if there.review and to != State.CANCELLED:
        return _("Antes hay que darle día, hora y agenda.")
    is_early = there.starts_at is None or there.starts_at > now
    if to in ONLY_AFTER_START and is_early and to in MAY_BECOME[State(there.state)]:
        return _("Esa cita aún no ha llegado.")
    return _("Una cita %s no admite ese cambio.") % there.get_state_display().lower()


# --- Who gets a place ---------------------------------------------------------------


def _give(
    resource: Resource,
    *,
    starts_at: datetime,
    minutes: int,
    now: datetime,
    to: Appointment | None = None,
) -> Resource:
    """The diary, locked, and free at that time. Raises AppointmentRefused."""
    if starts_at <= now:
        raise AppointmentRefused(_("Esa hora ya pasó: elija una futura."))
    if starts_at > now + FURTHEST:
        raise AppointmentRefused(_("Elija una fecha dentro de un año."))
    if not 0 < minutes <= LONGEST_MINUTES:
        raise AppointmentRefused(_("Una cita dura entre 1 minuto y 8 horas."))
    diaries = locked(Resource.objects.filter(pk=resource.pk))
    stays = to is not None and to.resource_id == resource.pk
    if not diaries or not (diaries[0].is_active or stays):
        raise AppointmentRefused(_("Esa agenda está cerrada: elija otra."))
    if is_taken(diaries[0], starts_at=starts_at, minutes=minutes, but=to):
        raise PlaceTaken
    return diaries[0]


def _written(write: Callable[[], T]) -> T:
    """The database has the last word on who was first."""
    try:
        with transaction.atomic():
            return write()
    except IntegrityError as exc:
        raise PlaceTaken from exc


# --- Its history --------------------------------------------------------------------


def _note(
    appointment: Appointment,
    kind: Kind,
    *,
    by: User | None,
    now: datetime,
    before: dict[str, Any] | None = None,
    text: str = "",
) -> None:
    """With what differs from `before`; None: what it is does not matter."""
    after = _place(appointment) if before is not None else {}
    changes = {
        name: [(before or {}).get(name), value]
        for name, value in after.items()
        if (before or {}).get(name) != value
    }
    AppointmentEvent.objects.create(
        appointment=appointment, kind=kind, at=now, by=by, text=text, changes=changes
    )


def _place(appointment: Appointment) -> dict[str, Any]:
    at = appointment.starts_at
    return {
        "starts_at": at.isoformat() if at else None,
        "minutes": appointment.minutes,
        "clinic": str(appointment.clinic) if appointment.clinic else None,
        "resource": str(appointment.resource) if appointment.resource else None,
        "review": appointment.review or None,
        "cancel_reason": appointment.cancel_reason or None,
    }
