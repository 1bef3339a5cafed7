"""The straight path, end to end: the demo's file, the queue, the calls, the sums."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from calls import runs
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign, Run
from calls.states import State
from leads.models import CallStatus, Lead
from leads.tests.factories import OUTBOUND_ID

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("limit", [5, 20, 50])
def test_three_hundred_leads_are_each_rung_once_within_the_limit(
    simulator, live_server, settings, limit
):
    hook = reverse("pearl_webhook", args=[settings.PEARL_WEBHOOK_TOKEN])
    webhook = {"callWebhookUrl": f"{live_server.url}{hook}"}
    simulator.set(speed=300, campaigns={OUTBOUND_ID: webhook})
    call_command("prepare_demo", stdout=io.StringIO())
    Campaign.objects.update(max_concurrent_calls=limit)
    runs.start(Campaign.objects.get().pk, now=timezone.now(), until_empty=True)

    CallManager(pearl=simulator.client()).run(until_empty=True)

    rings, stats = simulator.rings(), simulator.get("stats")
    totals = runs.totals(Run.objects.get())
    attempts = CallAttempt.objects.filter(state=State.ENDED)
    times = Counter(ring["to"] for ring in rings)
    assert stats["peak_in_course"] <= limit
    assert [phone for phone, n in times.items() if n > 1] == []
    # Some are refused by Pearl's blacklist or by an error: asked for, but never rung.
    assert stats["make_call_accepted"] == totals.placed == attempts.count() > 300
    assert sum(totals.outcomes.values()) == totals.placed
    assert set(times) <= set(attempts.values_list("phone", flat=True))
    assert not Lead.objects.filter(call_status=CallStatus.CALLING).exists()
