"""What the doctor says of the database and of the dial journal, away or wrong."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from calls.doctor import work
from calls.journal import DialJournal
from calls.models import (
    CallAttempt,
    Campaign,
    Run,
    Worker,
)
from calls.states import State
from calls.tests.doctor_asked import examine, run_command, well, worker
from calls.tests.factories import AttemptFactory
from leads.models import Lead

__all__ = ["well", "worker"]

pytestmark = pytest.mark.django_db
# The command itself has a connection of its own.
committed = pytest.mark.django_db(transaction=True)
on_a_server = pytest.mark.skipif(
    "connection.vendor != 'mysql'", reason="SQLite has no server"
)
ROOT = Path(__file__).resolve().parents[2]

# --- The database -------------------------------------------------------------------


def without_database(port: int, *, patience: float):
    """The command in a process whose MySQL is at this port."""
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from calls.management.commands import doctor\n"
        f"doctor.PATIENCE_SECONDS = {patience}\n"
        "call_command('doctor')\n"
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tuotempo.settings",
        "DATABASE_URL": f"mysql://nobody:secreto@127.0.0.1:{port}/nothing",
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_database_that_is_away_is_a_line():
    done = without_database(9, patience=15)

    assert done.stdout.startswith("✗ No se llama a nadie. La base de datos no responde")
    assert done.returncode == 2
    assert done.stderr == ""
    assert "secreto" not in done.stdout
    assert "127.0.0.1" not in done.stdout


def test_a_database_that_hangs_is_a_line():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = without_database(silent.getsockname()[1], patience=0.5)

    assert "La base de datos no responde" in done.stdout.splitlines()[0]
    assert done.returncode == 2
    assert done.stderr == ""


def test_a_migration_that_was_not_made(well):
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("calls", "0071_grant_outcomes")
    try:
        first, code, text = examine()
    finally:
        recorder.record_applied("calls", "0071_grant_outcomes")

    assert "calls.0071_grant_outcomes" in first
    assert "manage.py migrate" in first
    assert code == 2
    assert len(text.splitlines()) == 3


@committed
def test_a_database_that_could_lose_claims(well, monkeypatch):
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "mysql":
        monkeypatch.setitem(options, "isolation_level", "repeatable read")
        word = "READ COMMITTED"
    else:
        monkeypatch.setitem(options, "init_command", "PRAGMA synchronous=OFF")
        word = "synchronous = FULL"

    first, code, _text = run_command()

    assert "Se llama, pero" in first
    assert word in first
    assert code == 2

    Worker.objects.all().delete()  # none starts like this
    assert word in run_command()[0]


@committed
@pytest.mark.parametrize(
    ("index", "expected"), [("lead_queue", 2), ("attempt_effects", 1)]
)
def test_an_index_that_is_missing_or_another(well, index, expected):
    model = Lead if index.startswith("lead") else CallAttempt
    wanted = next(one for one in model._meta.indexes if one.name == index)
    # The same columns in another order would not serve the claim.
    columns = wanted.fields[::-1] if len(wanted.fields) > 1 else ["updated_at"]
    other = type(wanted)(name=index, fields=columns)
    with connection.schema_editor() as editor:
        editor.remove_index(model, wanted)
        editor.add_index(model, other)
    try:
        first, code, _text = run_command()
    finally:
        with connection.schema_editor() as editor:
            editor.remove_index(model, other)
            editor.add_index(model, wanted)

    assert index in first
    assert code == expected
    assert run_command()[1] == 0


@committed
def test_a_gate_that_somebody_locks(well):
    with transaction.atomic():
        Campaign.objects.select_for_update().get()

        first, code, _text = run_command()

    assert "No se llama a nadie. Otro proceso tiene bloqueada" in first
    assert code == 2
    assert run_command()[1] == 0


@committed
@on_a_server
def test_who_locks_rows_for_long_is_named(well, monkeypatch):
    monkeypatch.setattr("calls.doctor.database.LONG", timedelta(0))
    with transaction.atomic():
        Lead.objects.select_for_update().get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID(), SLEEP(1.1)")
            number, _slept = cursor.fetchone()

        first, code, _text = run_command()

    assert f"La conexión {number} de la base de datos bloquea filas" in first
    assert code == 1


@on_a_server
@pytest.mark.parametrize(("seconds", "expected"), [(10, 1), (45, 2)])
def test_clocks_that_differ(well, seconds, expected):
    Worker.objects.update(heartbeat_at=timezone.now() + timedelta(seconds=seconds))
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        first, code, _text = examine()

    assert "El reloj de este equipo" in first
    assert re.search(r"difieren en (\d+,\d|más de 30) segundos", first)
    assert code == expected


# --- The journal --------------------------------------------------------------------


def test_a_dial_that_the_database_lost(well, settings):
    attempt = AttemptFactory(run=Run.objects.get(), state=State.DIALING)
    journal = DialJournal(settings.DIAL_JOURNAL)
    journal.write_before(attempt, now=timezone.now())
    assert "concuerda" in examine()[2]

    attempt.delete()

    first, code, _text = examine()
    assert "reconcile_journal" in first
    assert code == 2


def test_a_journal_whose_disk_is_full(well, settings, monkeypatch):
    settings.DIAL_JOURNAL.mkdir()
    monkeypatch.setattr(work, "LEAST_FREE_BYTES", 10**18)

    first, code, _text = examine()

    assert "disco del diario" in first
    assert code == 2
