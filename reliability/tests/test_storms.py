"""Eight workers, two operators who press against each other, one MariaDB."""

from __future__ import annotations

import os
import random

import pytest
from django.db import connection

from conftest import end, start_simulator
from reliability.storm_log import Phase, Press, Ring, judge
from reliability.storms import (
    Storm,
    add_campaign,
    add_leads,
    started,
    webhooks,
    wrongs,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SEED = int(os.environ.get("STORM_SEED", 1))


@pytest.mark.kills
@pytest.mark.skipif(
    "connection.vendor != 'mysql'", reason="SQLite has one writer at a time"
)
def test_storms_of_start_and_stop_ring_nobody_twice_and_nobody_late(settings, tmp_path):
    database = connection.settings_dict
    socket = database["OPTIONS"]["unix_socket"]
    simulator = start_simulator("--speed", "400", "--agents", "50")
    settings.PEARL_API_URL = simulator.url
    environment = {
        **os.environ,
        "DATABASE_URL": f"mysql://root@/{database['NAME']}?unix_socket={socket}",
        "PEARL_API_URL": simulator.url,
        "DIAL_JOURNAL": str(tmp_path / "journal"),
    }
    simulator.set(latency_seconds=[0.02, 0.2])
    add_leads(400)
    storm = Storm(url=simulator.url, campaign_id=add_campaign(), seed=SEED)
    limits = random.Random(SEED).sample(range(2, 11), 1)
    try:
        with (
            webhooks(simulator.url, env=environment),
            started("reliability.worker_farm", "8", env=environment, until="ready"),
        ):
            phases = [
                storm.run(limit, stops=8, calls=5 * limit) for limit in (1, *limits)
            ]
            found = wrongs(storm, phases)
    finally:
        end(simulator.process)

    assert found == [], "\n".join([Phase.HEADER, *map(str, phases)])
    assert sum(phase.calls for phase in phases) >= 15


def pressed(*presses: tuple[str, float, float]) -> list[Press]:
    return [Press(what=what, began=a, ended=b) for what, a, b in presses]


def rung(*times: float) -> list[Ring]:
    return [Ring(to="x", placed=at, ended=at + 0.1) for at in times]


def test_a_ring_after_the_answer_to_stop_is_seen():
    phase = Phase(limit=2)

    judge(phase, pressed(("start", 0, 1), ("stop", 2, 3)), rung(1.5, 2.5, 3.25))

    assert (phase.late_most, phase.late_seconds) == (1, 0.25)


def test_a_ring_after_the_next_start_is_no_late_one():
    phase = Phase(limit=2)
    presses = pressed(("stop", 2, 3), ("start", 4, 5), ("stop", 8, 9))

    judge(phase, presses, rung(4.5, 6))

    assert phase.late_most == 0


def test_a_start_pressed_during_a_stop_makes_it_no_proof():
    phase = Phase(limit=2)

    judge(phase, pressed(("stop", 2, 4), ("start", 3, 5)), rung(4.5))

    assert phase.late_most == 0


def test_a_line_that_stands_free_is_seen():
    phase = Phase(limit=2)

    judge(phase, pressed(("start", 0, 1), ("stop", 9, 9)), rung(1.5, 2, 6))

    assert phase.idle_seconds == pytest.approx(3.9)
