"""How well the engine uses its lines and the provider's request budget.

    python -m benchmarks.dialing [--limits 5 50 500] [--database sqlite|mariadb]
                                 [--only slots|budget]

Everything is real but the provider: a worker process, a web process for the webhooks,
a database, and the simulator over HTTP. Beside the engine, in the same run and against
the same simulator: one call after another (as the earlier system does), and one thread
per call that polls its own call. Figures are of the simulator's own log.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"
KEY = "665500000000000000000001:simulador0000000000000000000000"
TOKEN = "banco-de-pruebas-" + "0" * 32
# Calls of 60 to 180 s, in scaled time. The more lines, the slower the clock: a call
# must start often, but not more often than two cores can simulate.
SPEEDS = {5: 15.0, 50: 12.0, 500: 2.5}
ROUNDS = {5: 8, 50: 6, 500: 6}


@dataclass(frozen=True, kw_only=True)
class Row:
    system: str
    limit: int
    slot_use: float
    peak: int
    calls: int
    requests_per_call: float
    seconds: float
    twice: int

    def __str__(self) -> str:
        return (
            f"{self.system:<34} {self.limit:>5} {self.slot_use:>8.3f} {self.peak:>5} "
            f"{self.calls:>6} {self.requests_per_call:>10.2f} {self.seconds:>8.1f} "
            f"{self.twice:>6}"
        )


HEADER = (
    f"{'system':<34} {'limit':>5} {'slot use':>8} {'peak':>5} {'calls':>6} "
    f"{'req./call':>10} {'seconds':>8} {'twice':>6}"
)


# --- The parts ----------------------------------------------------------------------


class Simulator:
    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()

    def stats(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(
            f"{self.url}/_simulator/stats", timeout=30
        ).json()
        return answer

    def post(self, what: str, body: dict[str, Any] | None = None) -> None:
        url = f"{self.url}/_simulator/{what}"
        self.http.post(url, json=body or {}, timeout=30).raise_for_status()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(
    *command: str, env: dict[str, str], wait_for: str = ""
) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE if wait_for else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if wait_for:
            assert started.stdout is not None
            line = started.stdout.readline()
            assert wait_for in line, line
            started.first_line = line  # type: ignore[attr-defined]
        yield started
    finally:
        started.terminate()
        started.wait(60)


@contextmanager
def simulator(*, speed: float, agents: int, rate: str) -> Iterator[Simulator]:
    command = ["-m", "simulator", "--port", "0", "--quiet", "--rate-limit", rate]
    command += ["--speed", str(speed), "--agents", str(agents)]
    with process(*command, env=dict(os.environ), wait_for="listening") as started:
        made = Simulator(started.first_line.split()[-1])  # type: ignore[attr-defined]
        made.post("config", {"suffixes": False, "talk_seconds": [60, 180]})
        made.post("config", {"outcomes": {"success": 1}, "ring_seconds": [5, 15]})
        yield made


def new_database(folder: Path) -> str:
    name = f"bench_{time.monotonic_ns()}"
    command = ["mariadb", "-uroot", "-S", str(folder / "s"), "-e"]
    subprocess.run([*command, f"CREATE DATABASE {name}"], check=True)
    return name


def environment(
    folder: Path, pearl: Simulator, *, database: str, rate: float, poll: float
) -> dict[str, str]:
    # A database and a journal of its own: a journal that knows of dials which the
    # database does not is exactly what the engine refuses to start with.
    own = Path(tempfile.mkdtemp(dir=folder))
    url = f"sqlite:///{own / 'bench.sqlite3'}"
    if database.startswith("mysql"):
        url = database.replace("/?", f"/{new_database(folder)}?")
    return {
        **os.environ,
        "ENV_FILE": "",
        "SECRET_KEY": "only-for-benchmarks-" + "0" * 32,
        "DATABASE_URL": url,
        "DIAL_JOURNAL": str(own / "journal"),
        "PEARL_API_URL": pearl.url,
        "PEARL_WEBHOOK_TOKEN": TOKEN,
        "PEARL_REQUESTS_PER_SECOND": str(rate),
        "PEARL_MAX_IN_FLIGHT": "2" if rate else "12",
        "POLL_SECONDS": str(poll),
    }


PREPARE = """
import django; django.setup()
from django.utils import timezone
from calls import runs
from calls.models import Campaign, CallAttempt, Recording, Run
from leads.models import Lead
Recording.objects.all().delete(); CallAttempt.objects.all().delete()
Run.objects.all().delete()
Campaign.objects.all().delete(); Lead.objects.all().delete()
now = timezone.now()
campaign = Campaign.objects.create(
    name="Banco de pruebas", outbound_id="{outbound}", pearl_id="{pearl}",
    always_open=True, max_concurrent_calls={limit})
