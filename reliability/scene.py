"""A campaign in full run, in processes of its own: database, simulator, workers; and
the judge, who asks the simulator's ring log what telephones felt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from calls.models import Campaign

ROOT = Path(__file__).resolve().parent.parent
# Both are the simulator's.
OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"
TIMEOUT_SECONDS = 1


@dataclass(kw_only=True)
class Scene:
    """`env` is what its processes see; this process is to be in the same."""

    env: Mapping[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    logs: dict[int, IO[str]] = field(default_factory=dict)
    url: str = ""

    def start_simulator(self, *options: str, speed: int = 100) -> None:
        """At a speed of 100 calls last a second or so."""
        usual = ["--port", "0", "--quiet", "--speed", str(speed), "--agents", "100"]
        process = self._start([sys.executable, "-m", "simulator", *usual, *options])
        assert process.stdout is not None
        self.url = process.stdout.readline().split()[-1]
        self.env = {**self.env, "PEARL_API_URL": self.url}

    def start_worker(self) -> subprocess.Popen[str]:
        """Returns once it is ready to dial. Raises RefusedToStart."""
        worker = self._start([sys.executable, "manage.py", "run_calls", "--serve"])
        assert worker.stdout is not None
        if "listo" not in worker.stdout.readline():
            worker.wait()
            raise RefusedToStart(self.log_of(worker))
        return worker

    def start_web(self, port: int) -> subprocess.Popen[str]:
        site = ["tuotempo.asgi:application", "--port", str(port)]
        quiet = ["--log-level", "critical", "--lifespan", "off"]
        return self._start([sys.executable, "-m", "uvicorn", *site, *quiet])

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def log_of(self, process: subprocess.Popen[str]) -> str:
        log = self.logs[process.pid]
        log.seek(0)
        return log.read()

    def get(self, what: str) -> Any:
        return requests.get(f"{self.url}/_simulator/{what}", timeout=10).json()

    def set(self, **config: Any) -> None:
        url = f"{self.url}/_simulator/config"
        requests.post(url, json=config, timeout=10).raise_for_status()

    def rings(self) -> list[dict[str, Any]]:
        rings: list[dict[str, Any]] = self.get("rings")["rings"]
        return rings

    def end(self, process: subprocess.Popen[str]) -> int:
        """Drain it; returns its exit code."""
        process.terminate()
        code = process.wait(timeout=60)
        self._forget(process)
        return code

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        self._forget(process)

    def end_all(self) -> None:
        for process in list(self.processes):
            self.kill(process)

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by _forget)
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(self.env),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self.processes.append(process)
        self.logs[process.pid] = errors
        return process

    def _forget(self, process: subprocess.Popen[str]) -> None:
        self.processes.remove(process)
        for stream in (process.stdout, self.logs.pop(process.pid)):
            if stream is not None:
                stream.close()


class RefusedToStart(Exception):
    """The worker said why, in its own words."""


def wait_until(holds: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Raises TimeoutError, which says what never came true."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


def environment(folder: Path, database_url: str) -> dict[str, str]:
    """Of processes that may be killed: short leases, but never shorter than a send may
    be late (dialing.SEND_BUDGET_SECONDS), nor doubt settled sooner."""
    import tuotempo.pytest_environment  # noqa: F401 (nothing of this machine's)

    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tuotempo.settings",
        "DIAL_JOURNAL": str(folder / "journal"),
        "POLL_SECONDS": "0.3",
        "LEASE_MARGIN_SECONDS": "6",
        "UNKNOWN_SETTLE_SECONDS": "8",
        "PYTHONUNBUFFERED": "1",
    }


def enter(env: Mapping[str, str]) -> None:
    """Make this process see what those of the scene see."""
    os.environ.update(env)
    import django

    django.setup()


def make_campaign(*, lines: int) -> Campaign:
    from calls.models import Campaign

    return Campaign.objects.create(
        name="Citas de prueba",
        outbound_id=OUTBOUND_ID,
        pearl_id=PEARL_ID,
        always_open=True,
        max_concurrent_calls=lines,
        timeout_seconds=TIMEOUT_SECONDS,
    )


def add_leads(how_many: int) -> None:
    """Each with a number of its own, to be called at once."""
    from leads.models import CallStatus, Consent, Lead

    first = Lead.objects.count()
    Lead.objects.bulk_create(
        Lead(
            first_name=f"Persona {n}",
            last_name="Inventada",
            # The simulator gives the last two digits 01 to 10 an outcome of their own.
            phone=f"+346{n:06d}50",
            phone_e164=f"+346{n:06d}50",
            city="Madrid",
            postal_code="28001",
            community="MD",
            time_zone="Europe/Madrid",
            consent=Consent.GIVEN,
            call_status=CallStatus.SELECTED,
            selected_for_calling=True,
            pearl_outbound_id=OUTBOUND_ID,
            next_call_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for n in range(first, first + how_many)
    )


def nothing_left(campaign: Campaign) -> bool:
    """Nobody is due and no call is in doubt or on its way."""
    from django.utils import timezone

    from calls.models import CallAttempt
    from calls.states import OPEN

    waiting = campaign.leads.queued().filter(next_call_at__lte=timezone.now())
    open_now = CallAttempt.objects.filter(campaign=campaign, state__in=OPEN)
    return not waiting.exists() and not open_now.exists()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of the ring log, against the database; all but `rings` and `manual` must be 0."""

    rings: int
    manual: int
    second_rings: int
    repeated_posts: int
    lost_outcomes: int
    never_rung: int
    stuck: int

    @property
    def is_good(self) -> bool:
        wrong = (self.second_rings, self.repeated_posts, self.lost_outcomes)
        return not any((*wrong, self.never_rung, self.stuck))

    def __str__(self) -> str:
        words = {name.replace("_", " "): n for name, n in self.__dict__.items()}
        return ", ".join(f"{number} {name}" for name, number in words.items())


def judge(scene: Scene) -> Verdict:
    """Of a run with nothing left."""
    from calls.models import CallAttempt
    from calls.states import State
    from leads.models import CallStatus, Lead

    rings = Counter(ring["to"] for ring in scene.rings())
    told = Counter(
        CallAttempt.objects.filter(state__in=[State.ENDED, State.MANUAL]).values_list(
            "phone", flat=True
        )
    )
    manual = CallAttempt.objects.filter(state=State.MANUAL)
    calling = Lead.objects.filter(call_status=CallStatus.CALLING)
    phones = set(Lead.objects.values_list("phone_e164", flat=True))
    return Verdict(
        rings=rings.total(),
        manual=manual.count(),
        second_rings=sum(times - 1 for times in rings.values()),
        repeated_posts=len(scene.get("stats")["make_call_posts_per_marker"]),
        lost_outcomes=(rings - told).total(),
        never_rung=len(phones - rings.keys()),
        stuck=calling.count() + CallAttempt.objects.open().count(),
    )
