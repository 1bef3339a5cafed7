"""`kill -9` at each crash point and at random instants: nobody is rung twice, nothing
is lost, nothing is stuck.

How many kills: KILLS in the environment (120 on MariaDB and 40 on SQLite unless told),
in two halves that may run at the same time.
"""

from __future__ import annotations

import os

import pytest
from django.db import connection

from reliability.killing import AT_ANY_INSTANT, Tally, kill_in_rounds

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.kills,
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize("seed", [20261124, 20261125])
def test_killed_at_any_point_no_phone_rings_twice_and_nothing_is_lost(
    pearl, tmp_path, seed
):
    usual = 120 if connection.vendor == "mysql" else 40
    kills = (int(os.environ.get("KILLS", usual)) + 1) // 2
    tally = Tally()

    kill_in_rounds(pearl, tmp_path, times=kills, seed=seed, tally=tally)

    assert tally.is_well, tally.table()
    assert tally.kills >= kills
    points = set(tally.rows) - {AT_ANY_INSTANT}
    assert len(points) >= kills // 5, "too few crash points were reached"
    assert tally.sending > kills // 30, "too few kills hit a request on its way"
