"""`kill -9` of the database in full run: it costs time only, and nobody helps.

One worker and one web process live through all of it.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from django.db import connections

from reliability.killing import Round, Tally
from reliability.machine import Server, free_port
from reliability.rig import Simulator, nursery, set_stage

LEADS_PER_KILL = 12
POINT = "database: at any instant"


def kill_database(
    pearl: Simulator, folder: Path, server: Server, *, times: int, seed: int
) -> Tally:
    port, tally, dice = free_port(), Tally(), random.Random(seed)
    with nursery(pearl, folder=folder, web_port=port) as lives:
        journal = folder / "journal"
        stage = set_stage(pearl, leads=LEADS_PER_KILL * times, journal=journal)
        pearl.send_webhooks_to(port)
        one = Round(stage, nursery=lives, tally=tally, dice=dice, web_port=port)
        both = one.start_both()
        for _ in range(times):
            time.sleep(dice.uniform(0.5, 2.0))
            row = tally.rows[POINT]
            row.kills += 1
            row.sending += stage.attempts.filter(state="dialing").count()
            server.kill()
            connections.close_all()
            time.sleep(dice.uniform(0.0, 1.5))
            server.start()
        one.finish(both)
    return tally
