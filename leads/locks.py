"""When the database says no only because somebody else was writing just then."""

from __future__ import annotations

from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

LOCK_WAIT, DEADLOCK = 1205, 1213


def is_lock(error: OperationalError) -> bool:
    """The transaction is undone, and may be done again."""
    if connection.vendor == "sqlite":
        return "locked" in str(error)
    return error.args[:1] in [(LOCK_WAIT,), (DEADLOCK,)]


def one_adds_leads() -> None:
    """Until the end of the transaction: two at once could each find a number new.

    On SQLite one writes at a time anyway; elsewhere all queue for a row that is always
    there and that nothing else refers to.
    """
    rows = MigrationRecorder.Migration.objects.select_for_update()
    rows.order_by("pk").first()
