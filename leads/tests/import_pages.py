"""What the tests of the import's pages do as a person would."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from leads import importing
from leads.models import Lead, LeadImport
from leads.tests.factories import LeadFactory

ADD = reverse("admin:leads_leadimport_add")
IMPORTS = reverse("admin:leads_leadimport_changelist")
HEADER = "TELEFONO;NOMBRE;CODIGO_POSTAL"
GOOD = "612 034 118;María;28001"
BAD = "6,12E+08;Ana;28001"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
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
