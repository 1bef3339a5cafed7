"""`manage.py doctor`: each cause, made true on a real database, is what its first line
names, with the exit code that a monitor goes by."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.doctor import Examination, Finding, work
from calls.journal import DialJournal
from calls.management.commands import doctor
from calls.models import (
    CallAttempt,
    Campaign,
    PearlAccount,
    PearlEvent,
    Recording,
    Run,
    RunState,
    Worker,
)
from calls.queue import Wait
from calls.states import State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.names import ACCOUNT_ID
from leads.models import CallStatus, Consent, Lead
from leads.tests.factories import LeadFactory

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = timedelta(days=1)

pytestmark = pytest.mark.django_db
# What the command itself sees, which has a connection of its own.
committed = pytest.mark.django_db(transaction=True)
on_a_server = pytest.mark.skipif(
    "connection.vendor != 'mysql'", reason="SQLite has no server"
)


def examine() -> tuple[str, int, str]:
    """The first line, the exit code, and all that is said; of nobody in particular."""
    with doctor.pearl_client() as pearl:
        examination = Examination(pearl=pearl, journal=DialJournal.from_settings())
        examination.run(now=timezone.now())
    report = examination.report()
    lines = doctor.as_lines(report)
    assert_names_nobody("\n".join(lines))
    return lines[0], report.level.exit_code, "\n".join(lines)


def run_command(*options: str) -> tuple[str, int, str]:
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as exc:
        code = int(exc.code or 0)
    text = out.getvalue()
    assert_names_nobody(text)
    return text.splitlines()[0], code, text


def assert_names_nobody(text: str) -> None:
    for lead in Lead.objects.all():
        assert lead.phone_e164 not in text
        assert lead.first_name not in text


@pytest.fixture
def worker():
    now = timezone.now()
    return Worker.objects.create(
        identity="host/1/a", started_at=now, heartbeat_at=now, serving=True
    )


@pytest.fixture
def well(worker) -> Campaign:
    """A campaign that runs and has somebody to call; Pearl was asked just now."""
    now = timezone.now()
    PearlAccount.objects.create(
        account_id=ACCOUNT_ID, credit_balance=500, total_agents=9, checked_at=now
    )
    campaign = RunFactory().campaign
    Campaign.objects.update(pearl_agents=9, pearl_status=1, checked_at=now)
    campaign.refresh_from_db()
    LeadFactory()
    return campaign


@committed
def test_when_calls_go_out_it_says_that_all_is_well(well):
    AttemptFactory(run=Run.objects.get())

    first, code, text = run_command()

    assert first == "✓ Todo en orden: se llama con normalidad."
    assert code == 0, text
    assert "En la cola: 1 se puede llamar ahora." in text
    assert "Crédito: 500" in text


# --- Causes that are as they should be ----------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": RunState.STOPPED}, "Está detenida: pulse START"),
        (
            {"state": RunState.STOPPED, "state_reason": str(Wait.QUEUE_EMPTY.label)},
            "Está detenida: pulse START",
        ),
        ({"state": RunState.PAUSED}, "en pausa"),
        ({"always_open": False, "weekly_hours": {}}, "Fuera de horario"),
    ],
)
def test_what_people_decided_is_told_and_is_no_alarm(well, changes, words):
    Campaign.objects.update(**changes)

    first, code, text = examine()

    assert first.startswith("· No se llama a nadie, y es lo esperado."), text
    assert words in first
    assert code == 0


def test_an_empty_queue_is_told_and_is_no_alarm(well):
    Lead.objects.all().delete()

    first, code, _text = examine()

    assert "La cola está vacía" in first
    assert code == 0


def test_a_queue_of_nobody_who_may_be_called_tells_the_reasons(well):
    Lead.objects.update(consent=Consent.UNKNOWN)

    first, code, text = examine()

    assert "No hay a quién llamar ahora" in first
    assert "1 sin consentimiento" in text
    assert code == 0


# --- Causes that are not ------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words", "expected"),
    [
        (
            {"state": RunState.STOPPED, "state_reason": "Pearl no acepta la clave."},
            "Pearl no acepta la clave.",
            1,
        ),
        ({"weekly_hours": {"x": 1}, "always_open": False}, "día", 2),
        ({"pearl_agents": 0}, "no tiene agentes", 2),
        ({"test_phone": "+34600000099"}, "El modo de prueba cambió", 2),
    ],
)
def test_what_is_wrong_with_the_campaign(well, changes, words, expected):
    Campaign.objects.update(**changes)

    first, code, text = examine()

    assert "No se llama a nadie." in first
    assert words in first
    assert code == expected
    assert "600000099" not in text


def test_no_campaign_at_all(worker):
    first, code, _text = examine()

    assert "No hay ninguna campaña" in first
    assert code == 1


def test_nobody_is_called_while_no_process_is_at_work(well):
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=3))

    first, code, text = examine()

    assert first.startswith("✗ No se llama a nadie. Ningún proceso está llamando")
    assert code == 2
    assert "host/1/a no da señales desde hace 3 min" in text


def test_before_the_start_a_missing_process_is_a_warning(well):
    Worker.objects.all().delete()
    Campaign.objects.update(state=RunState.STOPPED)

    first, code, _text = examine()

    assert "Ningún proceso está llamando" in first
    assert code == 1


def test_one_process_that_fell_silent_among_others_is_a_warning(well):
    now = timezone.now()
    silent = now - timedelta(minutes=3)
    Worker.objects.create(identity="host/2/b", started_at=silent, heartbeat_at=silent)

    first, code, _text = examine()

    assert "Se llama, pero" in first
    assert "host/2/b no da señales" in first
    assert code == 1


def test_three_calls_of_which_nobody_knows_stop_everything(well):
    AttemptFactory.create_batch(3, run=Run.objects.get(), state=State.UNKNOWN)

    first, code, _text = examine()

    assert "Hay 3 llamadas sin confirmar" in first
    assert code == 1


@pytest.mark.parametrize(
    ("changes", "words", "expected"),
    [
        ({"failures": 3}, "Pearl no responde", 2),
        ({"blocked_until": timedelta(minutes=5)}, "Pearl pidió esperar", 1),
        ({"blocked_until": timedelta(seconds=30)}, "Pearl pidió esperar", 0),
    ],
)
def test_a_pearl_that_is_waited_for(well, changes, words, expected):
    now = timezone.now()
    values = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    PearlAccount.objects.update(**values)

    first, code, _text = examine()

    assert "No se llama a nadie" in first
    assert words in first
    assert code == expected


def test_leads_lines_and_a_process_but_no_call_is_the_alarm_of_last_resort(well):
    Run.objects.update(started_at=timezone.now() - LONG_AGO)

    first, code, _text = examine()

    assert "Hay leads, líneas libres y un proceso" in first
    assert code == 2


def test_a_claim_of_a_minute_ago_is_no_such_alarm(well):
    Run.objects.update(started_at=timezone.now() - LONG_AGO)
    AttemptFactory(run=Run.objects.get())

    assert examine()[1] == 0


def test_one_campaign_that_calls_is_enough_for_calls_to_go_out(well):
    CampaignFactory(
        outbound_id="66f0a1b2c3d4e5f6010203ff",
        checked_at=timezone.now(),
        name="Otra",
        state=RunState.PAUSED,
    )

    first, code, text = examine()

    assert first == "✓ Todo en orden: se llama con normalidad.", text
    assert code == 0
    assert "· «Otra»: La campaña está en pausa" in text


# --- Pearl --------------------------------------------------------------------------


@pytest.fixture
def unasked(well) -> Campaign:
    PearlAccount.objects.update(checked_at=None)
    return well


def test_pearl_is_asked_if_nobody_did_lately(unasked, simulator):
    simulator.set(account={"creditBalance": 0})

    first, code, text = examine()

    assert "crédito" in first, text
    assert code == 2


def test_a_refusal_of_before_is_asked_about_again(well, simulator):
    PearlAccount.objects.update(problem="Pearl no acepta la clave.")

    first, code, text = examine()

    assert first.startswith("✓"), text
    assert code == 0
    assert "Pearl responde y acepta la clave." in text


def test_a_pearl_that_hangs_is_a_line(unasked, settings, monkeypatch):
    monkeypatch.setattr(doctor, "PEARL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.PEARL_API_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"

        first, code, _text = examine()

    assert "Pearl no respondió a tiempo" in first
    assert code == 2


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


# --- What is stuck or lies undone ---------------------------------------------------


def ago(**span: float):
    return timezone.now() - timedelta(**span)


def test_an_attempt_that_nobody_reaps(well):
    AttemptFactory(
        run=Run.objects.get(), state=State.DIALING, lease_expires_at=ago(minutes=9)
    )

    first, code, _text = examine()

    assert "pasado su plazo: 1, el más antiguo desde hace 9 min" in first
    assert code == 2


@pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN])
def test_a_call_that_goes_on_for_longer_than_any_may(well, state):
    AttemptFactory(run=Run.objects.get(), state=state, claimed_at=ago(hours=6))

    first, code, _text = examine()

    assert f"«{state.label}» desde hace 6 h" in first
    assert code == 2


def test_calls_for_a_person_to_look_at(well):
    AttemptFactory(run=Run.objects.get(), state=State.MANUAL, claimed_at=ago(days=3))

    first, code, _text = examine()

    assert "Llamadas por revisar: 1, la más antigua de hace 3 días" in first
    assert code == 1


def test_a_lead_in_a_call_that_there_is_not(well):
    LeadFactory(call_status=CallStatus.CALLING, next_call_at=None)

    first, code, _text = examine()

    assert "sin que ningún intento los tenga: 1" in first
    assert code == 2


def event(**changes) -> None:
    facts = {"sha256": "a" * 64, "body": "{}", "received_at": ago(minutes=7)}
    PearlEvent.objects.create(**{**facts, **changes})


def test_webhooks_that_nobody_reads(well):
    event()

    first, code, _text = examine()

    assert "Avisos de Pearl sin leer: 1, el más antiguo desde hace 7 min" in first
    assert code == 1


def test_a_webhook_that_could_not_be_read(well):
    event(result=PearlEvent.Result.UNREADABLE)

    first, code, _text = examine()

    assert "aviso ilegible hace 7 min" in first
    assert code == 1


def ended(**changes) -> CallAttempt:
    facts = {
        "state": State.ENDED,
        "outcome": "busy",
        "open_lead_id": None,
        "open_phone": None,
        "closed_at": timezone.now(),
        "lead__call_status": CallStatus.BUSY,
        "lead__selected_for_calling": False,
    }
    return AttemptFactory(run=Run.objects.get(), **{**facts, **changes})


def test_recordings_that_nobody_copies(well):
    due = ago(minutes=30)
    Recording.objects.create(attempt=ended(), called_at=due, next_try_at=due)

    first, code, _text = examine()

    assert "Grabaciones sin copiar: 1" in first
    assert code == 1


def test_effects_that_nobody_follows(well):
    ended(effects_due_at=ago(minutes=30))

    first, code, _text = examine()

    assert "Llamadas confirmadas que esperan" in first
    assert code == 1


def test_calls_that_nobody_asks_pearl_about(well):
    AttemptFactory(run=Run.objects.get(), next_lookup_at=ago(minutes=30))

    first, code, _text = examine()

    assert "por las que nadie pregunta a Pearl: 1" in first
    assert code == 1


def test_an_hour_in_which_many_calls_could_not_be_made(well):
    attempts = [ended(state=State.NOT_SENT, outcome="") for _each in range(5)]

    first, code, _text = examine()

    assert "no enviadas: 5" in first
    assert str(attempts[-1].token) in first
    assert code == 1


def test_promises_are_told_as_every_page_tells_them(well):
    LeadFactory(callback_at=ago(hours=2), next_call_at=ago(hours=2))

    first, code, _text = examine()

    assert "1 rellamada prometida no se ha hecho" in first
    assert code == 1


# --- For machines, and bounds -------------------------------------------------------


@committed
def test_machines_get_the_same_as_json(well):
    Campaign.objects.update(state=RunState.PAUSED)
    event()

    line, code, _text = run_command("--json")

    told = json.loads(line)
    assert (told["level"], told["exit_code"], code) == ("warning", 1, 1)
    assert told["cause"] == "campaign"
    assert "Pero hay algo que atender." in told["headline"]
    assert {one["check"] for one in told["checks"]} >= {
        "database",
        "migrations",
        "settings",
        "clock",
        "journal",
        "worker",
        "locks",
        "pearl",
        "campaign",
        "queue",
        "attempts",
        "webhooks",
        "recordings",
        "effects",
        "errors",
        "indexes",
    }


def test_the_number_of_queries_does_not_grow(well, settings):
    def queries() -> int:
        examination = Examination(pearl=None, journal=DialJournal.from_settings())
        with CaptureQueriesContext(connection) as caught:
            examination.run(now=timezone.now())
        assert examination.report().level == 0
        return len(caught)

    examine()  # what is cached is cached
    before = queries()
    LeadFactory.create_batch(30)
    AttemptFactory.create_batch(4, run=Run.objects.get())

    assert queries() == before


def test_a_check_that_breaks_keeps_no_other_from_telling(well):
    def broken() -> list[Finding]:
        raise ValueError("Begoña, 612034118")

    examination = Examination(pearl=None, journal=DialJournal.from_settings())
    examination.ask("this", broken)
    examination.ask("that", lambda: work.check_attempts(now=timezone.now()))

    report = examination.report()
    assert "No se pudo comprobar «this» (ValueError)" in report.headline
    assert report.level.exit_code == 1
    assert "Begoña" not in report.headline
    assert report.findings[-1].check == "attempts"


def test_the_connection_is_left_as_it_was(well):
    names = ["innodb_lock_wait_timeout", "max_statement_time"]
    wanted = [f"SELECT @@SESSION.{name}" for name in names]
    if connection.vendor == "sqlite":
        wanted = ["PRAGMA busy_timeout"]

    def bounds() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            return [cursor.execute(one) and cursor.fetchone() for one in wanted]

    before = bounds()
    examine()

    assert bounds() == before
