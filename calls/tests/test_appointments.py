"""What was agreed is booked once, by one person, or kept with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from calls import appointments
from calls.appointments import AppointmentRefused, State
from calls.models import (
    Appointment,
    AppointmentEvent,
    CallAttempt,
    CancelReason,
    Clinic,
    Review,
)
from calls.states import Outcome
from calls.states import State as AttemptState
from calls.tests.factories import (
    AppointmentFactory,
    AttemptFactory,
    ClinicFactory,
    ResourceFactory,
)
from leads import promises, selection
from leads.models import CallStatus, Disposition, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 30)
FIVE = time(17, 0)
AT_FIVE = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # 17:00 in Madrid
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic() -> Clinic:
    return ClinicFactory(name="Clínica Norte", external_id="C-1")


@pytest.fixture
def marta() -> User:
    return User.objects.create_user("marta")


def ended(run, **lead) -> CallAttempt:
    """A call that is over, of a lead of Clínica Norte."""
    lead = {"clinic_id": "C-1", "call_status": CallStatus.COMPLETED} | lead
    return AttemptFactory(
        run=run,
        state=AttemptState.ENDED,
        outcome=Outcome.SUCCESS,
        claimed_at=NOW - HOUR,
        closed_at=NOW,
        open_lead_id=None,
        open_phone=None,
        **{f"lead__{name}": value for name, value in lead.items()},
    )


def agree(attempt, on=MONDAY, at=FIVE, now=NOW) -> Appointment:
    made = appointments.agree(attempt, on=on, at=at, now=now)
    assert made is not None
    return Appointment.objects.get(pk=made.pk)


# --- Agreed in a call ---------------------------------------------------------------


def test_what_was_agreed_is_booked_on_the_clock_of_the_clinic(run, clinic):
    Clinic.objects.update(time_zone="Atlantic/Canary", minutes=45)

    made = agree(ended(run))

    assert (made.state, made.review, made.minutes) == (State.PROPOSED, "", 45)
    assert made.starts_at == AT_FIVE + HOUR
    assert made.resource == clinic.resources.get()
    assert made.held_resource_id == made.resource_id


def test_the_same_call_agrees_once_whatever_it_says_later(run, clinic):
    attempt = ended(run)

    first = agree(attempt)
    again = agree(attempt, on=MONDAY + timedelta(days=1))

    assert (first.pk, first.starts_at) == (again.pk, again.starts_at)
    assert AppointmentEvent.objects.count() == Appointment.objects.count() == 1


def test_a_test_call_agrees_nothing(run, clinic):
    attempt = ended(run)
    CallAttempt.objects.update(is_test=True)
    attempt.refresh_from_db()

    assert appointments.agree(attempt, on=MONDAY, at=FIVE, now=NOW) is None
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("lead", "review"),
    [
        ({"clinic_id": ""}, Review.NO_CLINIC),
        ({"clinic_id": "C-9"}, Review.UNKNOWN_CLINIC),
        ({"clinic_id": "", "clinic_name": "Otra"}, Review.UNKNOWN_CLINIC),
        # Its name belongs to a clinic with another id.
        ({"clinic_id": "C-9", "clinic_name": "Clínica Norte"}, Review.UNKNOWN_CLINIC),
        ({"clinic_id": "", "clinic_name": " clínica norte "}, Review.NONE),
    ],
)
def test_the_clinic_is_the_one_that_the_lead_names_or_none(run, clinic, lead, review):
    made = agree(ended(run, **lead))

    assert made.review == review
    assert made.clinic == (None if review else clinic)
    assert made.starts_at == AT_FIVE
    assert (made.asked_date, made.asked_time) == (MONDAY, FIVE)


@pytest.mark.parametrize(
    ("on", "at", "review"),
    [
        (NOW.date(), time(11, 0), Review.PAST),  # this very minute in Madrid
        (NOW.date(), time(11, 1), Review.NONE),
        (date.min, FIVE, Review.PAST),
        (date.max, FIVE, Review.FAR),
        (date(2027, 3, 28), time(2, 30), Review.SKIPPED),
        (date(2027, 3, 28), time(3, 0), Review.NONE),
        (date(2027, 10, 31), time(2, 30), Review.TWICE),
        (date(2027, 10, 31), time(3, 0), Review.NONE),
    ],
)
def test_an_hour_that_is_no_one_instant_to_come_is_never_guessed(
    run, clinic, on, at, review
):
    made = agree(ended(run), on=on, at=at)

    assert made.review == review
    assert (made.starts_at is None) == (made.resource is None) == bool(review)


def test_without_a_clinic_or_a_time_zone_the_hour_is_not_known(run):
    made = agree(ended(run, clinic_id="", time_zone=""))

    assert (made.review, made.starts_at) == (Review.NO_CLINIC, None)


def test_a_taken_hour_goes_to_the_next_diary_and_then_to_review(run, clinic):
    ResourceFactory(clinic=clinic, name="Segunda")
    ResourceFactory(clinic=clinic, name="Cerrada", is_active=False)

    made = [agree(ended(run)) for _n in range(3)]

    assert [str(one.resource) for one in made[1:]] == ["Segunda", "None"]
    assert [one.review for one in made] == ["", "", Review.TAKEN]
    assert made[2].starts_at == AT_FIVE


@pytest.mark.parametrize(
    ("at", "is_free"),
    [
        (time(16, 29), True),
        (time(16, 30), True),
        (time(16, 31), False),
        (time(17, 29), False),
        (time(17, 30), True),
    ],
)
def test_appointments_of_one_diary_never_overlap(run, clinic, at, is_free):
    agree(ended(run))

    assert (agree(ended(run), at=at).review == "") == is_free


def test_a_clinic_whose_diaries_are_closed_is_for_review(run, clinic):
    clinic.resources.update(is_active=False)

    assert agree(ended(run)).review == Review.NO_RESOURCE


# --- What it means for the lead -----------------------------------------------------


def test_the_lead_leaves_the_queue_with_cita(run, clinic):
    for clinic_id in ("C-1", "C-9"):
        lead = agree(ended(run, clinic_id=clinic_id)).lead

        assert lead.disposition == Disposition.APPOINTMENT
        assert not lead.selected_for_calling
        assert lead.call_status == CallStatus.COMPLETED


def test_what_staff_decided_since_the_call_began_stands(run, clinic, marta):
    during = NOW - timedelta(minutes=30)
    changes = [
        lambda pk: promises.promise(pk, at=NOW + HOUR, now=during, by=marta),
        lambda pk: promises.dispose(pk, "not_interested", now=during, by=marta),
        lambda pk: promises.dispose(pk, "do_not_call", now=during, by=None),
        lambda pk: promises.call_now(pk, now=during, by=marta),
        lambda pk: selection.apply(
            Lead.objects.filter(pk=pk),
            "select",
            {"outbound_id": "a" * 24},
            now=during,
            by=marta,
        ),
    ]
    for change in changes:
        attempt = ended(run)
        change(attempt.lead_id)
        before = Lead.objects.values().get(pk=attempt.lead_id)

        agree(attempt)

        assert Lead.objects.values().get(pk=attempt.lead_id) == before


def test_what_staff_did_before_the_call_or_beside_it_does_not(run, clinic, marta):
    for verb, at in [("select", NOW - 2 * HOUR), ("priority", NOW)]:
        attempt = ended(run)
        selection.apply(
            Lead.objects.filter(pk=attempt.lead_id),
            verb,
            {"outbound_id": "b" * 24, "priority": 1},
            now=at,
            by=marta,
        )

        assert agree(attempt).lead.disposition == Disposition.APPOINTMENT


# --- By a person --------------------------------------------------------------------


def make(resource, marta, at=AT_FIVE, **more) -> Appointment:
    lead = LeadFactory()
    return appointments.make(
        lead.pk,
        resource=resource,
        starts_at=at,
        minutes=30,
        by=marta,
        now=NOW,
        **more,
    )


def test_a_person_books_and_the_second_one_reads_why_not(clinic, marta):
    diary = clinic.resources.get()
    made = make(diary, marta, confirmed=True)

    with pytest.raises(AppointmentRefused, match="ya está ocupada"):
        make(diary, marta)

    assert (made.state, made.created_by) == (State.CONFIRMED, marta)
    assert made.lead.disposition == ""  # as it was read
    assert Lead.objects.get(pk=made.lead_id).disposition == Disposition.APPOINTMENT
    assert Lead.objects.filter(disposition="").count() == 1


@pytest.mark.parametrize(
    ("at", "why"), [(NOW, "ya pasó"), (NOW + timedelta(days=400), "un año")]
)
def test_nobody_books_the_past_nor_the_far_future(clinic, marta, at, why):
    with pytest.raises(AppointmentRefused, match=why):
        make(clinic.resources.get(), marta, at=at)


def test_a_closed_diary_takes_nobody_new_but_keeps_whom_it_has(clinic, marta):
    diary = clinic.resources.get()
    made = make(diary, marta)
    clinic.resources.update(is_active=False)

    with pytest.raises(AppointmentRefused, match="cerrada"):
        make(diary, marta, at=AT_FIVE + HOUR)
    move(made, diary, AT_FIVE + HOUR, marta)


def move(appointment, resource, at, marta, seen=None, minutes=30) -> None:
    appointments.move(
        appointment,
        seen=appointment.sequence if seen is None else seen,
        resource=resource,
        starts_at=at,
        minutes=minutes,
        by=marta,
        now=NOW,
    )


def test_moving_frees_the_old_time_and_holds_the_new_one(clinic, marta):
    diary = clinic.resources.get()
    made = make(diary, marta)

    move(made, diary, AT_FIVE + HOUR, marta)

    make(diary, marta)  # the old time
    with pytest.raises(AppointmentRefused):
        make(diary, marta, at=AT_FIVE + HOUR)
    event = made.events.get(kind="moved")
    assert [*event.changes] == ["starts_at"]
    assert (made.sequence, event.by) == (1, marta)


def test_moving_within_its_own_time_is_no_conflict(clinic, marta):
    diary = clinic.resources.get()
    made = make(diary, marta)

    move(made, diary, AT_FIVE, marta, minutes=60)
    move(made, diary, AT_FIVE + timedelta(minutes=15), marta)

    assert made.sequence == 2


def test_what_was_for_review_gets_a_place(run, clinic, marta):
    made = agree(ended(run, clinic_id="C-9"))

    with pytest.raises(AppointmentRefused, match="día, hora y agenda"):
        become(made, State.CONFIRMED, marta)
    move(made, clinic.resources.get(), AT_FIVE, marta)
    become(made, State.CONFIRMED, marta)

    assert (made.review, made.state) == ("", State.CONFIRMED)
    assert made.events.get(kind="moved").changes["review"] == ["unknown_clinic", None]


def test_who_saw_an_older_appointment_changes_nothing(clinic, marta):
    diary = clinic.resources.get()
    made = make(diary, marta)
    move(made, diary, AT_FIVE + HOUR, marta)

    with pytest.raises(AppointmentRefused, match="ha cambiado"):
        move(made, diary, AT_FIVE + 2 * HOUR, marta, seen=0)
    with pytest.raises(AppointmentRefused, match="ha cambiado"):
        become(made, State.CONFIRMED, marta, seen=0)

    made.refresh_from_db()
    assert (made.starts_at, made.sequence) == (AT_FIVE + HOUR, 1)
    assert made.events.count() == 2


# --- States -------------------------------------------------------------------------


def become(made, to, marta, now=NOW, seen=None, **more) -> None:
    appointments.change_state(
        made,
        to,
        seen=made.sequence if seen is None else seen,
        by=marta,
        now=now,
        **more,
    )


def test_a_cancelled_appointment_frees_its_time_and_says_why(clinic, marta):
    diary = clinic.resources.get()
    made = make(diary, marta)

    become(made, State.CANCELLED, marta, reason=CancelReason.PATIENT, note="Está malo")

    event = made.events.get(kind="cancelled")
    assert (event.text, event.changes["cancel_reason"]) == (
        "Está malo",
        [None, "patient"],
    )
    make(diary, marta)


@pytest.mark.parametrize("reason", [CancelReason.NONE, CancelReason.OTHER])
def test_a_reason_belongs_to_a_cancellation_and_to_nothing_else(clinic, marta, reason):
    made = make(clinic.resources.get(), marta)
    to = State.CONFIRMED if reason else State.CANCELLED

    with pytest.raises(AppointmentRefused, match="motivo"):
        become(made, to, marta, reason=reason)


def test_nobody_came_to_an_appointment_that_is_still_to_come(clinic, marta):
    made = make(clinic.resources.get(), marta, confirmed=True)

    for to in (State.DONE, State.NO_SHOW):
        with pytest.raises(AppointmentRefused, match="aún no ha llegado"):
            become(made, to, marta)
    become(made, State.DONE, marta, now=AT_FIVE)
    become(made, State.NO_SHOW, marta, now=AT_FIVE)

    with pytest.raises(AppointmentRefused, match="no presentada no admite"):
        become(made, State.CONFIRMED, marta, now=AT_FIVE)


# --- The database itself ------------------------------------------------------------


def test_the_database_refuses_two_of_one_start_whoever_writes(clinic):
    diary = clinic.resources.get()
    AppointmentFactory(resource=diary, starts_at=AT_FIVE)

    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentFactory(resource=diary, starts_at=AT_FIVE)

    Appointment.objects.update(state=State.CANCELLED, cancel_reason="other")
    AppointmentFactory(resource=diary, starts_at=AT_FIVE)
    AppointmentFactory(resource=ResourceFactory(clinic=clinic), starts_at=AT_FIVE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "held"},
        {"state": State.CANCELLED},
        {"cancel_reason": "patient"},
        {"review": Review.TAKEN},
        {"resource": None},
        {"starts_at": None},
        {"minutes": 0},
        {"state": State.CONFIRMED, "review": Review.TAKEN, "resource": None},
    ],
)
def test_the_database_refuses_what_makes_no_sense(wrong):
    AppointmentFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.update(**wrong)
