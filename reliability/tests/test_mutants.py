"""Every planted fault is caught, and by which test: `python -m reliability.mutants`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reliability.mutants import ROOT
from reliability.planting import Edit, Rotten

pytestmark = [pytest.mark.kills, pytest.mark.timeout(900)]


def test_every_planted_fault_is_caught():
    """On SQLite those that it can show, on MariaDB the others."""
    database = os.environ.get("TEST_DATABASE", "sqlite")
    done = subprocess.run(
        [sys.executable, "-m", "reliability.mutants", "--database", database],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_fault_whose_place_is_gone_is_refused(tmp_path):
    (tmp_path / "code.py").write_text("twice\ntwice\n")

    for old in ("never", "twice"):
        with pytest.raises(Rotten):
            Edit("code.py", old, "new").check(tmp_path)
