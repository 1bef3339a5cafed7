"""A book gives the rows that a person sees in it, as text."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest
import xlwt

from leads import import_process
from leads.import_process import rows_of, spool


@pytest.fixture
def read(tmp_path):
    def reading(content: bytes):
        upload, rows = tmp_path / "a", tmp_path / "a.rows"
        upload.write_bytes(content)
        found = spool(upload, rows)
        return found, [[row.number, *row.cells] for row in rows_of(rows)]

    return reading


def saved(book) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def book_of(*rows) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def test_cells_come_as_a_person_would_have_typed_them(read):
    book = book_of(
        ["TELEFONO", "NACIMIENTO", "ALTA", "HORA", "NOTA", "CONSENTIMIENTO", "CP"],
        [612034118, date(1968, 3, 24), datetime(2026, 1, 2, 3, 4), time(9, 5)],
        [6.12034118e18, None, None, None, "  dos \n líneas ", True, 8001],
    )

    _found, rows = read(saved(book))

    assert rows[0] == [2, "612034118", "24/03/1968", "02/01/2026", "09:05:00"]
    # Digits that Excel no longer has are shown as gone, as it shows them.
    assert rows[1] == [3, "6.12034E+18", "", "", "", "dos líneas", "sí", "8001"]


def test_an_old_xls_and_an_ods_are_read_too(read):
    old = xlwt.Workbook()
    sheet = old.add_sheet("Hoja1")
    for column, (name, value) in enumerate({"TELEFONO": 612345601, "N": "Ñu"}.items()):
        sheet.write(0, column, name)
        sheet.write(1, column, value)

    for content in (saved(old), ods([["TELEFONO", "N"], ["612345601", "Ñu"]])):
        found, rows = read(content)

        assert list(found.header) == ["TELEFONO", "N"]
        assert rows == [[2, "612345601", "Ñu"]]


def test_a_title_above_the_header_and_a_table_that_starts_further_down(read):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["B2"] = "Listado de pacientes, noviembre"
    sheet.merge_cells("B2:E2")
    sheet["B4"], sheet["C4"] = "TELEFONO", "NOMBRE"
    sheet["B6"], sheet["C6"] = 612345601, "Ana"

    found, rows = read(saved(book))

    assert list(found.header) == ["TELEFONO", "NOMBRE"]
    assert rows == [[6, "612345601", "Ana"]]
    assert "merged_cells" in found.warnings


def test_the_first_visible_sheet_with_a_header_is_read_and_hidden_ones_are_told(read):
    book = openpyxl.Workbook()
    book.active.title = "Portada"
    book.active["A1"] = "Clínica"
    for name, state in (("Secreta", "hidden"), ("Leads", "visible")):
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        sheet.append(["TELEFONO", "NOMBRE"])
        sheet.append([612345601, name])

    found, rows = read(saved(book))

    assert rows == [[2, "612345601", "Leads"]]
    assert list(found.sheet_names) == ["Leads", "Portada"]
    assert {"hidden_sheets", "several_sheets"} <= {*found.warnings}


def test_a_formula_gives_its_saved_result_and_is_told(read):
    book = book_of(["TELEFONO", "NOMBRE"], [612345601, "=1+1"])
    plain = saved(book)
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(plain)) as old,
        zipfile.ZipFile(content, "w") as new,
    ):
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member, data.replace(b"<v />", b"<v>2</v>"))

    found, rows = read(content.getvalue())

    assert rows == [[2, "612345601", "2"]]
    assert "formulas" in found.warnings


def test_a_header_that_comes_twice_is_told_apart(read):
    found, _rows = read(b"TELEFONO;TELEFONO;;NOMBRE\n612345601;612345602;x;Ana\n")

    assert list(found.header) == ["TELEFONO", "TELEFONO (2)", "columna 3", "NOMBRE"]


def test_the_child_knows_neither_settings_nor_database(tmp_path):
    upload = tmp_path / "a.csv"
    upload.write_bytes(b"TELEFONO\n612345601\n")

    said = import_process._child(upload, tmp_path / "a.rows")

    assert said["rows"] == 1


def ods(rows) -> bytes:
    cells = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string">'
            f"<text:p>{text}</text:p></table:table-cell>"
            for text in row
        )
        + "</table:table-row>"
        for row in rows
    )
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content{names}><office:body><office:spreadsheet>"
        f'<table:table table:name="Hoja1">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:'
        f'manifest:1.0"><manifest:file-entry manifest:full-path="/" '
        f'manifest:media-type="{kind}"/></manifest:manifest>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    return file.getvalue()