Lead.objects.bulk_create([
    Lead(phone_e164=f"+346{{n:08d}}", time_zone="Europe/Madrid", community="MD",
         consent="given", call_status="selected", selected_for_calling=True,
         pearl_outbound_id=campaign.outbound_id, next_call_at=now)
    for n in range({leads})], batch_size=1000)
runs.start(campaign.pk, now=now)
"""


def migrate(env: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)


def run_python(code: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**env, "DJANGO_SETTINGS_MODULE": "tuotempo.settings"},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


# --- The systems --------------------------------------------------------------------


def measure(
    pearl: Simulator, *, system: str, limit: int, leads: int, until: int
) -> Row:
    """From the first call until only as many leads wait as there are lines."""
    began = time.monotonic()
    while pearl.stats()["make_call_accepted"] < 1:
        time.sleep(0.01)
    pearl.post("mark")
    while True:
        now = pearl.stats()
        if now["make_call_accepted"] >= until:
            break
        time.sleep(0.1)
    slot_use = now["average_in_course"] / limit
    deadline = time.monotonic() + 600
    while (now := pearl.stats())["ended"] < leads and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)
    now = pearl.stats()
    return Row(
        system=system,
        limit=limit,
        slot_use=slot_use,
        peak=now["peak_in_course"],
        calls=now["ended"],
        requests_per_call=_asked(now["requests"]) / max(now["ended"], 1),
        seconds=time.monotonic() - began,
        twice=len(now["make_calls_per_number"]),
    )


def _asked(requests: dict[str, int]) -> int:
    """Without the copies of recordings: one for each call that has one."""
    return sum(n for route, n in requests.items() if "Recording" not in route)


def engine(
    limit: int, *, webhooks: bool, database: str, folder: Path, rounds: int
) -> Row:
    speed, leads = SPEEDS.get(limit, 5.0), limit * rounds
    with ExitStack() as stack:
        pearl = stack.enter_context(
            simulator(speed=speed, agents=limit + 50, rate="off")
        )
        env = environment(folder, pearl, database=database, rate=0, poll=20 / speed)
        migrate(env)
        if webhooks:
            stack.enter_context(webhook_receiver(pearl, env))
        code = PREPARE.format(
            outbound=OUTBOUND_ID, pearl=PEARL_ID, limit=limit, leads=leads
        )
        run_python(code, env)
        stack.enter_context(
            process("manage.py", "run_calls", "--serve", env=env, wait_for="listo")
        )
        name = "engine, webhooks" if webhooks else "engine, polling only"
        return measure(
            pearl, system=name, limit=limit, leads=leads, until=leads - limit
        )


@contextmanager
def webhook_receiver(pearl: Simulator, env: dict[str, str]) -> Iterator[None]:
    """The site, to which Pearl reports."""
    port = free_port()
    web = ["-m", "uvicorn", "tuotempo.asgi:application", "--port", str(port)]
    with process(*web, "--log-level", "critical", env=env):
        url = f"http://127.0.0.1:{port}/webhooks/pearl/{TOKEN}"
        pearl.post("config", {"campaigns": {OUTBOUND_ID: {"callWebhookUrl": url}}})
        wait_for_port(port)
        yield


def wait_for_port(port: int) -> None:
    for _attempt in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(port)


def call_and_poll(pearl: Simulator, number: str, *, every: float) -> None:
    """What both baselines do with one lead: dial, then ask until it is over."""
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {KEY}"
    made = http.post(
        f"{pearl.url}/v1/Outbound/{OUTBOUND_ID}/Call", json={"to": number}, timeout=30
    ).json()
    while True:
        time.sleep(every)
        url = f"{pearl.url}/v1/Outbound/CallRequest/{made['id']}"
        if http.get(url, timeout=30).json()["status"] in (10, 20, 100):
            return


def baseline(limit: int, *, threads: int, system: str, leads: int) -> Row:
    speed = SPEEDS.get(limit, 5.0)
    numbers = iter([f"+346{n:08d}" for n in range(leads)])
    lock = threading.Lock()

    def work(pearl: Simulator) -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            call_and_poll(pearl, number, every=5 / speed)

    with simulator(speed=speed, agents=limit + 50, rate="off") as pearl:
        crew = [
            threading.Thread(target=work, args=(pearl,), daemon=True)
            for _each in range(threads)
        ]
        for member in crew:
            member.start()
        until = max(leads - threads, 1)
        return measure(pearl, system=system, limit=limit, leads=leads, until=until)


def budget(*, database: str, folder: Path, leads: int) -> str:
    """The provider's real limits, and one 429 in thirty besides."""
    with ExitStack() as stack:
        pearl = stack.enter_context(simulator(speed=20, agents=50, rate="1/5/2"))
        pearl.post("config", {"rate_limit": {"retry_after": 2}})
        fault = {"kind": "429", "route": "any", "probability": 0.03}
        pearl.post("config", {"faults": [{**fault, "retry_after": 2}]})
        env = environment(folder, pearl, database=database, rate=1, poll=20)
        migrate(env)
        stack.enter_context(webhook_receiver(pearl, env))
        code = PREPARE.format(
            outbound=OUTBOUND_ID, pearl=PEARL_ID, limit=20, leads=leads
        )
        run_python(code, env)
        began = time.monotonic()
        stack.enter_context(
            process("manage.py", "run_calls", "--serve", env=env, wait_for="listo")
        )
        while pearl.stats()["make_call_accepted"] < leads:
            time.sleep(0.2)
        seconds = time.monotonic() - began
        while (now := pearl.stats())["ended"] < leads:
            time.sleep(0.5)
        posts = now["make_call_posts"]
        repeated = len(now["make_call_posts_per_marker"])
        return (
            f"real budget (1/s, 2 in flight): {leads} leads in {seconds:.0f} s, "
            f"{now['total_requests']} requests, {posts} of them dials: "
            f"{posts / now['total_requests']:.2f} of the budget; 429s: "
            f"{now['throttled_429']}; a POST repeated for an attempt: {repeated}; "
            f"numbers called twice: {len(now['make_calls_per_number'])}"
        )


