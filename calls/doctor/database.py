"""Whether the database can be trusted, and who keeps it from working."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache

from django.db import (
    DatabaseError,
    OperationalError,
    connection,
    models,
    transaction,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from calls import database_trust
from calls.doctor.findings import Finding, Level, span
from calls.models import CallAttempt, Campaign, PearlEvent, Recording, RunState, Worker
from leads.models import Lead, Suppression

# A statement of the doctor's own waits, and works, no longer.
LOCK_SECONDS = 1
STATEMENT_SECONDS = 5
LONG = timedelta(seconds=10)
NOTABLE_SKEW = timedelta(seconds=2)
GATE_TRIES = 10
INDEXED = (Lead, CallAttempt, PearlEvent, Recording, Suppression, Worker)
CLAIM_INDEX = "lead_queue"
# MySQL's "you need the PROCESS privilege".
DENIED = 1227

Columns = tuple[str, ...]


@contextmanager
def bounded() -> Iterator[None]:
    """Meanwhile this connection waits for no lock, and for no statement, for long."""
    before = _set_bounds()
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            for statement in before:
                cursor.execute(statement)


def _set_bounds() -> list[str]:
    """The statements that take them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            (usual,) = cursor.execute("PRAGMA busy_timeout").fetchone()
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
            return [f"PRAGMA busy_timeout = {usual}"]
        bounds = {"innodb_lock_wait_timeout": LOCK_SECONDS}
        if getattr(connection, "mysql_is_mariadb", False):
            bounds["max_statement_time"] = STATEMENT_SECONDS
        else:
            bounds["max_execution_time"] = STATEMENT_SECONDS * 1000
        for name, value in bounds.items():
            cursor.execute(f"SET SESSION {name} = {value}")
        return [f"SET SESSION {name} = DEFAULT" for name in bounds]


def check_migrations() -> Iterator[Finding]:
    pending = pending_migrations()
    if pending:
        names = ", ".join(f"{app}.{name}" for app, name in pending[:3])
        sentence = _(
            "Migraciones sin hacer: %(count)d (%(names)s…). Ejecute «manage.py "
            "migrate»."
        )
        yield Finding(
            check="migrations",
            level=Level.CRITICAL,
            sentence=sentence % {"count": len(pending), "names": names},
            blocks=True,
        )
    else:
        yield _ok("migrations", _("Migraciones: todas hechas."))


def pending_migrations() -> list[tuple[str, str]]:
    """Of this code, not applied to the database. One query."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(_known_migrations() - applied.keys())


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.graph.nodes)


def check_settings(*, now: datetime, is_worked: bool) -> Iterator[Finding]:
    """Isolation, durability and clock: a worker does not start unless they are well."""
    problems = database_trust.database_problems(now)
    for sentence in problems:
        yield Finding(
            check="settings",
            level=Level.CRITICAL,
            sentence=sentence,
            blocks=not is_worked,
        )
    if not problems:
        yield _ok("settings", _("Aislamiento y durabilidad: en orden."))
    skew = database_trust.clock_skew(now)
    seconds = number_format(abs(skew.total_seconds()), 1)
    if abs(skew) > NOTABLE_SKEW:
        sentence = _(
            "El reloj de este equipo y el de la base de datos difieren en %s segundos: "
            "sincronícelos (NTP)."
        )
        yield Finding(check="clock", level=Level.WARNING, sentence=sentence % seconds)
    else:
        yield _ok("clock", _("Relojes: difieren en %s segundos.") % seconds)


# --- Indexes ------------------------------------------------------------------------


def check_indexes() -> Iterator[Finding]:
    missing = [name for model in INDEXED for name in _missing(model)]
    if not missing:
        yield _ok("indexes", _("Índices: están todos."))
        return
    vital = [name for name in missing if name == CLAIM_INDEX or "unique" in name]
    sentence = _("Faltan índices o tienen otras columnas (%s): créelos de nuevo.")
    yield Finding(
        check="indexes",
        level=Level.CRITICAL if vital else Level.WARNING,
        sentence=sentence % ", ".join([*vital, *(set(missing) - set(vital))][:5]),
    )


def _missing(model: type[models.Model]) -> list[str]:
    """Indexes and unique columns of the model that its table does not have, with just
    these columns in this order."""
    meta = model._meta
    found, unique = _indexes(meta.db_table)
    columns_of = {one.name: str(one.column) for one in meta.local_fields}
    lacking = [
        index.name
        for index in meta.indexes
        if found.get(index.name) != tuple(columns_of[name] for name in index.fields)
    ]
    return lacking + [
        f"{meta.db_table}.{one.column} unique"
        for one in meta.local_fields
        if one.unique and not one.primary_key and (one.column,) not in unique
    ]


def _indexes(table: str) -> tuple[dict[str, Columns], set[Columns]]:
    """The table's ascending indexes by name, and which columns are unique together."""
    columns: dict[str, list[str]] = {}
    unique: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(INDEX_COLUMNS[connection.vendor], [table])
        for name, is_unique, column in cursor.fetchall():
            columns.setdefault(name, []).append(column)
            if is_unique:
                unique.add(name)
    found = {name: tuple(listed) for name, listed in columns.items()}
    return found, {found[name] for name in unique}


