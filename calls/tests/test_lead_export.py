"""The export page: who may, what goes out with the calls, and what is kept of it."""

from __future__ import annotations

import csv
import io

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import AsyncRequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from calls.lead_export import RESULT_HEADERS, last_calls
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, RunFactory
from leads import columns, exporting
from leads.csv_files import read_table
from leads.downloads import CSV, download
from leads.models import Export, Lead
from leads.tests.admin_pages import staff
from leads.tests.factories import LeadFactory

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

URL = reverse("admin:leads_lead_export")


def ended(lead: Lead, run, **options):
    options = {"state": State.ENDED, "outcome": Outcome.NO_ANSWER} | options
    return AttemptFactory(
        run=run, lead=lead, open_lead_id=None, open_phone=None, **options
    )


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def rows_of(answer) -> list[dict[str, str]]:
    text = body(answer).decode("utf-8-sig")
    return [*csv.DictReader(io.StringIO(text), delimiter=";")]


# --- The last call ------------------------------------------------------------------


def test_the_last_real_call_of_each_lead_is_told_in_one_query():
    run = RunFactory()
    one, other, none = LeadFactory.create_batch(3)
    ended(one, run, outcome=Outcome.BUSY)
    ended(one, run, outcome=Outcome.SUCCESS, duration_seconds=63, summary="Cita")
    ended(one, run, is_test=True, summary="prueba")
    ended(one, run, state=State.NOT_SENT, outcome="")
    AttemptFactory(run=run, lead=other)

    with CaptureQueriesContext(connection) as queries:
        found = last_calls([one, other, none])

    assert len(queries) == 1
    assert found == {
        one.pk: ["Objetivo logrado", 63, "Cita"],
        other.pk: [str(State.ACCEPTED.label), None, ""],
    }


def test_an_exported_file_can_be_imported_with_no_column_left_over(staff):
    lead = LeadFactory(
        phone_e164="+34612345601", first_name="=cmd", postal_code="01001"
    )
    ended(lead, RunFactory(), summary="+34 dijo\nque no")

    data = body(staff.post(URL, {"format": "csv"}))

    table = read_table(io.BytesIO(data), recognised=columns.recognised)
    where = columns.lead_columns(table.header)
    (cells,) = [where.cells(row) for row in table.rows]
    assert where.unknown == []
    assert {*RESULT_HEADERS} <= {*table.header}
    assert (cells["phone"], cells["first_name"]) == ("+34612345601", "=cmd")
    assert cells["postal_code"] == "01001"
    assert b"'+34 dijo que no" in data


# --- The page -----------------------------------------------------------------------


def test_the_page_says_how_many_and_by_what_before_anything_leaves(staff):
    LeadFactory.create_batch(2, city="Getafe")
    LeadFactory(city="Móstoles")

    page = staff.get(URL, {"city": "Getafe", "p": "3"}).content.decode()
    everybody = staff.get(URL).content.decode()

    assert "Exportar 2 leads" in page
    assert "<dd>Getafe</dd>" in page
    assert "Exportar 3 leads" in everybody
    assert "Todos los leads, sin filtro" in everybody
    assert not Export.objects.exists()


@pytest.mark.parametrize("wanted", ["csv", "xlsx"])
def test_what_goes_out_is_what_the_filter_finds_and_is_kept(staff, admin_user, wanted):
    LeadFactory.create_batch(2, city="Getafe")
    LeadFactory(city="Móstoles")

    answer = staff.post(f"{URL}?city=Getafe&o=-1", {"format": wanted})

    record = Export.objects.get()
    assert (record.by, record.format) == (admin_user, wanted)
    assert record.filter_query == "city=Getafe"
    data = body(answer)
    record.refresh_from_db()
    assert record.rows == 2
    assert record.finished_at is not None
    assert "attachment" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    if wanted == "csv":
        assert data.count(b"Getafe") == 2
        assert data.startswith("\ufeffNOMBRE;".encode())
    else:
        assert int(answer["Content-Length"]) == len(data)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        assert len(book.get_sheet_by_index(0).to_python()) == 3


def test_the_marked_leads_of_a_page_can_be_exported(staff):
    one, _two, three = LeadFactory.create_batch(3)

    answer = staff.post(f"{URL}?ids={one.pk},{three.pk}", {"format": "csv"})

    names = [row["NOMBRE"] for row in rows_of(answer)]
    assert names == [one.first_name, three.first_name]
    assert Export.objects.get().filter_query == f"ids={one.pk}%2C{three.pk}"


@pytest.mark.parametrize("query", ["status=maybe", "ids=1,x", "last_from=ayer"])
def test_what_is_not_understood_exports_nobody(staff, query):
    LeadFactory()

    answer = staff.post(f"{URL}?{query}", {"format": "csv"})

    assert answer.status_code == 400
    assert not answer.streaming
    assert not Export.objects.exists()


def test_a_workbook_that_would_not_fit_is_refused_in_words(staff, monkeypatch):
    monkeypatch.setattr(exporting, "XLSX_ROWS", 1)
    LeadFactory.create_batch(2)

    answer = staff.post(URL, {"format": "xlsx"})

    assert "Son más leads de los que caben" in answer.content.decode()
    assert not Export.objects.exists()


def test_who_may_see_leads_may_not_for_that_export_them(client):
    user = User.objects.create_user("ana", password="x", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_lead", "change_lead"])
    )
    client.force_login(user)
    LeadFactory()

    assert client.get(URL).status_code == 403
    assert client.post(URL, {"format": "csv"}).status_code == 403
    assert not Export.objects.exists()


def test_exports_are_listed_with_who_and_what_and_cannot_be_changed(staff, admin_user):
    LeadFactory(city="Getafe")
    body(staff.post(f"{URL}?city=Getafe", {"format": "csv"}))
    Export.objects.create(format="csv", by=admin_user)
    record = Export.objects.first()

    page = staff.get(reverse("admin:leads_export_changelist")).content.decode()
    change = reverse("admin:leads_export_change", args=[record.pk])
    delete = reverse("admin:leads_export_delete", args=[record.pk])

    assert "Ciudad: Getafe" in page
    assert "Todos los leads" in page
    assert admin_user.username in page
    assert "Terminada" in page
    assert "Sin terminar" in page
    assert staff.get(change).status_code == 200
    assert staff.post(change, {"rows": 0}).status_code == 403
    assert staff.post(delete, {"post": "yes"}).status_code == 403


# --- Through ASGI -------------------------------------------------------------------


def test_a_long_answer_leaves_piece_by_piece_through_asgi_too():
    made = []

    def pieces():
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    async def read():
        request = AsyncRequestFactory().get("/")
        stream = aiter(download(request, pieces(), name="a.csv", content_type=CSV))
        first, made_first = await anext(stream), [*made]
        return first, made_first, [piece async for piece in stream]

    assert async_to_sync(read)() == (b"0", [0], [b"1", b"2"])
