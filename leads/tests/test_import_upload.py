"""From a file to its columns: each step, its errors, and nothing done twice."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from leads import import_files, importing
from leads.models import ImportSource, Lead, LeadImport
from leads.tests.admin_pages import staff
from leads.tests.import_pages import (
    ADD,
    GOOD,
    csv_file,
    folder,
    html,
    reviewed,
    text,
    uploaded,
    url,
)

__all__ = ["folder", "staff"]

pytestmark = pytest.mark.django_db


# --- The file -----------------------------------------------------------------------


def test_the_page_of_the_file_knows_the_sources_and_says_what_can_be_uploaded(staff):
    ImportSource.objects.create(name="Norte", consent_source="Formulario web")

    page = text(staff.get(ADD))

    assert '<option value="Norte" data-consent="Formulario web">' in page
    assert "CSV, XLSX o XLS" in page
    assert "200.000 filas" in page
    assert reverse("admin:leads_leadimport_example") in page


def test_a_file_leads_to_its_columns_and_writes_no_lead(staff):
    answer = staff.post(
        ADD,
        {"file": csv_file(GOOD), "source": " Norte ", "consent_source": "Web"},
        follow=True,
    )

    record = LeadImport.objects.get()
    assert answer.redirect_chain[-1][0] == url(record)
    assert "¿Qué trae cada columna?" in html(answer)
    assert (record.name, record.source.name) == ("pacientes.csv", "Norte")
    assert record.consent_source == "Web"
    assert record.created_by.username == "admin"
    assert not Lead.objects.exists()


def test_without_a_file_it_says_so_beside_the_field_and_keeps_what_was_typed(staff):
    answer = staff.post(ADD, {"source": "Norte", "consent_source": "Web"})

    page = text(answer)
    assert "Elija el fichero que quiere importar." in page
    assert 'value="Norte"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_file_helptext id_file_error"' in page
    assert 'id="id_file_error"' in page
    assert not LeadImport.objects.exists()


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (SimpleUploadedFile("foto.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 99), "texto"),
        (SimpleUploadedFile("vacio.csv", b""), "vacío"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(staff, folder, file, reason):
    answer = staff.post(ADD, {"file": file, "source": "Norte"})

    errors = answer.context["form"].errors["file"]
    assert reason in errors[0]
    assert 'value="Norte"' in html(answer)
    assert not LeadImport.objects.exists()
    assert not ImportSource.objects.exists()
    assert not any(folder.glob("*"))


def test_a_file_that_is_too_large_is_refused_and_not_kept(staff, folder, monkeypatch):
    monkeypatch.setattr(import_files, "MOST_BYTES", 10)

    answer = staff.post(ADD, {"file": csv_file(GOOD)})

    assert answer.status_code == 200
    assert "errorlist" in html(answer)
    assert not LeadImport.objects.exists()
    assert not any(folder.iterdir())


def test_two_presses_are_one_import(staff):
    first = uploaded(staff, GOOD, source="Norte")
    again = staff.post(ADD, {"file": csv_file(GOOD), "source": "Norte"})

    assert again.url == url(first)
    assert LeadImport.objects.get() == first
    importing.look(first)


def test_the_same_file_said_to_be_of_another_source_is_another_import(staff):
    uploaded(staff, GOOD, source="Norte")
    uploaded(staff, GOOD, source="Sur")

    assert LeadImport.objects.count() == 2


def test_the_example_can_be_imported_as_it_is(staff):
    example = staff.get(reverse("admin:leads_leadimport_example"))
    content = b"".join(example.streaming_content)

    staff.post(ADD, {"file": SimpleUploadedFile("ejemplo.csv", content)})
    sheet = importing.look(LeadImport.objects.get())

    assert "ejemplo-leads.csv" in example["Content-Disposition"]
    assert len(sheet.header) == 13
    assert all(sheet.suggested.values())


# --- The columns --------------------------------------------------------------------


def test_the_columns_come_chosen_by_their_headers_with_values_to_recognise_them(staff):
    record = uploaded(staff, GOOD, "600 500 118;Juan;08001")

    page = staff.get(url(record))

    form = page.context["form"]
    assert form["column_0"].value() == "phone"
    assert form["column_1"].value() == "first_name"
    assert "<span>612 034 118</span>" in html(page)
    assert "<span>Juan</span>" in html(page)
    assert '<label for="id_column_0">TELEFONO</label>' in html(page)


def test_a_header_of_a_file_is_text_and_never_markup(staff):
    file = csv_file(GOOD, header="TELEFONO;<b onclick=x>;CODIGO_POSTAL")
    staff.post(ADD, {"file": file})

    page = html(staff.get(url(LeadImport.objects.get())))

    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;" in page


def test_two_columns_for_one_field_are_told_in_place_and_the_choice_is_kept(staff):
    record = uploaded(staff)
    chosen = {"column_0": "phone", "column_1": "phone", "column_2": "postal_code"}

    answer = staff.post(url(record, "columns"), chosen)

    page = text(answer)
    assert "Ya es lo que trae «TELEFONO»" in page
    assert 'id="id_column_1_error"' in page
    assert 'aria-describedby="id_column_1_error"' in page
    assert answer.context["form"]["column_1"].value() == "phone"
    record.refresh_from_db()
    assert record.mapping == {}


def test_without_the_phone_nothing_is_read(staff, django_capture_on_commit_callbacks):
    record = uploaded(staff)

    with django_capture_on_commit_callbacks() as started:
        answer = staff.post(url(record, "columns"), {"column_1": "first_name"})

    assert "Falta el teléfono: elija" in html(answer)
    assert not started


def test_good_columns_are_kept_and_one_reading_starts(
    staff, django_capture_on_commit_callbacks
):
    record = uploaded(staff)
    chosen = {"column_0": "phone", "column_1": "", "consent_source": "Carta"}

    with django_capture_on_commit_callbacks() as started:
        answer = staff.post(url(record, "columns"), chosen)

    record.refresh_from_db()
    assert len(started) == 1
    assert answer.url == url(record)
    assert record.mapping == {"TELEFONO": "phone", "NOMBRE": "", "CODIGO_POSTAL": ""}
    assert (record.consent_source, record.update_existing) == ("Carta", False)


def test_the_columns_of_a_source_are_remembered_and_that_is_said(staff):
    record = uploaded(staff, source="Norte")
    mapping = {"TELEFONO": "phone", "NOMBRE": "last_name", "CODIGO_POSTAL": ""}
    now = timezone.now()
    importing.read(
        record, mapping=mapping, consent_source="", update_existing=True, now=now
    )
    record.refresh_from_db()
    importing.commit(record, by=None, now=now)

    later = uploaded(staff, "600 500 118;Juan;08001", source="Norte")
    page = staff.get(url(later))

    assert "Recordado de la última vez" in html(page)
    assert page.context["form"]["column_1"].value() == "last_name"


def test_a_reading_that_was_interrupted_says_so_and_can_be_asked_again(staff):
    record = reviewed(staff)
    staff.post(url(record, "columns"), {"column_0": "phone"})

    page = staff.get(url(record))

    assert "La lectura se interrumpió" in html(page)
    assert page.context["form"]["column_0"].value() == "phone"


def test_a_file_that_was_deleted_says_so_and_how_to_go_on(staff, folder):
    record = uploaded(staff)
    for file in folder.iterdir():
        file.unlink()

    page = html(staff.get(url(record)))

    assert "No se ha importado nada" in page
    assert "Subir otro fichero" in page
