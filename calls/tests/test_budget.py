"""Pace, Retry-After and the breaker, shared by all processes through one row."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from calls import budget, claims, runs
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign, PearlAccount, RunState
from calls.queue import Wait
from calls.states import State
from calls.tests.factories import CampaignFactory, RunFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def paced(settings):
    settings.PEARL_REQUESTS_PER_SECOND = 1.0


def test_turns_come_one_a_second_over_all_claimants(paced):
    taken = [
        budget.take_turn(now=NOW + timedelta(seconds=tenths / 10))
        for tenths in range(51)
    ]

    assert sum(taken) == 6


def test_idle_time_is_not_saved_up_for_a_burst(paced):
    budget.take_turn(now=NOW)

    later = [budget.take_turn(now=NOW + timedelta(minutes=5)) for _each in range(9)]

    assert sum(later) <= 2


def test_a_claim_takes_one_turn_and_the_next_waits(paced, run):
    LeadFactory.create_batch(3)

    first = claims.claim(run.campaign_id, worker="a", at_most=3, now=NOW)
    second = claims.claim(run.campaign_id, worker="b", at_most=3, now=NOW)

    assert len(first.attempts) == 1
    assert (second.attempts, second.wait) == ([], Wait.PACE)


def test_retry_after_blocks_every_process_until_it_is_over(run):
    LeadFactory()
    budget.block(now=NOW, retry_after=timedelta(seconds=30))

    during = claims.claim(run.campaign_id, worker="a", at_most=1, now=NOW + 29 * SECOND)
    after = claims.claim(run.campaign_id, worker="b", at_most=1, now=NOW + 31 * SECOND)

    assert during.wait == Wait.BLOCKED
    assert len(after.attempts) == 1


def test_a_shorter_block_does_not_undo_a_longer_one():
    budget.block(now=NOW, retry_after=timedelta(minutes=5))
    budget.block(now=NOW, retry_after=timedelta(seconds=1))

    assert PearlAccount.objects.get().blocked_until == NOW + timedelta(minutes=5)


def test_three_failures_open_the_breaker_and_only_an_answer_closes_it(run):
    LeadFactory()
    for _each in range(3):
        budget.note_failure(now=NOW)

    an_hour_on = NOW + timedelta(hours=1)
    closed = claims.claim(run.campaign_id, worker="a", at_most=1, now=an_hour_on)
    budget.note_success()
    opened = claims.claim(run.campaign_id, worker="a", at_most=1, now=an_hour_on)

    assert closed.wait == Wait.BREAKER
    assert len(opened.attempts) == 1


def break_it() -> None:
    for _each in range(3):
        budget.note_failure(now=NOW)


def test_after_an_outage_calls_are_made_one_at_a_time_until_one_is_answered(run):
    LeadFactory.create_batch(6)
    break_it()

    def claim(at_most: int = 3) -> claims.Claim:
        return claims.claim(run.campaign_id, worker="a", at_most=at_most, now=NOW)

    budget.note_answer()
    budget.note_answer()  # that questions are answered shows nothing more
    first, second = claim(), claim()
    claims.pre_send(first.attempts[0], now=NOW)
    third = claim()
    budget.note_success()
    fourth = claim()

    assert (len(first.attempts), second.wait, third.wait) == (1, Wait.AJAR, Wait.AJAR)
    assert len(fourth.attempts) == 3


def test_one_call_at_a_time_means_one_of_all_campaigns(run):
    other = RunFactory(campaign__outbound_id="f" * 24)
    LeadFactory()
    LeadFactory(pearl_outbound_id="f" * 24)
    break_it()
    budget.note_answer()

    first = claims.claim(run.campaign_id, worker="a", at_most=1, now=NOW)
    second = claims.claim(other.campaign_id, worker="a", at_most=1, now=NOW)

    assert (len(first.attempts), second.wait) == (1, Wait.AJAR)


def test_the_first_failure_after_an_outage_opens_the_breaker_again(run):
    LeadFactory()
    break_it()
    budget.note_answer()

    budget.note_failure(now=NOW)

    claim = claims.claim(run.campaign_id, worker="a", at_most=1, now=NOW)
    assert claim.wait == Wait.BREAKER


def test_failures_that_an_answer_follows_are_forgotten():
    for _each in range(5):
        budget.note_failure(now=NOW)
        budget.note_failure(now=NOW)
        budget.note_answer()

    row = budget.account()
    assert row.failures == 0
    assert not budget.breaker_is_ajar(row)


def test_the_breaker_waits_longer_each_time_up_to_a_quarter_of_a_minute():
    pauses = []
    for _each in range(12):
        budget.note_failure(now=NOW)
        row = budget.account()
        pauses.append(row.breaker_until and row.breaker_until - NOW)

    assert pauses[:5] == [None, None, 5 * SECOND, 10 * SECOND, 15 * SECOND]
    assert pauses[-1] == 15 * SECOND


# --- With a real provider -----------------------------------------------------------


def run_until_empty(simulator, campaign, seconds: float = 30.0) -> None:
    runs.start(campaign.pk, now=timezone.now(), until_empty=True)
    manager = CallManager(pearl=simulator.client())
    deadline = timezone.now() + timedelta(seconds=seconds)

    def look() -> None:
        if timezone.now() > deadline:
            manager.interrupted = True

    manager.run(until_empty=True, on_tick=look)
    assert not manager.interrupted, "the queue was not emptied in time"


@pytest.mark.django_db(transaction=True)
def test_a_429_is_obeyed_and_the_lead_keeps_its_place(simulator):
    fault = {"kind": "429", "route": "make_call", "next": 2, "retry_after": 1}
    simulator.set(faults=[fault])
    campaign = CampaignFactory()
    LeadFactory.create_batch(3)

    run_until_empty(simulator, campaign)

    states = Counter(CallAttempt.objects.values_list("state", flat=True))
    assert (states[State.ENDED], states[State.NOT_SENT]) == (3, 2)
    # Claims made before the answer are not sent after it.
    assert set(states) <= {State.ENDED, State.NOT_SENT, State.RELEASED}
    assert len({ring["to"] for ring in simulator.rings()}) == 3
    assert set(Lead.objects.values_list("call_attempts_count", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_no_request_comes_before_retry_after_is_over(simulator):
    fault = {"kind": "429", "route": "make_call", "next": 1, "retry_after": 2}
    simulator.set(faults=[fault])
    campaign = CampaignFactory()
    LeadFactory.create_batch(4)

    run_until_empty(simulator, campaign)

    log = simulator.get("requests")["requests"]
    refused = next(i for i, one in enumerate(log) if one["status"] == 429)
    # Requests already on their way when the answer came are not its affair.
    later = [one["at"] for one in log[refused + 1 :] if "Call" in one["route"]]
    at = datetime.fromisoformat(log[refused]["at"])
    on_their_way = [t for t in later if datetime.fromisoformat(t) - at < SECOND / 2]
    first = datetime.fromisoformat(later[len(on_their_way)])
    assert first - at > 2 * SECOND - SECOND / 4
    # Nor was any call decided on once the answer was noted.
    until = PearlAccount.objects.get().blocked_until
    decided = CallAttempt.objects.filter(
        send_started_at__gt=until - 1.9 * SECOND, send_started_at__lt=until
    )
    assert not decided.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["401", "402", "403"])
def test_a_refused_key_stops_the_run_and_costs_no_lead_anything(simulator, kind):
    simulator.set(faults=[{"kind": kind, "route": "make_call", "probability": 1.0}])
    campaign = CampaignFactory()
    LeadFactory.create_batch(30)

    run_until_empty(simulator, campaign)

    campaign.refresh_from_db()
    assert campaign.state == RunState.STOPPED
    assert "Pearl" in campaign.state_reason
    assert set(Lead.objects.values_list("call_status", "call_attempts_count")) == {
        (CallStatus.SELECTED, 0)
    }
    assert simulator.rings() == []


@pytest.mark.django_db(transaction=True)
def test_a_campaign_without_credit_stops_before_leads_pay_for_it(simulator):
    campaign = CampaignFactory()
    LeadFactory.create_batch(30)
    simulator.set(account={"creditBalance": 0})

    run_until_empty(simulator, campaign)

    campaign.refresh_from_db()
    assert "rédito" in campaign.state_reason
    assert not Lead.objects.filter(call_status=CallStatus.ERROR).exists()


@pytest.mark.django_db(transaction=True)
def test_a_number_pearl_refuses_is_that_leads_error_and_the_others_go_on(simulator):
    campaign = CampaignFactory()
    bad, *_good = LeadFactory.create_batch(4)
    fault = {"kind": "400", "route": "make_call", "to": bad.phone_e164, "next": 1}
    simulator.set(faults=[fault])

    run_until_empty(simulator, campaign)

    bad.refresh_from_db()
    assert bad.call_status == CallStatus.ERROR
    assert bad.call_error_message
    assert CallAttempt.objects.filter(state=State.ENDED).count() == 3


@pytest.mark.django_db(transaction=True)
def test_pearl_down_uses_up_no_leads_and_the_run_goes_on_when_it_is_back(
    simulator, settings
):
    simulator.set(faults=[{"kind": "502", "route": "account", "next": 1}])
    campaign = CampaignFactory()
    LeadFactory.create_batch(6)
    for _each in range(3):
        budget.note_failure(now=timezone.now() - timedelta(minutes=1))

    run_until_empty(simulator, campaign)

    assert CallAttempt.objects.filter(state=State.ENDED).count() == 6
    assert PearlAccount.objects.get().failures == 0
    assert Campaign.objects.get().state == RunState.STOPPED
