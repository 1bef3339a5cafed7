"""The ids and keys that the simulator knows."""

from __future__ import annotations

ACCOUNT_ID = "665500000000000000000001"
SECRET_KEY = "simulador0000000000000000000000"
OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"
