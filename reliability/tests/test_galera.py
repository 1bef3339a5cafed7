"""Nodes of a cluster killed in full run: a short version of `python -m
reliability.galera`, where GALERA=1 says that its packages are there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reliability.scene import ROOT

pytestmark = [
    pytest.mark.kills,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        os.environ.get("GALERA") != "1" or os.environ.get("TEST_DATABASE") != "mariadb",
        reason="needs script/bootstrap --galera, then GALERA=1 on MariaDB",
    ),
]


def test_nodes_killed_in_full_run_cost_time_only():
    done = subprocess.run(
        [sys.executable, "-m", "reliability.galera", "--kills", "5", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
