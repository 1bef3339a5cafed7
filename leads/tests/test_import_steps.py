"""Looked at, previewed, committed: each step does what the one before said."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from leads import import_files, importing
from leads.import_report import sequence_warning
from leads.importing import BadMapping, ImportChanged, import_file
from leads.models import (
    CallStatus,
    Consent,
    ImportSource,
    Lead,
    LeadEvent,
    LeadImport,
    Suppression,
)
from leads.tests.factories import LeadFactory, SuppressionFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HEADER = "TELEFONO;NOMBRE;CIUDAD"
State = LeadImport.State


def file_of(*lines: str, header: str = HEADER) -> io.BytesIO:
    return io.BytesIO("\r\n".join([header, *lines]).encode())


def stored(*lines: str, header: str = HEADER, **options) -> LeadImport:
    options = {"name": "a.csv", "by": None, "now": NOW} | options
    return importing.store(file_of(*lines, header=header), **options)


def previewed(*lines: str, header: str = HEADER, **options) -> LeadImport:
    record = stored(*lines, header=header)
    mapping = importing.look(record).suggested
    importing.read(record, mapping=mapping, now=NOW, **options)
    return record


def done(*lines: str, header: str = HEADER, **options) -> LeadImport:
    record = previewed(*lines, header=header, **options)
    importing.commit(record, by=None, now=NOW)
    return record


def files() -> list[str]:
    return sorted(path.suffix for path in import_files.folder().iterdir())


# --- What is known already ----------------------------------------------------------


@pytest.mark.django_db
def test_what_a_file_says_otherwise_is_changed_and_told_and_nothing_else():
    lead = LeadFactory(
        phone_e164="+34612345601",
        first_name="Ana",
        last_name="",
        city="Madrid",
        email="ana@example.com",
        call_status=CallStatus.SELECTED,
        next_call_at=NOW,
        call_attempts_count=2,
    )
    engine = ("call_status", "next_call_at", "call_attempts_count", "pearl_outbound_id")
    before = Lead.objects.values(*engine, "phone", "email").get()
    by = User.objects.create(username="u")

    record = previewed(
        "612 345 601;Ana;Sevilla;;35001",
        header="TELEFONO;NOMBRE;CIUDAD;EMAIL;CODIGO_POSTAL",
    )
    report = importing.commit(record, by=by, now=NOW)

    assert (report.updated, report.rows) == (1, 1)
    assert Lead.objects.values(*engine, "phone", "email").get() == before
    lead.refresh_from_db()
    assert (lead.city, lead.community) == ("Sevilla", "CN")
    assert lead.time_zone == "Atlantic/Canary"
    assert lead.lead_import is None
    event = LeadEvent.objects.get()
    assert (event.kind, event.by, event.lead_import) == ("imported", by, record)
    assert event.changes["city"] == ["Madrid", "Sevilla"]
    assert event.changes["time_zone"] == ["Europe/Madrid", "Atlantic/Canary"]


@pytest.mark.django_db
def test_a_lead_is_found_by_its_id_and_gets_its_new_number_everywhere():
    LeadFactory(phone_e164="+34612345601", external_id="E1", first_name="Ana")

    done("E1;612345602;Ana", header="ID;TELEFONO;NOMBRE")

    lead = Lead.objects.get()
    assert (lead.phone, lead.phone_e164) == ("612345602", "+34612345602")
    assert " 612345602" in lead.search_text
    assert "612345601" not in lead.search_text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("known", "row", "class_"),
    [
        ({"first_name": "Ana"}, "ANA;", "updated"),
        ({"first_name": "Ana"}, ";", "unchanged"),
        ({"first_name": "Ana"}, "Luis;", "already_known"),
        ({"first_name": "Ana", "national_id": "1X"}, "Luis;1-x", "updated"),
        ({"first_name": "Ana", "national_id": "1X"}, "Ana;2X", "already_known"),
        ({"first_name": ""}, "Luis;", "updated"),
    ],
)
def test_one_number_may_be_of_two_people(known, row, class_):
    LeadFactory(phone_e164="+34612345601", last_name="", **known)

    _record, report = import_file(
        file_of(f"612345601;{row}", header="TELEFONO;NOMBRE;NIF"), name="a", now=NOW
    )

    assert getattr(report, class_) == 1
    assert Lead.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("was", "says", "update", "becomes"),
    [
        (Consent.GIVEN, "no", True, Consent.REFUSED),
        (Consent.GIVEN, "no", False, Consent.REFUSED),
        (Consent.REFUSED, "sí", True, Consent.REFUSED),
        (Consent.UNKNOWN, "sí", True, Consent.GIVEN),
        (Consent.UNKNOWN, "sí", False, Consent.UNKNOWN),
        (Consent.GIVEN, "", True, Consent.GIVEN),
    ],
)
def test_a_refusal_always_counts_and_no_file_takes_it_back(was, says, update, becomes):
    LeadFactory(phone_e164="+34612345601", consent=was)

    import_file(
        file_of(f"612345601;{says}", header="TELEFONO;CONSENTIMIENTO"),
        name="a.csv",
        now=NOW,
        update_existing=update,
    )

    assert Lead.objects.get().consent == becomes


@pytest.mark.django_db
def test_notes_of_staff_are_never_replaced():
    LeadFactory(phone_e164="+34612345601", call_notes="De la recepción")
    LeadFactory(phone_e164="+34612345602", call_notes=None)

    done("612345601;Otra", "612345602;Otra", header="TELEFONO;NOTAS")

    notes = Lead.objects.order_by("pk").values_list("call_notes", flat=True)
    assert list(notes) == ["De la recepción", "Otra"]


@pytest.mark.django_db
def test_a_number_that_was_forgotten_stays_excluded_and_an_ended_one_is_not():
    SuppressionFactory(phone_e164="+34612345601")
    Suppression.objects.update(phone_e164="")
    SuppressionFactory(phone_e164="+34612345602", expires_at=NOW - timedelta(days=1))

    record = done("612345601;Ana;", "612345602;Eva;")

    assert (record.suppressed, record.created) == (1, 1)


@pytest.mark.django_db
def test_of_people_that_are_not_taken_in_no_name_is_kept():
    SuppressionFactory(phone_e164="+34612345601")

    record = previewed("612345601;Ana;", "12;Paz;", "612345602;Eva;")
    seen = record.details["samples"]
    assert "Ana" in seen["suppressed"][0]["text"]
    importing.commit(record, by=None, now=NOW)

    record.refresh_from_db()
    kept = str(record.details) + str(record.problems)
    assert "Ana" not in kept
    assert "Paz" not in kept
    assert "Eva" in kept


# --- Columns ------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_a_person_chose_wins_and_is_remembered_for_that_source():
    source = ImportSource.objects.create(name="Aseguradora")
    header = "Contacto;TELEFONO;NOMBRE"
    record = stored("612345601;699;Ana", header=header, source=source)
    assert importing.look(record).suggested["TELEFONO"] == "phone"
    chosen = {"Contacto": "phone", "TELEFONO": "", "NOMBRE": "first_name"}

    importing.read(record, mapping=chosen, consent_source="Contrato", now=NOW)
    importing.commit(record, by=None, now=NOW)

    assert Lead.objects.get().phone_e164 == "+34612345601"
    source.refresh_from_db()
    again = stored("612345602;699;Eva", header=header, source=source)
    sheet = importing.look(again)
    assert sheet.suggested == chosen
    assert sheet.remembered
    assert again.consent_source == "Contrato"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"NOMBRE": "first_name"}, "teléfono"),
        ({"TELEFONO": "phone", "NOMBRE": "phone"}, "Dos columnas"),
        ({"TELEFONO": "phone", "NOMBRE": "call_status"}, "no es de los leads"),
    ],
)
def test_a_wrong_choice_of_columns_says_so_and_the_file_waits(mapping, words):
    record = stored("612345601;Ana;")

    with pytest.raises(BadMapping) as caught:
        importing.read(record, mapping=mapping, now=NOW)

    assert words in str(caught.value.reason)
    record.refresh_from_db()
    assert record.state == State.UPLOADED
    assert importing.look(record).rows == 1


# --- Preview and commit -------------------------------------------------------------


@pytest.mark.django_db
def test_a_preview_writes_only_its_own_record():
    LeadFactory(phone_e164="+34612345601", first_name="Ana", last_name="")
    before = list(Lead.objects.values())

    record = previewed("612345601;Ana;Sevilla", "612345602;Eva;Ávila", "1;Paz;")

    record.refresh_from_db()
    assert (record.state, record.rows) == (State.READ, 3)
    assert (record.created, record.updated, record.rejected) == (1, 1, 1)
    assert record.details["samples"]["updated"][0]["why"] == "Ciudad: Madrid → Sevilla"
    assert list(Lead.objects.values()) == before
    assert not LeadEvent.objects.exists()


@pytest.mark.django_db
def test_a_commit_tells_every_row_anew():
    record = previewed("612345601;Ana;", "612345602;Eva;")
    LeadFactory(phone_e164="+34612345601", first_name="Otra", last_name="")
    SuppressionFactory(phone_e164="+34612345602")

    report = importing.commit(record, by=None, now=NOW)

    assert (report.created, report.already_known, report.suppressed) == (0, 1, 1)


@pytest.mark.django_db
def test_a_second_press_of_the_button_commits_nothing():
    record = done("612345601;Ana;")
    stale = LeadImport.objects.get()
    stale.state = State.READ

    with pytest.raises(ImportChanged):
        importing.commit(stale, by=None, now=NOW)

    assert Lead.objects.count() == 1
    record.refresh_from_db()
    assert record.state == State.DONE


@pytest.mark.django_db
def test_what_was_uploaded_is_gone_once_it_is_done_but_for_rejected_rows():
    done("612345601;Ana;")
    assert files() == []

    record = done("612345602;Eva;", "1;Paz;")

    assert files() == [".rejected"]
    foreign = import_files.folder() / "foreign.txt"
    foreign.write_text("x")
    os.utime(foreign, (0, 0))
    importing.forget_files_older_than(30, now=NOW + timedelta(days=31))
    record.refresh_from_db()
    assert files() == [".txt"]
    assert list(importing.rejected_rows_csv(record)) == []


@pytest.mark.django_db
def test_rejected_rows_come_back_to_be_corrected_and_uploaded_alone():
    record = done("612345601;Ana;", "12;=1+1;Ávila", "+34;Luz;-")

    text = "".join(importing.rejected_rows_csv(record))

    lines = text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "FILA;MOTIVO;TELEFONO;NOMBRE;CIUDAD"
    assert lines[1].startswith("3;")
    assert lines[1].endswith(";12;'=1+1;Ávila")
    corrected = text.replace(";12;", ";612345602;").replace(";'+34;", ";612345603;")
    _record, report = import_file(
        io.BytesIO(corrected.encode()), name="corregido.csv", now=NOW
    )
    assert (report.created, report.rejected) == (2, 0)
    assert list(report.unknown_headers) == []
    assert Lead.objects.filter(first_name="=1+1", city="Ávila").exists()


@pytest.mark.django_db
def test_the_same_file_again_is_told_and_changes_nothing():
    done("612345601;Ana;Ávila")
    before = list(Lead.objects.values())

    record = previewed("612345601;Ana;Ávila")
    report = importing.commit(record, by=None, now=NOW)

    assert "ya se importó" in record.details["warnings"][0]
    assert report.unchanged == 1
    assert list(Lead.objects.values()) == before


@pytest.mark.django_db
def test_progress_is_told_while_it_works_and_nothing_after():
    record = previewed("612345601;Ana;")
    heard = []

    def listen(done: int, total: int) -> None:
        heard.append((done, total, importing.progress_of(record).phase))

    importing.commit(record, by=None, now=NOW, progress=listen)

    assert heard == [(0, 1, "commit"), (1, 1, "commit")]
    assert importing.progress_of(record) is None


@pytest.mark.parametrize(
    ("count", "is_told"), [(19, False), (20, True), (500, True), (0, False)]
)
def test_numbers_that_follow_one_another_are_told(count, is_told):
    real = ["+34611222333", "+34699000111"]
    run = [f"+34612{n:06}" for n in range(count)]

    warning = sequence_warning([*real, *reversed(run)])

    assert bool(warning) == is_told
    assert not is_told or str(count) in warning
