"""Many workers and two operators on one MariaDB: START and STOP at random, limits from
1 to 10, and the simulator's ring log as the judge.

    python -m reliability.storms --stops 500 --calls 20000 [--workers 8] [--seed 1]
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from reliability.storm_log import Phase, Press, Ring, judge

ROOT = Path(__file__).resolve().parents[1]
#: Between the commit to dial and the first byte (calls.dialing), and a busy machine.
BOUND_SECONDS = 5.0
OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"


# --- Who presses --------------------------------------------------------------------


@dataclass(kw_only=True)
class Operator:
    """Somebody who presses START and STOP on the dashboard, through the whole site."""

    name: str
    seed: int
    campaign_id: int
    presses: list[Press] = field(default_factory=list)

    def __post_init__(self) -> None:
        from django.contrib.auth.models import Permission, User
        from django.test import Client

        person, _made = User.objects.get_or_create(username=self.name)
        may = ("view_campaign", "run_campaign")
        person.user_permissions.set(Permission.objects.filter(codename__in=may))
        self.client = Client()
        self.client.force_login(person)
        self.dice = random.Random(self.seed)

    def press(self, what: str, **data: object) -> None:
        began = time.time()
        answer = self.client.post(
            f"/calls/{self.campaign_id}/{what}", data, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 200, answer.status_code
        self.presses.append(Press(what=what, began=began, ended=time.time()))

    def storm(self, *, stops: int) -> None:
        from django.db import connection

        try:
            for _each in range(stops):
                for what in self.dice.choice([("start",), ("start", "start")]):
                    self.press(what)
                time.sleep(self.dice.choice([0, 0, 0.05, 0.3, 1.2]))
                self.press("stop")
                time.sleep(self.dice.choice([0, 0, 0.1, 0.4]))
        finally:
            connection.close()


# --- The storm ----------------------------------------------------------------------


@dataclass(kw_only=True)
class Storm:
    """`url`: of the simulator."""

    url: str
    campaign_id: int
    seed: int

    def simulator(self, what: str) -> Any:
        answer = requests.get(f"{self.url}/_simulator/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def run(self, limit: int, *, stops: int, calls: int) -> Phase:
        """Two operators at once; then on, without a STOP, until so many were rung."""
        phase = Phase(limit=limit)
        one, two = (
            Operator(name=n, seed=self.seed + i, campaign_id=self.campaign_id)
            for i, n in enumerate(("uno", "dos"))
        )
        one.press("limit", limit=limit)
        requests.post(f"{self.url}/_simulator/mark", timeout=30).raise_for_status()
        first = len(self.simulator("rings")["rings"])
        crew = [
            threading.Thread(target=operator.storm, kwargs={"stops": count})
            for operator, count in ((one, stops - stops // 2), (two, stops // 2))
        ]
        for member in crew:
            member.start()
        for member in crew:
            member.join()
        self._wait(lambda: self.state() == "stopped", seconds=120)
        one.press("start")
        self._wait(lambda: self._rung(first) >= calls, seconds=60 + calls)
        one.press("stop")
        self._wait(lambda: self.state() == "stopped", seconds=120)
        return self._judged(phase, [*one.presses, *two.presses], first)

    def _judged(self, phase: Phase, presses: list[Press], first: int) -> Phase:
        phase.stops = sum(press.what == "stop" for press in presses)
        phase.starts = sum(press.what == "start" for press in presses)
        told = self.simulator(f"rings?since_index={first}")["rings"]
        judge(phase, presses, [Ring.read(ring) for ring in told])
        phase.peak = self.simulator("stats")["peak_in_course"]
        return phase

    def state(self) -> str:
        from calls.models import Campaign

        return str(Campaign.objects.get(pk=self.campaign_id).state)

    def _rung(self, first: int) -> int:
        return int(self.simulator(f"rings?since_index={first}")["next_index"]) - first

    def _wait(self, holds: Any, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.05)


def wrongs(storm: Storm, phases: list[Phase]) -> list[str]:
    """What must never be, of all phases together."""
    from calls.models import CallAttempt
    from leads.models import Lead

    rings = Counter(ring["to"] for ring in storm.simulator("rings")["rings"])
    twice = [to for to, times in rings.items() if times > 1]
    ended = Counter(
        CallAttempt.objects.filter(state="ended").values_list("phone", flat=True)
    )
    stats = storm.simulator("stats")
    counted = Counter(Lead.objects.values_list("phone_e164", "call_attempts_count"))
    calls_of = {phone: count for phone, count in counted if count}
    checks = {
        f"rung twice: {len(twice)}": not twice,
        "two requests for one attempt": not stats["make_call_posts_per_marker"],
        "rings and ended attempts differ": rings == ended,
        "the counters of leads and rings differ": calls_of == dict(rings),
        "something is open": not CallAttempt.objects.held().exists(),
        "a lead is left in a call": not Lead.objects.filter(call_status="calling"),
    }
    found = [what for what, holds in checks.items() if not holds]
    for phase in phases:
        if phase.peak > phase.limit:
            found.append(f"{phase.peak} calls at once, of {phase.limit}")
        if phase.late_most > phase.limit:
            found.append(f"{phase.late_most} rings after STOP, of {phase.limit}")
        if phase.late_seconds > BOUND_SECONDS:
            found.append(f"a ring {phase.late_seconds:.1f} s after STOP")
    return found


# --- What it needs ------------------------------------------------------------------


@contextmanager
def started(
    *command: str, env: dict[str, str], until: str
) -> Iterator[subprocess.Popen[str]]:
    """A process of this environment, from its first line on; ended by SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert until in line, line
    process.first_line = line  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.terminate()
        code = process.wait(60)
        process.stdout.close()
    assert code == 0, f"{command[0]} ended with {code}"


