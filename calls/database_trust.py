"""Whether the database can be trusted to keep a claim that it has committed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _

MAX_CLOCK_SKEW_SECONDS = 30
SYNCHRONOUS_FULL = 2


def database_problems(now: datetime) -> list[str]:
    """What of the database's settings could lose a committed claim or misread the clock
    (reliability.md 0.10, 1.7, 6). Empty: it may be trusted."""
    problems = _of_mysql() if connection.vendor == "mysql" else _of_sqlite()
    if abs(clock_skew(now).total_seconds()) > MAX_CLOCK_SKEW_SECONDS:
        problems.append(
            _(
                "El reloj de este equipo y el de la base de datos difieren en más de "
                "30 segundos: sincronícelos (NTP)."
            )
        )
    return problems


def _of_mysql() -> list[str]:
    # MariaDB had the name of MySQL 5 for it until 11.1.
    is_mariadb = getattr(connection, "mysql_is_mariadb", False)
    isolation_name = "tx_isolation" if is_mariadb else "transaction_isolation"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT @@{isolation_name}, @@sql_mode, "
            "@@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, "
            "@@character_set_connection"
        )
        isolation, mode, flush, binlog, sync, charset = cursor.fetchone()
        cursor.execute("SHOW VARIABLES LIKE 'wsrep%'")
        cluster = {str(name): str(value) for name, value in cursor.fetchall()}
    problems = {
        _("La base de datos debe usar READ COMMITTED."): isolation != "READ-COMMITTED",
        _("La base de datos debe usar un sql_mode estricto."): "STRICT" not in mode,
        _("La base de datos debe usar utf8mb4."): charset != "utf8mb4",
        _(
            "La base de datos puede perder llamadas ya confirmadas: ponga "
            "innodb_flush_log_at_trx_commit = 1."
        ): flush != 1,
        _("La base de datos puede perder llamadas ya confirmadas: sync_binlog = 1."): (
            bool(binlog) and sync != 1
        ),
    }
    problems |= cluster_problems(cluster)
    return [sentence for sentence, holds in problems.items() if holds]


def cluster_problems(variables: Mapping[str, str]) -> dict[str, bool]:
    """Of a Galera node (docs/decisions/one-writer-in-a-cluster.md): what could show a
    STOP late after a failover, or split the cluster in two that both dial."""
    if variables.get("wsrep_on") != "ON":
        return {}
    options = variables.get("wsrep_provider_options", "").replace(" ", "").lower()
    waits_to_read = int(variables.get("wsrep_sync_wait", "0")) & 1
    return {
        _(
            "El clúster Galera puede leer datos atrasados tras cambiar de nodo: ponga "
            "wsrep_sync_wait = 1."
        ): not waits_to_read,
        _("El nodo Galera responde aunque esté aislado: wsrep_dirty_reads = OFF."): (
            variables.get("wsrep_dirty_reads", "OFF") == "ON"
        ),
        _(
            "El clúster Galera puede partirse en dos que llamen a la vez: quite "
            "pc.ignore_sb y pc.ignore_quorum de wsrep_provider_options."
        ): any(
            f"pc.{name}={yes}" in options
            for name in ("ignore_sb", "ignore_quorum")
            for yes in ("true", "yes", "on", "1")
        ),
    }


def _of_sqlite() -> list[str]:
    with connection.cursor() as cursor:
        (mode,) = cursor.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = cursor.execute("PRAGMA synchronous").fetchone()
    problems = {
        _("SQLite debe usar WAL: el disco de la base de datos debe ser local."): (
            mode != "wal"
        ),
        _(
            "SQLite puede perder llamadas ya confirmadas: ponga synchronous = FULL."
        ): synchronous < SYNCHRONOUS_FULL,
    }
    return [sentence for sentence, holds in problems.items() if holds]


def clock_skew(now: datetime) -> timedelta:
    """How much this host's clock is ahead of the database's; SQLite has this host's."""
    if connection.vendor != "mysql":
        return timedelta(0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        clock: datetime = cursor.fetchone()[0]
    return now - clock.replace(tzinfo=UTC)
