"""The pages of an import: each step, its errors, and that nothing is done twice."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leads import import_files, importing
from leads.models import ImportSource, Lead, LeadImport
from leads.tests.admin_pages import said, staff
from leads.tests.factories import LeadFactory, SuppressionFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

ADD = reverse("admin:leads_leadimport_add")
IMPORTS = reverse("admin:leads_leadimport_changelist")
HEADER = "TELEFONO;NOMBRE;CODIGO_POSTAL"
GOOD = "612 034 118;María;28001"
BAD = "6,12E+08;Ana;28001"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.IMPORT_FOLDER = tmp_path / "imports"
    return settings.IMPORT_FOLDER


def csv_file(*rows: str, header: str = HEADER, name: str = "pacientes.csv"):
    return SimpleUploadedFile(name, "\n".join([header, *rows]).encode())


def url(record: LeadImport, page: str = "change") -> str:
    return reverse(f"admin:leads_leadimport_{page}", args=[record.pk])


def html(answer) -> str:
    return answer.content.decode()


def text(answer) -> str:
    """Without tags' line breaks: what is read in one go."""
    return " ".join(html(answer).split())


def uploaded(staff, *rows: str, **data: str) -> LeadImport:
    staff.post(ADD, {"file": csv_file(*(rows or [GOOD])), **data})
    return LeadImport.objects.latest("pk")


def reviewed(staff, *rows: str, **data: str) -> LeadImport:
    record = uploaded(staff, *rows, **data)
    mapping = importing.look(record).suggested
    importing.read(
        record,
        mapping=mapping,
        consent_source=record.consent_source,
        update_existing=True,
        now=timezone.now(),
    )
    record.refresh_from_db()
    return record


def imported(staff, *rows: str, **data: str) -> LeadImport:
    record = reviewed(staff, *rows, **data)
    importing.commit(record, by=None, now=timezone.now())
    record.refresh_from_db()
    return record


def known_lead() -> Lead:
    return LeadFactory(
        phone="600500118", phone_e164="+34600500118", first_name="Juan", last_name=""
    )


def seen(staff, record: LeadImport) -> str:
    return staff.get(url(record)).context["seen"]


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


# --- When it goes wrong -------------------------------------------------------------


def test_a_failure_shows_its_reason_and_the_way_out(staff):
    record = reviewed(staff)
    LeadImport.objects.filter(pk=record.pk).update(
        state="failed", error="La base de datos se paró."
    )

    page = text(staff.get(url(record)))

    assert "La base de datos se paró." in page
    assert "Los leads están como antes de empezar." in page
    assert "Subir otro fichero" in page
    assert url(record, "discard") in page
    assert staff.get(url(record, "columns")).url == url(record)


def test_a_running_import_without_its_process_is_shown_as_failed(staff):
    record = reviewed(staff)
    LeadImport.objects.filter(pk=record.pk).update(state="running")

    listed = html(staff.get(IMPORTS))
    page = html(staff.get(url(record)))

    assert "status--import-failed" in listed
    assert "No se ha importado nada" in page


@pytest.mark.parametrize("page", ["commit", "discard"])
def test_an_address_of_a_button_opened_as_a_page_does_nothing(staff, page):
    record = reviewed(staff)

    answer = staff.get(url(record, page))

    assert answer.url == url(record)
    assert LeadImport.objects.filter(pk=record.pk, state="read").exists()


def test_an_import_that_does_not_exist_is_not_found(staff):
    for page in ("change", "columns", "progress", "commit", "undo", "rejected"):
        answer = staff.get(reverse(f"admin:leads_leadimport_{page}", args=[999]))
        assert answer.status_code == 404


def test_a_lost_session_asks_to_log_in_and_does_nothing(staff, client):
    record = reviewed(staff)
    client.logout()

    for page in ("columns", "commit", "discard", "undo"):
        answer = client.post(url(record, page))
        assert answer.status_code == 302
        assert "login" in answer.url
    assert LeadImport.objects.filter(pk=record.pk, state="read").exists()


def test_every_button_needs_the_token_of_the_form(staff, admin_user):
    record = reviewed(staff)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)

    for page in ("columns", "commit", "discard", "undo"):
        assert strict.post(url(record, page)).status_code == 403


# --- Who may ------------------------------------------------------------------------


def person(django_user_model, *codenames: str) -> Client:
    user = django_user_model.objects.create_user("v", password="x", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_who_may_only_look_imports_nothing(staff, django_user_model):
    record = reviewed(staff, GOOD, BAD)
    waiting = uploaded(staff, "600500118;Juan;28001")
    viewer = person(django_user_model, "view_leadimport")

    review = viewer.get(url(record))

    assert review.status_code == 200
    assert "Importar 1" not in text(review)
    assert "Importación sin terminar" in html(viewer.get(url(waiting)))
    assert "Importar leads" not in html(viewer.get(IMPORTS))
    assert viewer.get(ADD).status_code == 403
    for page in ("commit", "discard", "undo"):
        assert viewer.post(url(record, page)).status_code == 403
    forbidden = viewer.get(url(record, "rejected"))
    assert forbidden.status_code == 403
    assert "No tiene permiso para esto" in html(forbidden)


def test_who_may_import_needs_no_more(staff, django_user_model):
    person_who_imports = person(django_user_model, "view_leadimport", "import_lead")

    record = reviewed(person_who_imports)

    assert "Importar 1 lead" in text(person_who_imports.get(url(record)))


def test_who_may_not_look_sees_no_import(staff, django_user_model):
    record = reviewed(staff)
    stranger = person(django_user_model, "view_lead")

    for page in ("change", "columns", "progress"):
        assert stranger.get(url(record, page)).status_code == 403


# --- The list -----------------------------------------------------------------------


def test_the_empty_list_teaches_what_to_do(staff):
    page = text(staff.get(IMPORTS))

    assert "Aún no hay importaciones" in page
    assert ADD in page


def test_the_list_tells_state_and_numbers_and_none_of_what_was_not_imported(staff):
    imported(staff, GOOD, BAD, source="Norte")
    reviewed(staff, "600500118;Juan;28001")

    page = html(staff.get(IMPORTS))

    assert '<span class="status status--import-done">Hecha</span>' in page
    assert '<span class="status status--import-read">Por confirmar</span>' in page
    assert "1 nuevas · 1 rechazadas" in page
    assert "Nada importado" in page
    assert "style=" not in page.split('id="changelist"')[1]


def test_the_list_takes_as_many_queries_for_many_imports_as_for_one(
    staff, django_user_model
):
    source = ImportSource.objects.create(name="Norte")
    by = django_user_model.objects.get(username="admin")
    values = {"sha256": "0", "source": source, "created_by": by}
    LeadImport.objects.create(name="a.csv", **values)
    staff.get(IMPORTS)
    with CaptureQueriesContext(connection) as few:
        staff.get(IMPORTS)
    LeadImport.objects.bulk_create(
        LeadImport(name=f"{n}.csv", **values) for n in range(20)
    )

    with CaptureQueriesContext(connection) as many:
        staff.get(IMPORTS)

    assert len(many) == len(few)


def test_an_old_import_lists_its_rows_to_review(staff):
    record = LeadImport.objects.create(
        name="a.csv", sha256="0", problems=[{"row": 7, "reason": "Falta <el> teléfono"}]
    )

    page = html(staff.get(url(record)))

    assert "Falta &lt;el&gt; teléfono" in page
    assert staff.post(url(record), {"name": "b.csv"}).status_code == 302
    assert LeadImport.objects.get().name == "a.csv"
