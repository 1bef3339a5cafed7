"""Two people at once, and any order of presses: one place is one person's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from calls import appointments
from calls.appointments import MAY_BECOME, AppointmentRefused, State
from calls.models import Appointment, AppointmentEvent, CancelReason, Resource, Review
from calls.states import Outcome
from calls.states import State as AttemptState
from calls.tests.factories import (
    AppointmentFactory,
    AttemptFactory,
    ClinicFactory,
    ResourceFactory,
)
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SLOT = timedelta(minutes=15)
MANY = 6


def at_once(work) -> list:
    """`work(n)` in as many threads, all starting together; a refusal is an answer."""
    ready = Barrier(MANY)

    def one(n: int):
        try:
            ready.wait()
            return work(n)
        except AppointmentRefused as exc:
            return str(exc.reason)
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("apart", [0, 1])
def test_of_many_who_book_one_hour_at_once_one_has_it_and_the_rest_read_why(apart):
    """Also when their hours only overlap, which no unique index sees."""
    diary = ResourceFactory()
    leads = LeadFactory.create_batch(MANY)

    def work(n: int) -> int:
        return appointments.make(
            leads[n].pk,
            resource=diary,
            starts_at=NOW + timedelta(days=1, minutes=n * apart),
            minutes=30,
            by=None,
            now=NOW,
        ).pk

    answers = at_once(work)

    said = [answer for answer in answers if isinstance(answer, str)]
    assert len(said) == MANY - 1
    assert {*said} == {str(appointments.PlaceTaken().reason)}
    assert Appointment.objects.count() == AppointmentEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_call_told_many_times_at_once_agrees_once(run):
    clinic = ClinicFactory(external_id="C-1")
    ResourceFactory(clinic=clinic)
    attempt = AttemptFactory(
        run=run,
        lead__clinic_id="C-1",
        state=AttemptState.ENDED,
        outcome=Outcome.SUCCESS,
        claimed_at=NOW,
        open_lead_id=None,
        open_phone=None,
    )

    answers = at_once(
        lambda _n: (
            appointments.agree(
                attempt, on=date(2026, 11, 30), at=time(17, 0), now=NOW
            ).pk
        )
    )

    assert len({*answers}) == Appointment.objects.count() == 1
    assert AppointmentEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_does():
    made = AppointmentFactory(starts_at=NOW + timedelta(days=1))

    def work(n: int) -> None:
        mine = Appointment.objects.get(pk=made.pk)
        is_even = n % 2 == 0
        appointments.change_state(
            mine,
            State.CONFIRMED if is_even else State.CANCELLED,
            seen=0,
            by=None,
            now=NOW,
            reason=CancelReason.NONE if is_even else CancelReason.CLINIC,
        )

    answers = at_once(work)

    assert answers.count(None) == 1
    assert AppointmentEvent.objects.count() == 1


class Presses(RuleBasedStateMachine):
    """People press anything in any order, some of it on screens that are old."""

    def __init__(self) -> None:
        super().__init__()
        Appointment.objects.all().delete()
        Resource.objects.all().delete()
        clinic = ClinicFactory()
        self.diaries = [*clinic.resources.all(), ResourceFactory(clinic=clinic)]
        self.now = NOW
        self.screens: list[Appointment] = []

    @rule(diary=st.integers(0, 1), slot=st.integers(-2, 12), confirmed=st.booleans())
    def make(self, diary, slot, confirmed):
        try:
            made = appointments.make(
                LeadFactory().pk,
                resource=self.diaries[diary],
                starts_at=self.now + SLOT * slot,
                minutes=30,
                by=None,
                now=self.now,
                confirmed=confirmed,
            )
        except AppointmentRefused:
            return
        self.screens.append(made)

    @rule(which=st.integers(0, 50), diary=st.integers(0, 1), slot=st.integers(-2, 12))
    def move(self, which, diary, slot):
        self.press(
            which,
            lambda seen: appointments.move(
                seen,
                seen=seen.sequence,
                resource=self.diaries[diary],
                starts_at=self.now + SLOT * slot,
                minutes=30,
                by=None,
                now=self.now,
            ),
        )

    @rule(
        which=st.integers(0, 50),
        to=st.sampled_from(State),
        reason=st.sampled_from(CancelReason),
    )
    def become(self, which, to, reason):
        def change(seen):
            before = State(Appointment.objects.get(pk=seen.pk).state)
            appointments.change_state(
                seen, to, seen=seen.sequence, by=None, now=self.now, reason=reason
            )
            assert to in MAY_BECOME[before]
            if to in (State.DONE, State.NO_SHOW):
                assert seen.starts_at <= self.now

        self.press(which, change)

    def press(self, which, change) -> None:
        if not self.screens:
            return
        seen = self.screens[which % len(self.screens)]
        before = Appointment.objects.values().get(pk=seen.pk)
        told = AppointmentEvent.objects.count()
        fresh = Appointment.objects.get(pk=seen.pk)
        fresh.sequence = seen.sequence  # what this screen shows
        try:
            change(fresh)
        except AppointmentRefused:
            assert Appointment.objects.values().get(pk=seen.pk) == before
            assert AppointmentEvent.objects.count() == told
            return
        after = Appointment.objects.values().get(pk=seen.pk)
        changed = after != before
        assert AppointmentEvent.objects.count() == told + changed
        assert after["sequence"] == before["sequence"] + changed
        if which % 2:
            self.screens.append(fresh)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @invariant()
    def nobody_overlaps(self):
        live = Appointment.objects.exclude(state=State.CANCELLED)
        for diary in self.diaries:
            there = live.filter(resource=diary).order_by("starts_at")
            spans = [(one.starts_at, one.ends_at) for one in there]
            for (_begin, end), (begin, _end) in pairwise(spans):
                assert end <= begin

    @invariant()
    def each_history_ends_as_it_is(self):
        for one in Appointment.objects.all():
            states = [e.kind for e in one.events.exclude(kind="moved").order_by("id")]
            assert (states[-1] == one.state) or (
                states == ["made"] and one.state == State.PROPOSED
            )
            assert one.review == Review.NONE


@pytest.mark.django_db
def test_whatever_is_pressed_in_whatever_order():
    run_state_machine_as_test(
        Presses,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )
