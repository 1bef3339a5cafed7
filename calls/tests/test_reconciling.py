"""UNKNOWN attempts, markerless calls, the sweep: against the simulator's faults."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import reconciling, runs
from calls.call_manager import CallManager
from calls.models import CallAttempt, PearlEvent
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import OUTBOUND_ID, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERED = "+34600000001"
BULK = "POST /v2/Pearl/{pearlId}/Calls/Bulk"


def always() -> bool:
    return True


@pytest.fixture
def campaign(settings):
    settings.UNKNOWN_SETTLE_SECONDS = 2.0
    settings.POLL_SECONDS = 0.3
    return CampaignFactory(max_concurrent_calls=5)


def dial_until(simulator, campaign, *, done, at_most_seconds=25.0) -> None:
    """Run a worker until `done()`; its thread is this test's own manager."""
    manager = CallManager(pearl=simulator.client())
    deadline = timezone.now() + timedelta(seconds=at_most_seconds)

    def look() -> None:
        if done() or timezone.now() > deadline:
            manager.interrupted = True

    runs.start(campaign.pk, now=timezone.now())
    manager.run(until_empty=False, on_tick=look)
    assert done()


def ended() -> bool:
    return not CallAttempt.objects.exclude(state=State.ENDED).exists()


PLACED = [
    {"kind": "slow_after", "delay": 7},
    {"kind": "500_after"},
    {"kind": "200_without_id"},
    {"kind": "reset_after"},
    {"kind": "cut_body"},
    {"kind": "cut_headers"},
    {"kind": "bare_string"},
    {"kind": "redirect_307_after"},
]
NOT_PLACED = [
    {"kind": "500_before"},
    {"kind": "502"},
    {"kind": "html_200"},
    {"kind": "redirect_307"},
    {"kind": "reset_before"},
    {"kind": "408"},
]


@pytest.mark.parametrize("fault", PLACED, ids=lambda fault: fault["kind"])
def test_a_call_whose_answer_was_lost_is_found_and_never_repeated(
    simulator, campaign, fault
):
    campaign.timeout_seconds = 5
    campaign.save()
    simulator.set(faults=[{"route": "make_call", "next": 1, **fault}])
    LeadFactory(phone_e164=ANSWERED)

    dial_until(
        simulator,
        campaign,
        done=lambda: CallAttempt.objects.filter(state=State.ENDED).exists(),
    )

    attempt = CallAttempt.objects.get()
    assert attempt.outcome == Outcome.SUCCESS
    assert len(simulator.rings()) == 1
    assert Lead.objects.get().call_status == CallStatus.COMPLETED


def test_until_it_has_settled_a_lost_call_is_looked_for_among_those_just_read(
    simulator, settings
):
    settings.UNKNOWN_SETTLE_SECONDS = 600.0
    now, lead = timezone.now(), LeadFactory()
    attempt = AttemptFactory(
        lead=lead, state=State.UNKNOWN, claimed_at=now, next_lookup_at=now
    )

    def poll_at(at):
        before = simulator.get("stats")["requests"].get(BULK, 0)
        type(attempt.campaign).objects.update(next_poll_at=None)
        CallAttempt.objects.update(next_lookup_at=at)
        pearl = simulator.client()
        assert reconciling.poll(attempt.campaign, pearl=pearl, turn=always, now=at)
        return simulator.get("stats")["requests"][BULK] - before

    assert poll_at(now) == 1
    assert poll_at(now + timedelta(minutes=11)) == 2
    attempt.refresh_from_db()
    assert (attempt.state, attempt.absences) == (State.UNKNOWN, 1)


@pytest.mark.parametrize("fault", NOT_PLACED, ids=lambda fault: fault["kind"])
def test_a_call_that_was_not_placed_is_proved_absent_and_then_made(
    simulator, campaign, fault
):
    simulator.set(faults=[{"route": "make_call", "next": 1, **fault}])
    LeadFactory(phone_e164=ANSWERED)

    dial_until(
        simulator,
        campaign,
        done=lambda: CallAttempt.objects.filter(state=State.ENDED).exists(),
    )

    states = CallAttempt.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == [State.NOT_PLACED, State.ENDED]
    assert len(simulator.rings()) == 1
    assert Lead.objects.get().call_attempts_count == 1


