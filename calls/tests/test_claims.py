"""Claims and pre-send: who may be dialled, checked twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls import claims, runs
from calls.models import CallAttempt, Campaign
from calls.queue import Wait
from calls.states import State
from calls.tests.running import LEASE, NOW, B, claim, running
from leads.models import CallStatus, Consent, Lead
from leads.tests.factories import LeadFactory, SuppressionFactory
from leads.verdict import Rule

__all__ = ["running"]


def test_a_lead_is_claimed_by_priority_then_due_date_then_id(running):
    late = LeadFactory(next_call_at=NOW - timedelta(minutes=1))
    early = LeadFactory(next_call_at=NOW - timedelta(minutes=9))
    same = LeadFactory(next_call_at=NOW - timedelta(minutes=9))
    urgent = LeadFactory(call_priority=1, next_call_at=NOW)

    claimed = claim(running, at_most=4).attempts

    assert [a.lead_id for a in claimed] == [urgent.pk, early.pk, same.pk, late.pk]


def test_a_claimed_lead_shows_calling_and_is_not_claimed_again(running):
    lead = LeadFactory()

    first, second = claim(running), claim(running, worker=B)

    assert len(first.attempts) == 1
    assert second.attempts == []
    assert second.wait == Wait.QUEUE_EMPTY
    lead.refresh_from_db()
    assert (lead.call_status, lead.next_call_at) == (CallStatus.CALLING, None)


def test_a_number_shared_by_two_leads_is_never_in_two_calls_at_once(running):
    LeadFactory.create_batch(2, phone_e164="+34600000001")

    first = claim(running, at_most=2)
    second = claim(running, at_most=2, worker=B)

    assert len(first.attempts) == 1
    assert second.attempts == []
    assert CallAttempt.objects.open().count() == 1


def test_the_database_itself_refuses_a_second_open_attempt_of_a_lead(running):
    from django.db import IntegrityError

    LeadFactory()
    attempt = claim(running).attempts[0]
    attempt.pk, attempt.token = None, "6f1e0f5e-3f7c-4c55-9ad4-0c2f2b8c9a11"

    with pytest.raises(IntegrityError):
        attempt.save(force_insert=True)


def test_open_attempts_never_exceed_the_limit_unknown_ones_included(running):
    Campaign.objects.update(max_concurrent_calls=3)
    LeadFactory.create_batch(9)
    first = claim(running, at_most=9).attempts
    claims.pre_send(first[0], now=NOW)
    claims.mark_unknown(first[0], reason="", now=NOW)

    second = claim(running, at_most=9)

    assert len(first) == 3
    assert second.wait == Wait.LINES_BUSY


def test_pearls_agents_narrow_the_limit(running):
    Campaign.objects.update(pearl_agents=2)
    LeadFactory.create_batch(9)

    assert len(claim(running, at_most=9).attempts) == 2


def test_three_unknown_attempts_pause_the_run(running):
    LeadFactory.create_batch(5)
    for attempt in claim(running, at_most=3).attempts:
        claims.pre_send(attempt, now=NOW)
        claims.mark_unknown(attempt, reason="", now=NOW)

    assert claim(running).wait == Wait.UNCONFIRMED


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"phone_e164": ""}, Rule.NO_PHONE),
        ({"consent": Consent.REFUSED}, Rule.NO_CONSENT),
        ({"consent": Consent.UNKNOWN}, Rule.NO_CONSENT),
        ({"time_zone": ""}, Rule.UNKNOWN_PLACE),
        ({"call_attempts_count": 3}, Rule.EXHAUSTED),
    ],
)
def test_a_forbidden_lead_stays_wanted_and_is_held_without_blocking_others(
    running, change, rule
):
    forbidden = LeadFactory(call_priority=1, **change)
    LeadFactory()

    claimed = claim(running, at_most=2)

    assert [a.verdict for a in claimed.attempts] == [Rule.ALLOWED]
    forbidden.refresh_from_db()
    assert forbidden.selected_for_calling
    assert forbidden.next_call_at is None
    assert Lead.objects.held().get() == forbidden


def test_a_suppressed_number_is_not_claimed(running):
    lead = LeadFactory()
    SuppressionFactory(phone_e164=lead.phone_e164)

    assert claim(running).attempts == []


def test_outside_hours_the_queue_is_left_alone(running):
    Campaign.objects.update(always_open=False)
    lead = LeadFactory(next_call_at=NOW - timedelta(days=1))
    sunday = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)

    answer = claim(running, now=sunday)

    assert answer.wait == Wait.CLOSED
    lead.refresh_from_db()
    assert lead.next_call_at == NOW - timedelta(days=1)


def test_a_lead_whose_region_is_closed_waits_for_its_own_opening(running):
    Campaign.objects.update(always_open=False)
    canary = LeadFactory(community="CN", time_zone="Atlantic/Canary")
    early = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)  # 9:30 Madrid, 8:30 Canarias

    answer = claim(running, now=early)

    assert answer.attempts == []
    assert answer.postponed == 1
    canary.refresh_from_db()
    assert canary.next_call_at == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_the_same_number_is_not_rung_again_within_the_gap(running):
    _first, second = LeadFactory.create_batch(2, phone_e164="+34600000001")
    attempt = claim(running).attempts[0]
    claims.pre_send(attempt, now=NOW)
    claims.mark_unknown(attempt, reason="", now=NOW)
    CallAttempt.objects.filter(pk=attempt.pk).update(
        state=State.ENDED, outcome="busy", open_lead_id=None, open_phone=None
    )

    soon = claim(running, now=NOW + timedelta(minutes=59))
    later = claim(running, now=NOW + timedelta(minutes=61))

    assert soon.attempts == []
    assert [a.lead_id for a in later.attempts] == [second.pk]


def test_a_call_that_waited_past_midnight_counts_on_the_day_on_which_it_rang(running):
    Campaign.objects.update(max_per_day=1)
    LeadFactory.create_batch(2, phone_e164="+34600000001")
    attempt = claim(running).attempts[0]
    CallAttempt.objects.filter(pk=attempt.pk).update(
        state=State.ENDED,
        outcome="busy",
        open_lead_id=None,
        open_phone=None,
        send_started_at=NOW - timedelta(days=1),
        started_at=NOW - timedelta(hours=2),
    )

    today, tomorrow = claim(running), claim(running, now=NOW + timedelta(days=1))

    assert today.attempts == []
    assert len(tomorrow.attempts) == 1


# --- Pre-send -----------------------------------------------------------------------


def test_pre_send_commits_to_dialing_once(running):
    LeadFactory()
    attempt = claim(running).attempts[0]

    first = claims.pre_send(attempt, now=NOW)
    second = claims.pre_send(attempt, now=NOW)

    assert first.allowed
    assert second is None


def test_nothing_passes_pre_send_after_stop(running):
    LeadFactory()
    attempt = claim(running).attempts[0]
    runs.stop(running.pk, now=NOW)

    assert claims.pre_send(attempt, now=NOW) is None

    runs.start(running.pk, now=NOW)
    assert claims.pre_send(attempt, now=NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        {"consent": Consent.REFUSED},
        {"manual_management": True},
        {"call_status": CallStatus.CALLING, "selected_for_calling": False},
        {"phone_e164": "+34600999999"},
    ],
)
def test_a_change_between_claim_and_send_stops_the_call(running, change):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    Lead.objects.filter(pk=lead.pk).update(**change)

    answer = claims.pre_send(attempt, now=NOW)

    assert answer is None or not answer.allowed
    attempt.refresh_from_db()
    assert attempt.state == State.CLAIMED


def test_a_suppression_between_claim_and_send_stops_the_call(running):
    lead = LeadFactory()
    attempt = claim(running).attempts[0]
    SuppressionFactory(phone_e164=lead.phone_e164)

    assert claims.pre_send(attempt, now=NOW).rule == Rule.SUPPRESSED


def test_the_window_closing_between_claim_and_send_stops_the_call(running):
    Campaign.objects.update(always_open=False)
    LeadFactory()
    evening = datetime(2026, 11, 24, 19, 57, 30, tzinfo=UTC)  # 20:57:30 in Madrid
    attempt = claim(running, now=evening).attempts[0]

    answer = claims.pre_send(attempt, now=evening + timedelta(seconds=50))

    assert answer.rule == Rule.OUTSIDE_HOURS
    claims.release(attempt, now=evening, verdict=answer)
    lead = Lead.objects.get()
    assert lead.call_status == CallStatus.SELECTED
    assert lead.next_call_at == datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def test_a_lease_that_is_over_cannot_be_sent(running):
    LeadFactory()
    attempt = claim(running).attempts[0]

    assert claims.pre_send(attempt, now=NOW + LEASE) is None
