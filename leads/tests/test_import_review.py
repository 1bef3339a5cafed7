"""The review of an import, its confirmation, its result and its undoing."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from leads import import_files, importing
from leads.models import Lead, LeadImport
from leads.tests.admin_pages import said, staff
from leads.tests.factories import SuppressionFactory
from leads.tests.import_pages import (
    ADD,
    BAD,
    GOOD,
    folder,
    html,
    imported,
    known_lead,
    reviewed,
    seen,
    text,
    uploaded,
    url,
)

__all__ = ["folder", "staff"]

pytestmark = pytest.mark.django_db


# --- Reading, and the review --------------------------------------------------------


def test_while_a_process_is_at_work_the_page_shows_how_far_it_is(staff):
    record = uploaded(staff)
    with import_files.at_work(record.stored_as):
        import_files.write_progress(
            record.stored_as,
            import_files.Progress(done=4210, total=12840, phase="read"),
        )
        page = text(staff.get(url(record)))
        told = staff.get(url(record, "progress")).json()

    assert "4.210 de 12.840 filas" in page
    assert 'role="status"' in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert told["done"] == 4210
    assert told["spoken"] == "25 por ciento"
    assert staff.get(url(record, "progress")).json() == {"finished": True}


def test_the_review_shows_six_numbers_that_are_the_rows_and_why_for_each(staff):
    known_lead()
    SuppressionFactory(phone_e164="+34699000003")
    record = reviewed(
        staff,
        GOOD,
        "612034118;María otra vez;28001",
        "600500118;Juan;08001",
        "699000003;Eva;28001",
        BAD,
    )

    page = text(staff.get(url(record)))

    assert "1 + 1 + 0 + 1 + 1 + 1 = 5 filas del fichero" in page
    assert "notación científica" in page
    assert "De 1 lead nuevo no consta el consentimiento" in page
    assert "Importar 2 leads" in page
    assert "612 ··· 118" in page
    assert "612 034 118" not in page


def test_a_review_that_changes_nothing_offers_nothing_to_import(staff):
    record = reviewed(staff, BAD)

    page = text(staff.get(url(record)))

    assert "No hay nada que importar" in page
    assert url(record, "commit") not in page
    assert url(record, "rejected") in page


def test_the_review_is_confirmed_once(staff, django_capture_on_commit_callbacks):
    record = reviewed(staff)
    confirmed = {"seen": seen(staff, record)}

    with django_capture_on_commit_callbacks() as started:
        staff.post(url(record, "commit"), confirmed)
    with (
        import_files.at_work(record.stored_as),
        django_capture_on_commit_callbacks() as again,
    ):
        staff.post(url(record, "commit"), confirmed)
        staff.post(url(record, "discard"))
        staff.post(url(record, "columns"), {"column_1": "phone"})

    assert (len(started), len(again)) == (1, 0)
    record.refresh_from_db()
    assert record.mapping["TELEFONO"] == "phone"


def test_what_another_tab_changed_is_not_confirmed_unseen(
    staff, django_capture_on_commit_callbacks
):
    record = reviewed(staff, GOOD, "600500118;Juan;28001")
    confirmed = {"seen": seen(staff, record)}
    mapping = {"TELEFONO": "phone", "NOMBRE": "", "CODIGO_POSTAL": ""}
    importing.read(
        record,
        mapping=mapping,
        consent_source="",
        update_existing=True,
        now=timezone.now(),
    )

    with django_capture_on_commit_callbacks() as started:
        answer = staff.post(url(record, "commit"), confirmed, follow=True)

    assert not started
    assert "ha cambiado desde que se abrió" in said(answer)


def test_discarding_takes_the_import_and_its_file_away(staff, folder):
    record = reviewed(staff)

    answer = staff.post(url(record, "discard"), follow=True)

    assert "No se ha importado nada" in said(answer)
    assert not LeadImport.objects.exists()
    assert not any(folder.iterdir())


# --- The result ---------------------------------------------------------------------


def test_the_result_links_to_its_leads_and_says_the_same_numbers(staff):
    record = imported(staff, GOOD, BAD)

    page = text(staff.get(url(record)))

    assert "1 + 0 + 0 + 0 + 0 + 1 = 2 filas del fichero" in page
    assert f"/admin/leads/lead/?lead_import={record.pk}" in page
    assert "Una fila no se ha importado" in page


def test_the_rejected_rows_are_corrected_and_uploaded_alone(staff):
    record = imported(staff, GOOD, BAD)

    answer = staff.get(url(record, "rejected"))
    content = b"".join(answer.streaming_content).decode()
    corrected = content.replace("6,12E+08", "600500118")
    file = SimpleUploadedFile("corregido.csv", corrected.encode())
    staff.post(ADD, {"file": file})
    second = LeadImport.objects.latest("pk")
    importing.read(
        second,
        mapping=importing.look(second).suggested,
        consent_source="",
        update_existing=True,
        now=timezone.now(),
    )
    second.refresh_from_db()

    rows = list(csv.reader(StringIO(content.removeprefix("\ufeff")), delimiter=";"))
    assert "pacientes-rechazadas.csv" in answer["Content-Disposition"]
    assert len(rows) == 2
    assert "notación científica" in " ".join(rows[1])
    assert (second.rows, second.created) == (1, 1)


def test_a_result_is_not_confirmed_nor_discarded_again(staff):
    record = imported(staff)

    staff.post(url(record, "commit"), {"seen": "x"})
    answer = staff.post(url(record, "discard"), follow=True)

    assert "ya no admite este paso" in said(answer)
    assert Lead.objects.count() == 1
    assert staff.get(url(record, "columns")).url == url(record)


def test_undoing_asks_with_its_size_and_is_done_once(staff):
    known_lead()
    record = imported(staff, GOOD, "600500118;Juan;08001")

    asked = text(staff.get(url(record, "undo")))
    done = staff.post(url(record, "undo"), follow=True)
    again = staff.post(url(record, "undo"), follow=True)

    assert "Deshacer: borrar 1, restaurar 1" in asked
    assert "2 leads vuelven a como estaban" in said(done)
    assert Lead.objects.get().postal_code == "28001"
    assert "Importación deshecha" in html(again)
    assert not said(again)


def test_what_cannot_be_undone_says_why_and_offers_no_button(staff):
    record = imported(staff)
    Lead.objects.update(call_attempts_count=1)

    page = text(staff.get(url(record, "undo")))
    pressed = staff.post(url(record, "undo"), follow=True)

    assert "no se puede deshacer" in said(pressed)
    assert "No se puede deshacer" in page
    assert "Deshacer: borrar" not in page
    assert Lead.objects.count() == 1
