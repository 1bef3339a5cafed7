"""A running campaign, its claims at a fixed time, and the end of a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from calls import claims
from calls.models import CallAttempt, Campaign, Run
from calls.states import Outcome, State

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Madrid
LEASE = timedelta(seconds=60)  # 30 to answer and 30 of margin
A, B = "worker-a", "worker-b"


def claim(campaign: Campaign, at_most: int = 1, now: datetime = NOW, worker: str = A):
    return claims.claim(campaign.pk, worker=worker, at_most=at_most, now=now)


@pytest.fixture
def running(run: Run) -> Campaign:
    return run.campaign


def end_a_call(run: Run) -> None:
    attempt = CallAttempt.objects.filter(state=State.ACCEPTED).first()
    CallAttempt.objects.filter(pk=attempt.pk).update(
        state=State.ENDED,
        outcome=Outcome.BUSY,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
    )
