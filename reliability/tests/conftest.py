"""What every attack has: the simulator, as a process with short calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calls.tests.factories import seed_fields
from reliability import rig


@pytest.fixture
def pearl(transactional_db: None) -> Iterator[rig.Simulator]:
    seed_fields()
    with rig.simulator() as made:
        yield made
