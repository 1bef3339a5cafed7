"""A CSV file as people save it, read row by row: encoding, delimiter, quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from leads.headers import looks_like_data, tidied

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DELIMITERS = ";,\t|"
HEAD_BYTES = 8192
# Blank lines, Excel's "sep=;" and the header are looked for in so many lines.
HEAD_LINES = 20
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]|\A%PDF")
SEP_LINE = re.compile(r"sep=", re.IGNORECASE)

REASONS: dict[str, StrOrPromise] = {
    "empty": _("El fichero está vacío: compruebe que es el que quería importar."),
    "only_header": _(
        "El fichero solo tiene la cabecera: añada los datos y vuelva a importarlo."
    ),
    "no_header": _(
        "El fichero no tiene cabecera: escriba en la primera fila el nombre de cada "
        "columna (TELEFONO, NOMBRE…) y vuelva a importarlo."
    ),
    "spreadsheet": _(
        "Es un libro de hojas de cálculo, no un CSV: ábralo, guárdelo como CSV "
        "y vuelva a importarlo."
    ),
    "binary": _(
        "No es un fichero de texto: ábralo con su programa, guárdelo como CSV "
        "(UTF-8) y vuelva a importarlo."
    ),
    "encoding": _(
        "No se reconoce la codificación de los acentos: guárdelo como CSV (UTF-8) "
        "y vuelva a importarlo."
    ),
    "line_ends": _(
        "No se reconocen los finales de línea: guárdelo como CSV (UTF-8) "
        "y vuelva a importarlo."
    ),
    "open_quotes": _(
        "En la fila {row} se abren unas comillas que no se cierran, y no se "
        "distinguen las filas siguientes: corríjala y vuelva a importar el fichero."
    ),
    "too_big": _(
        "El fichero pasa de {limit} MB: divídalo en varios e impórtelos uno a uno."
    ),
    "too_many_rows": _(
        "El fichero pasa de {limit} filas: divídalo en varios e impórtelos uno a uno."
    ),
    "too_many_columns": _(
        "El fichero pasa de {limit} columnas: deje solo las de los leads "
        "y vuelva a importarlo."
    ),
    "too_heavy": _(
        "El fichero es demasiado grande o complejo para leerlo sin riesgo: copie los "
        "datos en un libro nuevo, guárdelo como CSV (UTF-8) y vuelva a importarlo."
    ),
    "bomb": _(
        "El libro se descomprime en mucho más de lo que ocupa y no se abre: copie los "
        "datos en un libro nuevo y vuelva a importarlo."
    ),
    "broken_book": _(
        "El libro está dañado y no se puede leer: ábralo, guárdelo otra vez "
        "(XLSX o CSV) y vuelva a importarlo."
    ),
    "not_a_book": _(
        "No es un libro de Excel ni de LibreOffice: guarde los datos como XLSX o CSV "
        "y vuelva a importarlo."
    ),
    "encrypted": _(
        "El libro tiene contraseña: quítesela, guárdelo y vuelva a importarlo."
    ),
    "dtd": _(
        "El libro contiene declaraciones que podrían leer otros ficheros y no se abre: "
        "copie los datos en un libro nuevo y vuelva a importarlo."
    ),
    "no_visible_sheet": _(
        "El libro no tiene ninguna hoja visible con datos: muestre la hoja de los "
        "leads, guárdelo y vuelva a importarlo."
    ),
    "only_formulas": _(
        "Las casillas son fórmulas sin resultado guardado: ábralo con Excel o "
        "LibreOffice, guárdelo otra vez y vuelva a importarlo."
    ),
    # Of one row; the others can be read.
    "bad_quotes": _("Las comillas de la fila no cuadran: quítelas o ciérrelas."),
    "too_many_cells": _(
        "Tiene más casillas que la cabecera: un valor lleva dentro el "
        "separador. Póngalo entre comillas."
    ),
}


class UnreadableFile(ValueError):
    """No lead can be read from it. Show `reason`, which says what to do.

    `code` and `params` can cross from the child that reads to whoever tells it.
    """

    def __init__(self, reason: StrOrPromise, *, code: str = "", **params: Any) -> None:
        super().__init__(code or reason)
        self.reason = reason
        self.code = code
        self.params = params

    @classmethod
    def because(cls, code: str, **params: Any) -> UnreadableFile:
        reason = REASONS[code]
        told = format_lazy(reason, **params) if params else reason
        return cls(told, code=code, **params)


@dataclass(frozen=True, kw_only=True)
class Row:
    """`number` is the row as a spreadsheet counts it; with a `problem` (a key of
    REASONS), no cells or too many."""

    number: int
    cells: Sequence[str] = ()
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.problem and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The header is known; the rows are read from the file while they are iterated."""

    header: Sequence[str]
    delimiter: str
    rows: Iterator[Row]


