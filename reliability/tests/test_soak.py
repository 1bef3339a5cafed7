"""Some hundreds of calls on virtual time; `python -m reliability.soak`: a million."""

from __future__ import annotations

import pytest
from django.db import connection

from reliability import era, in_process_pearl, people
from reliability.soak import Plan, soak

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

# What is rare in a million calls, in shares that a few hundred show.
FAULTS = {"frozen": 0.04, "let in late": 0.03}
ENDINGS = {"cancelled": 0.03, "cancelled_then_completed": 0.03}
PEOPLE = {"LAST_MINUTE": 0.15, "RELATIVES": 0.12}
ACTS = {"STOPPED_AT_ONCE": 0.04, "EXCLUDED_AT_ONCE": 0.04}


@pytest.fixture(autouse=True)
def _much_happens(monkeypatch):
    for name, often in (("SHARES", FAULTS), ("OUTCOMES", ENDINGS)):
        shares = {**getattr(in_process_pearl, name), **often}
        monkeypatch.setattr(in_process_pearl, name, shares)
    for module, often in ((people, PEOPLE), (era, ACTS)):
        for name, share in often.items():
            monkeypatch.setattr(module, name, share)


def test_days_of_calls_with_faults_ring_nobody_twice_and_lose_nothing():
    leads = 120 if connection.vendor == "mysql" else 240

    tally = soak(Plan(calls=1, seed=20261128, leads=leads, days=1))

    assert tally.violations == {}, str(tally)
    assert tally.calls > leads / 2
    assert tally.faults["accepted, then timeout"] > 0
