"""Leads out of the system: rows in constant memory, as a CSV or an Excel workbook.

The columns bear the headers that our own import knows, so a file that went out can come
back in. Columns of results come from whoever keeps them (`Results`).
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

import xlsxwriter
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from leads.formulas import escaped
from leads.headers import SPACED_OUT, tidied
from leads.models import (
    CallStatus,
    Consent,
    Disposition,
    Export,
    Lead,
    NotInterested,
)

CHUNK = 2_000
# A sheet has 2**20 rows, and the header takes one.
XLSX_ROWS = 2**20 - 1
XLSX_CELL = 32_767
BOM = "\ufeff"
# Excel cannot keep them, or shows nothing; tabs and line ends it can.
NOT_IN_XLSX = dict.fromkeys({*range(32), *range(127, 160)} - {9, 10}, " ")

Cell = str | int | datetime | None
# For some leads, by id, the cells of their results.
Results = Callable[[Sequence[Lead]], Mapping[int, Sequence[Cell]]]

CONSENTS = {Consent.GIVEN: "sí", Consent.REFUSED: "no", Consent.UNKNOWN: ""}

# The headers of the import, and where each cell comes from.
LEAD_COLUMNS: Mapping[str, str] = {
    "NOMBRE": "first_name",
    "APELLIDOS": "last_name",
    "TELEFONO": "phone",
    "TELEFONO2": "phone_alt",
    "NIF": "national_id",
    "FECHA_NACIMIENTO": "birth_date",
    "SEXO": "sex",
    "EMAIL": "email",
    "POLIZA": "policy_number",
    "SEGMENTO": "segment",
    "CERTIFICADO": "certificate",
    "DELEGACION": "delegation",
    "CLINICA": "clinic_name",
    "ID_CLINICA": "clinic_id",
    "DIRECCION_CLINICA": "clinic_address",
    "CODIGO_POSTAL": "postal_code",
    "CIUDAD": "city",
    "PROVINCIA": "province",
    "ID_EXTERNO": "external_id",
    "PRIORIDAD": "call_priority",
    "CONSENTIMIENTO": "consent",
    "ORIGEN_CONSENTIMIENTO": "consent_source",
    "NOTAS": "call_notes",
}
STATE_COLUMNS: Mapping[str, str] = {
    "ESTADO": "call_status",
    "EN_COLA": "selected_for_calling",
    "INTENTOS": "call_attempts_count",
    "ULTIMO_INTENTO": "last_call_attempt",
    "PROXIMA_LLAMADA": "next_call_at",
    "RELLAMADA": "callback_at",
    "RESULTADO_COMERCIAL": "disposition",
    "MOTIVO_RESULTADO": "disposition_reason",
    "ERROR_LLAMADA": "call_error_message",
    "ARCHIVO_ORIGEN": "source_file",
    "FILA_ORIGEN": "source_row",
}
READ = (
    "phone_e164",
    "phone_alt_e164",
    *LEAD_COLUMNS.values(),
    *STATE_COLUMNS.values(),
)


class TooManyRows(ValueError):
    """More leads than a sheet of Excel has rows. Show `reason`."""

    reason = _(
        "Son más leads de los que caben en una hoja de Excel (1.048.575): expórtelos "
        "como CSV o en dos partes, con un filtro."
    )


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What goes out: the leads, and the columns that follow their own."""

    leads: QuerySet[Lead]
    result_headers: Sequence[str] = ()
    results: Results | None = None

    @property
    def header(self) -> list[str]:
        return [*LEAD_COLUMNS, *STATE_COLUMNS, *self.result_headers]

    def chunks(self) -> Iterator[list[list[Cell]]]:
        """By id, each chunk after the last of the one before: a lead changed meanwhile
        is neither missed nor repeated, and the last chunk costs what the first did."""
        rows, words = self.leads.order_by("pk").only(*READ), labels()
        last = 0
        while chunk := [*rows.filter(pk__gt=last)[:CHUNK]]:
            last = chunk[-1].pk
            yield self._cells(chunk, words=words)

    def _cells(
        self, chunk: Sequence[Lead], *, words: Mapping[str, Mapping[str, str]]
    ) -> list[list[Cell]]:
        results = self.results(chunk) if self.results else {}
        nothing = [None] * len(self.result_headers)
        return [
            [
                *lead_cells(lead),
                *state_cells(lead, words=words),
                *results.get(lead.pk, nothing),
            ]
            for lead in chunk
        ]


# --- One lead -----------------------------------------------------------------------


