"""How many of Pearl's webhooks one web process takes in, and how soon it answers.

    python -m benchmarks.webhooks [--rate 500] [--seconds 20] [--database sqlite]

Ends of different calls, a tenth of them sent twice, arrive at a steady rate, as over a
network: a late answer does not delay the next webhook, and its wait counts from when it
was due. One uvicorn process keeps them; every one answered 200 must be in the database.
The baselines, in the same run: the same webhooks through Django's middleware and one
transaction each; and, as before, each read inside its request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

PORT = 8767
TOKEN = "only-for-benchmarks-" + "0" * 32
URL = f"http://127.0.0.1:{PORT}/webhooks/pearl/{TOKEN}"
ATTEMPTS = 300
CONNECTIONS = 64
# Nobody waits longer than Pearl may (pearl-api.md 8.6).
GIVE_UP_SECONDS = 10.0

# The ways to take them in; each is a module that uvicorn loads.
DOOR = "tuotempo.asgi:application"
MIDDLEWARE = "benchmarks.webhooks:through_django"
INLINE = "benchmarks.webhooks:read_at_once"


def through_django():  # type: ignore[no-untyped-def]
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def read_at_once():  # type: ignore[no-untyped-def]
    """As the first version did: parsed and recorded before the answer."""
    site = through_django()
    from django.utils import timezone

    from calls import webhooks

    keep_all = webhooks.keep_all

    def keep_and_read(bodies, *, now):  # type: ignore[no-untyped-def]
        kept = keep_all(bodies, now=now)
        webhooks.process_kept(now=timezone.now(), at_most=1)
        return kept

    webhooks.keep_all = keep_and_read
    return site


@dataclass
class Measured:
    """What the senders saw; seconds."""

    waits: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=500.0)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--database", choices=["sqlite", "mariadb"])
    given = options.parse_args()
    for engine in [given.database] if given.database else ["sqlite", "mariadb"]:
        with (
            tempfile.TemporaryDirectory(prefix="tt-hooks-") as folder,
            database(engine, folder),
        ):
            tokens = prepare()
            for name, app, rate in (
                ("kept in groups", DOOR, given.rate),
                ("kept in groups, all at once", DOOR, 0.0),
                ("one transaction each", MIDDLEWARE, given.rate),
                ("read in the request", INLINE, given.rate),
            ):
                measure(engine, name, app, rate, given.seconds, tokens)


def measure(
    engine: str, name: str, app: str, rate: float, seconds: float, tokens: list[str]
) -> None:
    empty()
    count = int((rate or 1000) * seconds)
    bodies = [end_of_call(tokens[n % len(tokens)], n) for n in range(count)]
    bodies = [bodies[n - 1] if n % 10 == 9 else bodies[n] for n in range(count)]
    with site(app) as pid:
        before = cpu_seconds(pid)
        measured = asyncio.run(send_all(bodies, rate))
        spent = cpu_seconds(pid) - before
    accepted = measured.answers["200"]
    stored = kept()
    waits = statistics.quantiles(measured.waits, n=1000)
    print(
        f"{engine:8} {name:28} {accepted / measured.seconds:6.0f}/s accepted; "
        f"p50 {1000 * waits[499]:.0f} p99 {1000 * waits[989]:.0f} "
        f"max {1000 * max(measured.waits):.0f} ms; {1000 * spent / count:.2f} ms of "
        f"processor each; answers {dict(measured.answers)}; {stored} kept",
        flush=True,
    )
    assert stored >= accepted, "an answer 200 was not kept"


def cpu_seconds(pid: int) -> float:
    """Of the web process, so far."""
    user, system = (
        Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    )
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def end_of_call(token: str, n: int) -> bytes:
    """About 4 kB: twenty turns (pearl-api.md 8.2); the people are invented."""
    turn = "Sí, el martes por la tarde me viene bien, muchas gracias por llamar."
    event = {
        "id": f"{n:024x}",
        "pearlId": "66f0aaaabbbbccccdddd0001",
        "startTime": "2026-11-23T15:42:21.100Z",
        "conversationStatus": 100,
        "status": 4,
        "from": "910000",
        "to": "+34600000001",
        "duration": 99,
        "transcript": [
            {"role": 2 + i % 2, "content": turn, "startTime": i * 100, "endTime": i}
            for i in range(20)
        ],
        "summary": "La persona acepta la cita.",
        "collectedInfo": [{"id": "ttAttemptId", "name": "Marca", "value": token}],
        "tags": [],
        "overallSentiment": 4,
    }
    return json.dumps(event).encode()


async def send_all(bodies: list[bytes], rate: float) -> Measured:
    """`rate` a second, whatever the answers; 0: as fast as the connections allow."""
    measured = Measured()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS if not rate else 0)
    timeout = aiohttp.ClientTimeout(total=GIVE_UP_SECONDS if rate else None)
    began = time.monotonic()

    async def send(body: bytes, due: float) -> None:
        if not rate:
            due = time.monotonic()
        try:
            async with session.post(URL, data=body) as answer:
                await answer.read()
                measured.answers[str(answer.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as exc:
            measured.answers[type(exc).__name__] += 1
        measured.waits.append(time.monotonic() - due)

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        if rate:
            await _at_rate(bodies, rate, send, began)
        else:
            queue = iter(bodies)

            async def sender() -> None:
                for body in queue:
                    await send(body, 0.0)

            await asyncio.gather(*(sender() for _each in range(CONNECTIONS)))
    measured.seconds = time.monotonic() - began
    return measured


async def _at_rate(bodies, rate, send, began) -> None:  # type: ignore[no-untyped-def]
    under_way = set()
    for n, body in enumerate(bodies):
        due = began + n / rate
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(send(body, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


# --- The world ----------------------------------------------------------------------


@contextmanager
def database(engine: str, folder: str) -> Iterator[None]:
    process = None
    url = f"sqlite:///{folder}/db.sqlite3"
    if engine == "mariadb":
        from tuotempo.pytest_environment import install_mariadb, run_mariadb

        install_mariadb(Path(folder))
        process = run_mariadb(Path(folder))
        client = shutil.which("mariadb") or "mariadb"
        create = "CREATE DATABASE tuotempo CHARACTER SET utf8mb4"
        subprocess.run([client, f"--socket={folder}/s", "-e", create], check=True)
        url = f"mysql://root@/tuotempo?unix_socket={folder}/s"
    os.environ.update(
        ENV_FILE="",
        SECRET_KEY="only-for-benchmarks-" + "0" * 32,
        PEARL_WEBHOOK_TOKEN=TOKEN,
        DATABASE_URL=url,
        DJANGO_SETTINGS_MODULE="tuotempo.settings",
    )
    try:
        yield
    finally:
        if process is not None:
            process.terminate()
            process.wait()


@contextmanager
def site(app: str) -> Iterator[int]:
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(PORT)]
    command += ["--log-level", "warning"] + ([] if app == DOOR else ["--factory"])
    # What the baselines cannot keep, they log at length.
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(6)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def prepare() -> list[str]:
    """The markers of calls under way."""
    return run_here(
        "from calls.tests.factories import AttemptFactory\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "first = AttemptFactory()\n"
        f"rest = AttemptFactory.create_batch({ATTEMPTS}, run=first.run)\n"
        "print(*[one.token for one in rest])\n"
    ).split()


def empty() -> None:
    run_here("PearlEvent.objects.all().delete()")


def kept() -> int:
    """Bodies, counting each repetition."""
    return int(
        run_here(
            "from django.db.models import Sum\n"
            "print(PearlEvent.objects.aggregate(n=Sum('times_seen'))['n'] or 0)"
        )
    )


def run_here(code: str) -> str:
    """In a process of its own: this one sends to two databases in turn."""
    setup = "import django; django.setup()\nfrom calls.models import PearlEvent\n"
    command = [sys.executable, "-c", setup + code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