def read_table(
    file: io.BufferedIOBase, *, recognised: Callable[[Sequence[str]], int]
) -> Table:
    """Raises UnreadableFile, also while iterating the rows.

    `recognised` counts the cells of a header that mean something: the delimiter is
    the one that makes most of it.
    """
    lines = decoded_lines(file)
    first = list(islice(lines, HEAD_LINES))
    delimiter = sniff_delimiter(first, recognised=recognised)
    rows = _rows(chain(first, lines), delimiter=delimiter)
    header = _header(rows)
    if looks_like_data(header) and not recognised(header):
        raise UnreadableFile.because("no_header")
    data = (_tidied(row) for row in rows if not row.is_blank)
    return Table(header=header, delimiter=delimiter, rows=data)


def _tidied(row: Row) -> Row:
    cells = [tidied(cell) for cell in row.cells]
    return Row(number=row.number, cells=cells, problem=row.problem)


def decoded_lines(file: io.BufferedIOBase) -> Iterator[str]:
    """UTF-16 by its mark; else each line is UTF-8 or, failing that, Windows-1252.

    By line, because files glued together from two programs exist, and one old line
    must not spoil the accents of all the others.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    _refuse_other_formats(head)
    if head.startswith(UTF_16):
        yield from _utf_16_lines(file)
        return
    for number, line in enumerate(file):
        yield _decoded(line).removeprefix("\ufeff" if number == 0 else "")


def sniff_delimiter(
    lines: Sequence[str], *, recognised: Callable[[Sequence[str]], int]
) -> str:
    def sense(delimiter: str) -> tuple[int, int]:
        try:
            header = _header(_rows(lines, delimiter=delimiter))
        except UnreadableFile:
            return (0, 0)
        return (recognised(header), len(header))

    return max(DELIMITERS, key=sense)


def _refuse_other_formats(head: bytes) -> None:
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise UnreadableFile.because("empty")
    if head.startswith(SPREADSHEETS):
        raise UnreadableFile.because("spreadsheet")
    if BINARY.search(head) and not head.startswith(UTF_16):
        raise UnreadableFile.because("binary")


def _utf_16_lines(file: io.BufferedIOBase) -> Iterator[str]:
    text = io.TextIOWrapper(
        cast("io.BufferedReader", file), encoding="utf-16", newline=""
    )
    try:
        yield from text
    except UnicodeError as exc:
        raise UnreadableFile.because("encoding") from exc
    finally:
        text.detach()  # or it would close a file that is not ours


def _decoded(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile.because("encoding")


def _header(rows: Iterator[Row]) -> Sequence[str]:
    for row in rows:
        if row.problem:
            raise UnreadableFile.because(row.problem)
        if not row.is_blank and not SEP_LINE.match(row.cells[0]):
            return [cell.strip() for cell in row.cells]
    raise UnreadableFile.because("empty")


def _rows(lines: Iterable[str], *, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = last_line = 0
    while True:
        number, last_line = number + 1, reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            _refuse_lost_rows(exc, number, spans=reader.line_num - last_line)
            yield Row(number=number, problem="bad_quotes")
            continue
        if any("\n" in cell and delimiter in cell for cell in cells):
            # One stray quote here and one further down: rows between were swallowed.
            yield Row(number=number, problem="bad_quotes")
        else:
            yield Row(number=number, cells=cells)


def _refuse_lost_rows(error: csv.Error, number: int, *, spans: int) -> None:
    """Bad quotes within a line spoil one row; those that swallowed others, the file."""
    if "new-line character" in str(error):
        raise UnreadableFile.because("line_ends") from error
    if spans > 1 or "expected after" not in str(error):
        raise UnreadableFile.because("open_quotes", row=number) from error
