"""A million calls on virtual time: days and nights, faults, STOPs, and a judge.

    python -m reliability.soak [--calls 1000000] [--seed 1] [--processes 1]
                               [--database sqlite|mariadb]
    python -m reliability.soak --real [--calls 100000] [--workers 3]

The protocol's own code (claims, dialing, journal, outcomes, confirming, reconciling,
reaper, runs) on a real database, the simulator's world in process, and a clock that
jumps from one event to the next. Time passes in eras of a few days, each with people of
its own; after each, everything is compared, and forgotten.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from unittest import mock


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much, and from which dice."""

    calls: int
    seed: int
    leads: int = 9000  # an era
    days: int = 2


COUNTS = ("faults", "webhooks", "acts", "states", "errors", "wrong")


@dataclass(kw_only=True)
class Tally:
    """What all eras came to."""

    calls: int = 0
    eras: int = 0
    posts: int = 0
    peak_share: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    webhooks: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def violations(self) -> Counter[str]:
        """Without what is only noted."""
        return Counter({k: n for k, n in self.wrong.items() if not k.startswith("(")})

    def absorb(self, other: Tally) -> None:
        self.calls += other.calls
        self.eras += other.eras
        self.posts += other.posts
        self.peak_share = max(self.peak_share, other.peak_share)
        self.seconds = max(self.seconds, other.seconds)
        for name in (*COUNTS, "examples"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self) -> str:
        lines = [
            f"{self.calls} calls ({self.posts} requests) in {self.eras} eras, "
            f"{self.seconds:.0f} s: {self.calls / (self.seconds or 1):.0f} a second",
            f"peak of a campaign's lines in use: {self.peak_share:.0%} of its limit",
        ]
        for title, counts in (
            ("faults", self.faults),
            ("webhooks", self.webhooks),
            ("people and machines", self.acts),
            ("attempts", self.states),
            ("errors logged", self.errors),
            ("wrong", self.wrong),
        ):
            told = ", ".join(f"{name} {n}" for name, n in counts.most_common())
            lines.append(f"{title}: {told or 'nothing'}")
        return "\n".join(lines + self.examples)


def soak(plan: Plan, *, progress: bool = False) -> Tally:
    """Eras until there were enough calls. Django is set up, and its tables are empty
    or may be emptied."""
    from reliability.era import Era

    tally, began = Tally(), time.monotonic()
    dice = Random(f"{plan.seed}:eras")
    with _one_connection(), _heard(tally.errors):
        while tally.calls < plan.calls and not tally.violations:
            era = Era(plan, number=tally.eras, start=_first_day(dice))
            era.run()
            era.add_to(tally)
            tally.seconds = time.monotonic() - began
            if progress:
                _report(tally, era.start)
    return tally


@contextmanager
def _one_connection() -> Iterator[None]:
    """Each thread of a worker would close its own; here there is one for all."""
    from django.db import connection

    connection.close()
    with mock.patch.dict(connection.settings_dict, CONN_MAX_AGE=None):
        connection.close_at = None
        yield
    connection.close_at = 0


class _Ear(logging.Handler):
    """Counts the errors that the product logs, and says nothing."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__(logging.ERROR)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        self._counts[f"{record.msg} {kind.__name__ if kind else ''}".strip()] += 1


@contextmanager
def _heard(counts: Counter[str]) -> Iterator[None]:
    root = logging.getLogger()
    logging.disable(logging.WARNING)
    try:
        with mock.patch.object(root, "handlers", [_Ear(counts)]):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _first_day(dice: Random) -> datetime:
    """Of 2028, whose holidays the judge knows; often before a change of the clocks."""
    if dice.random() < 0.1:
        return datetime(2028, *dice.choice([(3, 24), (10, 27)]), 5, tzinfo=UTC)
    day = datetime(2028, 1, 3, 5, tzinfo=UTC) + timedelta(days=dice.randint(0, 350))
    return day - timedelta(days=max(0, day.weekday() - 4))


def _report(tally: Tally, start: datetime) -> None:
    print(
        f"{tally.calls:>9} calls {tally.calls / tally.seconds:>6.0f}/s  "
        f"era {tally.eras} from {start:%d/%m}  wrong {tally.violations.total()}",
        flush=True,
    )


@contextmanager
def own_database(kind: str) -> Iterator[None]:
    """An environment of its own, as the tests have, and empty tables."""
    memory = Path("/dev/shm")  # noqa: S108 (there, an fsync costs nothing)
    place = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=place))
    os.environ.update(
        DJANGO_SETTINGS_MODULE="tuotempo.settings",
        ENV_FILE="",
        SECRET_KEY="only-for-the-soak-" + "0" * 32,
        DIAL_JOURNAL=str(folder / "journal"),
        PEARL_API_URL="http://127.0.0.1:9",
        PEARL_REQUESTS_PER_SECOND="0",
        PEARL_MAX_IN_FLIGHT="16",
        DATABASE_URL="sqlite://:memory:",
    )
    try:
        if kind == "mariadb":
            from tuotempo.pytest_environment import start_mariadb

            server = start_mariadb(folder)
            os.environ["DATABASE_URL"] = f"mysql://root@/soak?unix_socket={server}"
            _create(server)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create(server: str) -> None:
    import subprocess

    command = ["mariadb", "-uroot", "-S", server, "-e", "CREATE DATABASE soak"]
    subprocess.run(command, check=True)


def share(plan: Plan, kind: str) -> Tally:
    """What one process makes, on a database of its own."""
    with own_database(kind):
        return soak(plan, progress=True)


def soak_in_processes(plan: Plan, *, kind: str, processes: int) -> Tally:
    """Each with its own tables and dice: seeds 100 * seed, and the next ones."""
    calls = -(-plan.calls // processes)
    plans = [
        replace(plan, calls=calls, seed=100 * plan.seed + n) for n in range(processes)
    ]
    total = Tally()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for tally in pool.map(share, plans, [kind] * processes):
            total.absorb(tally)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leads", type=int, default=9000, help="people in an era")
    parser.add_argument("--days", type=int, default=2, help="of an era")
    parser.add_argument("--database", choices=["sqlite", "mariadb"], default="sqlite")
    parser.add_argument("--processes", type=int, default=1, help="each with a share")
    parser.add_argument("--real", action="store_true", help="over HTTP, on MariaDB")
    parser.add_argument("--workers", type=int, default=3, help="of --real")
    options = parser.parse_args()
    if options.real:
        from reliability.real_soak import real_soak

        outcome = real_soak(options.calls, workers=options.workers)
        print(outcome)
        raise SystemExit(bool(outcome.wrong))
    plan = Plan(
        calls=options.calls,
        seed=options.seed,
        leads=options.leads,
        days=options.days,
    )
    print(f"seed {plan.seed}", flush=True)
    if options.processes > 1:
        kind, processes = options.database, options.processes
        tally = soak_in_processes(plan, kind=kind, processes=processes)
    else:
        tally = share(plan, options.database)
    print(tally)
    raise SystemExit(bool(tally.violations))


if __name__ == "__main__":
    main()
