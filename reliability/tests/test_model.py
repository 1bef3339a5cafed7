"""Whatever happens, in whatever order: hypothesis drives queue, workers, Pearl, staff
and time through the real functions, and a model in plain Python judges each step.

Short: `pytest reliability/tests/test_model.py`, the same each time: it must not fail by
chance elsewhere. Long: with HYPOTHESIS_PROFILE=long (10,000 examples of 50 steps).
MODEL_SEED, MODEL_EXAMPLES and MODEL_STEPS choose others.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from random import SystemRandom

import pytest
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as HypothesisSettings
from hypothesis.stateful import run_state_machine_as_test

from reliability.model import STEPS
from reliability.tests.model_machine import SEEN, Calls

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def chosen(name: str, otherwise: int) -> int:
    return int(os.environ.get(f"MODEL_{name}", otherwise))


def profile() -> HypothesisSettings:
    return HypothesisSettings(
        max_examples=chosen("EXAMPLES", 10_000 if IS_LONG else 28),
        stateful_step_count=chosen("STEPS", 50 if IS_LONG else 40),
        database=None,
        deadline=None,
        print_blob=True,
        phases=[Phase.generate] + [Phase.shrink] * chosen("SHRINK", 1),
        suppress_health_check=[*HealthCheck],
    )


@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_whatever_happens_nobody_is_rung_twice_and_nothing_is_lost(settings):
    settings.DIAL_JOURNAL = Path(os.environ["DIAL_JOURNAL"])  # in memory
    number = chosen("SEED", SystemRandom().randrange(10**6) if IS_LONG else 1)
    print("MODEL_SEED", number)
    logging.disable()
    try:
        run_state_machine_as_test(seed(number)(Calls), settings=profile())
    finally:
        logging.disable(logging.NOTSET)
        for step, times in sorted(SEEN.items()):
            print(times, *step)
        every = {(who, *step) for who, steps in STEPS.items() for step in steps}
        print("never seen:", sorted(every - {*SEEN}))

    assert len(SEEN) >= 35, "too shallow to prove anything"
