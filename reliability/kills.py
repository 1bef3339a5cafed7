"""`kill -9` of workers, of the web process and of the database, and other signals.

    python -m reliability.kills --times 3000
        [--target workers|web|database|signals|frosts]
        [--database mariadb|sqlite] [--seed N]

Nobody is rung twice, nothing is lost, nothing is stuck: the simulator's ring log is the
judge. At the end, a table. Exit code 1 if anything does not hold; the seed that is
printed draws the same kills again, though not the same instants.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reliability.machine import prepare

if TYPE_CHECKING:
    from reliability.killing import Tally
    from reliability.rig import Simulator
    from reliability.signals import Report as SignalReport
    from reliability.web_kills import Report as WebReport

    Report = Tally | WebReport | SignalReport

TARGETS = ("workers", "web", "database", "signals", "frosts")


def attack(
    target: str, pearl: Simulator, folder: Path, *, times: int, seed: int
) -> Report:
    from reliability import killing, signals, web_kills

    if target == "web":
        return web_kills.press_and_kill(pearl, folder, times=times, seed=seed)
    if target == "signals":  # so many of each kind
        report = signals.Report()
        signals.storms(pearl, folder, times=times, seed=seed, report=report)
        return report
    if target == "frosts":  # six or seven workers are frozen together
        report = signals.Report()
        signals.frosts(pearl, folder, times=-(-times // 6), report=report)
        return report
    tally = killing.Tally()
    killing.kill_in_rounds(pearl, folder, times=times, seed=seed, tally=tally)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3000)
    parser.add_argument("--target", choices=TARGETS, default="workers")
    parser.add_argument("--database", choices=["sqlite", "mariadb"], default="mariadb")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    server = prepare(arguments.database)
    from reliability.database_kills import kill_database
    from reliability.rig import simulator

    target, times, seed = arguments.target, arguments.times, arguments.seed
    print(f"{target}, {arguments.database}, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="tt-kills-"))
    began = time.monotonic()
    report: Report
    with simulator() as pearl:
        if target == "database":
            assert server is not None, "SQLite has no server to kill"
            report = kill_database(pearl, folder, server, times=times, seed=seed)
        else:
            report = attack(target, pearl, folder, times=times, seed=seed)
    print(report.table())
    print(f"in {(time.monotonic() - began) / 60:.1f} minutes")
    if not report.is_well:
        sys.exit(f"what the processes said: {folder / 'log'}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
