"""An XLSX, XLS or ODS book, checked before it is opened, as rows of text.

It runs in the child of import_process.py: the limits there are the last word.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

import python_calamine
from python_calamine import CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from leads.csv_files import HEAD_LINES, Row, UnreadableFile
from leads.headers import is_header, looks_like_data, recognised, tidied

# A book of 100,000 leads is 10 MB and 110 MB of XML in a dozen members: these leave
# room for twice the rows and for wordy sheets, and no room for a bomb.
MOST_MEMBERS = 200
MOST_UNCOMPRESSED = 400 * 1024 * 1024
MOST_RATIO = 100
# Below this no ratio hurts; small XML of equal cells packs better than 100 to 1.
RATIO_COUNTS_FROM = 4 * 1024 * 1024
CHUNK = 256 * 1024
ZIP_HEAD = b"PK\x03\x04"
OLE_HEAD = b"\xd0\xcf\x11\xe0"
ENCRYPTED_NAMES = tuple(
    name.encode("utf-16-le") for name in ("EncryptedPackage", "EncryptionInfo")
)
LOCAL_HEADER = struct.Struct("<4s22xHH")
DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY")
FORMULAS = (b"<f>", b"<f ", b"table:formula=")
# Excel keeps 15 digits of a number; a longer one has lost some.
EXACT_BELOW = 10**15


@dataclass(frozen=True, kw_only=True)
class Book:
    """The sheet that holds the leads; `warnings` are keys of importing.WARNINGS."""

    header: Sequence[str]
    rows: Iterator[Row]
    sheet_names: Sequence[str]
    warnings: Sequence[str]


def is_book(head: bytes) -> bool:
    return head.startswith((ZIP_HEAD, OLE_HEAD))


def read_book(path: Path) -> Book:
    """Raises UnreadableFile. The first visible sheet whose header means something."""
    warnings = []
    with path.open("rb") as file:
        if file.read(len(ZIP_HEAD)) == ZIP_HEAD:
            if check_archive(file):
                warnings.append("formulas")
        else:
            _refuse_encrypted(file)
    book = _opened(path)
    sheets = book.sheets_metadata
    visible = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible]
    if len(visible) < len(sheets):
        warnings.append("hidden_sheets")
    sheet, header_at = _leads_sheet(book, visible)
    if len(visible) > 1:
        warnings.append("several_sheets")
    if getattr(sheet, "merged_cell_ranges", None):
        warnings.append("merged_cells")
    rows = _rows(sheet)
    header = next(row for row in rows if row.number == header_at)
    names = [sheet.name, *(name for name in visible if name != sheet.name)]
    return Book(header=header.cells, rows=rows, sheet_names=names, warnings=warnings)


def check_archive(file: BufferedReader) -> bool:
    """Raises UnreadableFile. True: there are formulas in it.

    What a member says of its size is not believed: each is inflated, and only counted.
    """
    try:
        members = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise UnreadableFile.because("broken_book") from exc
    packed = sum(one.compress_size for one in members)
    size = file.seek(0, 2)
    declared = sum(one.file_size for one in members)
    if len(members) > MOST_MEMBERS or packed > size:  # overlapping members
        raise UnreadableFile.because("bomb")
    if declared > _allowance(size):
        raise UnreadableFile.because("bomb")
    has_formulas, actual = False, 0
    for member in members:
        if member.flag_bits & 1:
            raise UnreadableFile.because("encrypted")
        tail = b""
        for piece in _inflated(file, member):
            actual += len(piece)
            if actual > _allowance(size):
                raise UnreadableFile.because("bomb")
            text = tail + piece
            if b"<" in text:
                _refuse_declarations(text)
                has_formulas = has_formulas or any(mark in text for mark in FORMULAS)
            tail = piece[-16:]
    return has_formulas


def _allowance(size: int) -> int:
    return min(MOST_UNCOMPRESSED, max(size * MOST_RATIO, RATIO_COUNTS_FROM))


def _inflated(file: BufferedReader, member: zipfile.ZipInfo) -> Iterator[bytes]:
    file.seek(member.header_offset)
    head = file.read(LOCAL_HEADER.size)
    try:
        mark, name_length, extra_length = LOCAL_HEADER.unpack(head)
    except struct.error as exc:
        raise UnreadableFile.because("broken_book") from exc
    if mark != ZIP_HEAD:
        raise UnreadableFile.because("broken_book")
    file.seek(name_length + extra_length, 1)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableFile.because("broken_book")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    left = member.compress_size
    while left > 0 and (packed := file.read(min(CHUNK, left))):
        left -= len(packed)
        if member.compress_type == zipfile.ZIP_STORED:
            yield packed
            continue
        try:
            while packed:
                yield inflate.decompress(packed, CHUNK)
                packed = inflate.unconsumed_tail
        except zlib.error as exc:
            raise UnreadableFile.because("broken_book") from exc


def _refuse_declarations(text: bytes) -> None:
    """No document type in any member: nothing that could name another file."""
    if b"\0" in text[:64]:
        text = text.replace(b"\0", b"")  # UTF-16
    if b"<!" in text and any(mark in text.upper() for mark in DECLARATIONS):
        raise UnreadableFile.because("dtd")


def _refuse_encrypted(file: BufferedReader) -> None:
    file.seek(0)
    content = file.read()
    if any(name in content for name in ENCRYPTED_NAMES):
        raise UnreadableFile.because("encrypted")


def _opened(path: Path) -> CalamineWorkbook:
    try:
        with path.open("rb") as file:
            # By content: the name of the upload is nobody's promise.
            return CalamineWorkbook.from_filelike(file)
    except python_calamine.PasswordError as exc:
        raise UnreadableFile.because("encrypted") from exc
    except (python_calamine.ZipError, python_calamine.XmlError) as exc:
        raise UnreadableFile.because("broken_book") from exc
    except (python_calamine.CalamineError, OSError, ValueError) as exc:
        raise UnreadableFile.because("not_a_book") from exc


def _leads_sheet(
    book: CalamineWorkbook, names: Sequence[str]
) -> tuple[CalamineSheet, int]:
    """The sheet, and the row of its header."""
    nameless = None
    for name in names:
        sheet = _sheet(book, name)
        if sheet is None:
            continue
        head = [row for row in islice(_rows(sheet), HEAD_LINES) if not row.is_blank]
        if not head:
            continue
        # Above a header there may be a title, a date, a logo's merged cell.
        best = max(head, key=lambda row: recognised(row.cells))
        if is_header(best.cells):
            return sheet, best.number
        nameless = nameless or (sheet, head[0])
    if nameless is None:
        raise UnreadableFile.because("no_visible_sheet" if names else "empty")
    sheet, first = nameless
    if looks_like_data(first.cells):
        raise UnreadableFile.because("no_header")
    return sheet, first.number


def _sheet(book: CalamineWorkbook, name: str) -> CalamineSheet | None:
    """None: a chart or a macro sheet, which has no cells."""
    try:
        return book.get_sheet_by_name(name)
    except python_calamine.WorksheetNotFound:
        return None
    except (python_calamine.CalamineError, ValueError) as exc:
        raise UnreadableFile.because("broken_book") from exc


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    if sheet.start is None:
        return
    # Calamine gives the rows above the first cell, too.
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [as_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        yield Row(number=number, cells=texts)


def as_text(cell: Any) -> str:
    """As a person would have typed it in a CSV."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return tidied(cell)
    if isinstance(cell, bool):
        return "sí" if cell else "no"
    if isinstance(cell, float):
        if cell.is_integer():
            # As Excel shows it: whoever reads on sees that digits are gone.
            return str(int(cell)) if abs(cell) < EXACT_BELOW else f"{cell:.5E}"
        return repr(cell)
    if isinstance(cell, datetime | date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, time | timedelta):
        return str(cell)
    return str(cell)
