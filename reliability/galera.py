"""`kill -9` of nodes of a three-node MariaDB Galera in full run.

    python -m reliability.galera --kills 200 --seed 7

Workers and web talk to one node, the writer, through a switch (docs/decisions/
one-writer-in-a-cluster.md). At random instants the writer is killed, or another node,
or all three at once; the switch is turned to a node that has everything, and whoever
was killed comes back. The judge is the simulator's ring log.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reliability.galera_cluster import USER, Cluster, free_port
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

LINES = 8
AT_LEAST_WAITING = 40
ON_THEIR_WAY = "SELECT COUNT(*) FROM tuotempo.call_attempts WHERE state = 'dialing'"
KINDS = {"writer": 5, "other": 4, "all": 1}


@dataclass(kw_only=True)
class Tally:
    """What was done to the cluster, and how long nobody could write."""

    kills: Counter[str] = field(default_factory=Counter)
    without_writer: list[float] = field(default_factory=list)
    in_flight: int = 0
    refusals: int = 0

    @property
    def nodes_killed(self) -> int:
        return self.kills["writer"] + self.kills["other"] + 3 * self.kills["all"]


def tables(folder: Path) -> Path:
    """A database folder with the tables of the project, made by a single server."""
    from tuotempo.pytest_environment import install_mariadb, run_mariadb

    install_mariadb(folder)
    server = run_mariadb(folder)
    client = ["mariadb", "-uroot", "-S", str(folder / "s"), "-e"]
    user = f"{USER}@'127.0.0.1'"
    sql = (
        f"CREATE DATABASE tuotempo; CREATE USER {user}; GRANT ALL ON *.* TO {user};"
        "CREATE DATABASE harness; USE harness;"
        "CREATE TABLE pulse (id INT PRIMARY KEY, at DATETIME(6)) ENGINE=InnoDB"
    )
    subprocess.run([*client, sql], check=True)
    url = f"mysql://root@/tuotempo?unix_socket={folder / 's'}"
    done = Scene(env=environment(folder, url)).manage("migrate", "-v", "0")
    server.terminate()
    server.wait()
    assert done.returncode == 0, done.stderr
    return folder / "data"


@contextmanager
def prepared(place: Path, *, workers: int) -> Iterator[tuple[Scene, Cluster]]:
    """The cluster in full run: two workers at least, a web process for webhooks."""
    place.chmod(0o755)
    template = place / "template"
    template.mkdir()
    cluster = Cluster(place, tables(template))
    url = f"mysql://{USER}@127.0.0.1:{cluster.switch.port}/tuotempo"
    scene = Scene(env=environment(place, url))
    try:
        cluster.form(cluster.nodes[0])
        web = free_port()
        token = scene.env["PEARL_WEBHOOK_TOKEN"]
        hook = f"http://127.0.0.1:{web}/webhooks/pearl/{token}"
        scene.start_simulator("--webhook-url", hook)
        scene.set(
            outcomes={"success": 3, "busy": 1, "no_answer": 2, "failed": 1},
            latency_seconds=[0.05, 0.4],
        )
        enter(scene.env)
        scene.start_web(web)
        for _each in range(workers):
            scene.start_worker()
        yield scene, cluster
    finally:
        scene.end_all()
        cluster.close()


def attack(
    scene: Scene, cluster: Cluster, *, kills: int, dice: random.Random
) -> tuple[Tally, Verdict]:
    """Raises TimeoutError: something never came back."""
    from django.utils import timezone

    from calls import runs

    campaign, tally = make_campaign(lines=LINES), Tally()
    add_leads(AT_LEAST_WAITING)
    runs.start(campaign.pk, now=timezone.now())
    while tally.nodes_killed < kills:
        keep_busy(campaign, scene, tally)
        time.sleep(dice.uniform(0.05, 1.0))
        (kind,) = dice.choices([*KINDS], [*KINDS.values()])
        kill(cluster, kind, tally, dice=dice)
        if tally.kills.total() % 10 == 0:
            seconds = max(tally.without_writer, default=0)
            said = f"{tally.nodes_killed} nodes killed, {len(scene.rings())} rings"
            print(f"{said}, at most {seconds:.1f} s without a writer", flush=True)
    wait_until(
        lambda: is_over(campaign, scene, tally), seconds=180, what="nothing left"
    )
    for worker in [one for one in scene.processes if "run_calls" in str(one.args)]:
        assert scene.end(worker) == 0, "a worker did not survive"
    assert_nodes_agree(cluster)
    return tally, judge(scene)


def kill(cluster: Cluster, kind: str, tally: Tally, *, dice: random.Random) -> None:
    """And let it come back, and wait until it has."""
    others = [node for node in cluster.nodes if node is not cluster.writer]
    tally.kills[kind] += 1
    tally.in_flight += int(cluster.writer.ask(ON_THEIR_WAY) or 0)
    began = time.monotonic()
    if kind == "all":
        for node in dice.sample(cluster.nodes, 3):
            node.kill()
        cluster.come_back_from_nothing()
        cluster.await_written()
        tally.without_writer.append(time.monotonic() - began)
        return
    victim = cluster.writer if kind == "writer" else dice.choice(others)
    victim.kill()
    if kind == "writer":
        cluster.fail_over()
    cluster.await_written()
    tally.without_writer.append(time.monotonic() - began)
    victim.start(cluster.nodes, writer=cluster.writer.name)
    cluster.await_synced(cluster.nodes)


def keep_busy(campaign: Campaign, scene: Scene, tally: Tally) -> None:
    """Leads enough for another while; whatever the database says at this instant."""
    from django.db import DatabaseError, connection
    from django.utils import timezone

    for _each in range(40):
        try:
            start_if_stopped(campaign, scene, tally)
            due = campaign.leads.queued().filter(next_call_at__lte=timezone.now())
            if due.count() < AT_LEAST_WAITING:
                add_leads(AT_LEAST_WAITING)
            return
        except DatabaseError:
            connection.close()
            time.sleep(0.25)
    raise TimeoutError("the database did not come back")


def start_if_stopped(campaign: Campaign, scene: Scene, tally: Tally) -> None:
    """A worker has found that the journal remembers more than the database."""
    from django.utils import timezone

    from calls import runs
    from calls.models import RunState

    campaign.refresh_from_db()
    if campaign.state == RunState.RUNNING:
        return
    tally.refusals += 1
    print(f"stopped: {campaign.state_reason}", flush=True)
    done = scene.manage("reconcile_journal")
    assert done.returncode == 0, done.stdout + done.stderr
    runs.start(campaign.pk, now=timezone.now())


def is_over(campaign: Campaign, scene: Scene, tally: Tally) -> bool:
    from django.db import DatabaseError, connection

    try:
        start_if_stopped(campaign, scene, tally)
        return nothing_left(campaign)
    except DatabaseError:
        connection.close()
        return False


def assert_nodes_agree(cluster: Cluster) -> None:
    """All three hold the same attempts."""
    sql = (
        "SELECT COUNT(*), COUNT(DISTINCT token), SUM(CRC32(CONCAT(token, state, "
        "outcome))) FROM tuotempo.call_attempts"
    )
    said = {node.name: node.ask(sql) for node in cluster.nodes}
    assert len(set(said.values())) == 1, said
    assert all(said.values()), said


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="of nodes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    memory, began = Path("/dev/shm"), time.monotonic()  # noqa: S108
    with tempfile.TemporaryDirectory(
        prefix="tt-", dir=memory if os.access(memory, os.W_OK) else None
    ) as folder:
        try:
            with prepared(Path(folder), workers=options.workers) as (scene, cluster):
                formed = time.monotonic() - began
                dice = random.Random(options.seed)
                found = attack(scene, cluster, kills=options.kills, dice=dice)
        except RefusedToStart as exc:
            print(f"the worker refused to start: {exc}")
            return 1
    tally, verdict = found
    show(tally, verdict, formed=formed, seconds=time.monotonic() - began)
    return 0 if verdict.is_good else 1


def show(tally: Tally, verdict: Verdict, *, formed: float, seconds: float) -> None:
    gaps = sorted(tally.without_writer)
    rows = {
        "nodes killed": tally.nodes_killed,
        **{f"of these: {kind}": count for kind, count in sorted(tally.kills.items())},
        "requests on their way at a kill": tally.in_flight,
        "without a writer, median s": f"{gaps[len(gaps) // 2]:.1f}" if gaps else "-",
        "without a writer, at most s": f"{gaps[-1]:.1f}" if gaps else "-",
        "STARTs refused by the journal": tally.refusals,
        **{name.replace("_", " "): n for name, n in verdict.__dict__.items()},
        "seconds to form the cluster": f"{formed:.0f}",
        "seconds in all": f"{seconds:.0f}",
    }
    print("\n| | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    sys.exit(main())
