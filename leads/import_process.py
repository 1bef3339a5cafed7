"""Reading an upload in a process of its own, which may eat neither memory nor time.

    python -m leads.import_process UPLOAD SPOOL

It knows no settings and no database. Of the upload it makes a spool: a line of JSON
with the header, then one for each row: its number, its problem or "", its cells. What
it has to say of the whole goes to standard output.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from leads.csv_files import Row, UnreadableFile, read_table
from leads.headers import recognised, told_apart
from leads.spreadsheets import is_book, read_book

ROOT = Path(__file__).resolve().parent.parent
# The issue wants 100,000 rows: twice as many, and columns for three lives of a lead.
MOST_BYTES = 25 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 60
# Address space, not memory: 100,000 rows of 16 columns take 190 MB of it and 160 MB of
# memory; a book that wants more than this is refused, not swapped.
ADDRESS_SPACE = 512 * 1024 * 1024
CPU_SECONDS = 60
WALL_SECONDS = 120
SPOOL_BYTES = 300 * 1024 * 1024
SAMPLE = 5
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """What the child says of an upload."""

    header: Sequence[str]
    sample: Sequence[Sequence[str]]
    rows: int
    sheet_names: Sequence[str]
    warnings: Sequence[str]


def spool(upload: Path, to: Path) -> Spooled:
    """Read an upload in a child. Raises UnreadableFile; then no spool is left."""
    try:
        said = _child(upload, to)
        if "refused" in said:
            raise UnreadableFile.because(said["refused"], **said["params"])
        return Spooled(**said)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def rows_of(spooled: Path) -> Iterator[Row]:
    with spooled.open(encoding="utf-8") as lines:
        next(lines)  # the header
        for line in lines:
            number, problem, cells = json.loads(line)
            yield Row(number=number, problem=problem, cells=cells)


def _child(upload: Path, to: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "leads.import_process", str(upload), str(to)]
    try:
        done = subprocess.run(  # noqa: S603 (our own module)
            command,
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_SECONDS,
            check=True,
        )
        said: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as exc:
        # Killed by a limit, or by a fault of the parser: no other file is harmed.
        raise UnreadableFile.because("too_heavy") from exc
    return said


# --- In the child -------------------------------------------------------------------


def main(upload: Path, to: Path) -> None:
    for limit, most in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, SPOOL_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        said = _spooled(upload, to)
    except UnreadableFile as exc:
        said = {"refused": exc.code, "params": exc.params}
    json.dump(said, sys.stdout)


def _spooled(upload: Path, to: Path) -> dict[str, Any]:
    with upload.open("rb") as file:
        if not is_book(file.read(8)):
            file.seek(0)
            table = read_table(file, recognised=recognised)
            return _write(table.header, table.rows, to=to)
    book = read_book(upload)
    rows = _narrowed(book.rows, width=len(book.header))
    try:
        said = _write(book.header, rows, to=to)
    except UnreadableFile as exc:
        if exc.code == "only_header" and "formulas" in book.warnings:
            raise UnreadableFile.because("only_formulas") from exc
        raise
    return said | {
        "sheet_names": list(book.sheet_names),
        "warnings": list(book.warnings),
    }


def _narrowed(rows: Iterator[Row], *, width: int) -> Iterator[Row]:
    """A sheet may have a remark beside its table; it is no reason to lose the row."""
    for row in rows:
        yield Row(number=row.number, cells=row.cells[:width])


def _write(header: Sequence[str], rows: Iterator[Row], *, to: Path) -> dict[str, Any]:
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile.because("too_many_columns", limit=MOST_COLUMNS)
    names = told_apart(header)
    count = 0
    sample: list[Sequence[str]] = []
    with to.open("w", encoding="utf-8", errors="replace") as lines:
        _line(lines, names)
        for row in rows:
            if row.is_blank:
                continue
            count += 1
            if count > MOST_ROWS:
                limit = f"{MOST_ROWS:,}".replace(",", ".")
                raise UnreadableFile.because("too_many_rows", limit=limit)
            # One cell more than the header is enough to say that it is wrong.
            cells = row.cells[: len(names) + 1]
            _line(lines, [row.number, row.problem, cells])
            if len(sample) < SAMPLE:
                sample.append([*cells, *[""] * len(names)][: len(names)])
    if not count:
        raise UnreadableFile.because("only_header")
    return {
        "header": names,
        "sample": sample,
        "rows": count,
        "sheet_names": [],
        "warnings": [],
    }


def _line(lines: TextIO, values: Any) -> None:
    lines.write(json.dumps(values, ensure_ascii=False, separators=(",", ":")))
    lines.write("\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
