"""Files that are no list of leads, or worse.

openpyxl and xlwt make them; the product reads with neither.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import openpyxl
import xlwt

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MEGABYTE = 1024 * 1024
GOOD = [["TELEFONO", "NOMBRE"], [612345601, "Ana"]]

HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {}


def hostile(name: str, words: str) -> Callable:
    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        assert make.__name__ not in HOSTILE
        HOSTILE[make.__name__] = (name, make, words)
        return make

    return keep


def xlsx(rows=GOOD, **sheets) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    return saved(book)


def saved(book) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_member(name: str, data: bytes, *, book: bytes | None = None) -> bytes:
    """A good book with one member replaced or added."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book or xlsx())) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            if member.filename != name:
                new.writestr(member, old.read(member))
        new.writestr(name, data)
    return file.getvalue()


# --- No text, no table --------------------------------------------------------------


@hostile("a.csv", "vacío")
def nothing_at_all():
    return b""


@hostile("a.csv", "vacío")
def only_blanks():
    return b" \r\n\t\r\n" * 100


@hostile("a.csv", "vacío")
def only_a_byte_order_mark():
    return b"\xef\xbb\xbf"


@hostile("foto.csv", "No es un fichero de texto")
def a_png_called_csv():
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200)


@hostile("informe.csv", "No es un fichero de texto")
def a_pdf_called_csv():
    return b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


@hostile("a.csv", "No es un fichero de texto")
def nuls_between_the_letters():
    return b"TELEFONO;NOMBRE\n6123\x0045601;Ana\n"


@hostile("a.csv", "No es un fichero de texto")
def utf_16_without_its_mark():
    return "TELEFONO;NOMBRE\n612345601;Ana\n".encode("utf-16-le")


@hostile("a.csv", "codificación")
def utf_16_cut_in_the_middle():
    return "TELEFONO;NOMBRE\n612345601;Ana\n".encode("utf-16")[:-1]


@hostile("a.csv", "codificación")
def bytes_of_no_encoding():
    return b"TELEFONO;NOMBRE\n612345601;\x81\x8d\x8f\n"


@hostile("a.csv", "finales de línea")
def line_ends_of_an_old_mac():
    return b"TELEFONO;NOMBRE\r612345601;Ana\r"


@hostile("a.csv", "comillas")
def quotes_that_never_close():
    return b'TELEFONO;NOMBRE\n1;"Ana\n' + b"612345601;Eva\n" * 50


@hostile("a.csv", "comillas")
def a_cell_without_end():
    return b'TELEFONO;NOMBRE\n612345601;"' + b"a" * 200_000 + b'"\n'


@hostile("a.csv", "más de lo que cabe|Falta la columna|columnas")
def ten_thousand_columns():
    return ";".join(["TELEFONO", *map(str, range(10_000))]).encode() + b"\n612345601\n"


@hostile("a.csv", "no tiene cabecera")
def no_header():
    return b"612345601;Ana\n612345602;Eva\n"


@hostile("a.csv", "Falta la columna TELEFONO")
def a_header_without_a_phone():
    return b"NOMBRE;CIUDAD\nAna;Madrid\n"


@hostile("a.csv", "solo tiene la cabecera")
def a_header_alone():
    return b"TELEFONO;NOMBRE\n;;\n\n"


@hostile("a.csv", "200.000 filas")
def too_many_rows():
    return b"TELEFONO\n" + b"1\n" * 200_001


@hostile("a.csv", "25 MB")
def too_many_bytes():
    return b"TELEFONO;NOMBRE\n" + (b"612345601;" + b"a" * 990 + b"\n") * 27_000


@hostile("page.csv", "Falta la columna TELEFONO")
def a_web_page_called_csv():
    return b"<html><body>\n<table><tr><td>612345601</td></tr></table>\n</body></html>"


@hostile("a.csv", "Falta la columna TELEFONO")
def formulas_for_a_header():
    return b'=HYPERLINK("http://example.com");@SUM(A1)\n1;2\n'


# --- Books that are none ------------------------------------------------------------


@hostile("a.xlsx", "dañado")
def the_first_four_bytes_of_a_book():
    return b"PK\x03\x04"


@hostile("a.xlsx", "dañado")
def a_book_cut_in_half():
    whole = xlsx()
    return whole[: len(whole) // 2]


@hostile("a.xlsx", "No es un libro")
def a_zip_of_something_else():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("leeme.txt", "nada")
    return file.getvalue()


@hostile("a.xlsx", "dañado|No es un libro")
def a_book_whose_sheet_is_no_xml():
    return with_member("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row")


@hostile("a.xlsx", "dañado")
def a_member_of_an_unknown_packing():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return file.getvalue()


@hostile("a.xls", "No es un libro")
def an_old_book_that_is_none():
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096)


@hostile("a.xlsx", "contraseña")
def a_book_with_a_password():
    name = "EncryptedPackage".encode("utf-16-le")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024) + name + bytes(1024)


