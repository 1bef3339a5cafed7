"""Keeps the words of every lead: the database does it, by triggers, whoever writes.

Leads of an import are very many at once: each gets one row, of no word, and is found by
its text until `catch_up` has written its words.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError
from django.db import OperationalError, connection, connections, transaction
from django.utils.translation import gettext as _

from leads.models import LeadWord
from leads.models.words import LONGEST_ROW
from leads.search_text import LONGEST_WORD, SPAIN

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

FEWEST_DIGITS = 3  # of a part of a phone: fewer would be in every other number
MOST_DIGITS = 15  # E.164
BATCH = 20_000
CATCH_UP_BATCH = 250
CATCH_UP_PAUSE = 0.02  # seconds: SQLite has one writer, and others wait for their turn
NO_WORD = ""
PHONE = "#"  # before the numbers of leads whose words are still to be written
PHONES = ("phone_e164", "phone_alt_e164")
NEEDS_TRUST = 1419  # of MySQL, when its binary log is on


def create_table(connection: BaseDatabaseWrapper) -> None:
    """Compared byte by byte, and kept in the order of its words."""
    is_mysql = connection.vendor == "mysql"
    text = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if is_mysql else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE lead_words ("
            f" word varchar({LONGEST_WORD}){text} NOT NULL,"
            " lead_id bigint NOT NULL,"
            f" search_text varchar({LONGEST_ROW}){text} NOT NULL,"
            " PRIMARY KEY (word, lead_id)"
            f") {'ENGINE=InnoDB' if is_mysql else 'WITHOUT ROWID'}"
        )


def fill(connection: BaseDatabaseWrapper) -> None:
    """In batches, each committed: it can be interrupted and run again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM leads")
        last = cursor.fetchone()[0] or 0
        for after in range(0, last, BATCH):
            among = f"l.id > {after} AND l.id <= {after + BATCH}"
            words = _words(connection, "l", source="leads l, ", among=among)
            cursor.execute(_insert(connection, words))


def catch_up() -> None:
    """The words of the leads that were imported. Others may do the same meanwhile."""
    due = LeadWord.objects.filter(word=NO_WORD).order_by("lead_id")
    while True:
        with transaction.atomic():
            some = due.select_for_update(skip_locked=True)[:CATCH_UP_BATCH]
            ids = list(some.values_list("lead_id", flat=True))
            if not ids:
                return
            among = f"l.id IN ({', '.join(map(str, ids))})"
            words = _words(connection, "l", source="leads l, ", among=among)
            with connection.cursor() as cursor:
                cursor.execute(_insert(connection, words))
            LeadWord.objects.filter(word=NO_WORD, lead_id__in=ids).delete()
        time.sleep(CATCH_UP_PAUSE)


def ensure_triggers(connection: BaseDatabaseWrapper) -> None:
    """Those that are missing: SQLite loses them whenever a column of leads changes.

    CommandError if the server does not let this user create them.
    """
    there = _triggers(connection)
    with connection.cursor() as cursor:
        for name, statement in _definitions(connection).items():
            if name in there:
                continue
            try:
                cursor.execute(statement)
            except OperationalError as exc:
                if exc.args[0] != NEEDS_TRUST:
                    raise
                raise CommandError(
                    _(
                        "MySQL no deja crear disparadores mientras lleve registro "
                        "binario. Un administrador debe ejecutar «SET GLOBAL "
                        "log_bin_trust_function_creators = 1»; después, repita "
                        "migrate."
                    )
                ) from exc


def after_migrate(*, using: str, **_sent: Any) -> None:
    migrated = connections[using]
    if "lead_words" in migrated.introspection.table_names():
        ensure_triggers(migrated)


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for name in _definitions(connection):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _triggers(connection: BaseDatabaseWrapper) -> set[str]:
    known = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if connection.vendor == "mysql":
        known = (
            "SELECT trigger_name FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE()"
        )
    with connection.cursor() as cursor:
        cursor.execute(known)
        return {name for (name,) in cursor.fetchall()}


