"""`manage.py doctor`: each cause, made true on a real database, is what its first line
names, with the exit code that a monitor goes by."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.doctor import Examination, Finding, work
from calls.journal import DialJournal
from calls.management.commands import doctor
from calls.models import (
    Campaign,
    PearlAccount,
    Run,
    RunState,
    Worker,
)
from calls.queue import Wait
from calls.states import State
from calls.tests.doctor_asked import event, examine, run_command, well, worker
from calls.tests.factories import AttemptFactory, CampaignFactory
from leads.models import Consent, Lead
from leads.tests.factories import LeadFactory

__all__ = ["well", "worker"]

pytestmark = pytest.mark.django_db
# The command itself has a connection of its own.
committed = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(days=1)


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
    assert "600000099" not in text.replace(" ", "")


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


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a server has others")
def test_sqlite_waits_for_locks_as_before(well):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 4321")
        try:
            examine()
            assert cursor.execute("PRAGMA busy_timeout").fetchone() == (4321,)
        finally:
            cursor.execute("PRAGMA busy_timeout = 20000")


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="SQLite has others")
@pytest.mark.parametrize("name", ["innodb_lock_wait_timeout", "max_statement_time"])
def test_a_server_waits_for_locks_and_statements_as_before(well, name):
    examine()

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@SESSION.{name} = @@GLOBAL.{name}")
        assert cursor.fetchone() == (1,)
