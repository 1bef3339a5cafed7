"""The leads of the earlier system, read from its database as if they were a file.

Its table is known only in part, so it is asked which columns it has. Nothing is ever
written there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from leads import headers, suppressions
from leads.columns import LONGEST_NOTES, RowRejected, lead_row
from leads.csv_files import Row
from leads.import_report import Report
from leads.import_rows import Pass, Rejected
from leads.matching import Matcher, NumberedLead
from leads.models import CallStatus, Disposition, Lead, LeadImport, Suppression
from leads.search_text import fold
from leads.spreadsheets import as_text

BATCH = 1000
TABLE = "leads"

# Beside the headers of files, names that only the earlier system gives its columns.
ALSO = {"callnotes": "call_notes", "origenarchivo": "source_file"}
# The first word that fits; the rest of what was said goes into the notes.
DISPOSITIONS = (
    ("cita", Disposition.APPOINTMENT),
    ("volver", Disposition.CALL_BACK),
    ("no interesado", Disposition.NOT_INTERESTED),
    ("numero erroneo", Disposition.WRONG_NUMBER),
    ("num erroneo", Disposition.WRONG_NUMBER),
    ("no llamar", Disposition.DO_NOT_CALL),
)
# In the queue there is not in the queue here: staff select anew.
STATUSES = {
    "completed": CallStatus.COMPLETED,
    "error": CallStatus.ERROR,
    "busy": CallStatus.BUSY,
    "no_answer": CallStatus.NO_ANSWER,
    "calling": CallStatus.ERROR,
}


class LegacyUnreadable(RuntimeError):
    """The other database does not answer, or has no such table. Show `reason`, which
    never holds the password."""

    def __init__(self, reason: str) -> None:
        super().__init__("legacy database unreadable")
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Address:
    host: str
    port: int
    user: str
    password: str
    name: str
    socket: str = ""

    @classmethod
    def of(cls, url: str, *, password: str = "") -> Address:
        """`password`: if the URL has none. Raises LegacyUnreadable."""
        try:
            parts = urlsplit(url)
            port = parts.port or 3306
        except ValueError as exc:
            raise LegacyUnreadable(_not_an_address()) from exc
        name = parts.path.strip("/")
        if parts.scheme not in ("mysql", "mariadb") or not name:
            raise LegacyUnreadable(_not_an_address())
        return cls(
            host=parts.hostname or "localhost",
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or "") or password,
            name=unquote(name),
            socket=parse_qs(parts.query).get("unix_socket", [""])[0],
        )

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"


def import_legacy(
    address: Address,
    *,
    now: datetime,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Whole or not at all, and a second time only what changed there.

    Raises LegacyUnreadable.
    """
    with _reading(address) as cursor, transaction.atomic():
        columns = _columns(cursor, address)
        cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")  # noqa: S608 (a name of ours)
        total = int(cursor.fetchone()[0])
        record = _record(address, now=now)
        if not dry_run:
            # As for any import: no other one may write between asking and writing.
            LeadImport.objects.select_for_update().order_by("pk").first()
            record.save()
        where = _fields(columns)
        mapped = {*where.values(), "call_notes"}
        matcher = Matcher(mapped=mapped, update_existing=True, now=now)
        one = Pass(record=record, matcher=matcher, now=now, write=not dry_run)
        report = one.over(
            _candidates(cursor, columns, where, now=now),
            tell=lambda done: progress(done, total) if progress else None,
        )
        if not dry_run:
            _exclude(record, now=now)
            LeadImport.objects.filter(pk=record.pk).update(
                rows=report.rows,
                problems=report.problems,
                details={"warnings": report.warnings},
                **report.counts,
            )
    return report


def _record(address: Address, *, now: datetime) -> LeadImport:
    return LeadImport(
        name=f"{TABLE} ({address})"[:255],
        sha256="",
        state=LeadImport.State.DONE,
        created_at=now,
        done_at=now,
    )


def _exclude(record: LeadImport, *, now: datetime) -> None:
    """Who asked there not to be called any more is not called from here either."""
    suppressions.exclude(
        Lead.objects.filter(lead_import=record, disposition=Disposition.DO_NOT_CALL),
        list=Suppression.List.REQUEST,
        reason=str(Disposition.DO_NOT_CALL.label),
        source=record.name[:100],
        by=None,
        now=now,
    )


@contextmanager
def _reading(address: Address) -> Iterator[Any]:
    """A cursor that sees one moment of the other database and can't write to it."""
    try:
        import MySQLdb  # type: ignore[import-untyped]
    except ImportError as exc:
        raise LegacyUnreadable(
            _("Falta mysqlclient: instale requirements-mysql.txt.")
        ) from exc
    options: dict[str, Any] = {"unix_socket": address.socket} if address.socket else {}
    try:
        connection = MySQLdb.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.name,
            charset="utf8mb4",
            connect_timeout=10,
            **options,
        )
    except MySQLdb.Error as exc:
        raise LegacyUnreadable(_unreadable(address, exc)) from exc
    try:
        cursor = connection.cursor()
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield cursor
    except MySQLdb.Error as exc:
        raise LegacyUnreadable(_unreadable(address, exc)) from exc
    finally:
        connection.close()