def test_absence_is_not_believed_before_the_settle_time(simulator, campaign, settings):
    settings.UNKNOWN_SETTLE_SECONDS = 600
    now = timezone.now()
    attempt = AttemptFactory(
        run__campaign=campaign,
        state=State.UNKNOWN,
        pearl_request_id=None,
        claimed_at=now - timedelta(seconds=590),
        next_lookup_at=now,
    )

    assert reconciling.poll(campaign, pearl=simulator.client(), turn=always, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.absences) == (State.UNKNOWN, 0)


@pytest.mark.parametrize("has_told_another", [False, True])
def test_absence_is_not_believed_while_a_request_waits_at_pearl(
    simulator, campaign, settings, has_told_another
):
    """A paused campaign queues requests and dials them later: a phantom queue. Pearl
    may once have answered an attempt that is over with the id of this one's request."""
    simulator.set(campaigns={OUTBOUND_ID: {"status": 2}})
    placed = simulator.client().make_call(OUTBOUND_ID, to=ANSWERED, data={})
    settings.UNKNOWN_SETTLE_SECONDS = 1
    now = timezone.now() + timedelta(seconds=30)
    attempt = AttemptFactory(
        run__campaign=campaign,
        state=State.UNKNOWN,
        pearl_request_id=None,
        claimed_at=now - timedelta(seconds=30),
        next_lookup_at=now,
        absences=1,
    )
    if has_told_another:
        AttemptFactory(
            run=attempt.run,
            state=State.ENDED,
            outcome=Outcome.BUSY,
            pearl_request_id=placed.request_id,
            open_lead_id=None,
            open_phone=None,
        )

    reconciling.poll(campaign, pearl=simulator.client(), turn=always, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.absences) == (State.UNKNOWN, 0)


def test_two_calls_that_fit_an_unknown_attempt_are_for_a_person(simulator, campaign):
    client = simulator.client()
    for _twice in range(2):
        client.make_call(OUTBOUND_ID, to=ANSWERED, data={})
    simulator.get("stats")
    now = timezone.now() + timedelta(seconds=5)
    attempt = AttemptFactory(
        run__campaign=campaign,
        state=State.UNKNOWN,
        pearl_request_id=None,
        lead__phone_e164=ANSWERED,
        claimed_at=now - timedelta(seconds=20),
        next_lookup_at=now,
    )
    simulator.wait_until(
        lambda: sum(bool(ring["ended_at"]) for ring in simulator.rings()) == 2
    )

    reconciling.poll(campaign, pearl=client, turn=always, now=now)

    attempt.refresh_from_db()
    assert attempt.state == State.MANUAL


def test_without_the_marker_calls_are_bound_by_their_request_only(simulator, campaign):
    simulator.set(campaigns={OUTBOUND_ID: {"declared_variables": []}})
    LeadFactory.create_batch(4)

    dial_until(
        simulator,
        campaign,
        done=lambda: CallAttempt.objects.filter(state=State.ENDED).count() == 4,
    )

    rings = {ring["to"]: ring["call_id"] for ring in simulator.rings()}
    bound = CallAttempt.objects.values_list("phone", "pearl_call_id")
    assert dict(bound) == rings


def test_a_call_nobody_here_ordered_is_shown_and_bound_to_nobody(simulator, campaign):
    client = simulator.client()
    client.make_call(OUTBOUND_ID, to=ANSWERED, data={})
    simulator.wait_until(lambda: all(r["ended_at"] for r in simulator.rings()))
    simulator.wait_until(lambda: len(simulator.rings()) == 1)

    now = timezone.now()
    reconciling.sweep(campaign, pearl=client, turn=always, now=now)

    event = PearlEvent.objects.get()
    assert event.result == PearlEvent.Result.UNMATCHED
    assert ANSWERED not in event.body


def test_an_accepted_call_without_end_goes_to_a_person_after_the_horizon(
    simulator, campaign
):
    simulator.client()
    now = timezone.now()
    attempt = AttemptFactory(
        run__campaign=campaign,
        claimed_at=now - reconciling.HORIZON - timedelta(minutes=1),
        next_lookup_at=now,
    )

    reconciling.poll(campaign, pearl=simulator.client(), turn=always, now=now)

    attempt.refresh_from_db()
    assert attempt.state == State.MANUAL
    attempt.lead.refresh_from_db()
    assert "3 horas" in attempt.lead.call_error_message