@hostile("a.xlsx", "contraseña")
def a_zip_with_a_password():
    whole = bytearray(xlsx())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = 0
        while (start := whole.find(mark, start)) >= 0:
            whole[start + at] |= 1
            start += 4
    return bytes(whole)


# --- Bombs --------------------------------------------------------------------------


@hostile("a.xlsx", "se descomprime en mucho más")
def a_bomb_of_one_sheet():
    return with_member("xl/worksheets/sheet1.xml", b" " * (200 * MEGABYTE))


@hostile("a.xlsx", "se descomprime en mucho más")
def a_bomb_that_lies_about_its_size():
    """It declares a hundred bytes, here and in its directory."""
    size = 64 * MEGABYTE
    whole = bytearray(with_member("xl/media/a.bin", b"\0" * size))
    real, false = struct.pack("<I", size), struct.pack("<I", 100)
    assert whole.count(real) >= 2
    return bytes(whole.replace(real, false))


@hostile("a.xlsx", "se descomprime en mucho más")
def a_bomb_of_many_members():
    file = io.BytesIO(xlsx())
    with zipfile.ZipFile(file, "a") as archive:
        for n in range(250):
            archive.writestr(f"xl/media/{n}.png", b"")
    return file.getvalue()


@hostile("a.xlsx", "se descomprime en mucho más")
def members_that_share_their_bytes():
    """One packed member, and a directory that lists it a hundred times."""
    data = zlib.compress(b"a" * 10_000, 9)[2:-4]
    local = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(data), 10_000, 1, 0
    )
    entry = struct.pack(
        "<4s6H3I5H2I",
        *(b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(data), 10_000, 1, 0, 0, 0, 0, 0, 0),
    )
    body = local + b"a" + data
    directory = (entry + b"a") * 100
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, 100, 100, len(directory), len(body), 0
    )
    whole = body + directory + end
    # Its own directory is bigger than its bytes: keep the sum of packed sizes larger.
    return (
        whole
        if len(data) * 100 > len(whole)
        else whole.replace(
            struct.pack("<2I", len(data), 10_000), struct.pack("<2I", 4000, 10_000)
        )
    )


@hostile("a.xlsx", "demasiado grande o complejo|dañado")
def a_cell_at_the_far_corner():
    """Two cells, and a sheet of seventeen thousand million between them."""
    cells = (
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )
    return with_member("xl/worksheets/sheet1.xml", _sheet(cells))


@hostile("a.xlsx", "declaraciones")
def entities_that_multiply():
    lol = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ja">{lol}]>'
    return with_member("xl/worksheets/sheet1.xml", text.encode() + _sheet("&a8;"))


@hostile("a.xlsx", "declaraciones")
def an_entity_that_reads_a_file():
    text = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    return with_member("xl/sharedStrings.xml", text + b"<sst>&a;</sst>")


@hostile("a.xlsx", "60 columnas")
def a_book_of_ten_thousand_columns():
    return xlsx([["TELEFONO", *range(10_000)], [612345601]])


# --- Sheets without leads -----------------------------------------------------------


@hostile("a.xlsx", "ninguna hoja visible")
def only_empty_sheets():
    return xlsx([], Otra=[])


@hostile("a.xlsx", "ninguna hoja visible|Falta la columna")
def leads_on_a_hidden_sheet():
    book = openpyxl.Workbook()
    hidden = book.create_sheet("Leads")
    for row in GOOD:
        hidden.append(row)
    hidden.sheet_state = "veryHidden"
    return saved(book)


@hostile("a.xlsx", "Falta la columna TELEFONO")
def a_title_of_merged_cells_and_nothing_else():
    book = openpyxl.Workbook()
    book.active["A1"] = "Listado de pacientes"
    book.active.merge_cells("A1:F4")
    book.active["A5"] = "fin"
    return saved(book)


@hostile("a.xlsx", "no tiene cabecera")
def a_sheet_without_a_header():
    return xlsx([[612345601, "Ana"], [612345602, "Eva"]])


@hostile("a.xls", "solo tiene la cabecera")
def an_old_book_with_a_header_alone():
    book = xlwt.Workbook()
    sheet = book.add_sheet("Hoja1")
    sheet.write(0, 0, "TELEFONO")
    return saved(book)


@hostile("a.xlsx", "fórmulas sin resultado")
def formulas_without_a_result():
    """A phone that only Excel could work out. Nothing here works it out."""
    return xlsx([["TELEFONO"], ['=HYPERLINK("http://example.com/"&A1)'], ["=1+1"]])


@hostile("a.xlsx", "no se importó|ninguna fila")
def phones_that_lost_their_digits():
    return xlsx([["TELEFONO"], ["6,12E+08"], [6.12034118612e18]])


def _sheet(cells: str) -> bytes:
    start = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    )
    return f"{start}<sheetData>{cells}</sheetData></worksheet>".encode()
