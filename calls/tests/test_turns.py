"""Whose turn it is: at once, promised, retried, by priority; nobody last for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from calls import claims, queue, runs
from calls.models import Campaign
from calls.outcomes import record
from calls.states import Outcome
from calls.tests.factories import (
    AttemptFactory,
    CampaignFactory,
    RunFactory,
    evidence_of,
)
from leads import promises, selection
from leads.models import CallStatus, Lead, LeadEvent
from leads.tests.factories import LeadFactory
from leads.verdict import Rule

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AN_HOUR_AGO = NOW - timedelta(hours=1)
LATER = NOW + timedelta(hours=3)

SATURDAYS = {"sat": [["10:00", "11:00"]]}

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return RunFactory(campaign__max_concurrent_calls=50).campaign


def order(campaign, *, at=NOW) -> list[Lead]:
    campaign.refresh_from_db()
    return queue.next_in_line(campaign, at_most=50, now=at)


def claim(campaign, *, at_most=1, at=NOW):
    return claims.claim(campaign.pk, worker="a", at_most=at_most, now=at).attempts


def test_the_queue_goes_by_wish_promise_retry_priority_and_age(campaign):
    low = LeadFactory(call_priority=5, next_call_at=AN_HOUR_AGO)
    normal_younger = LeadFactory(next_call_at=NOW)
    normal = LeadFactory(next_call_at=AN_HOUR_AGO)
    high = LeadFactory(call_priority=1, next_call_at=NOW)
    retry = LeadFactory(call_status=CallStatus.BUSY, call_priority=5, next_call_at=NOW)
    promised = LeadFactory(call_priority=5, callback_at=NOW, next_call_at=NOW)
    at_once = LeadFactory(call_priority=5, call_now=True, next_call_at=NOW)

    turns = order(campaign)

    assert turns[:5] == [at_once, promised, retry, high, normal]
    assert set(turns[5:]) == {low, normal_younger}


def test_an_empty_queue_is_one_question(campaign, django_assert_num_queries):
    LeadFactory.create_batch(3, next_call_at=LATER)

    with django_assert_num_queries(1):
        assert queue.next_leads(campaign, at_most=50, now=NOW, lock=False) == []


def test_an_old_lead_of_low_priority_is_called_however_many_urgent_ones_come(campaign):
    old = LeadFactory(call_priority=5, next_call_at=AN_HOUR_AGO)
    called = []

    for _turn in range(queue.TURNS):
        LeadFactory.create_batch(3, call_priority=1, next_call_at=NOW)
        attempt = claim(campaign)[0]
        called.append(attempt.lead_id)
        claims.release(attempt, now=NOW)
        Lead.objects.filter(pk=attempt.lead_id).update(
            selected_for_calling=False, call_status="completed"
        )

    assert old.pk in called
    assert called.count(old.pk) == 1


def test_priority_still_has_four_turns_of_five(campaign):
    LeadFactory.create_batch(10, call_priority=5, next_call_at=AN_HOUR_AGO)
    LeadFactory.create_batch(20, call_priority=1, next_call_at=NOW)

    ranks = [lead.call_priority for lead in order(campaign)[:20]]

    assert ranks.count(5) == 4
    assert ranks[:4] == [1, 1, 1, 1]


def test_a_promise_comes_due_at_its_time_and_not_before(campaign):
    lead = LeadFactory(selected_for_calling=False, call_status="no_selected")

    assert promises.promise(lead.pk, at=LATER, now=NOW, by=None)

    assert order(campaign) == []
    assert order(campaign, at=LATER) == [lead]
    assert lead.events.get().kind == LeadEvent.Kind.CALLBACK


def test_start_does_not_bring_a_promised_call_forward():
    campaign = CampaignFactory()
    lead = LeadFactory(callback_at=LATER, next_call_at=None)

    runs.start(campaign.pk, now=NOW)

    assert order(campaign) == []
    lead.refresh_from_db()
    assert lead.next_call_at == LATER


def test_a_promise_is_kept_beyond_the_most_attempts_but_never_out_of_hours(campaign):
    tired = {"call_attempts_count": 99, "next_call_at": NOW}
    LeadFactory(**tired)
    promised = LeadFactory(**tired, callback_at=NOW)
    assert order(campaign) == [promised]

    Campaign.objects.update(always_open=False, weekly_hours=SATURDAYS)

    assert claim(campaign) == []
    promised.refresh_from_db()
    assert promised.callback_at == NOW


def ended(attempt, outcome: Outcome) -> Lead:
    record(attempt, evidence_of(outcome), now=NOW)
    return Lead.objects.get(pk=attempt.lead_id)


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.NO_ANSWER])
def test_a_call_keeps_the_promise_and_says_so(outcome):
    attempt = AttemptFactory(claimed_at=NOW, lead__callback_at=AN_HOUR_AGO)

    lead = ended(attempt, outcome)

    assert (lead.callback_at, lead.call_now) == (None, False)
    assert lead.events.get().kind == LeadEvent.Kind.CALLBACK_KEPT


def test_a_call_that_failed_keeps_no_promise_and_the_alarm_rings():
    attempt = AttemptFactory(claimed_at=NOW, lead__callback_at=AN_HOUR_AGO)

    lead = ended(attempt, Outcome.FAILED)

    assert lead.callback_at == AN_HOUR_AGO
    assert lead in Lead.objects.missed_callbacks(now=NOW)


def test_a_call_promised_while_another_went_on_is_kept_for_its_time():
    attempt = AttemptFactory(claimed_at=NOW)
    promises.promise(attempt.lead_id, at=LATER, now=NOW, by=None)

    lead = ended(attempt, Outcome.SUCCESS)

    assert (lead.callback_at, lead.next_call_at) == (LATER, LATER)
    assert lead.selected_for_calling
    assert lead.call_status == CallStatus.COMPLETED


def test_a_promise_given_back_unsent_keeps_its_place(campaign):
    lead = LeadFactory(callback_at=AN_HOUR_AGO, next_call_at=AN_HOUR_AGO)

    claims.release(claim(campaign)[0], now=NOW)

    assert order(campaign) == [lead]
    lead.refresh_from_db()
    assert lead.callback_at == AN_HOUR_AGO


def test_a_dropped_promise_is_not_kept(campaign):
    lead = LeadFactory(callback_at=NOW, next_call_at=NOW)

    assert promises.drop_promise(lead.pk, now=NOW, by=None)

    assert order(campaign) == []
    assert not promises.drop_promise(lead.pk, now=NOW, by=None)
    assert not Lead.objects.missed_callbacks(now=LATER).exists()


def test_calling_now_goes_before_a_promise_for_later(campaign):
    lead = LeadFactory(callback_at=LATER, next_call_at=LATER)

    assert promises.call_now(lead.pk, now=NOW, by=None)

    assert order(campaign) == [lead]


@pytest.mark.parametrize(
    "lead",
    [
        {"phone_e164": ""},
        {"manual_management": True},
        {"disposition": "do_not_call"},
        {"call_status": CallStatus.CALLING, "next_call_at": None},
        {"pearl_outbound_id": None},
    ],
)
def test_who_cannot_be_called_is_not_called_now(lead):
    lead = LeadFactory(**{"selected_for_calling": False, "call_status": "error"} | lead)

    assert not promises.call_now(lead.pk, now=NOW, by=None)
    assert not lead.events.exists()


@pytest.mark.parametrize("late", [timedelta(minutes=16), timedelta(days=2)])
def test_a_promise_not_kept_in_time_is_missed(late):
    lead = LeadFactory(callback_at=NOW - late)

    assert lead in Lead.objects.missed_callbacks(now=NOW)


def test_a_promise_of_a_minute_ago_or_in_a_call_is_not_missed():
    LeadFactory(callback_at=NOW - timedelta(minutes=1))
    LeadFactory(call_status="calling", next_call_at=None, callback_at=AN_HOUR_AGO)

    assert not Lead.objects.missed_callbacks(now=NOW).exists()


def test_a_promised_lead_taken_out_rings_the_alarm_and_not_the_phone(
    campaign,
):
    lead = LeadFactory(callback_at=AN_HOUR_AGO, next_call_at=AN_HOUR_AGO)

    selection.deselect(Lead.objects.all(), now=NOW)

    assert order(campaign) == []
    assert lead in Lead.objects.missed_callbacks(now=NOW)


def test_the_turns_are_counted_under_the_gate(campaign):
    LeadFactory.create_batch(3)

    claim(campaign, at_most=2)

    campaign.refresh_from_db()
    assert campaign.claims_made == 2


def test_promised_leads_count_in_the_summary_as_a_claim_will_find_them(campaign):
    from calls.breakdown import breakdown

    LeadFactory(call_attempts_count=99)
    LeadFactory(call_attempts_count=99, callback_at=NOW)
    LeadFactory(callback_at=LATER)
    LeadFactory(callback_at=LATER, call_now=True)

    counts = breakdown(campaign, now=NOW)

    assert counts == {Rule.ALLOWED: 2, Rule.EXHAUSTED: 1, Rule.NOT_DUE: 1}
    assert len(order(campaign)) == 2


def test_the_rank_is_the_databases_own(campaign):
    LeadFactory(call_priority=4)
    Lead.objects.update(call_priority=F("call_priority") - 1)

    assert Lead.objects.get().queue_rank == 5
