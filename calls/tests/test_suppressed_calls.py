"""No number on a list is dialled, and its leads wait for what frees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls import claims
from calls.breakdown import breakdown, leads_of
from calls.models import Campaign, Run
from leads import suppressions
from leads.models import Lead, Suppression
from leads.tests.factories import LeadFactory, SuppressionFactory
from leads.verdict import Rule

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
END = NOW + timedelta(days=2)
PHONE = "+34612345650"


@pytest.fixture
def running(run: Run) -> Campaign:
    return run.campaign


def claim(campaign: Campaign, now: datetime = NOW):
    return claims.claim(campaign.pk, worker="worker-a", at_most=5, now=now).attempts


@pytest.mark.parametrize("proposed", [False, True])
def test_a_lead_held_by_one_that_ends_gets_its_turn_by_itself(running, proposed):
    lead = LeadFactory(phone_e164=PHONE)
    SuppressionFactory(phone_e164=PHONE, expires_at=END, proposed=proposed)

    before = claim(running)

    assert before == []
    lead.refresh_from_db()
    assert lead.next_call_at == END
    assert lead.selected_for_calling
    assert len(claim(running, now=END)) == 1


def test_an_endless_one_beside_one_that_ends_holds_without_a_date(running):
    lead = LeadFactory(phone_e164=PHONE)
    SuppressionFactory(phone_e164=PHONE, expires_at=END)
    SuppressionFactory(phone_e164=PHONE, list=Suppression.List.ROBINSON)

    claim(running)

    assert Lead.objects.held().get() == lead


def test_a_number_that_its_list_forgot_is_not_claimed(running):
    SuppressionFactory(phone_e164=PHONE)
    suppressions.forget_numbers(Suppression.objects.all())
    LeadFactory(phone_e164=PHONE)

    assert claim(running) == []


def test_a_forgotten_number_added_between_claim_and_send_stops_the_call(running):
    LeadFactory(phone_e164=PHONE)
    (attempt,) = claim(running)
    SuppressionFactory(phone_e164=PHONE, expires_at=END)
    Suppression.objects.update(phone_e164="")

    answer = claims.pre_send(attempt, now=NOW)
    claims.release(attempt, now=NOW, verdict=answer)

    assert (answer.rule, answer.until) == (Rule.SUPPRESSED, END)
    assert Lead.objects.get().next_call_at == END


def test_an_ended_one_forbids_no_call_and_is_not_counted(running):
    LeadFactory(phone_e164=PHONE)
    other = SuppressionFactory(phone_e164=LeadFactory().phone_e164)
    SuppressionFactory(phone_e164=PHONE, expires_at=NOW)

    counted = breakdown(running, now=NOW)

    assert counted == {Rule.ALLOWED: 1, Rule.SUPPRESSED: 1}
    (attempt,) = claim(running)
    assert attempt.phone == PHONE != other.phone_e164


def test_a_proposed_one_holds_by_a_rule_of_its_own_until_it_is_reviewed(running):
    lead = LeadFactory(phone_e164=PHONE)
    SuppressionFactory(phone_e164=PHONE, proposed=True)

    assert breakdown(running, now=NOW) == {Rule.PROPOSED: 1}
    assert claim(running) == []
    lead.refresh_from_db()
    assert (lead.selected_for_calling, lead.next_call_at) == (True, None)
    assert [*leads_of(running, Rule.PROPOSED, now=NOW)] == [lead]


def test_one_proposed_between_claim_and_send_stops_the_call(running):
    LeadFactory(phone_e164=PHONE)
    (attempt,) = claim(running)
    SuppressionFactory(phone_e164=PHONE, proposed=True)

    answer = claims.pre_send(attempt, now=NOW)

    assert (answer.allowed, answer.rule, answer.until) == (False, Rule.PROPOSED, None)


def test_one_proposed_beside_one_that_ends_holds_after_its_end(running):
    lead = LeadFactory(phone_e164=PHONE)
    SuppressionFactory(phone_e164=PHONE, list=Suppression.List.INTERNAL, expires_at=END)
    SuppressionFactory(phone_e164=PHONE, proposed=True)

    assert claim(running) == []
    lead.refresh_from_db()
    assert lead.next_call_at == END
    assert claim(running, now=END) == []
    assert breakdown(running, now=END) == {Rule.PROPOSED: 1}
