"""How long the doctor, the metrics and the readiness probe take with a million leads
and a million attempts.

    python -m benchmarks.doctor --database sqlite|mariadb [--rows 1000000]
                                [--attempts 1000000] [--runs 10] [--folder DIR]

The doctor is measured as a process of its own, as a monitor starts it, and without the
start of Python and Django; Pearl was asked before. With --folder the database stays
there, and a second run measures at once.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.leads import database, prepare

TOKEN = "metrics-" + "0" * 32
BASE = 10_000  # attempts that Django makes; the database copies them
DAYS = 300


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=["sqlite", "mariadb"], required=True)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--attempts", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="doctor-") as scratch:
        folder = given.folder or Path(scratch)
        with database(given.database, folder=folder):
            measure(given)


def measure(given: argparse.Namespace) -> None:
    import django

    django.setup()
    prepare(given.rows)
    prepare_calls(given.attempts)
    print(f"{given.database}, {given.rows} leads, {given.attempts} attempts")
    print(f"{'what':<34} {'p50 ms':>8} {'worst':>8}")
    doctor = [sys.executable, "manage.py", "doctor"]
    for what, work in {
        "doctor, the process": lambda: subprocess.run(doctor, capture_output=True),
        "doctor, its questions": ask_the_doctor,
        "metrics": scrape,
        "readyz": lambda: get("/readyz"),
        "healthz": lambda: get("/healthz"),
    }.items():
        times = [timed(work) for _each in range(given.runs)]
        print(f"{what:<34} {statistics.median(times):>8.0f} {max(times):>8.0f}")
    told = subprocess.run(doctor, capture_output=True, text=True)
    print(told.stdout, told.stderr)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def ask_the_doctor() -> None:
    from django.core.management import call_command

    with redirect_stdout(io.StringIO()), suppress(SystemExit):
        call_command("doctor")


def get(path: str, **headers: str) -> None:
    from django.test import Client

    answer = Client().get(path, headers=headers)
    assert answer.status_code == 200, answer.content


def scrape() -> None:
    """A scrape that finds nothing kept of the one before, but for the count of so many
    leads, which goes on in the background."""
    from django.conf import settings
    from django.core.cache import cache

    settings.METRICS_TOKEN = TOKEN
    cache.delete("metrics")
    get("/metrics", Authorization=f"Bearer {TOKEN}")


def prepare_calls(attempts: int) -> None:
    """A campaign that runs, a worker, Pearl asked just now, and calls of 300 days."""
    from django.conf import settings
    from django.utils import timezone

    from benchmarks.lead_data import OUTBOUND_ID
    from calls.models import CallAttempt, Campaign, PearlAccount, Run, RunState, Worker

    now = timezone.now()
    campaign, made = Campaign.objects.get_or_create(
        outbound_id=OUTBOUND_ID,
        defaults={"name": "Citas", "state": RunState.RUNNING, "generation": 1},
    )
    if made:
        run = Run.objects.create(campaign=campaign, generation=1, started_at=now)
        make_attempts(campaign, run, attempts)
    Campaign.objects.update(always_open=True, pearl_agents=9, checked_at=now)
    PearlAccount.objects.update_or_create(
        account_id=settings.PEARL_ACCOUNT_ID,
        defaults={"checked_at": now, "credit_balance": 100},
    )
    soon = now + timedelta(hours=1)  # a heartbeat that lasts for the measurement
    Worker.objects.update_or_create(
        identity="bench", defaults={"started_at": now, "heartbeat_at": soon}
    )
    Run.objects.update(started_at=soon)
    print(f"{CallAttempt.objects.count()} attempts")


def ended(at: datetime) -> dict[str, object]:
    """What else is known of an attempt that found the line busy."""
    moments = ("lease_expires_at", "claimed_at", "send_started_at", "closed_at")
    return {
        "generation": 1,
        "state": "ended",
        "outcome": "busy",
        "verdict": "allowed",
        "owner": "bench",
        "lead_status_before": "selected",
        "confirmed_at": at,
        **dict.fromkeys(moments, at),
    }


def make_attempts(campaign: object, run: object, attempts: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from calls.models import CallAttempt
    from leads.models import Lead

    now = timezone.now()
    leads = list(Lead.objects.order_by("id").values_list("id", "phone_e164")[:BASE])
    made = [
        CallAttempt(
            lead_id=lead_id,
            campaign=campaign,
            run=run,
            phone=phone,
            **ended(now - timedelta(days=DAYS) * (number / len(leads))),
        )
        for number, (lead_id, phone) in enumerate(leads)
    ]
    CallAttempt.objects.bulk_create(made, batch_size=1000)
    fields = [f for f in CallAttempt._meta.local_fields if not f.primary_key]
    names = [str(field.column) for field in fields]
    token = "lower(hex(randomblob(16)))" if connection.vendor == "sqlite" else "UUID()"
    values = [token if name == "token" else f"`{name}`" for name in names]
    listed = ", ".join(f"`{name}`" for name in names)
    with connection.cursor() as cursor:
        for _copy in range(max(0, attempts // BASE - 1)):
            cursor.execute(
                f"INSERT INTO call_attempts ({listed}) SELECT {', '.join(values)}"  # noqa: S608
                f" FROM call_attempts ORDER BY id LIMIT {BASE}"
            )
        if connection.vendor == "sqlite":
            cursor.execute("ANALYZE")
        else:
            cursor.execute("ANALYZE TABLE call_attempts")
            cursor.fetchall()


if __name__ == "__main__":
    main()
