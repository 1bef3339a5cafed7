"""The whole path of a call against the simulator: its ring log is the judge."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from calls import runs
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign, Run, RunState
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