INDEX_COLUMNS = {
    "sqlite": (
        'SELECT i.name, i."unique", c.name FROM pragma_index_list(%s) AS i,'
        " pragma_index_xinfo(i.name) AS c"
        ' WHERE c."key" AND NOT c."desc" ORDER BY i.name, c.seqno'
    ),
    # A column in descending order has the collation D.
    "mysql": (
        "SELECT INDEX_NAME, NOT NON_UNIQUE, COLUMN_NAME"
        " FROM information_schema.STATISTICS"
        " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND COLLATION = 'A'"
        " ORDER BY INDEX_NAME, SEQ_IN_INDEX"
    ),
}


# --- Locks --------------------------------------------------------------------------


def check_locks() -> Iterator[Finding]:
    """Who keeps the gate of a campaign, without which nobody is claimed nor stopped."""
    locked = _locked_gates()
    holders, can_see = _long_transactions()
    if locked:
        sentence = _(
            "Otro proceso tiene bloqueada desde hace más de un segundo %(what)s, y "
            "mientras tanto no se llama a nadie. %(holders)s"
        )
        yield Finding(
            check="locks",
            level=Level.CRITICAL,
            sentence=sentence % {"what": locked, "holders": holders or _who(can_see)},
            blocks=True,
        )
    elif holders:
        yield Finding(check="locks", level=Level.WARNING, sentence=holders)
    elif not can_see:
        yield Finding(check="locks", level=Level.NOTE, sentence=_who(can_see))
    else:
        yield _ok("locks", _("Bloqueos: ninguno que dure."))


def _who(can_see: bool) -> str:
    if can_see:
        return _("Mire qué procesos escriben en la base de datos.")
    return _(
        "Quién bloquea no se puede ver: al usuario de la base de datos le falta el "
        "permiso PROCESS."
    )


def _locked_gates() -> str:
    if connection.vendor == "sqlite":
        return _("la base de datos entera") if _is_locked(0) else ""
    active = Campaign.objects.exclude(state=RunState.STOPPED)
    for campaign in active.order_by("id")[:GATE_TRIES]:
        if _is_locked(campaign.pk):
            return _("la campaña «%s»") % campaign.name
    return ""


def _is_locked(campaign_id: int) -> bool:
    """Whether it stays locked for a second; workers hold it for milliseconds."""
    for _again in range(GATE_TRIES):
        try:
            with transaction.atomic():
                gate = Campaign.objects.filter(pk=campaign_id)
                list(gate.select_for_update(nowait=True).values_list("pk"))
        except OperationalError:
            if connection.vendor == "sqlite":  # has waited for as long as it may
                return True
            time.sleep(LOCK_SECONDS / GATE_TRIES)
        else:
            return False
    return True


def _long_transactions() -> tuple[str, bool]:
    """Those that hold locks for long, in words without a value of theirs; False: this
    database user may not see them."""
    if connection.vendor != "mysql":
        return "", True
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT trx_mysql_thread_id,"
                " TIMESTAMPDIFF(SECOND, trx_started, NOW()), trx_rows_locked"
                " FROM information_schema.INNODB_TRX"
                " JOIN information_schema.PROCESSLIST ON ID = trx_mysql_thread_id"
                " WHERE DB = DATABASE() AND ID <> CONNECTION_ID()"
                " AND trx_started < NOW() - INTERVAL %s SECOND"
                " AND trx_rows_locked + trx_rows_modified > 0"
                " ORDER BY trx_started LIMIT 3",
                [LONG.total_seconds()],
            )
            rows = cursor.fetchall()
    except DatabaseError as exc:
        if exc.args and exc.args[0] == DENIED:
            return "", False
        raise
    sentence = _(
        "La conexión %(id)d de la base de datos bloquea filas desde hace %(age)s: si "
        "no es un cambio de muchos leads, termínela («KILL %(id)d»)."
    )
    words = [
        sentence % {"id": thread, "age": span(timedelta(seconds=age))}
        for thread, age, _locked in rows
    ]
    return " ".join(words), True


def _ok(check: str, sentence: str) -> Finding:
    return Finding(check=check, level=Level.OK, sentence=sentence)
