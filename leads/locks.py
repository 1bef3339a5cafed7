"""When the database says no only because somebody else was writing just then."""

from __future__ import annotations

from django.db import OperationalError, connection

LOCK_WAIT, DEADLOCK = 1205, 1213


def is_lock(error: OperationalError) -> bool:
    """The transaction is undone, and may be done again."""
    if connection.vendor == "sqlite":
        return "locked" in str(error)
    return error.args[:1] in [(LOCK_WAIT,), (DEADLOCK,)]
