"""A `run_calls --serve` of its own, on the database of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def worker_environment(simulator: Any) -> dict[str, str]:
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
        "DIAL_JOURNAL": str(settings.DIAL_JOURNAL),
    }


def start_worker(simulator: Any) -> subprocess.Popen[str]:
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
