"""`kill -9` of the database in full run: the worker waits, and goes on by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from conftest import end, start_simulator
from tuotempo.pytest_environment import install_mariadb, run_mariadb

ROOT = Path(__file__).resolve().parents[2]
LEADS = 40

pytestmark = [
    pytest.mark.kills,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        "connection.vendor != 'mysql'", reason="SQLite has no server to kill"
    ),
]

PREPARE = f"""
import django; django.setup()
from django.utils import timezone
from calls import runs
from calls.tests.factories import CampaignFactory
from leads.tests.factories import LeadFactory
campaign = CampaignFactory(max_concurrent_calls=5, timeout_seconds=5)
LeadFactory.create_batch({LEADS})
runs.start(campaign.pk, now=timezone.now())
"""
ACCOUNT = """
import django; django.setup()
from calls.models import CallAttempt
from leads.models import Lead
ended = CallAttempt.objects.filter(state="ended")
print(ended.count(), CallAttempt.objects.held().count(),
      Lead.objects.filter(call_status="calling").count(),
      len(set(ended.values_list("phone", flat=True))))
"""


@pytest.fixture
def folder():
    memory = "/dev/shm"  # noqa: S108
    made = Path(
        tempfile.mkdtemp(prefix="tt-", dir=memory if os.path.isdir(memory) else None)
    )
    yield made
    shutil.rmtree(made, ignore_errors=True)


def run_python(code: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**env, "DJANGO_SETTINGS_MODULE": "tuotempo.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_database_killed_in_full_run_costs_time_only(folder):
    assert connection.vendor == "mysql"
    install_mariadb(folder)
    server = run_mariadb(folder)
    simulator = start_simulator("--speed", "60", "--agents", "50")
    url = f"mysql://root@/tuotempo?unix_socket={folder / 's'}"
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "PEARL_API_URL": simulator.url,
        "POLL_SECONDS": "0.5",
        "LEASE_MARGIN_SECONDS": "2",
        "UNKNOWN_SETTLE_SECONDS": "3",
        "DIAL_JOURNAL": str(folder / "journal"),
    }
    create = ["mariadb", "-uroot", "-S", str(folder / "s"), "-e"]
    subprocess.run([*create, "CREATE DATABASE tuotempo"], check=True)
    migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True)
    run_python(PREPARE, env)
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "run_calls", "--serve"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for goal in (6, 16):
            simulator.wait_until(lambda: len(simulator.rings()) > goal, seconds=30)  # noqa: B023
            server.kill()
            server.wait()
            time.sleep(2)
            server = run_mariadb(folder)
        simulator.wait_until(lambda: len(simulator.rings()) >= LEADS, seconds=120)
        simulator.wait_until(
            lambda: (
                run_python(ACCOUNT, env).split() == [str(LEADS), "0", "0", str(LEADS)]
            ),
            seconds=60,
        )
        assert worker.poll() is None
    finally:
        end(worker)
        rings = Counter(ring["to"] for ring in simulator.rings())
        end(simulator.process)
        server.terminate()
        server.wait()

    assert worker.returncode == 0
    assert set(rings.values()) == {1}
    assert len(rings) == LEADS
