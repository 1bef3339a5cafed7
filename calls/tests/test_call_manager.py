"""The whole path of a call against the simulator: its ring log is the judge."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from calls import call_manager, runs
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign, Run, RunState
from calls.pearl.campaigns import PAUSED
from calls.states import State
from calls.tests.factories import CampaignFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign():
    return CampaignFactory(max_concurrent_calls=5)


def dial_everything(simulator, campaign, **options) -> CallManager:
    runs.start(campaign.pk, now=timezone.now(), until_empty=True)
    manager = CallManager(pearl=simulator.client(), **options)
    manager.run(until_empty=True)
    return manager


def test_every_lead_is_rung_once_and_every_outcome_arrives_by_polling(
    simulator, campaign
):
    leads = LeadFactory.create_batch(20)

    dial_everything(simulator, campaign)

    rings = simulator.rings()
    assert Counter(r["to"] for r in rings) == Counter(x.phone_e164 for x in leads)
    assert simulator.get("stats")["peak_in_course"] <= 5
    attempts = CallAttempt.objects.all()
    assert Counter(attempts.values_list("state", flat=True)) == {State.ENDED: 20}
    assert not Lead.objects.filter(call_status=CallStatus.CALLING).exists()
    assert Campaign.objects.get().state == RunState.STOPPED
    assert Run.objects.get().ended_at is not None


def test_a_process_reads_the_state_at_pearl_of_campaigns_that_do_not_run(
    simulator, campaign, monkeypatch
):
    monkeypatch.setattr(call_manager, "CHECK_EVERY", timedelta())
    other = CampaignFactory(outbound_id="66f0a1b2c3d4e5f6010203ff", pearl_status=1)
    simulator.client().set_outbound_active(campaign.outbound_id, False)
    manager = CallManager(pearl=simulator.client())
    until = time.monotonic() + 10

    def look() -> None:
        campaign.refresh_from_db()
        if campaign.pearl_status is not None or time.monotonic() > until:
            manager.interrupted = True

    manager.run(until_empty=False, on_tick=look)

    assert campaign.pearl_status == PAUSED
    other.refresh_from_db()
    assert other.pearl_status == 1  # Pearl does not list it: nothing is known anew