def print_baselines(limit: int, *, leads: int) -> None:
    one = baseline(limit, threads=1, system="one after another", leads=6)
    print(one, flush=True)
    name = "one thread per call, polling"
    many = baseline(limit, threads=limit, system=name, leads=leads)
    print(many, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", type=int, nargs="+", default=[5, 50, 500])
    parser.add_argument("--database", choices=["sqlite", "mariadb"], default="sqlite")
    parser.add_argument("--only", choices=["slots", "budget", "engine"])
    parser.add_argument("--leads", type=int, default=120, help="for the budget")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, database = Path(name), options.database
        if database == "mariadb":
            from tuotempo.pytest_environment import start_mariadb

            server = start_mariadb(folder)
            database = f"mysql://root@/?unix_socket={server}"
        if options.only != "budget":
            print(HEADER, flush=True)
            for limit in options.limits:
                rounds = ROUNDS.get(limit, 6)
                if options.only != "engine":
                    print_baselines(limit, leads=limit * rounds)
                for webhooks in (True, False):
                    row = engine(
                        limit,
                        webhooks=webhooks,
                        database=database,
                        folder=folder,
                        rounds=rounds,
                    )
                    print(row, flush=True)
        if options.only in (None, "budget"):
            print(budget(database=database, folder=folder, leads=options.leads))


if __name__ == "__main__":
    main()
