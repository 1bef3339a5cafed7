"""Some hundreds of calls on virtual time; `python -m reliability.soak`: a million."""

from __future__ import annotations

import pytest
from django.db import connection

from reliability.soak import Plan, soak

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_days_of_calls_with_faults_ring_nobody_twice_and_lose_nothing():
    leads = 120 if connection.vendor == "mysql" else 240

    tally = soak(Plan(calls=1, seed=20261128, leads=leads, days=1))

    assert tally.violations == {}, str(tally)
    assert tally.calls > leads / 2
    assert tally.faults["accepted, then timeout"] > 0
