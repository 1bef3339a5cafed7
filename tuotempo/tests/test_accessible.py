"""Every page but that of the calls, for everybody: axe-core finds nothing to say.

The `page` fixture adds that none of them asks another host or writes an error.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from calls import recordings
from calls.models import PearlEvent
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.recorded import keep
from leads import importing
from leads.models import CallStatus, Lead, LeadImport, SavedView
from leads.notes import add_note
from leads.tests.admin_pages import IDLE, change_url
from leads.tests.factories import LeadFactory, SuppressionFactory
from tuotempo.tests.accessibility import (
    faults,
    faults_in_every_look,
    marta,
    on_one_database,
)

__all__ = ["faults", "marta"]

pytestmark = [
    pytest.mark.screens,
    pytest.mark.django_db(transaction=True),
    on_one_database,
]

NUMBER = "+34612034118"


def admin_url(name: str, *args: object) -> str:
    return reverse(f"admin:{name}", args=args)


# --- At the door --------------------------------------------------------------------


def test_a_fault_is_seen(page):
    page.set_content("<html><body><img src='data:,'><p>Sin idioma</p></body></html>")

    found = " ".join(faults_in_every_look(page))

    assert "light 1440: image-alt" in found
    assert "dark 390: html-has-lang" in found


def test_the_login_before_and_after_a_wrong_password(page, faults):
    assert faults(reverse("login")) == {}

    page.get_by_label("Usuario").fill("nadie")
    page.get_by_label("Contraseña").fill("ninguna")
    page.get_by_role("button", name="Entrar").click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert faults_in_every_look(page) == []


@pytest.mark.parametrize("name", ["403", "403_csrf", "404", "500", "503"])
def test_an_error_page(page, live_server, client, name):
    """Drawn as the server does it; a real failure would be a console error too."""
    body = render_to_string(f"{name}.html")
    page.route("**/roto", lambda route: route.fulfill(body=body))

    page.goto(f"{live_server.url}/roto")

    assert faults_in_every_look(page) == []


# --- Inside -------------------------------------------------------------------------


def test_the_home_without_campaign_and_with_two(marta, faults):
    assert faults(reverse("home")) == {}

    RunFactory()
    CampaignFactory(name="Otra", outbound_id="a" * 24)
    LeadFactory.create_batch(3)

    assert faults(reverse("home")) == {}


def test_the_administration(marta, faults):
    names = ("index", "password_change", "auth_user_changelist", "auth_user_add")

    wrong = faults(
        *(admin_url(name) for name in names),
        admin_url("auth_user_change", marta.pk),
        admin_url("auth_user_delete", marta.pk),
        admin_url("auth_group_changelist"),
        admin_url("auth_group_add"),
    )

    assert wrong == {}


def test_campaigns_runs_calls_and_workers(marta, faults):
    attempt = AttemptFactory(
        state=State.MANUAL, transcript=[{"role": 2, "text": "Buenos días."}]
    )
    event = PearlEvent.objects.create(
        body="{}", sha256="0" * 64, received_at=timezone.now()
    )
    lists = ("campaign", "run", "callattempt", "pearlevent", "worker", "pearlaccount")

    wrong = faults(
        *(admin_url(f"calls_{name}_changelist") for name in lists),
        admin_url("calls_campaign_add"),
        admin_url("calls_campaign_change", attempt.campaign_id),
        admin_url("calls_campaign_test_mode", attempt.campaign_id),
        admin_url("calls_run_change", attempt.run_id),
        admin_url("calls_callattempt_change", attempt.pk),
        admin_url("calls_pearlevent_change", event.pk),
    )

    assert wrong == {}


def test_the_keys_of_the_api_and_a_new_one(marta, faults, page, live_server):
    add = admin_url("calls_apitoken_add")
    assert faults(admin_url("calls_apitoken_changelist"), add) == {}

    page.goto(f"{live_server.url}{add}")
    page.get_by_label("Nombre").fill("Cuadro de mando")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("no se volverá a ver")).to_be_visible()
    assert faults_in_every_look(page) == []

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copiar").click()
    expect(page.get_by_role("status").filter(has_text="Copiada")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#token").inner_text()
    assert copied.startswith("tt_")


# --- Leads --------------------------------------------------------------------------

LEADS = admin_url("leads_lead_changelist")


def test_the_list_of_leads_empty_filtered_and_ticked(marta, faults, page):
    assert faults(LEADS) == {}

    CampaignFactory()
    LeadFactory.create_batch(3, **IDLE)
    LeadFactory(call_status=CallStatus.ERROR, call_error_message="Número rechazado")
    SavedView.objects.create(owner=marta, name="Getafe", query="city=Getafe")
    assert faults(f"{LEADS}?city=Nada", LEADS) == {}

    page.get_by_text("Más filtros").last.click()
    page.locator(".tick").first.check()
    assert faults_in_every_look(page) == []


def test_a_bulk_change_before_and_after_it_is_confirmed(marta, faults, page):
    CampaignFactory()
    LeadFactory.create_batch(3, **IDLE)
    LeadFactory(**IDLE, phone_e164="")
    faults(LEADS)

    page.locator(".tick").last.check()
    page.get_by_role("button", name="Poner en cola…").click()
    confirm = page.get_by_role("button", name="Poner en cola 1 lead")
    expect(confirm).to_be_visible()
    assert faults_in_every_look(page) == []

    confirm.click()
    expect(page.get_by_role("button", name="Deshacer")).to_be_visible()
    assert faults_in_every_look(page) == []


@pytest.fixture
def lead(marta):
    """Somebody with everything on their page."""
    attempt = AttemptFactory(
        lead__phone_e164=NUMBER,
        lead__first_name="Carmen",
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        open_lead_id=None,
        open_phone=None,
        duration_seconds=125,
        summary="Quiere cita.",
        recording_url="https://pearl.example/1.ogg",
        transcript=[
            {"role": 2, "text": "Buenos días.", "start": 0},
            {"role": 3, "text": "Dígame.", "start": 2000},
        ],
    )
    recordings.expect(attempt, now=timezone.now())
    keep(attempt)
    LeadFactory(phone_e164=NUMBER, first_name="Mª Carmen", **IDLE)
    add_note(attempt.lead_id, text="Por la mañana", by=marta, now=timezone.now())
    Lead.objects.filter(pk=attempt.lead_id).update(
        call_status=CallStatus.SELECTED,
        callback_at=timezone.now() + timedelta(days=2),
    )
    return attempt.lead


def test_a_lead_with_everything_open(lead, faults, page):
    assert faults(change_url(lead)) == {}

    closed = page.locator("#side details:not([open]) > summary:visible")
    while closed.count():
        closed.first.click()
    page.get_by_label("Resultado", exact=True).select_option("do_not_call")
    assert faults_in_every_look(page) == []

    page.get_by_role("button", name="Guardar resultado").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert faults_in_every_look(page) == []


def test_a_lead_that_is_not_saved_says_why(lead, faults, page):
    faults(change_url(lead))
    page.locator("#id_phone").fill("6120")

    page.locator("[name=_save]").click()

    expect(page.locator(".errornote")).to_be_visible()
    assert faults_in_every_look(page) == []


def test_the_other_pages_of_a_lead(lead, faults):
    other = Lead.objects.exclude(pk=lead.pk).get()

    wrong = faults(
        admin_url("leads_lead_add"),
        admin_url("leads_lead_history", lead.pk),
        admin_url("leads_lead_delete", other.pk),
        admin_url("leads_lead_merge", lead.pk, other.pk),
        admin_url("leads_lead_export"),
    )

    assert wrong == {}


# --- Imports ------------------------------------------------------------------------

FILE = """CONTACTO;NOMBRE;CODIGO_POSTAL
612 034 118;María;28001
6,12E+08;Ana;41001
"""


def test_each_step_of_an_import(marta, faults, settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    imports = admin_url("leads_leadimport_changelist")
    assert faults(imports, admin_url("leads_leadimport_add")) == {}

    file = SimpleUploadedFile("pacientes.csv", FILE.encode())
    now = timezone.now()
    waiting = importing.store(file, name="pacientes.csv", by=marta, now=now)
    sample = {"row": 5, "text": "Ana · 6,12E+08", "why": "Se perdieron cifras."}
    shown = [waiting]
    for state in ("reading", "read", "importing", "done", "failed", "undone"):
        shown.append(
            LeadImport.objects.create(
                name=f"{state}.csv",
                sha256="0",
                state=state,
                rows=12840,
                created=9,
                details={
                    "samples": {"rejected": [sample]},
                    "unknown_headers": ["COLUMNA"],
                },
            )
        )
    done = shown[4]

    wrong = faults(
        imports,
        *(admin_url("leads_leadimport_change", record.pk) for record in shown),
        admin_url("leads_leadimport_undo", done.pk),
    )

    assert wrong == {}


def test_a_file_that_cannot_be_read_and_a_column_that_is_missing(
    marta, faults, page, tmp_path, settings
):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    path = tmp_path / "pacientes.csv"
    path.write_text(FILE)
    faults(admin_url("leads_leadimport_add"))
    page.get_by_label("Fichero").set_input_files(path)
    page.get_by_role("button", name="Subir y ver las columnas").click()
    expect(page.get_by_role("heading", name="¿Qué trae cada columna?")).to_be_visible()

    page.get_by_role("button", name="Leer el fichero y revisar").click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert faults_in_every_look(page) == []


# --- Exclusion lists ----------------------------------------------------------------


def test_the_exclusion_lists(marta, faults, page):
    suppressions = admin_url("leads_suppression_changelist")
    assert faults(suppressions) == {}
    one = SuppressionFactory(phone_e164=NUMBER)
    ended = timezone.now() - timedelta(days=1)
    SuppressionFactory(expires_at=ended)

    wrong = faults(
        admin_url("leads_suppression_add"),
        admin_url("leads_suppression_change", one.pk),
        admin_url("leads_suppression_delete", one.pk),
        admin_url("leads_suppression_import"),
        admin_url("leads_suppression_consult"),
        admin_url("leads_suppression_answer"),
        suppressions,
    )

    assert wrong == {}


def test_numbers_imported_to_a_list(marta, faults, page, tmp_path):
    path = tmp_path / "numeros.csv"
    path.write_text("TELEFONO\n612034118\n6120\n")
    faults(admin_url("leads_suppression_import"))
    page.locator("input[type=file]").set_input_files(path)

    page.locator("form [type=submit]").last.click()

    expect(page.get_by_role("heading", name="Filas rechazadas")).to_be_visible()
    assert faults_in_every_look(page) == []
