"""No number on a list is dialled, and its leads wait for what frees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls import claims
from calls.breakdown import breakdown
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


def test_a_lead_held_by_one_that_ends_gets_its_turn_by_itself(running):
    lead = LeadFactory(phone_e164=PHONE)
    SuppressionFactory(phone_e164=PHONE, expires_at=END)

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


def test_a_proposed_one_holds_until_it_is_reviewed(running):
    LeadFactory(phone_e164=PHONE)
    SuppressionFactory(phone_e164=PHONE, proposed=True)

    assert claim(running) == []
