"""A running campaign, and its claims at a fixed time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls import claims
from calls.models import Campaign, Run

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Madrid
LEASE = timedelta(seconds=60)  # 30 to answer and 30 of margin
A, B = "worker-a", "worker-b"


def claim(campaign: Campaign, at_most: int = 1, now: datetime = NOW, worker: str = A):
    return claims.claim(campaign.pk, worker=worker, at_most=at_most, now=now)


@pytest.fixture
def running(run: Run) -> Campaign:
    return run.campaign
