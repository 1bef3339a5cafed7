"""A step of an import in a process of its own, so that no web request waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from leads import import_files
from leads.import_states import BUSY, ImportChanged
from leads.models import LeadImport

Step = Literal["read", "commit"]


def start_in_background(record_id: int, *, step: Step, by_id: int | None) -> None:
    """`read` takes mapping, consent_source and update_existing from the record.

    The lock is taken here and handed on: whoever asks next already finds it at work.
    Raises ImportChanged.
    """
    record = LeadImport.objects.get(pk=record_id)
    try:
        lock = import_files.take_lock(record.stored_as)
    except import_files.Busy as exc:
        raise ImportChanged(BUSY) from exc
    command = [sys.executable, "manage.py", "import_leads"]
    command += ["--continue", str(record_id), "--step", step, "--lock", str(lock)]
    if by_id is not None:
        command += ["--by", str(by_id)]
    try:
        process = subprocess.Popen(  # noqa: S603 (numbers and words of ours)
            command,
            cwd=settings.BASE_DIR,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[lock],
            start_new_session=True,
        )
    finally:
        os.close(lock)
    # Nobody waits for it, but a process that ended must not stay a zombie.
    threading.Thread(target=process.wait, daemon=True).start()


def _environment() -> dict[str, str]:
    """Of this process, with its very database and folder: tests have their own."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return {
        **os.environ,
        "DATABASE_URL": url,
        "IMPORT_FOLDER": str(settings.IMPORT_FOLDER),
        "PYTHONUTF8": "1",
    }
