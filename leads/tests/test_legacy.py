"""The leads of the earlier system come over once, with what happened to them there."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime

import MySQLdb
import pytest
from django.core.management import CommandError, call_command

from leads.models import CallStatus, Disposition, Lead, LeadImport, Suppression
from leads.tests.factories import LeadFactory, SuppressionFactory

# Workers of the tests may share the server.
NAME = f"antiguo_{os.getpid()}"
TABLE = """
CREATE TABLE leads (
    id INT PRIMARY KEY AUTO_INCREMENT,
    nombre VARCHAR(100), apellidos VARCHAR(150),
    telefono VARCHAR(20), telefono2 VARCHAR(20),
    ciudad VARCHAR(100), codigo_postal VARCHAR(10), nif VARCHAR(20),
    poliza VARCHAR(50), fecha_nacimiento DATE, email VARCHAR(150),
    nombre_clinica VARCHAR(200), direccion_clinica VARCHAR(255),
    origen_archivo VARCHAR(255), status_level_1 VARCHAR(100),
    status_level_2 VARCHAR(255), manual_management TINYINT(1) DEFAULT 0,
    call_status ENUM('no_selected','selected','calling','completed','error','busy',
                     'no_answer') DEFAULT 'no_selected',
    call_priority INT DEFAULT 3, selected_for_calling TINYINT(1) DEFAULT 0,
    pearl_outbound_id VARCHAR(100), last_call_attempt DATETIME,
    call_attempts_count INT DEFAULT 0, call_error_message TEXT, call_notes TEXT,
    cosa_desconocida BLOB
) DEFAULT CHARSET utf8mb4
"""

pytestmark = pytest.mark.django_db


@pytest.fixture
def legacy(mariadb_socket):
    connection = MySQLdb.connect(
        unix_socket=mariadb_socket, user="root", autocommit=True
    )
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE {NAME}")
    cursor.execute(f"USE {NAME}")
    cursor.execute(TABLE)
    # It needs to read, and no more.
    cursor.execute(f"CREATE USER {NAME}@localhost IDENTIFIED BY 'secreta'")
    cursor.execute(f"GRANT SELECT ON {NAME}.* TO {NAME}@localhost")
    yield cursor
    cursor.execute(f"DROP DATABASE {NAME}")
    cursor.execute(f"DROP USER {NAME}@localhost")
    connection.close()


def add(cursor, **values) -> int:
    names = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    sql = f"INSERT INTO leads ({names}) VALUES ({marks})"  # noqa: S608
    cursor.execute(sql, [*values.values()])
    return cursor.lastrowid


@pytest.fixture
def run(mariadb_socket):
    def command(*options: str) -> str:
        out = io.StringIO()
        url = f"mysql://{NAME}:secreta@localhost/{NAME}?unix_socket={mariadb_socket}"
        call_command("import_legacy_leads", "--from", url, *options, stdout=out)
        return out.getvalue()

    return command


def test_a_lead_comes_with_what_is_known_of_it_and_of_its_calls(legacy, run):
    there = add(
        legacy,
        nombre="Íñigo",
        apellidos="Peña",
        telefono="612 345 601",
        codigo_postal="8001",
        fecha_nacimiento="1968-03-24",
        nombre_clinica="Centro",
        origen_archivo="mayo.xlsx",
        call_status="no_answer",
        call_priority=1,
        call_attempts_count=2,
        last_call_attempt="2025-09-01 12:00:00",
        call_notes="Llamar tarde",
        status_level_1="Volver a llamar",
        status_level_2="buzón",
    )

    run()

    lead = Lead.objects.get()
    assert lead.external_id == f"legacy:{there}"
    assert (lead.first_name, lead.phone_e164) == ("Íñigo", "+34612345601")
    assert (lead.postal_code, lead.community) == ("08001", "CT")
    assert f"{lead.birth_date:%d/%m/%Y}" == "24/03/1968"
    assert (lead.clinic_name, lead.source_file) == ("Centro", "mayo.xlsx")
    assert (lead.call_status, lead.call_attempts_count) == (CallStatus.NO_ANSWER, 2)
    assert lead.last_call_attempt == datetime(2025, 9, 1, 10, 0, tzinfo=UTC)
    assert lead.disposition == Disposition.CALL_BACK
    assert lead.call_priority == 1
    assert "Llamar tarde" in lead.call_notes
    assert "Volver a llamar / buzón" in lead.call_notes


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("no_selected", CallStatus.NO_SELECTED),
        ("selected", CallStatus.NO_SELECTED),
        ("calling", CallStatus.ERROR),
        ("completed", CallStatus.COMPLETED),
        (None, CallStatus.NO_SELECTED),
    ],
)
def test_nobody_comes_into_the_queue(legacy, run, there, here):
    add(legacy, telefono="612345601", call_status=there, selected_for_calling=1)

    run()

    lead = Lead.objects.get()
    assert (lead.call_status, lead.selected_for_calling) == (here, False)
    assert lead.next_call_at is None
    assert bool(lead.call_error_message) == (there == "calling")


def test_a_second_time_only_what_changed_there_changes(legacy, run):
    one = add(legacy, nombre="Ana", telefono="612345601", call_status="completed")
    add(legacy, nombre="Eva", telefono="612345602", status_level_1="Cita")
    run()
    Lead.objects.filter(first_name="Ana").update(
        call_status=CallStatus.ERROR, call_attempts_count=7
    )
    before = list(Lead.objects.order_by("pk").values())
    run()
    assert list(Lead.objects.order_by("pk").values()) == before
    legacy.execute("UPDATE leads SET ciudad = 'Ávila' WHERE id = %s", [one])

    run()

    ana = Lead.objects.get(first_name="Ana")
    assert (ana.city, ana.call_status, ana.call_attempts_count) == (
        "Ávila",
        CallStatus.ERROR,
        7,
    )
    counts = LeadImport.objects.order_by("pk").values_list("created", "updated")
    assert list(counts) == [(2, 0), (0, 0), (0, 1)]


def test_every_row_is_told_as_in_any_import(legacy, run):
    LeadFactory(phone_e164="+34612345601", first_name="Otra", last_name="")
    SuppressionFactory(phone_e164="+34612345602")
    for name, phone in (
        ("Ana", "612345601"),
        ("Eva", "612345602"),
        ("Luz", "612345603"),
        ("Luz", "612345603"),
        ("Paz", "12"),
        ("Sol", None),
    ):
        add(legacy, nombre=name, telefono=phone)

    out = run()

    record = LeadImport.objects.get()
    assert (record.rows, record.created, record.duplicates) == (6, 1, 2)
    assert (record.suppressed, record.rejected) == (1, 2)
    assert "Falta el teléfono" in out


def test_who_asked_not_to_be_called_is_excluded_here_too(legacy, run):
    add(legacy, telefono="612345601", status_level_1="No llamar")

    run()

    assert Lead.objects.get().disposition == Disposition.DO_NOT_CALL
    assert Suppression.objects.get().phone_e164 == "+34612345601"


def test_a_dry_run_writes_nothing(legacy, run):
    add(legacy, telefono="612345601")

    out = run("--dry-run")

    assert "1  nuevos" in out
    assert not Lead.objects.exists()
    assert not LeadImport.objects.exists()


def test_a_table_without_the_columns_that_are_needed_is_refused(legacy, run):
    legacy.execute("ALTER TABLE leads DROP COLUMN telefono, DROP COLUMN telefono2")

    with pytest.raises(CommandError, match="no hay una tabla"):
        run()


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:secreta@h/b",
        "mysql://u:secreta@h",
        "mysql://u:secreta@localhost:1/b",
        "mysql://u:secreta@localhost:puerto/b",
    ],
)
def test_the_password_is_never_told(url):
    with pytest.raises(CommandError) as caught:
        call_command("import_legacy_leads", "--from", url)

    assert "secreta" not in str(caught.value)
    assert caught.value.__suppress_context__
