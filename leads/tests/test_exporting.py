"""Leads that go out come back the same, and no spreadsheet runs what they say."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
import xlsxwriter
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from leads import columns, exporting
from leads.csv_files import read_table
from leads.exporting import LEAD_COLUMNS, Sheet, TooManyRows
from leads.formulas import escaped, unescaped
from leads.headers import tidied
from leads.models import CallStatus, Consent, Disposition, Export, Lead
from leads.tests.factories import LeadFactory

TODAY = date(2026, 11, 24)
PHONE = "+34612345601"
BEGINNINGS = ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"]
RUN = ["=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "＝1", "﹢1", " =1", "\u200b=1"]


def csv_of(leads=None, **options) -> bytes:
    record = Export.objects.create(format=Export.Format.CSV)
    sheet = Sheet(leads=Lead.objects.all() if leads is None else leads, **options)
    return b"".join(exporting.csv_lines(sheet, record=record))


def read_back(data: bytes) -> list[dict[str, str]]:
    """As the import reads it: by field."""
    table = read_table(io.BytesIO(data), recognised=columns.recognised)
    where = columns.lead_columns(table.header)
    assert not where.unknown
    return [where.cells(row) for row in table.rows]


def xlsx_of(**options) -> list[list[object]]:
    record = Export.objects.create(format=Export.Format.XLSX)
    sheet = Sheet(leads=Lead.objects.all(), **options)
    with exporting.xlsx_file(sheet, record=record) as file:
        book = CalamineWorkbook.from_filelike(io.BytesIO(file.read()))
    return book.get_sheet_by_index(0).to_python()


# --- Formulas -----------------------------------------------------------------------


@pytest.mark.parametrize("text", [f"{one}x" for one in BEGINNINGS] + RUN)
def test_what_a_spreadsheet_would_run_gets_a_quote_and_loses_it(text):
    assert escaped(text) == f"'{text}"
    assert unescaped(f"'{text}") == text


@pytest.mark.parametrize(
    "text", ["", "'", "O'Brien", "'a'=b", "Ana", "3-4", "'tis", "¿+?"]
)
def test_other_texts_are_left_alone_both_ways(text):
    assert escaped(text) == unescaped(text) == text


@given(st.text(alphabet=st.sampled_from("'=+-@ \tA＝\u200b\0é"), max_size=8))
@settings(max_examples=300, deadline=None)
def test_the_quote_goes_and_comes_back_for_any_text(text):
    assert unescaped(escaped(text)) == text
    assert not escaped(text).lstrip(" ").startswith(tuple("=+-@＝＋－＠"))


CELLS = st.text(
    alphabet=st.one_of(
        st.sampled_from("'\"=+-@;,\t\n\r |＝"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=20,
)


@given(st.lists(CELLS, min_size=1, max_size=4))
@example(["'\x850"])  # a control character that counts as a blank
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_back_by_the_import_as_it_would_tidy_it(texts):
    rows = [["NOMBRE", "TELEFONO"], *([text, PHONE] for text in texts)]

    cells = read_back(("\ufeff" + exporting.csv_text(rows)).encode())

    # Quoted text of other programs is understood, too, but never made of ours.
    assert [c["first_name"] for c in cells] == [plainly_tidied(text) for text in texts]
    assert {columns.phone_or_rejected(c["phone"]) for c in cells} == {PHONE}


def plainly_tidied(text: str) -> str:
    controls = dict.fromkeys([*range(32), *range(127, 160)], " ")
    return " ".join(text.translate(controls).split())


@given(st.lists(CELLS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_text_of_a_workbook_is_read_back_too(texts):
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    page = book.add_worksheet()
    for at, text in enumerate(texts):
        exporting._write_cell(page, at, 0, f"x{text}", moment=None)
        exporting._write_cell(page, at, 1, text, moment=None)
    book.close()

    sheet = CalamineWorkbook.from_filelike(
        io.BytesIO(file.getvalue())
    ).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)

    assert [tidied(str(row[0])) for row in rows] == [
        plainly_tidied(f"x{text}") for text in texts
    ]
    assert [tidied(str(row[1]) if len(row) > 1 else "") for row in rows] == [
        plainly_tidied(text) for text in texts
    ]


# --- Files --------------------------------------------------------------------------

pytestmark = pytest.mark.django_db

WHOLE = {
    "first_name": "=cmd",
    "last_name": "'=O'Hara; \"la\" niña",
    "phone_e164": PHONE,
    "phone": "612 34 56 01",
    "phone_alt": "912345678",
    "phone_alt_e164": "+34912345678",
    "national_id": "00012345X",
    "birth_date": date(1951, 2, 3),
    "sex": "M",
    "email": "ana@example.org",
    "policy_number": "-0042",
    "segment": "@oro",
    "certificate": "007",
    "delegation": "Norte",
    "clinic_name": "Clínica +Salud",
    "clinic_id": "0012",
    "clinic_address": "C/ Mayor, 3; 2º",
    "postal_code": "01001",
    "city": "Vitoria-Gasteiz",
    "province": "Álava",
    "external_id": "E-1",
    "call_priority": 1,
    "consent": Consent.GIVEN,
    "consent_source": "Formulario",
    "call_notes": "- llamar\n- o no",
}


def test_every_column_of_a_lead_survives_the_trip_through_the_import():
    LeadFactory(**WHOLE)

    (cells,) = read_back(csv_of(result_headers=["RESUMEN"]))

    row = columns.lead_row(cells, today=TODAY).values
    expected = WHOLE | {
        "phone": PHONE,
        "phone_alt": "+34912345678",
        "call_notes": "- llamar - o no",
    }
    assert {name: row[name] for name in LEAD_COLUMNS.values()} == {
        name: expected[name] for name in LEAD_COLUMNS.values()
    }
    assert (row["phone_e164"], row["phone_alt_e164"]) == (PHONE, "+34912345678")


def test_a_workbook_has_the_same_cells_as_text_and_no_quotes():
    LeadFactory(**WHOLE, last_call_attempt=datetime(2026, 7, 1, 8, 30, tzinfo=UTC))

    header, row = xlsx_of(
        result_headers=["RESUMEN"], results=lambda leads: {leads[0].pk: ["=1+1"]}
    )

    cells = dict(zip(header, row, strict=True))
    assert cells["NOMBRE"] == "=cmd"
    assert (cells["TELEFONO"], cells["POLIZA"]) == (PHONE, "-0042")
    assert (cells["CODIGO_POSTAL"], cells["CERTIFICADO"]) == ("01001", "007")
    assert cells["ULTIMO_INTENTO"] == datetime(2026, 7, 1, 10, 30)
    assert (cells["PRIORIDAD"], cells["RESUMEN"]) == (1, "=1+1")
    # The one text that our import would take for an escaped one.
    assert tidied(cells["APELLIDOS"]) == WHOLE["last_name"]


def test_states_are_told_in_words_of_people():
    LeadFactory(call_status=CallStatus.NO_ANSWER, disposition=Disposition.CALL_BACK)

    text = csv_of().decode("utf-8-sig")

    row = next(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert (row["ESTADO"], row["EN_COLA"]) == ("No contesta", "sí")
    assert (row["RESULTADO_COMERCIAL"], row["CONSENTIMIENTO"]) == (
        "Volver a llamar",
        "sí",
    )
    assert (row["ULTIMO_INTENTO"], row["INTENTOS"]) == ("", "0")


def test_a_lead_without_a_valid_number_goes_out_with_what_was_written():
    LeadFactory(phone="6120", phone_e164="")

    assert read_back(csv_of())[0]["phone"] == "6120"


def test_each_lead_goes_out_once_in_the_order_of_its_id(monkeypatch):
    monkeypatch.setattr(exporting, "CHUNK", 2)
    LeadFactory.create_batch(5)
    asked = []

    with CaptureQueriesContext(connection) as queries:
        data = csv_of(
            Lead.objects.order_by("first_name"),
            result_headers=["RESUMEN"],
            results=lambda leads: asked.append(len(leads)) or {},
        )

    names = [cells["first_name"] for cells in read_back(data)]
    assert names == [*Lead.objects.order_by("pk").values_list("first_name", flat=True)]
    assert asked == [2, 2, 1]
    reads = [q for q in queries if q["sql"].startswith("SELECT")]
    assert len(reads) == 4  # the last one finds nothing more


def test_the_record_counts_rows_before_they_leave_and_ends_only_at_the_end(
    monkeypatch,
):
    monkeypatch.setattr(exporting, "CHUNK", 2)
    LeadFactory.create_batch(3)
    record = Export.objects.create(format=Export.Format.CSV)
    lines = exporting.csv_lines(Sheet(leads=Lead.objects.all()), record=record)
    pieces = exporting.until_finished(lines, record=record)

    next(pieces)
    next(pieces)
    record.refresh_from_db()
    assert (record.rows, record.finished_at) == (2, None)

    pieces.close()
    record.refresh_from_db()
    assert (record.rows, record.finished_at) == (2, None)

    sheet = Sheet(leads=Lead.objects.all())
    whole = exporting.csv_lines(sheet, record=record)
    list(exporting.until_finished(whole, record=record))
    record.refresh_from_db()
    assert record.rows == 3
    assert record.finished_at is not None


def test_a_workbook_stops_at_the_rows_that_a_sheet_has(monkeypatch):
    monkeypatch.setattr(exporting, "XLSX_ROWS", 2)
    LeadFactory.create_batch(3)

    with pytest.raises(TooManyRows):
        xlsx_of()


def test_a_text_longer_than_a_cell_is_cut_and_says_so():
    long = exporting.xlsx_text("a" * 40_000)

    assert (len(long), long[-1]) == (exporting.XLSX_CELL, "…")
