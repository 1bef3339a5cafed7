"""The counts before START are what the claim will decide, lead by lead."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from calls.breakdown import breakdown, leads_of
from calls.eligibility import facts_of, rules_of
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads.models import CallStatus, Consent
from leads.tests.factories import LeadFactory, SuppressionFactory
from leads.verdict import Rule, verdict

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)  # 9:30 in Madrid, 8:30 in Canarias

pytestmark = pytest.mark.django_db


def random_lead(dice: random.Random, run) -> None:
    places = [("MD", "Europe/Madrid"), ("CN", "Atlantic/Canary"), ("", "")]
    community, zone = dice.choice(places)
    more = {} if dice.random() > 0.1 else {"phone_e164": ""}
    lead = LeadFactory(
        community=community,
        time_zone=zone,
        consent=dice.choice([*Consent.values, Consent.GIVEN, Consent.GIVEN]),
        manual_management=dice.random() < 0.1,
        call_attempts_count=dice.choice([0, 0, 1, 3]),
        next_call_at=dice.choice([None, NOW, NOW + timedelta(hours=1)]),
        **more,
    )
    if dice.random() < 0.1 and lead.phone_e164:
        SuppressionFactory(phone_e164=lead.phone_e164, proposed=dice.random() < 0.5)
    for _each in range(dice.choice([0, 0, 0, 1, 3])):
        AttemptFactory(
            run=run,
            lead=lead,
            phone=lead.phone_e164 or "+34600000000",
            state=dice.choice([State.ENDED, State.NOT_PLACED]),
            outcome=Outcome.BUSY,
            claimed_at=NOW - timedelta(minutes=dice.choice([5, 90, 60 * 30])),
            open_lead_id=None,
            open_phone=None,
        )
    if dice.random() < 0.1 and lead.phone_e164:
        other = LeadFactory(
            phone_e164=lead.phone_e164,
            call_status=CallStatus.CALLING,
            next_call_at=None,
        )
        AttemptFactory(run=run, lead=other, claimed_at=NOW - timedelta(hours=3))


@pytest.mark.parametrize("seed", range(4))
def test_counts_agree_with_the_verdict_on_each_lead(seed):
    dice = random.Random(seed)
    campaign = CampaignFactory(always_open=False, max_per_day=2)
    run = RunFactory(campaign=campaign)
    for _each in range(60):
        random_lead(dice, run)

    counts = breakdown(campaign, now=NOW)

    leads = list(campaign.leads.queued())
    facts = facts_of(leads, campaign=campaign, now=NOW)
    rules = rules_of(campaign)
    one_by_one = Counter(
        verdict(facts[lead.pk], rules=rules, now=NOW).rule for lead in leads
    )
    assert counts == one_by_one
    assert len(counts) > 4
    for rule in Rule:
        found = set(leads_of(campaign, rule, now=NOW).values_list("pk", flat=True))
        assert found == {
            lead.pk
            for lead in leads
            if verdict(facts[lead.pk], rules=rules, now=NOW).rule is rule
        }


def test_one_query_however_many_leads(django_assert_num_queries):
    campaign = CampaignFactory()
    LeadFactory.create_batch(30)

    with django_assert_num_queries(1):
        counts = breakdown(campaign, now=NOW)

    assert counts == {Rule.ALLOWED: 30}