def simulator(**options: object) -> Any:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = ("simulator", "--port", "0", "--quiet", *flags)
    return started(*command, env=dict(os.environ), until="listening")


def add_leads(count: int) -> None:
    """Invented people, all of them wanted now; no last digits mean anything to the
    simulator, which gives 01 to 10 endings of their own."""
    from django.utils import timezone

    from leads.models import Lead

    now = timezone.now()
    leads = (
        Lead(
            phone_e164=f"+346{number:06d}50",
            time_zone="Europe/Madrid",
            community="MD",
            consent="given",
            call_status="selected",
            selected_for_calling=True,
            pearl_outbound_id=OUTBOUND_ID,
            next_call_at=now,
        )
        for number in range(count)
    )
    Lead.objects.bulk_create(leads, batch_size=1000)


def add_campaign() -> int:
    from calls.models import Campaign

    campaign = Campaign.objects.create(
        name="Tormenta",
        outbound_id=OUTBOUND_ID,
        pearl_id=PEARL_ID,
        always_open=True,
        timeout_seconds=5,
    )
    return campaign.pk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--stops", type=int, default=500)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.workers} workers", flush=True)
    os.environ["TEST_DATABASE"] = "mariadb"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tuotempo.settings"
    from tuotempo import pytest_environment

    server = os.environ["TEST_MARIADB_SOCKET"]
    create = ["mariadb", "-uroot", "-S", server, "-e", "CREATE DATABASE tuotempo"]
    subprocess.run(create, check=True)
    assert pytest_environment.TOKEN
    with ExitStack() as stack:
        phases, found = _long(stack, options)
    print(Phase.HEADER)
    print(*phases, sep="\n")
    print("\n".join(found) or "nobody rung twice, nothing lost, nothing left open")
    sys.exit(bool(found))


def _long(
    stack: ExitStack, options: argparse.Namespace
) -> tuple[list[Phase], list[str]]:
    import django

    pearl = stack.enter_context(simulator(speed=400, agents=50, seed=options.seed))
    url = pearl.first_line.split()[-1]
    os.environ["PEARL_API_URL"] = url
    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0)

    campaign_id = add_campaign()
    add_leads(options.calls * 2)
    with webhooks(url, env=dict(os.environ)):
        farm = ("reliability.worker_farm", str(options.workers))
        stack.enter_context(started(*farm, env=dict(os.environ), until="ready"))
        storm = Storm(url=url, campaign_id=campaign_id, seed=options.seed)
        phases = []
        for limit in range(1, 11):
            stops, calls = options.stops // 10, options.calls * limit // 55
            phases.append(storm.run(limit, stops=stops, calls=calls))
            print(phases[-1], flush=True)
        return phases, wrongs(storm, phases)


@contextmanager
def webhooks(url: str, *, env: dict[str, str]) -> Iterator[None]:
    """The site as a process of its own, to which the simulator reports."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["uvicorn", "tuotempo.asgi:application", "--port", str(port)]
    site = subprocess.Popen(
        [sys.executable, "-m", *command, "--log-level", "critical"], cwd=ROOT, env=env
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        to = f"http://127.0.0.1:{port}/webhooks/pearl/{env['PEARL_WEBHOOK_TOKEN']}"
        config = {"campaigns": {OUTBOUND_ID: {"callWebhookUrl": to}}}
        answer = requests.post(f"{url}/_simulator/config", json=config, timeout=30)
        answer.raise_for_status()
        yield
    finally:
        site.terminate()
        site.wait(30)


if __name__ == "__main__":
    main()