def lead_cells(lead: Lead) -> list[Cell]:
    """As the import reads them."""
    special: dict[str, Cell] = {
        "phone": lead.phone_e164 or lead.phone,
        "phone_alt": lead.phone_alt_e164 or lead.phone_alt,
        "birth_date": spanish_date(lead.birth_date),
        "consent": CONSENTS[Consent(lead.consent)],
    }
    return [
        special[name] if name in special else getattr(lead, name)
        for name in LEAD_COLUMNS.values()
    ]


def state_cells(lead: Lead, *, words: Mapping[str, Mapping[str, str]]) -> list[Cell]:
    """In the words that staff read."""
    cells: list[Cell] = []
    for name in STATE_COLUMNS.values():
        value = getattr(lead, name)
        if name in words:
            value = words[name].get(value, value)
        elif name == "selected_for_calling":
            value = "sí" if value else "no"
        cells.append(value)
    return cells


def labels() -> dict[str, dict[str, str]]:
    """By column, each value's words: translated once, and not for each lead."""
    columns = {
        "call_status": CallStatus.choices,
        "disposition": Disposition.choices,
        "disposition_reason": NotInterested.choices,
    }
    return {
        name: {value: str(label) for value, label in choices if value}
        for name, choices in columns.items()
    }


def spanish_date(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/}{day.year:04d}"


# --- CSV ----------------------------------------------------------------------------


def csv_lines(sheet: Sheet, *, record: Export) -> Generator[bytes]:
    """For Excel in Spanish: a mark of UTF-8, and semicolons."""
    yield (BOM + csv_text([sheet.header])).encode()
    for rows in _recorded(sheet, record):
        yield csv_text(rows).encode()


def csv_text(rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_MINIMAL)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_cell(cell: Cell) -> str:
    """One line, as the import would tidy it, and nothing that a spreadsheet runs."""
    if cell is None or cell == "":
        return ""
    if isinstance(cell, str):
        text = cell if cell.isprintable() else cell.translate(SPACED_OUT)
        return escaped(text.strip())
    if isinstance(cell, int):
        return str(cell)
    return f"{localtime(cell):%d/%m/%Y %H:%M}"


# --- Excel --------------------------------------------------------------------------


def xlsx_file(sheet: Sheet, *, record: Export) -> IO[bytes]:
    """A nameless temporary file, gone when it is closed. Raises TooManyRows."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the reader closes it)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _write_workbook(file, sheet, record=record, folder=folder)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write_workbook(
    file: IO[bytes], sheet: Sheet, *, record: Export, folder: str
) -> None:
    options = {"constant_memory": True, "tmpdir": folder}
    # Left by an error, it closes its own files, too.
    with xlsxwriter.Workbook(file, options) as book:
        page = book.add_worksheet("Leads")
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        page.freeze_panes(1, 0)
        page.set_column(0, len(sheet.header) - 1, 18)
        for at, name in enumerate(sheet.header):
            page.write_string(0, at, name, bold)
        for line, row in enumerate(_lines(sheet, record), start=1):
            for at, cell in enumerate(row):
                _write_cell(page, line, at, cell, moment=moment)


def _lines(sheet: Sheet, record: Export) -> Iterator[list[Cell]]:
    line = 0
    for rows in _recorded(sheet, record):
        line += len(rows)
        if line > XLSX_ROWS:
            raise TooManyRows
        yield from rows


def _write_cell(page: Any, line: int, at: int, cell: Cell, *, moment: Any) -> None:
    """Text as text, whatever it begins with: a sheet runs only what is a formula."""
    if isinstance(cell, datetime):
        page.write_datetime(line, at, localtime(cell).replace(tzinfo=None), moment)
    elif isinstance(cell, int):
        page.write_number(line, at, cell)
    elif cell:
        page.write_string(line, at, xlsx_text(cell))


def xlsx_text(text: str) -> str:
    if text[:1].isalnum() and text.isprintable() and len(text) <= XLSX_CELL:
        return text
    text = text.replace("\r\n", "\n").translate(NOT_IN_XLSX)
    if tidied(text) != " ".join(text.split()):
        text = escaped(text)  # our import would take it for something escaped
    return text if len(text) <= XLSX_CELL else text[: XLSX_CELL - 1] + "…"


# --- The record ---------------------------------------------------------------------


def _recorded(sheet: Sheet, record: Export) -> Iterator[list[list[Cell]]]:
    """The chunks, each written down before it leaves."""
    rows = 0
    for chunk in sheet.chunks():
        rows += len(chunk)
        Export.objects.filter(pk=record.pk).update(rows=rows)
        yield chunk


def until_finished(pieces: Generator[bytes], *, record: Export) -> Generator[bytes]:
    """A record without an end is of a download that was cut."""
    try:
        yield from pieces
    finally:
        pieces.close()
    Export.objects.filter(pk=record.pk).update(finished_at=timezone.now())
