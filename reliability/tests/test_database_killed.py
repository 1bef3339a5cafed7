"""`kill -9` of the database in full run: the worker waits, and goes on by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection

from reliability.nursery import ROOT

pytestmark = [
    pytest.mark.kills,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        "connection.vendor != 'mysql'", reason="SQLite has no server to kill"
    ),
]


def test_the_database_killed_in_full_run_costs_time_only():
    assert connection.vendor == "mysql"
    command = [sys.executable, "-m", "reliability.kills", "--target", "database"]

    done = subprocess.run(
        [*command, "--times", "4", "--seed", "20261128"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
