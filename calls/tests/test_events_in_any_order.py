"""The events of a thousand calls, however they arrive, leave the same rows."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from calls import webhooks
from calls.models import CallAttempt, PearlEvent, Recording, SaidWord
from calls.states import State
from calls.tests.factories import AttemptFactory, RunFactory
from calls.tests.pearl_events import END, LEAD_EVENT, START
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CALLS = 1000
ENDS = [(4, 100), (4, 110), (4, 130), (4, 70), (4, 10), (5, 10), (6, 500), (7, 150)]

pytestmark = pytest.mark.django_db


def make_calls() -> None:
    """A thousand calls under way; a few share a number, as relatives do."""
    run = RunFactory()
    leads = LeadFactory.build_batch(
        CALLS,
        call_status=CallStatus.CALLING,
        next_call_at=None,
        call_attempts_count=1,
    )
    Lead.objects.bulk_create(leads)
    CallAttempt.objects.bulk_create(
        AttemptFactory.build(
            run=run,
            campaign=run.campaign,
            lead=lead,
            counted=True,
            claimed_at=NOW - timedelta(minutes=5),
            send_started_at=NOW - timedelta(minutes=5),
            lease_expires_at=NOW - timedelta(minutes=4),
        )
        for lead in Lead.objects.order_by("pk")
    )


def events_of(attempt: CallAttempt, n: int, dice: random.Random) -> list[dict]:
    """As Pearl tells a call: its start and its end; for some, the end without its words
    before, and the lead."""
    status, conversation = dice.choice(ENDS)
    common = {"id": f"{n + 1:024x}", "to": attempt.phone}
    end = {
        **END,
        **common,
        "startTime": "2026-11-24T09:56:00Z",
        "status": status,
        "conversationStatus": conversation,
        "duration": dice.randint(5, 200) if status == 4 else 0,
        "collectedInfo": [{"id": "ttAttemptId", "value": str(attempt.token)}],
    }
    told = [{**START, **common}, end]
    if n % 3 == 0:
        told.append({**end, "summary": "La persona", "transcript": None})
    if n % 5 == 0:
        lead = {**LEAD_EVENT, "id": f"{n + 1 + CALLS:024x}", "callsId": [common["id"]]}
        told.append(lead)
    return told


def rows_after(bodies: list[bytes]) -> list[list[dict]]:
    PearlEvent.objects.all().delete()
    for at in range(0, len(bodies), 100):
        webhooks.keep_all(bodies[at : at + 100], now=NOW)
        while webhooks.process_kept(now=NOW, at_most=100):
            pass
    attempts = [*CallAttempt.objects.order_by("pk").values()]
    leads = [*Lead.objects.order_by("pk").values()]
    for row in (*attempts, *leads):
        del row["updated_at"]
    return [attempts, leads]


@pytest.mark.timeout(900)
def test_any_order_and_any_repetition_give_the_same_rows():
    make_calls()
    attempts, leads = [*CallAttempt.objects.all()], [*Lead.objects.all()]
    dice = random.Random(11)
    bodies = [
        json.dumps(event).encode()
        for n, attempt in enumerate(attempts, start=1)
        for event in events_of(attempt, n, dice)
    ]

    first = rows_after(bodies)

    for model in (Recording, SaidWord, CallAttempt):
        model.objects.all().delete()
    Lead.objects.all().delete()
    Lead.objects.bulk_create(leads)
    CallAttempt.objects.bulk_create(attempts)
    again = [*bodies, *dice.sample(bodies, 500)]  # the same bodies are not read twice
    again += [b" " + body for body in dice.sample(bodies, 300)]  # these are
    dice.shuffle(again)

    assert rows_after(again) == first
    assert CallAttempt.objects.filter(state=State.ENDED).count() == CALLS
