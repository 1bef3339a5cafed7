"""Whatever the way to Pearl does: one request an attempt, one ring a person, no doubt
left. The long versions: `python -m reliability.outages`.

What the client makes of each answer is in calls/tests/test_pearl_matrix.py; here whole
runs live with it, questions cut and lost included.
"""

from __future__ import annotations

import pytest

from calls import runs
from calls.models import Campaign, ControlEvent, RunState
from calls.states import State
from reliability.fault_proxy import Outage
from reliability.pearl_outages import DIAL_FAULTS, every_fault, pearl_gone, quicker
from reliability.throttled import throttled

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.kills,
    pytest.mark.timeout(240),
]

# No phone can have rung when these befall a dial, and the answer is whole after these.
NEVER_ARRIVES = (
    "reset before a byte",
    "reset in the head",
    "reset in the body",
    "request swallowed",
)
HARMLESS = ("slow both ways", "reset after the answer")


def test_no_fault_on_the_way_makes_a_phone_ring_twice_or_loses_a_call(simulator):
    simulator.set(outcomes={"success": 1})

    felt, became = every_fault(simulator, rounds=1, seed=20261128)

    assert felt.is_sound, felt
    assert felt.rings == felt.leads
    for name in DIAL_FAULTS:
        absent = name in NEVER_ARRIVES
        assert set(became[name]) == {State.NOT_PLACED if absent else State.ENDED}, name


@pytest.mark.parametrize("outage", [Outage.REFUSED, Outage.SILENT, Outage.FROZEN])
def test_a_run_survives_pearls_absence_and_goes_on_by_itself(
    simulator, settings, outage
):
    """Ten times faster than the real thing, but for the settle time."""
    settings.UNKNOWN_SETTLE_SECONDS = 3.0
    simulator.set(outcomes={"success": 1})

    with quicker(10):
        recovery = pearl_gone(
            simulator,
            outage=outage,
            seconds=3.0,
            leads=30,
            deadline=1.5,
            timeout_seconds=1,
        )

    assert recovery.felt.is_sound, recovery
    assert recovery.uncertain <= recovery.at_most_uncertain
    # Nobody is claimed in vain, but for those that waited for their thread.
    assert recovery.felt.states[State.RELEASED] <= recovery.workers
    assert recovery.asked_after < 6
    assert recovery.dialled_after < 6
    assert Campaign.objects.get().state == RunState.RUNNING
    # It paused and went on by itself: nobody's switch was touched.
    kinds = ControlEvent.objects.values_list("kind", flat=True)
    assert list(kinds) == [ControlEvent.Kind.STARTED]
    assert runs.totals(Campaign.objects.get().runs.get()).manual == 0


def test_one_429_silences_every_process_until_its_time_is_over(simulator):
    simulator.set(outcomes={"success": 1})

    seen = throttled(simulator, processes=2, refusals=1, retry_after=2, leads=20)

    assert seen.refusals >= 1
    assert seen.too_early == 0
    assert seen.felt.is_sound, seen
    assert seen.felt.rings == seen.felt.leads
