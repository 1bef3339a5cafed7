"""An older snapshot of the database comes back: does anybody ring twice (I24)?

    python -m reliability.restore --restores 20 --seed 7 [--database mariadb]

In the middle of a run the database is copied, and goes on; then the copy is put in its
place, under a worker that was ended, killed or left alive. From then on no worker may
start, and one that lives must stop the campaign, until `manage.py reconcile_journal`
has been run; and what starts then rings nobody again.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reliability.scene import (
    RefusedToStart,
    Scene,
    Verdict,
    add_leads,
    enter,
    environment,
    judge,
    make_campaign,
    nothing_left,
    wait_until,
)

if TYPE_CHECKING:
    from calls.models import Campaign

LATENCY = [0.02, 0.15]  # of the pretend Pearl, seconds
LINES = 4
LEADS = 18


class Database(Protocol):
    """One that can be copied in full run and put back as it was."""

    url: str

    def copy(self, to: Path) -> None: ...

    def put_back(self, copy: Path) -> None: ...

    def close(self) -> None: ...


class Sqlite:
    """Copied as a backup does it, a consistent state."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "database.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def copy(self, to: Path) -> None:
        self._write(self.path, to)

    def put_back(self, copy: Path) -> None:
        self._write(copy, self.path)

    def _write(self, source: Path, to: Path) -> None:
        with (
            closing(sqlite3.connect(source)) as ours,
            closing(sqlite3.connect(to, timeout=20)) as copy,
        ):
            ours.backup(copy)

    def close(self) -> None:
        """It has no server."""


class Mariadb:
    """Copied as a snapshot of its disk: the server is stopped for that instant."""

    def __init__(self, folder: Path) -> None:
        from tuotempo.pytest_environment import install_mariadb, run_mariadb

        self.folder = folder / "mariadb"
        self.folder.mkdir()
        install_mariadb(self.folder)
        self._run = run_mariadb
        self.server = run_mariadb(self.folder)
        socket = self.folder / "s"
        create = ["mariadb", "-uroot", "-S", str(socket), "-e"]
        subprocess.run([*create, "CREATE DATABASE tuotempo"], check=True)
        self.url = f"mysql://root@/tuotempo?unix_socket={socket}"

    def copy(self, to: Path) -> None:
        self.server.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        try:
            shutil.copytree(self.folder / "data", to)
        finally:
            self.server.send_signal(signal.SIGCONT)

    def put_back(self, copy: Path) -> None:
        self.close()
        shutil.rmtree(self.folder / "data")
        shutil.copytree(copy, self.folder / "data")
        self.server = self._run(self.folder)

    def close(self) -> None:
        self.server.kill()
        self.server.wait()


@dataclass(frozen=True, kw_only=True)
class Restored:
    """One restore: what the journal remembered that the database had lost."""

    how: str
    verdict: Verdict
    lost: str
    seconds: float


def one_restore(scene: Scene, database: Database, *, dice: random.Random) -> Restored:
    """Raises AssertionError, TimeoutError, SystemExit."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from calls import runs
    from calls.models import Campaign

    began, how = time.monotonic(), dice.choice(["ended", "killed", "alive"])
    copy = Path(scene.env["DIAL_JOURNAL"]).parent / "copy"
    campaign = Campaign.objects.get()
    worker = run_past_a_copy(scene, database, campaign, copy, dice=dice)
    if how != "alive":
        scene.kill(worker) if how == "killed" else scene.end(worker)
    database.put_back(copy)
    shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
    assert_stopped(campaign) if how == "alive" else assert_refused(scene)
    said = io.StringIO()
    call_command("reconcile_journal", stdout=said)  # SystemExit: a person has to look
    if how != "alive":
        worker = scene.start_worker()
    runs.start(campaign.pk, now=timezone.now())
    wait_until(lambda: nothing_left(campaign), seconds=60, what="nothing left")
    assert scene.end(worker) == 0
    verdict = judge(scene)
    connection.close()
    return Restored(
        how=how,
        verdict=verdict,
        lost=said.getvalue().split()[0],
        seconds=time.monotonic() - began,
    )


def run_past_a_copy(
    scene: Scene,
    database: Database,
    campaign: Campaign,
    copy: Path,
    *,
    dice: random.Random,
) -> subprocess.Popen[str]:
    """Dial, copy the database, and dial more than were on their way then. Returns the
    worker, in full run."""
    from django.db import connection
    from django.utils import timezone

    from calls import runs

    before = len(scene.rings())
    add_leads(LEADS)
    runs.start(campaign.pk, now=timezone.now())
    connection.close()
    worker = scene.start_worker()
    await_rings(scene, before + dice.randint(1, 4))
    time.sleep(dice.uniform(0, 0.2))
    database.copy(copy)
    more = len(scene.rings()) + LINES + dice.randint(1, 4)
    await_rings(scene, min(more, before + LEADS))
    return worker


def await_rings(scene: Scene, count: int) -> None:
    wait_until(lambda: len(scene.rings()) >= count, seconds=60, what=f"{count} rings")


def assert_refused(scene: Scene) -> None:
    time.sleep(3 * max(LATENCY))  # what was on its way at the kill rings now
    rung = len(scene.rings())
    try:
        scene.start_worker()
    except RefusedToStart as exc:
        if "reconcile_journal" not in str(exc):
            raise AssertionError("refused for another reason") from exc
    else:
        raise AssertionError("a worker started on a database that forgot calls")
    assert len(scene.rings()) == rung, "a phone rang before anybody reconciled"


def assert_stopped(campaign: Campaign) -> None:
    """By a worker that lived on and found what it remembers gone."""
    from django.db import DatabaseError, connection

    def is_stopped() -> bool:
        try:
            campaign.refresh_from_db()
        except DatabaseError:
            connection.close()
        return "reconcile_journal" in campaign.state_reason

    wait_until(is_stopped, seconds=20, what="stopped by the worker")


@contextmanager
def prepared(kind: str, place: Path) -> Iterator[tuple[Scene, Database]]:
    import tuotempo.pytest_environment  # noqa: F401 (nothing of this machine's)

    database: Database = Mariadb(place) if kind == "mariadb" else Sqlite(place)
    scene = Scene(env=environment(place, database.url))
    try:
        done = scene.manage("migrate", "-v", "0")
        assert done.returncode == 0, done.stderr
        scene.start_simulator(speed=400)
        scene.set(latency_seconds=LATENCY)
        enter(scene.env)
        make_campaign(lines=LINES)
        yield scene, database
    finally:
        scene.end_all()
        database.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--restores", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "mariadb"])
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {options.database}", flush=True)
    dice = random.Random(options.seed)
    memory = Path("/dev/shm")  # noqa: S108
    place = memory if os.access(memory, os.W_OK) else None
    good = 0
    with (
        tempfile.TemporaryDirectory(prefix="tt-", dir=place) as folder,
        prepared(options.database, Path(folder)) as (scene, database),
    ):
        for number in range(1, options.restores + 1):
            done = one_restore(scene, database, dice=dice)
            good += done.verdict.is_good
            words = f"worker {done.how}, {done.lost} dials forgotten; {done.verdict}"
            print(f"{number}. {words}; {done.seconds:.1f} s", flush=True)
    print(f"{good} of {options.restores} restores: nobody rang twice, nothing lost")
    return 0 if good == options.restores else 1


if __name__ == "__main__":
    sys.exit(main())
