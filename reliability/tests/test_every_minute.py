"""No phone rings outside its hours, whatever the clocks and the calendar do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from calls import claims
from calls.models import CallAttempt
from calls.tests.factories import CampaignFactory, RunFactory
from leads.models import Lead
from leads.tests.factories import LeadFactory
from leads.verdict import Rule
from reliability.every_minute import SHORT_PLACES, WEEKS, compare
from reliability.legal_hours import Rule as Legal
from reliability.legal_hours import Year

YEAR = 2028
SECOND = timedelta(seconds=1)
COMMUNITIES = {"MD": "Europe/Madrid", "CT": "Europe/Madrid", "CN": "Atlantic/Canary"}


DEFAULT, SIESTA, SMALL_HOURS = WEEKS
MADRID, BARCELONA, TENERIFE, SANTIAGO, LORD_HOWE = SHORT_PLACES


@pytest.mark.parametrize(
    ("place", "week"),
    [
        (MADRID, DEFAULT),
        (BARCELONA, DEFAULT),
        (TENERIFE, DEFAULT),
        (TENERIFE, SIESTA),
        # Nowhere near, so that there are hours at which both clocks are open.
        (SANTIAGO, DEFAULT),
        (LORD_HOWE, SMALL_HOURS),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else one.name,
)
def test_the_window_opens_at_no_minute_at_which_the_judge_closes_it(place, week):
    found = compare(place, week, year=YEAR, thorough=False)

    assert found.wrong == []
    assert found.minutes > 40_000


@pytest.fixture(scope="module")
def years():
    return {
        community: Year.of(
            Legal(zone=zone, community=community, provider_zone="Europe/Madrid"),
            year=YEAR,
            margin=2,
        )
        for community, zone in COMMUNITIES.items()
    }


@pytest.fixture
def running(db):
    """A campaign with the usual hours, and a lead in each place."""
    campaign = CampaignFactory(always_open=False, max_concurrent_calls=10)
    RunFactory(campaign=campaign, generation=campaign.generation)
    type(campaign).objects.update(state="running")
    for community, zone in COMMUNITIES.items():
        LeadFactory(community=community, time_zone=zone)
    return campaign


def claimed_at(now, campaign):
    """Which communities a claim would call then; everything is put back."""
    Lead.objects.update(next_call_at=now - SECOND)
    claim = claims.claim(campaign.pk, worker="w", at_most=10, now=now)
    found = {attempt.lead.community for attempt in claim.attempts}
    for attempt in claim.attempts:
        assert claims.release(attempt, now=now)
    CallAttempt.objects.all().delete()
    return found


def unusual_edges(years):
    """Around the changes of the clocks, and of days on which not all are called."""
    changes = (85, 302)  # the Sundays, as days of the year
    for community, year in years.items():
        for edge in year.edges():
            inside = edge + 300 if year.open[edge] else edge - 300
            others = (other.open[inside] for other in years.values())
            near = min(abs(edge // 1440 - day) for day in changes)
            if near < 3 or sum(others) < len(years):
                yield community, edge


def test_claims_call_whom_the_judge_allows_at_every_unusual_edge(running, years):
    edges = {edge for _community, edge in unusual_edges(years)}

    assert len(edges) > 25
    for edge in sorted(edges):
        for at in (edge - 1, edge):
            now = years["MD"].at(at)
            allowed = {name for name, year in years.items() if year.open[at]}
            assert claimed_at(now, running) == allowed, now


@pytest.mark.parametrize("community", COMMUNITIES)
def test_what_was_claimed_in_the_last_second_is_not_sent_after_it(
    running, years, community
):
    year = years[community]
    closings = [edge for edge in year.edges() if not year.open[edge]]
    Lead.objects.exclude(community=community).delete()

    for edge in closings[::9]:
        closing = year.at(edge)
        Lead.objects.update(next_call_at=closing - 2 * SECOND)
        claim = claims.claim(running.pk, worker="w", at_most=1, now=closing - SECOND)
        (attempt,) = claim.attempts

        verdict = claims.pre_send(attempt, now=closing)

        assert verdict is not None
        assert verdict.rule == Rule.OUTSIDE_HOURS
        assert claims.release(attempt, now=closing, verdict=verdict)
        if year.next_open[edge] >= 0:
            opening = year.at(year.next_open[edge])
            assert Lead.objects.get(community=community).next_call_at == opening


@pytest.mark.parametrize("time_zone", ["", "Europe/Madrit", "Madrid", "../etc"])
def test_a_lead_whose_clock_nobody_knows_is_not_called_and_shows_why(
    running, years, time_zone
):
    now = years["MD"].at(24 * 60 * 9)
    Lead.objects.update(time_zone=time_zone, next_call_at=now - SECOND)

    claim = claims.claim(running.pk, worker="w", at_most=10, now=now)

    assert claim.attempts == []
    assert claim.postponed == len(COMMUNITIES)
    assert Lead.objects.held().count() == len(COMMUNITIES)
    assert rules_shown(running, now=now) == {Rule.UNKNOWN_PLACE}


def rules_shown(campaign, *, now):
    from calls.eligibility import facts_of, rules_of
    from leads.verdict import verdict

    leads = list(Lead.objects.all())
    facts = facts_of(leads, campaign=campaign, now=now)
    rules = rules_of(campaign)
    return {verdict(facts[lead.pk], rules=rules, now=now).rule for lead in leads}
