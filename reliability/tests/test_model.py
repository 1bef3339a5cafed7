"""Whatever happens, in whatever order: hypothesis drives queue, workers, Pearl, staff
and time through the real functions, and a model in plain Python judges each step.

Short: `pytest reliability/tests/test_model.py`. Long: the same with
HYPOTHESIS_PROFILE=long (10,000 examples of 50 steps); MODEL_EXAMPLES and MODEL_STEPS
choose other numbers, and `--hypothesis-seed=N` repeats a run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as HypothesisSettings
from hypothesis.stateful import run_state_machine_as_test

from reliability.model import STEPS
from reliability.tests.model_busy import BusyCalls
from reliability.tests.model_machine import SEEN


def profile() -> HypothesisSettings:
    is_long = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    is_shrunk = os.environ.get("MODEL_SHRINK", "1") == "1"
    examples, steps = (10_000, 50) if is_long else (40, 25)
    return HypothesisSettings(
        max_examples=int(os.environ.get("MODEL_EXAMPLES", examples)),
        stateful_step_count=int(os.environ.get("MODEL_STEPS", steps)),
        # The short one is the same each time: it must not fail by chance elsewhere.
        derandomize=not is_long,
        database=None,
        deadline=None,
        print_blob=True,
        phases=[p for p in Phase if p != Phase.shrink or is_shrunk],
        suppress_health_check=[*HealthCheck],
    )


@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_whatever_happens_nobody_is_rung_twice_and_nothing_is_lost(settings):
    settings.DIAL_JOURNAL = Path(os.environ["DIAL_JOURNAL"])  # in memory
    run_state_machine_as_test(BusyCalls, settings=profile())

    for step, times in sorted(SEEN.items()):
        print(times, *step)
    every = {(who, *step) for who, steps in STEPS.items() for step in steps}
    print("never seen:", sorted(every - {*SEEN}))
    assert len(SEEN) > len(every) / 3, "too shallow to prove anything"
