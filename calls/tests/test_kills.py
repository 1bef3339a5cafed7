"""`kill -9` of the worker at random instants: nobody is rung twice, nothing is lost.

How many kills: KILLS in the environment (60 on MariaDB and 20 on SQLite unless told),
in two halves that may run at the same time.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from calls import runs
from calls.models import CallAttempt, Campaign, Run
from calls.states import State
from calls.tests.factories import CampaignFactory
from conftest import end
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.kills,
    pytest.mark.timeout(600),
]


def worker_environment(simulator) -> dict[str, str]:
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "mysql":
        socket = database["OPTIONS"]["unix_socket"]
        url = f"mysql://root@/{database['NAME']}?unix_socket={socket}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "PEARL_API_URL": simulator.url,
        "POLL_SECONDS": "0.3",
        "LEASE_MARGIN_SECONDS": "1",
        "UNKNOWN_SETTLE_SECONDS": "2",
        "DIAL_JOURNAL": str(django_settings.DIAL_JOURNAL),
    }


def start_worker(simulator) -> subprocess.Popen[str]:
    """Returns once it is ready to dial."""
    with tempfile.TemporaryFile("w+") as errors:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "run_calls", "--serve"],
            cwd=ROOT,
            env=worker_environment(simulator),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert worker.stdout is not None
        if "listo" not in worker.stdout.readline():
            worker.wait()
            errors.seek(0)
            pytest.fail(errors.read())
    return worker


def kill(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    if worker.stdout is not None:
        worker.stdout.close()


@pytest.mark.parametrize("seed", [20261124, 20261125])
def test_killed_at_random_instants_no_phone_rings_twice_and_nothing_is_lost(
    simulator, settings, tmp_path, seed
):
    settings.DIAL_JOURNAL = tmp_path / "journal"
    simulator.set(
        outcomes={"success": 3, "busy": 1, "no_answer": 2, "failed": 1},
        # Long enough that many kills find a request on its way.
        latency_seconds=[0.05, 0.4],
    )
    campaign = CampaignFactory(max_concurrent_calls=8, timeout_seconds=1)
    usual = 60 if connection.vendor == "mysql" else 20
    kills = (int(os.environ.get("KILLS", usual)) + 1) // 2
    leads = LeadFactory.create_batch(60 + 8 * kills)
    runs.start(campaign.pk, now=timezone.now())
    dice = random.Random(seed)

    on_their_way = kill_workers(simulator, times=kills, dice=dice)
    worker = start_worker(simulator)
    try:
        simulator.wait_until(lambda: nothing_left(campaign), seconds=240)
    finally:
        end(worker)

    assert worker.returncode == 0
    assert on_their_way > kills / 10, "too few kills hit a request on its way"
    rings = Counter(ring["to"] for ring in simulator.rings())
    posts = simulator.get("stats")["make_call_posts_per_marker"]
    attempts = CallAttempt.objects.all()
    ended = attempts.filter(state=State.ENDED)
    assert [n for n, times in rings.items() if times > 1] == []
    assert posts == {}
    assert rings == Counter(ended.values_list("phone", flat=True))
    assert set(rings) == {lead.phone_e164 for lead in leads}
    assert not Lead.objects.filter(call_status=CallStatus.CALLING).exists()
    totals = runs.totals(Run.objects.get())
    assert sum(totals.outcomes.values()) == totals.placed == len(simulator.rings())


def kill_workers(simulator, *, times: int, dice: random.Random) -> int:
    """Returns how many requests were on their way when their worker was killed; on a
    busy machine, where few workers come that far, it kills up to three times as often.
    """
    on_their_way = 0
    for kill_number in range(3 * times):
        if kill_number >= times and on_their_way > times / 10:
            break
        worker = start_worker(simulator)
        time.sleep(dice.uniform(0.05, 1.0))
        kill(worker)
        on_their_way += CallAttempt.objects.filter(state=State.DIALING).count()
    return on_their_way


def nothing_left(campaign: Campaign) -> bool:
    waiting = campaign.leads.queued().filter(next_call_at__lte=timezone.now())
    open_attempts = CallAttempt.objects.filter(campaign=campaign).held()
    return not waiting.exists() and not open_attempts.exists()
