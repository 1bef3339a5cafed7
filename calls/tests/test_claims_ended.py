"""The guarded writes that end an attempt before a call, and leases."""

from __future__ import annotations

from datetime import timedelta

from calls import claims
from calls.models import CallAttempt
from calls.states import HELD, OPEN, TRANSITIONS, State
from calls.tests.running import LEASE, NOW, claim, running
from leads.models import CallStatus, Lead
from leads.tests.factories import LONG_AGO, LeadFactory

__all__ = ["running"]


# --- Endings without a call ---------------------------------------------------------


def test_a_released_lead_is_as_it_was(running):
    lead = LeadFactory(call_status=CallStatus.NO_ANSWER, call_attempts_count=1)
    attempt = claim(running).attempts[0]

    assert claims.release(attempt, now=NOW)

    lead.refresh_from_db()
    assert lead.call_status == CallStatus.NO_ANSWER
    assert lead.next_call_at == LONG_AGO
    assert lead.call_attempts_count == 1


def test_a_lead_deselected_during_its_claim_does_not_return_to_the_queue(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    Lead.objects.filter(pk=lead.pk).update(selected_for_calling=False)

    claims.release(attempt, now=NOW)

    lead.refresh_from_db()
    assert lead.call_status == CallStatus.NO_SELECTED
    assert lead.next_call_at is None


def test_not_sent_costs_the_lead_nothing(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)

    assert claims.mark_not_sent(attempt, reason="x", now=NOW)

    lead.refresh_from_db()
    assert (lead.call_status, lead.call_attempts_count) == (CallStatus.SELECTED, 0)
    assert claim(running).attempts[0].lead_id == lead.pk


def test_a_refused_lead_shows_why_and_leaves_the_queue(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)

    assert claims.mark_refused(attempt, reason="Número no válido", now=NOW)

    lead.refresh_from_db()
    assert lead.call_status == CallStatus.ERROR
    assert lead.call_error_message == "Número no válido"
    assert not lead.selected_for_calling
    assert lead.call_attempts_count == 1


def test_an_account_problem_costs_no_lead_anything(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)

    assert claims.mark_refused_account(attempt, reason="clave", now=NOW)

    lead.refresh_from_db()
    assert (lead.call_status, lead.call_attempts_count) == (CallStatus.SELECTED, 0)


def test_accepted_and_unknown_count_one_call_each_however_often_written(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)
    claims.mark_unknown(attempt, reason="", now=NOW)

    accepted = claims.mark_accepted(
        attempt, request_id="a" * 24, queue_position=0, now=NOW, look_at=NOW
    )

    assert accepted
    lead.refresh_from_db()
    assert lead.call_attempts_count == 1


def test_absence_proved_gives_the_lead_back_uncounted(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)
    claims.mark_unknown(attempt, reason="", now=NOW)

    assert claims.mark_not_placed(attempt, reason="", now=NOW)

    lead.refresh_from_db()
    assert (lead.call_status, lead.call_attempts_count) == (CallStatus.SELECTED, 0)


def test_a_manual_attempt_holds_its_lead_and_number_but_no_line(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)
    claims.mark_unknown(attempt, reason="", now=NOW)

    assert claims.mark_manual(attempt, reason="?", now=NOW)

    assert not CallAttempt.objects.open().exists()
    Lead.objects.filter(pk=lead.pk).update(
        call_status=CallStatus.SELECTED, selected_for_calling=True, next_call_at=NOW
    )
    assert claim(running).attempts == []


def test_an_answer_after_not_placed_reopens_the_attempt(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)
    claims.mark_unknown(attempt, reason="", now=NOW)
    claims.mark_not_placed(attempt, reason="", now=NOW)

    assert claims.mark_accepted(
        attempt, request_id="a" * 24, queue_position=0, now=NOW, look_at=NOW
    )

    lead.refresh_from_db()
    assert lead.call_status == CallStatus.CALLING
    assert claim(running).attempts == []


# --- Leases -------------------------------------------------------------------------


def test_a_silent_claim_is_released_and_a_silent_dial_is_unknown(running):
    LeadFactory.create_batch(2)
    claimed, dialing = claim(running, at_most=2).attempts
    claims.pre_send(dialing, now=NOW)
    later = NOW + LEASE

    assert claims.reap_leases(now=later - timedelta(seconds=1)) == 0
    assert claims.reap_leases(now=later) == 2

    claimed.refresh_from_db()
    dialing.refresh_from_db()
    assert (claimed.state, dialing.state) == (State.RELEASED, State.UNKNOWN)


def test_a_stale_worker_can_change_nothing(running):
    LeadFactory()
    attempt = claim(running).attempts[0]
    claims.reap_leases(now=NOW + LEASE)

    assert claims.pre_send(attempt, now=NOW) is None
    assert not claims.release(attempt, now=NOW)
    assert not claims.mark_not_sent(attempt, reason="", now=NOW)
    assert not claims.mark_refused(attempt, reason="", now=NOW)
    assert not claims.mark_unknown(attempt, reason="", now=NOW)


def test_only_a_claim_is_freed_by_time_alone():
    """Exhaustive over the table: nothing that may have rung returns to the queue
    without evidence, refusal, or proof that it was not sent."""
    to_queue = {State.RELEASED, State.NOT_SENT, State.NOT_PLACED}
    back = {s: TRANSITIONS[s] & to_queue for s in HELD}

    assert back == {
        State.CLAIMED: {State.RELEASED},
        State.DIALING: {State.NOT_SENT},
        State.ACCEPTED: set(),
        State.UNKNOWN: {State.NOT_PLACED},
        State.MANUAL: {State.NOT_PLACED},
    }
    assert set(OPEN) < set(HELD)
    assert not TRANSITIONS[State.RELEASED]
