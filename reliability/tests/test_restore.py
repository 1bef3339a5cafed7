"""A database restored from the past rings nobody again: a short version of
`python -m reliability.restore`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reliability.scene import ROOT

pytestmark = [pytest.mark.kills, pytest.mark.timeout(300)]


def test_no_start_until_reconciled_and_nobody_is_rung_again():
    database = os.environ.get("TEST_DATABASE", "sqlite")
    options = ["--restores", "2", "--seed", "9", "--database", database]

    done = subprocess.run(
        [sys.executable, "-m", "reliability.restore", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
