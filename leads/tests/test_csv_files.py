"""A CSV as people save it gives its rows, or a sentence that says what to do."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads import columns
from leads.csv_files import UnreadableFile, read_table


def table(data: bytes):
    return read_table(io.BytesIO(data), recognised=columns.recognised)


def rows(data: bytes) -> list[list[str]]:
    return [list(row.cells) for row in table(data).rows]


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        list(table(data).rows)
    return str(caught.value.reason)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_every_way_to_save_a_csv_gives_the_same_rows(encoding, delimiter, line_end):
    text = line_end.join(
        [
            delimiter.join(["TELÉFONO", "NOMBRE"]),
            delimiter.join(["612345678", '"Peña, García; €"']),
        ]
    )

    assert rows(text.encode(encoding)) == [["612345678", "Peña, García; €"]]


def test_one_line_of_another_program_does_not_spoil_the_accents_of_the_rest():
    data = "TELEFONO;NOMBRE\n1;Íñigo\n".encode() + "2;Begoña\n".encode("cp1252")

    assert rows(data) == [["1", "Íñigo"], ["2", "Begoña"]]


def test_blank_rows_and_excels_sep_line_are_passed_over_but_counted():
    found = table(b"sep=;\r\nTELEFONO;NOMBRE\r\n\r\n;;\r\n1;Ana\r\n").rows

    assert [(row.number, list(row.cells)) for row in found] == [(5, ["1", "Ana"])]


def test_a_row_number_counts_rows_of_the_sheet_not_lines_of_the_file():
    found = table(b'TELEFONO;NOTAS\n1;"dos\nlineas"\n2;x\n').rows

    assert [row.number for row in found] == [2, 3]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "vacío"),
        (b" \r\n \n", "vacío"),
        (b"\xef\xbb\xbf", "vacío"),
        (b"\xff\xfe", "vacío"),
        (b"PK\x03\x04\x14\x00\x06\x00", "guárdelo como CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "guárdelo como CSV"),
        (b"%PDF-1.7\n1 0 obj", "guárdelo como CSV"),
        ("TELEFONO\n1".encode("utf-16-le"), "guárdelo como CSV"),
        ("TELEFONO\n1".encode("utf-16")[:-1], "codificación"),
        (b"TELEFONO\n\x81\x8d\xff", "codificación"),
        (b"TELEFONO;NOMBRE\r600;Ana\r", "finales de línea"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_what_to_do(data, words):
    assert words in refusal(data)


def test_quotes_that_never_close_refuse_the_file_and_name_the_row():
    data = b'TELEFONO;NOMBRE\n1;Ana\n2;"Eva\n3;Luz\n4;Paz\n'

    assert "fila 3" in refusal(data)


def test_quotes_closed_rows_later_never_swallow_rows_in_silence():
    data = b'TELEFONO;NOMBRE\n1;"Eva\n2;Luz"\n3;Paz\n'

    found = list(table(data).rows)

    assert [(row.number, bool(row.problem)) for row in found] == [(2, True), (3, False)]


def test_bad_quotes_within_a_row_spoil_that_row_alone():
    data = b'TELEFONO;NOMBRE\n1;"Eva" Luz\n2;Paz\n'

    found = list(table(data).rows)

    assert [bool(row.problem) for row in found] == [True, False]


@given(st.binary(max_size=400))
@example(b'TELEFONO;"\n')
@example(b"\xfe\xff\xd8")
@example(b"\r")
def test_no_bytes_crash_the_reader(data):
    with suppress(UnreadableFile):
        list(table(data).rows)
