"""The files of an import while it is on its way, in a private folder.

They hold names and numbers of people, so each goes as soon as nothing needs it. All of
one import begin with the same random word; the name of the upload is never a path.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from leads.csv_files import Row, UnreadableFile
from leads.formulas import escaped
from leads.headers import key
from leads.import_process import MEGABYTE, MOST_BYTES, Spooled, rows_of, spool

PIECE = 64 * 1024
LOCK_TRIES, LOCK_PAUSE = 10, 0.02
UPLOAD, ROWS, SHEET = "upload", "rows", "sheet"
REJECTED, PROGRESS, LOCK = "rejected", "progress", "lock"
PASSING = (UPLOAD, ROWS, SHEET, PROGRESS, LOCK)
ALL = (*PASSING, REJECTED)
OURS = re.compile(r"[0-9a-f]{32}\.[a-z]+")
REASON, ROW = "MOTIVO", "FILA"


class Busy(RuntimeError):
    """Another process is at work on this import."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a step is; `phase` is start, parse, read or commit."""

    done: int
    total: int
    phase: str

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


def path_of(stored_as: str, kind: str) -> Path:
    return folder() / f"{stored_as}.{kind}"


def folder() -> Path:
    place = Path(settings.IMPORT_FOLDER)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def keep(file: Any) -> tuple[str, str]:
    """Copy an upload. Returns its word here and its sha256. Raises UnreadableFile."""
    stored_as, digest, size = secrets.token_hex(16), hashlib.sha256(), 0
    try:
        with _private(path_of(stored_as, UPLOAD)) as copy:
            while piece := file.read(PIECE):
                size += len(piece)
                if size > MOST_BYTES:
                    limit = MOST_BYTES // MEGABYTE
                    raise UnreadableFile.because("too_big", limit=limit)
                digest.update(piece)
                copy.write(piece)
        if not size:
            raise UnreadableFile.because("empty")
    except BaseException:
        forget(stored_as)
        raise
    return stored_as, digest.hexdigest()


def spooled(stored_as: str) -> Spooled:
    """What is in the upload; it is read once, and then only its rows are kept.

    Raises UnreadableFile, and FileNotFoundError if the upload is gone.
    """
    sheet = path_of(stored_as, SHEET)
    if sheet.exists():
        return Spooled(**json.loads(sheet.read_text("utf-8")))
    upload = path_of(stored_as, UPLOAD)
    if not upload.exists():
        raise FileNotFoundError(upload.name)
    rows = path_of(stored_as, ROWS)
    _private(rows).close()
    found = spool(upload, rows)
    with _private(sheet) as text:
        text.write(json.dumps(asdict(found)).encode())
    upload.unlink()
    return found


def rows(stored_as: str) -> Iterator[Row]:
    return rows_of(path_of(stored_as, ROWS))


def forget(stored_as: str, kinds: Sequence[str] = ALL) -> None:
    if stored_as:
        for kind in kinds:
            path_of(stored_as, kind).unlink(missing_ok=True)


def forget_older_than(seconds: float) -> int:
    """How many were deleted, whichever import they were of; of files of ours only, for
    the folder may be anywhere."""
    before, gone = time.time() - seconds, 0
    for path in folder().iterdir():
        if OURS.fullmatch(path.name) and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


# --- Who is at work, and how far ----------------------------------------------------


@contextmanager
def at_work(stored_as: str, *, lock: int | None = None) -> Iterator[None]:
    """One process at a time. The system frees the lock of a process that dies.

    `lock`: a descriptor that holds it already, handed on by whoever started us.
    """
    held = take_lock(stored_as) if lock is None else lock
    try:
        yield
    finally:
        path_of(stored_as, PROGRESS).unlink(missing_ok=True)
        os.close(held)


def take_lock(stored_as: str, *, tries: int = LOCK_TRIES) -> int:
    """Raises Busy. It tries more than once: somebody may only be asking."""
    descriptor = os.open(path_of(stored_as, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    for left in reversed(range(tries)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if not left:
                os.close(descriptor)
                raise Busy from exc
            time.sleep(LOCK_PAUSE)
        else:
            break
    return descriptor


def is_anyone_at_work(stored_as: str) -> bool:
    if not stored_as or not path_of(stored_as, LOCK).exists():
        return False
    try:
        os.close(take_lock(stored_as, tries=1))
    except Busy:
        return True
    return False


def write_progress(stored_as: str, progress: Progress) -> None:
    """In one piece: a reader sees the old or the new."""
    path = path_of(stored_as, PROGRESS)
    fresh = path.with_suffix(".fresh")
    with _private(fresh) as file:
        file.write(json.dumps(asdict(progress)).encode())
    fresh.replace(path)


def progress(stored_as: str) -> Progress | None:
    """None: nobody is at work on it."""
    if not is_anyone_at_work(stored_as):
        return None
    try:
        said = json.loads(path_of(stored_as, PROGRESS).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return Progress(done=0, total=0, phase="start")
    return Progress(**said)


# --- The rows that were rejected ----------------------------------------------------


class RejectedRows:
    """Rows as they were, with the reason, to be corrected and uploaded alone."""

    def __init__(self, stored_as: str, header: Sequence[str]) -> None:
        self._path = path_of(stored_as, REJECTED)
        self._header = header
        self._lines: io.BufferedWriter | None = None

    def add(self, row: Row, reason: str) -> None:
        if self._lines is None:
            self._lines = _private(self._path)
            self._write(list(self._header))
        self._write([row.number, reason, list(row.cells)])

    def close(self) -> bool:
        """Whether there is any."""
        if self._lines is None:
            self._path.unlink(missing_ok=True)
            return False
        self._lines.close()
        return True

    def _write(self, values: list[Any]) -> None:
        assert self._lines is not None  # noqa: S101 (for the type)
        self._lines.write(json.dumps(values, ensure_ascii=False).encode())
        self._lines.write(b"\n")


def rejected_csv(stored_as: str) -> Iterator[str]:
    """As Spanish Excel opens it; the two columns of ours are passed over on import."""
    try:
        lines = path_of(stored_as, REJECTED).open(encoding="utf-8")
    except FileNotFoundError:
        return
    with lines:
        header = json.loads(next(lines))
        ours = {key(REASON), key(ROW)}
        shown = [at for at, name in enumerate(header) if key(name) not in ours]
        yield "\ufeff" + _csv_line([ROW, REASON, *(header[at] for at in shown)])
        for line in lines:
            number, reason, cells = json.loads(line)
            filled = [*cells, *[""] * len(header)]
            kept = [filled[at] for at in shown]
            beyond = cells[len(header) :]
            yield _csv_line([number, reason, *kept, *beyond])


def _csv_line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=";").writerow([escaped(str(cell)) for cell in cells])
    return line.getvalue()


def _private(path: Path) -> io.BufferedWriter:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.fdopen(os.open(path, flags, 0o600), "wb")
