"""What a header means, and what a row says of a lead or why it says nothing."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads import columns
from leads.columns import RowRejected, lead_columns, lead_row
from leads.csv_files import Row, UnreadableFile, read_table
from leads.models import Consent, Lead
from leads.phones import NotAPhone, normalise

TODAY = date(2026, 11, 24)
OLD_HEADERS = (
    "NOMBRE APELLIDOS TELEFONO TELEFONO2 NIF FECHA_NACIMIENTO SEXO EMAIL POLIZA "
    "SEGMENTO CERTIFICADO DELEGACION CLINICA CODIGO_POSTAL CIUDAD PROVINCIA ORDEN "
    "PRIORIDAD CONSENTIMIENTO"
)


def values(**cells: str) -> dict:
    return lead_row({"phone": "612345678", **cells}, today=TODAY).values


def remarks(**cells: str) -> list[str]:
    made = lead_row({"phone": "612345678", **cells}, today=TODAY)
    return [str(remark) for remark in made.remarks]


@given(
    st.one_of(
        st.from_regex(r"(?:\+34|0034|34)?[5-9]\d{8}", fullmatch=True),
        st.from_regex(r"(?:70|80[1-9]|90[0-9]|118|51|5[0-9])\d{6,7}", fullmatch=True),
        st.text("0123456789+ ", max_size=14),
    )
)
def test_the_short_way_to_a_number_leads_where_the_long_one_does(text):
    def outcome(read) -> str:
        try:
            return read(text)
        except NotAPhone as exc:
            return exc.code

    assert outcome(columns.e164) == outcome(normalise)


# --- The header ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Código postal", "postal_code"),
        ("CODIGO_POSTAL", "postal_code"),
        ("Fecha de nacimiento", "birth_date"),
        ("first name", "first_name"),
        ("E-mail", "email"),
        ("Teléfono 2", "phone_alt"),
        ("Póliza", "policy_number"),
        ("Prioridad", "call_priority"),
    ],
)
def test_a_header_is_known_without_case_accents_or_signs(header, field):
    assert lead_columns(["TELEFONO", header]).positions[field] == 1


def test_every_header_of_the_old_system_is_known():
    old = OLD_HEADERS.split()

    where = lead_columns(old)

    assert where.unknown == []
    assert len(where.positions) == len(old) - 1  # the order of the file is kept as is


def test_unknown_and_repeated_columns_are_named():
    where = lead_columns(["TELEFONO", "Color", "Móvil", ""])

    assert where.positions == {"phone": 0}
    assert where.unknown == ["Color", "Móvil"]


def test_without_a_phone_column_the_error_lists_the_headers():
    with pytest.raises(UnreadableFile) as caught:
        lead_columns(["Nombre", "Tlefono"])

    assert "Falta la columna TELEFONO" in str(caught.value.reason)
    assert "Nombre, Tlefono" in str(caught.value.reason)


# --- The row ------------------------------------------------------------------------


def test_a_row_keeps_the_phone_as_typed_and_places_the_lead():
    made = values(phone="'612.34.56.78", postal_code="35010")

    assert made["phone"] == "'612.34.56.78"
    assert made["phone_e164"] == "+34612345678"
    assert (made["community"], made["time_zone"]) == ("CN", "Atlantic/Canary")


def test_names_are_trimmed_and_collapsed_and_keep_their_case():
    data = 'TELEFONO;NOMBRE\n600;"  MARÍA\u00a0 de\tla O\n"\n'
    found = read_table(io.BytesIO(data.encode()), recognised=columns.recognised)

    cells = lead_columns(found.header).cells(next(found.rows))

    assert cells["first_name"] == "MARÍA de la O"


@pytest.mark.parametrize("text", ["", "61234567", "902123456", "6,12E+08", "no tiene"])
def test_a_row_without_a_number_to_dial_is_rejected_in_words(text):
    with pytest.raises(RowRejected) as caught:
        lead_row({"phone": text}, today=TODAY)

    assert str(caught.value.reason).endswith(".")


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("19/04/1979", date(1979, 4, 19)),
        ("9/4/1979", date(1979, 4, 9)),
        ("09-04-1979", date(1979, 4, 9)),
        ("1979-04-09", date(1979, 4, 9)),
        ("09/04/1979 0:00", date(1979, 4, 9)),
        ("", None),
    ],
)
def test_a_birth_date_is_read_day_first(text, born):
    assert values(birth_date=text)["birth_date"] == born


@pytest.mark.parametrize(
    "cells",
    [
        {"birth_date": "31/02/1979"},
        {"birth_date": "04/19/1979"},
        {"birth_date": "25/11/2026"},
        {"birth_date": "01/01/0070"},
        {"email": "ana@"},
        {"phone_alt": "1234"},
        {"call_priority": "9"},
        {"consent": "quizá"},
    ],
)
def test_a_bad_second_thought_is_left_out_with_a_remark_and_the_lead_stays(cells):
    assert len(remarks(**cells)) == 1
    made = Lead(**values(**cells))
    assert made.email == ""
    assert made.birth_date is None
    assert made.phone_alt_e164 == ""
    assert made.call_priority == 3
    assert made.consent == Consent.UNKNOWN


def test_a_value_longer_than_its_column_is_rejected_and_not_cut():
    with pytest.raises(RowRejected) as caught:
        values(first_name="A" * 121)

    assert str(caught.value.reason) == "«nombre» tiene 121 caracteres y caben 120: " + (
        "acórtelo."
    )


def test_a_row_wider_than_the_header_is_rejected_for_its_columns_have_moved():
    where = lead_columns(["TELEFONO", "NOMBRE"])

    with pytest.raises(RowRejected):
        where.cells(Row(number=2, cells=["612345678", "Ana", "Pérez"]))
    assert where.cells(Row(number=2, cells=["612345678", "Ana", " "]))
    assert where.cells(Row(number=2, cells=["612345678"]))["first_name"] == ""


@pytest.mark.parametrize(
    ("said", "of_the_file", "consent", "source"),
    [
        ("", "", Consent.UNKNOWN, ""),
        ("", "Web 2026", Consent.GIVEN, "Web 2026"),
        ("Sí", "Web 2026", Consent.GIVEN, "Web 2026"),
        ("no", "Web 2026", Consent.REFUSED, ""),
        ("quizá", "Web 2026", Consent.UNKNOWN, ""),
    ],
)
def test_what_a_row_says_of_consent_outweighs_what_is_said_of_the_file(
    said, of_the_file, consent, source
):
    cells = {"phone": "612345678", "consent": said}

    made = lead_row(cells, today=TODAY, consent_source=of_the_file).values

    assert (made["consent"], made["consent_source"]) == (consent, source)


@given(st.text(max_size=200), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_no_text_crashes_the_way_to_a_lead(text, encoding):
    data = f"TELEFONO;NOMBRE;FECHA_NACIMIENTO;EMAIL;PRIORIDAD;CONSENTIMIENTO\n{text}"
    with suppress(UnreadableFile, RowRejected):
        found = read_table(
            io.BytesIO(data.encode(encoding, "replace")), recognised=columns.recognised
        )
        where = lead_columns(found.header)
        for row in found.rows:
            lead_row(where.cells(row), today=TODAY)
