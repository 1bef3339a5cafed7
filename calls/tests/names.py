"""The ids and keys that the simulator knows."""

from __future__ import annotations

from leads.tests.factories import OUTBOUND_ID

ACCOUNT_ID = "665500000000000000000001"
SECRET_KEY = "simulador0000000000000000000000"

PEARL_ID = "66f0aaaabbbbccccdddd0001"

__all__ = ["ACCOUNT_ID", "OUTBOUND_ID", "PEARL_ID", "SECRET_KEY"]
