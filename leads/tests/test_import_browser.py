"""An import from file to corrected file in a real Chromium, with its real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from leads import importing
from leads.models import Lead, LeadImport
from leads.tests.factories import LeadFactory, SuppressionFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]

PASSWORD = "una-clave-de-prueba"
PHONE = {"width": 390, "height": 844}
# The header of the phone is one that nobody has thought of.
LEADS = """CONTACTO;NOMBRE;CODIGO_POSTAL
612 034 118;María;28001
600 500 118;Juan;08001
699 000 003;Eva;28001
6,12E+08;Ana;41001
"""


def log_in(page, live_server) -> None:
    User.objects.create_superuser("marta", password=PASSWORD)
    page.goto(f"{live_server.url}/admin/leads/leadimport/")
    page.get_by_label("Usuario").fill("marta")
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Entrar").click()


def upload(page, path) -> None:
    page.get_by_label("Fichero").set_input_files(path)
    page.get_by_role("button", name="Subir y ver las columnas").click()
    expect(page.get_by_role("heading", name="¿Qué trae cada columna?")).to_be_visible()


def test_from_a_file_with_errors_to_the_corrected_rows(page, live_server, tmp_path):
    phone = {"phone": "600500118", "phone_e164": "+34600500118"}
    LeadFactory(**phone, first_name="Juan", last_name="")
    SuppressionFactory(phone_e164="+34699000003")
    path = tmp_path / "pacientes.csv"
    path.write_text(LEADS)
    log_in(page, live_server)
    page.get_by_role("link", name="Importar leads").first.click()

    page.get_by_label("Procedencia").fill("Delegación Centro")
    page.get_by_label("Dónde consta el consentimiento").fill("Formulario web")
    upload(page, path)
    choose_the_phone(page)

    # Nothing is written before it is confirmed.
    confirm = page.get_by_role("button", name="Importar 2 leads")
    expect(confirm).to_be_visible(timeout=20_000)
    expect(page.locator(".import-sum")).to_have_text(
        "1 + 1 + 0 + 0 + 1 + 1 = 4 filas del fichero"
    )
    expect(page.locator("#rejected")).to_contain_text("notación científica")
    assert Lead.objects.count() == 1

    confirm.dblclick()
    done = page.get_by_role("heading", name="Importación hecha")
    expect(done).to_be_visible(timeout=20_000)
    codes = Lead.objects.order_by("first_name").values_list("postal_code", flat=True)
    assert list(codes) == ["08001", "28001"]

    # Going back shows what is true now, and offers nothing twice.
    page.go_back()
    page.reload()
    expect(done).to_be_visible()

    corrected = corrected_rows(page, tmp_path)
    import_what_was_corrected(page, corrected)
    expect(done).to_be_visible(timeout=20_000)
    assert Lead.objects.filter(phone_e164="+34655123456").exists()
    assert LeadImport.objects.filter(state="done").count() == 2


def choose_the_phone(page) -> None:
    """It must be chosen; what was chosen stays."""
    page.get_by_role("button", name="Leer el fichero y revisar").click()
    expect(page.get_by_role("alert")).to_contain_text("Falta el teléfono")
    expect(page.get_by_label("NOMBRE")).to_have_value("first_name")
    page.get_by_label("CONTACTO").select_option("phone")
    page.get_by_role("button", name="Leer el fichero y revisar").click()


def corrected_rows(page, folder: Path) -> Path:
    """The rejected rows, downloaded and put right."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Descargar las filas rechazadas").click()
    rows = download.value.path().read_text("utf-8-sig")
    corrected = folder / "corregidas.csv"
    corrected.write_text(rows.replace("6,12E+08", "655 123 456"))
    return corrected


def import_what_was_corrected(page, path) -> None:
    """Asked for nothing that is known from the last time."""
    page.get_by_role("link", name="Importar otro fichero").click()
    page.get_by_label("Procedencia").fill("Delegación Centro")
    page.get_by_label("Procedencia").press("Tab")
    consent = page.get_by_label("Dónde consta el consentimiento")
    expect(consent).to_have_value("Formulario web")
    upload(page, path)
    expect(page.get_by_text("Recordado de la última vez")).to_be_visible()
    expect(page.get_by_label("CONTACTO")).to_have_value("phone")
    page.get_by_role("button", name="Leer el fichero y revisar").click()
    page.get_by_role("button", name="Importar 1 lead").click(timeout=20_000)


def test_a_phone_shows_each_page_without_sideways_scrolling(page, live_server):
    name = "pacientes-de-la-delegacion-de-" + "muy" * 20 + "-lejos.csv"
    file = SimpleUploadedFile(name, LEADS.encode())
    now = timezone.now()
    waiting = importing.store(file, name=name, by=None, now=now)
    sample = {"row": 5, "text": "Ana · 6,12E+08", "why": "Se perdieron cifras. " * 4}
    shown = [waiting]
    for state in ("read", "done", "failed", "undone"):
        record = LeadImport(name=name, sha256="0", state=state, rows=12840, created=9)
        record.details = {
            "samples": {"rejected": [sample]},
            "unknown_headers": ["COLUMNA_" * 9],
        }
        record.save()
        shown.append(record)
    page.set_viewport_size(PHONE)
    log_in(page, live_server)
    widths = {"list": page_width(page)}

    pages = [reverse("admin:leads_leadimport_add")]
    for record in shown:
        pages.append(reverse("admin:leads_leadimport_change", args=[record.pk]))
    for address in pages:
        page.goto(f"{live_server.url}{address}")
        widths[address] = page_width(page)

    assert max(widths.values()) <= PHONE["width"], widths


def page_width(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth")
