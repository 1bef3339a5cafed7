"""A CSV file as people save it, read row by row: encoding, delimiter, quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from django.utils.translation import gettext_lazy as _

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
}
BAD_QUOTES = _("Las comillas de la fila no cuadran: quítelas o ciérrelas.")


class UnreadableFile(ValueError):
    """No lead can be read from it. Show `reason`, which says what to do."""

    def __init__(self, reason: StrOrPromise) -> None:
        super().__init__(reason)
        self.reason = reason

    @classmethod
    def because(cls, code: str) -> UnreadableFile:
        return cls(REASONS[code])


@dataclass(frozen=True, kw_only=True)
class Row:
    """`number` is the row as a spreadsheet counts it; with a `problem`, no cells."""

    number: int
    cells: Sequence[str] = ()
    problem: StrOrPromise = ""

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
    data = (row for row in rows if not row.is_blank)
    return Table(header=header, delimiter=delimiter, rows=data)


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
            raise UnreadableFile(row.problem)
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
            yield Row(number=number, problem=BAD_QUOTES)
            continue
        if any("\n" in cell and delimiter in cell for cell in cells):
            # One stray quote here and one further down: rows between were swallowed.
            yield Row(number=number, problem=BAD_QUOTES)
        else:
            yield Row(number=number, cells=cells)


def _refuse_lost_rows(error: csv.Error, number: int, *, spans: int) -> None:
    """Bad quotes within a line spoil one row; those that swallowed others, the file."""
    if "new-line character" in str(error):
        raise UnreadableFile.because("line_ends") from error
    if spans > 1 or "expected after" not in str(error):
        reason = _(
            "En la fila %(row)d se abren unas comillas que no se cierran, y no se "
            "distinguen las filas siguientes: corríjala y vuelva a importar el fichero."
        )
        raise UnreadableFile(reason % {"row": number}) from error
