"""The long versions of what cuts connections to the database and to Pearl.

    python -m reliability.outages [--cuts 500] [--rounds 10] [--processes 8]
        [--database-seconds 60] [--pearl-seconds 600] [--seed N] [--only NAME …]

On a throwaway MariaDB (`--sqlite`: without what cuts its connections). It prints a line
for each attack, and ends with 1 if one of them was not withstood.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Attack = Callable[[Any, argparse.Namespace], tuple[str, bool]]


def cuts(simulator: Any, options: argparse.Namespace) -> tuple[str, bool]:
    from reliability.database_outages import cut_commits

    seen = cut_commits(simulator, cuts=options.cuts, seed=options.seed, workers=2)
    return str(seen), seen.felt.is_sound and not seen.early


def faults(simulator: Any, options: argparse.Namespace) -> tuple[str, bool]:
    from reliability.pearl_outages import DIAL_FAULTS, every_fault

    felt, became = every_fault(simulator, rounds=options.rounds, seed=options.seed)
    lines = [
        f"  {name:<34} {', '.join(f'{s} {n}' for s, n in sorted(became[name].items()))}"
        for name in DIAL_FAULTS
    ]
    head = (
        f"{len(DIAL_FAULTS)} faults × {options.rounds} dials, a quarter of the "
        f"questions struck: {felt}"
    )
    return "\n".join([head, *lines]), felt.is_sound and felt.rings == felt.leads


def database(outage: str) -> Attack:
    def attack(simulator: Any, options: argparse.Namespace) -> tuple[str, bool]:
        from calls.management.commands.run_calls import DATABASE_WAIT_SECONDS
        from reliability.database_outages import database_gone
        from reliability.fault_proxy import Outage

        seen = database_gone(
            simulator,
            outage=Outage(outage),
            seconds=options.database_seconds,
            answers_within=DATABASE_WAIT_SECONDS,
        )
        return str(seen), seen.felt.is_sound and not seen.dials_during

    return attack


def pearl(outage: str) -> Attack:
    """With the settings of production: pace, deadlines, settle time."""

    def attack(simulator: Any, options: argparse.Namespace) -> tuple[str, bool]:
        from django.conf import settings

        from reliability.fault_proxy import Outage
        from reliability.pearl_outages import pearl_gone

        settings.PEARL_REQUESTS_PER_SECOND, settings.PEARL_MAX_IN_FLIGHT = 1.0, 2
        settings.POLL_SECONDS, settings.UNKNOWN_SETTLE_SECONDS = 20.0, 600.0
        settings.LEASE_MARGIN_SECONDS = 30.0
        seen = pearl_gone(
            simulator,
            outage=Outage(outage),
            seconds=options.pearl_seconds,
            leads=30,
            workers=2,
            within=1200.0,
        )
        is_sound = seen.felt.is_sound and seen.uncertain <= seen.at_most_uncertain
        return str(seen), is_sound and seen.asked_after < 60

    return attack


def throttle(simulator: Any, options: argparse.Namespace) -> tuple[str, bool]:
    from reliability.throttled import throttled

    seen = throttled(
        simulator,
        processes=options.processes,
        refusals=10,
        retry_after=5,
        leads=20 * options.processes,
    )
    return str(seen), seen.felt.is_sound and not seen.too_early


ATTACKS: dict[str, Attack] = {
    "cuts": cuts,
    "faults": faults,
    "throttled": throttle,
    **{f"database-{name}": database(name) for name in ("refused", "silent", "frozen")},
    **{f"pearl-{name}": pearl(name) for name in ("refused", "silent", "frozen")},
}


def main() -> int:
    options = arguments()
    if not options.sqlite:
        os.environ["TEST_DATABASE"] = "mariadb"
    importlib.import_module("tuotempo.pytest_environment")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tuotempo.settings"
    import django

    django.setup()
    print(f"seed {options.seed}", flush=True)
    withstood = True
    for name in options.only or ATTACKS:
        if options.sqlite and name.startswith(("cuts", "database")):
            continue
        with fresh() as simulator:
            line, is_sound = ATTACKS[name](simulator, options)
        withstood = withstood and is_sound
        print(f"{'' if is_sound else 'NOT WITHSTOOD: '}{line}", flush=True)
    return 0 if withstood else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reliability.outages")
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--database-seconds", type=float, default=60.0)
    parser.add_argument("--pearl-seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--only", nargs="*", choices=ATTACKS, metavar="NAME")
    parser.add_argument("--sqlite", action="store_true")
    return parser.parse_args()


@contextmanager
def fresh() -> Iterator[Any]:
    """A database and a simulator that know nothing, and the usual settings."""
    from django.conf import settings
    from django.db import connection

    conftest = importlib.import_module("conftest")
    names = ["PEARL_API_URL", "DIAL_JOURNAL", "PEARL_REQUESTS_PER_SECOND"]
    names += ["PEARL_MAX_IN_FLIGHT", "POLL_SECONDS"]
    names += ["UNKNOWN_SETTLE_SECONDS", "LEASE_MARGIN_SECONDS"]
    before = {name: getattr(settings, name) for name in names}
    old_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    simulator = conftest.start_simulator("--speed", "100", "--agents", "100")
    simulator.set(outcomes={"success": 1})
    with tempfile.TemporaryDirectory() as folder:
        settings.DIAL_JOURNAL = Path(folder) / "journal"
        settings.PEARL_API_URL = simulator.url
        try:
            yield simulator
        finally:
            conftest.end(simulator.process)
            connection.creation.destroy_test_db(old_name, verbosity=0)
            for name, value in before.items():
                setattr(settings, name, value)


if __name__ == "__main__":
    sys.exit(main())
