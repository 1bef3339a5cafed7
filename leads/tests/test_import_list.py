"""Imports that went wrong, who may see and do what, and the list of them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.models import ImportSource, LeadImport
from leads.tests.admin_pages import staff
from leads.tests.import_pages import (
    ADD,
    BAD,
    GOOD,
    IMPORTS,
    folder,
    html,
    imported,
    reviewed,
    text,
    uploaded,
    url,
)

__all__ = ["folder", "staff"]

pytestmark = pytest.mark.django_db


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
