"""A worker that is told to end does so in time and leaves nothing half done; one that
was frozen for longer than its leases wakes up to nothing."""

from __future__ import annotations

import signal
import time

import pytest
from django.db import connection

from reliability import rig
from reliability.signals import (
    FROZEN_AT,
    KINDS,
    LEAVES_WITHIN,
    Report,
    freeze_in_a_transaction,
    frosts,
    storms,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.kills,
    pytest.mark.timeout(600),
]


def test_told_to_end_at_any_instant_it_drains_in_time(pearl, tmp_path):
    report, times = Report(), 2 if connection.vendor == "mysql" else 1

    storms(pearl, tmp_path, times=times, seed=20261128, report=report)

    assert report.is_well, report.table()
    assert [one.times for one in report.seen.values()] == [times] * len(KINDS)


def test_frozen_for_longer_than_its_leases_it_changes_and_sends_nothing(
    pearl, tmp_path
):
    report, times = Report(), 2 if connection.vendor == "mysql" else 1

    frosts(pearl, tmp_path, times=times, report=report)

    assert report.is_well, report.table()
    assert len(report.seen) >= times * (len(FROZEN_AT) // 2)


def test_a_second_ctrl_c_waits_for_no_question_to_pearl(pearl, tmp_path):
    slow = {"kind": "slow_before", "route": "bulk", "probability": 1, "delay": 12}
    pearl.post("config", faults=[slow])
    with rig.nursery(pearl, folder=tmp_path) as nursery:
        stage = rig.set_stage(pearl, leads=2, journal=tmp_path / "journal")
        worker = nursery.start(journal=str(stage.journal))
        assert rig.wait_until(lambda: len(pearl.rings()) == 2, seconds=20)
        time.sleep(1)

        worker.send(signal.SIGINT)
        time.sleep(1.1)
        assert worker.wait(0) is None, "it asked nothing"
        worker.send(signal.SIGINT)

        assert worker.wait(LEAVES_WITHIN) == 130
        worker.kill()


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="SQLite has one writer")
def test_a_worker_frozen_in_a_transaction_keeps_nobody_from_stop(pearl, tmp_path):
    report = Report()
    with rig.nursery(pearl, folder=tmp_path) as nursery:
        stage = rig.set_stage(pearl, leads=5, journal=tmp_path / "journal")

        freeze_in_a_transaction(stage, nursery=nursery, report=report, still=2)

    assert report.is_well, report.table()


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="MariaDB's own setting")
def test_the_database_ends_a_transaction_that_stands_still():
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@idle_transaction_timeout")
        assert cursor.fetchone() == (30,)