def _columns(cursor: Any, address: Address) -> list[str]:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = %s "
        "ORDER BY ordinal_position",
        [TABLE],
    )
    found = [str(row[0]) for row in cursor.fetchall()]
    if "id" not in found or "phone" not in _fields(found).values():
        raise LegacyUnreadable(
            _("En {place} no hay una tabla «leads» con «id» y «telefono».").format(
                place=address
            )
        )
    return found


def _fields(columns: Sequence[str]) -> dict[str, str]:
    """By column there, the field here."""
    known = [name for name in columns if name != "id"]
    found = {
        known[at]: field
        for field, at in headers.named(known, headers.LEAD_HEADERS).items()
        if field != "external_id"
    }
    for name in known:
        field = ALSO.get(headers.key(name))
        if field and field not in found.values():
            found[name] = field
    return found


def _candidates(
    cursor: Any, columns: Sequence[str], where: Mapping[str, str], *, now: datetime
) -> Iterator[NumberedLead | Rejected]:
    today = timezone.localdate(now)
    for there in _rows(cursor, columns):
        cells = {field: as_text(there[name]) for name, field in where.items()}
        source_file = cells.pop("source_file", "")
        cells["external_id"] = f"legacy:{there['id']}"
        if notes := _notes(there):
            whole = f"{cells.get('call_notes', '')} {notes}".strip()
            cells["call_notes"] = whole[:LONGEST_NOTES]
        try:
            lead = lead_row(cells, today=today)
        except RowRejected as exc:
            row = Row(number=there["id"], cells=[*cells.values()])
            yield Rejected(row=row, reason=str(exc.reason))
            continue
        more = _engine_columns(there)
        if source_file:
            more["source_file"] = source_file[:255]
        yield NumberedLead(number=there["id"], lead=lead, more=more)


def _rows(cursor: Any, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some at a time, each time from the last id on: the table may be of any size."""
    names = ", ".join(f"`{name}`" for name in columns if "`" not in name)
    query = f"SELECT {names} FROM {TABLE} WHERE id > %s ORDER BY id LIMIT {BATCH}"  # noqa: S608
    last: Any = -1
    while True:
        cursor.execute(query, [last])
        kept = [column[0] for column in cursor.description]
        batch = cursor.fetchall()
        for values in batch:
            yield dict(zip(kept, values, strict=True))
        if not batch:
            return
        last = dict(zip(kept, batch[-1], strict=True))["id"]


def _engine_columns(there: Mapping[str, Any]) -> dict[str, Any]:
    """What happened there, for a new lead; one that is here keeps what happened here.

    Nobody is put into the queue: whom to call is decided anew.
    """
    status = as_text(there.get("call_status")).lower()
    found: dict[str, Any] = {
        "call_status": STATUSES.get(status, CallStatus.NO_SELECTED),
        "selected_for_calling": False,
        "call_attempts_count": max(0, int(there.get("call_attempts_count") or 0)),
        "manual_management": bool(there.get("manual_management") or False),
        "disposition": _disposition(there),
    }
    if error := as_text(there.get("call_error_message")):
        found["call_error_message"] = error
    if status == "calling":
        found["call_error_message"] = _(
            "En el sistema anterior quedó «en llamada»: no se sabe cómo terminó."
        )
    last = there.get("last_call_attempt")
    if isinstance(last, datetime):
        # The earlier system wrote the time of its clock on the wall, in Spain.
        local = last if last.tzinfo else timezone.make_aware(last)
        found["last_call_attempt"] = local.astimezone(UTC)
    return found


def _disposition(there: Mapping[str, Any]) -> str:
    said = fold(_levels(there))
    for words, disposition in DISPOSITIONS:
        if words in said:
            return disposition
    return Disposition.NONE


def _notes(there: Mapping[str, Any]) -> str:
    levels = _levels(there)
    return _("Sistema anterior: {said}.").format(said=levels) if levels else ""


def _levels(there: Mapping[str, Any]) -> str:
    levels = (as_text(there.get(f"status_level_{n}")) for n in (1, 2))
    return " / ".join(level for level in levels if level)


def _not_an_address() -> str:
    return _("No es una dirección: escriba mysql://usuario:clave@servidor/base")


def _unreadable(address: Address, error: Exception) -> str:
    """The number alone: what the server says may repeat what it was told."""
    words = _("No se puede leer {place} (error {code}): compruebe servidor y permisos.")
    return words.format(place=address, code=error.args[0] if error.args else "—")