def _definitions(connection: BaseDatabaseWrapper) -> dict[str, str]:
    insert = _insert(connection, _words(connection, "NEW"))
    later = _insert(
        connection, f"SELECT '{NO_WORD}', NEW.id, {_all_of_new(connection)}"
    )
    of_old = f"{_words(connection, 'OLD')} UNION ALL SELECT '{NO_WORD}', OLD.id, ''"
    delete = _delete(connection, of_old)
    # The text has the phones, too. To the byte: for MySQL, case makes no difference.
    update, changed = "UPDATE OF search_text", "NEW.search_text <> OLD.search_text"
    if connection.vendor == "mysql":
        update = "UPDATE"
        changed = "CAST(NEW.search_text AS BINARY) <> CAST(OLD.search_text AS BINARY)"
    parts = {
        "insert": ("INSERT", "NEW.lead_import_id IS NULL", insert),
        "import": ("INSERT", "NEW.lead_import_id IS NOT NULL", later),
        "update": (update, changed, f"{delete}; {insert}"),
        "delete": ("DELETE", "1 = 1", delete),
    }
    return {
        f"lead_words_{name}": f"CREATE TRIGGER lead_words_{name} AFTER {event} ON leads"
        f" FOR EACH ROW {_when(connection, condition, then)}"
        for name, (event, condition, then) in parts.items()
    }


def _when(connection: BaseDatabaseWrapper, condition: str, then: str) -> str:
    if connection.vendor == "mysql":
        return f"BEGIN IF {condition} THEN {then}; END IF; END"
    return f"WHEN {condition} BEGIN {then}; END"


def _insert(connection: BaseDatabaseWrapper, words: str) -> str:
    """A number that ends as another is: the first one stays."""
    ignore = "IGNORE" if connection.vendor == "mysql" else "OR IGNORE"
    return f"INSERT {ignore} INTO lead_words (word, lead_id, search_text) {words}"


def _delete(connection: BaseDatabaseWrapper, words: str) -> str:
    if connection.vendor == "mysql":
        # Straight: a few words to look up, whatever the server thinks of the table.
        return (
            f"DELETE w FROM ({words}) gone STRAIGHT_JOIN lead_words w"
            " ON w.word = gone.word AND w.lead_id = gone.lead_id"
        )
    return (
        "DELETE FROM lead_words WHERE lead_id = OLD.id"  # noqa: S608 (own SQL)
        f" AND word IN (SELECT word FROM ({words}))"
    )


def _words(
    connection: BaseDatabaseWrapper, row: str, *, source: str = "", among: str = "1 = 1"
) -> str:
    """Of a row of leads: (word, lead_id, search_text) of its words and of the ends of
    its phones. `source` is where the row comes from, `among` which rows are meant."""
    text = f"{row}.search_text"
    if connection.vendor == "mysql":
        as_list = f"""CONCAT('["', REPLACE(TRIM({text}), ' ', '","'), '"]')"""
        each = f"JSON_TABLE({as_list}, '$[*]' COLUMNS (value VARCHAR(400) PATH '$'))"
    else:
        each = f"""json_each('["' || replace(trim({text}), ' ', '","') || '"]')"""
    longest_cut = MOST_DIGITS - FEWEST_DIGITS
    cuts = " UNION ALL SELECT ".join(str(n) for n in range(2, longest_cut + 1))
    ends = [
        f"SELECT SUBSTR({digits}, c.n + 1), {row}.id, ''"  # noqa: S608 (own SQL)
        f" FROM {source}(SELECT 1 AS n UNION ALL SELECT {cuts}) c"
        f" WHERE c.n <= LENGTH({digits}) - {FEWEST_DIGITS} AND {among}"
        for digits in (_digits(f"{row}.{name}") for name in PHONES)
    ]
    whole = (
        f"SELECT SUBSTR(w.value, 1, {LONGEST_WORD}) AS word,"  # noqa: S608 (own SQL)
        f" {row}.id AS lead_id, {text} AS search_text"
        f" FROM {source}{each} w WHERE w.value <> '' AND {among}"
    )
    return " UNION ALL ".join([whole, *ends])


def _all_of_new(connection: BaseDatabaseWrapper) -> str:
    """The text, and after a sign that no word has, the phones: any part finds them."""
    phones = [_digits(f"NEW.{name}") for name in PHONES]
    parts = ["NEW.search_text", f"' {PHONE}'", phones[0], f"'{PHONE}'", phones[1]]
    if connection.vendor == "mysql":
        return f"CONCAT({', '.join(parts)})"
    return " || ".join(parts)


def _digits(column: str) -> str:
    """Without the prefix of Spain, as people know a number."""
    return f"REPLACE(REPLACE({column}, '{SPAIN}', ''), '+', '')"
