"""Calls found by what was said in them: how long the page takes, word by word.

    python -m benchmarks.said --database sqlite|mariadb [--calls 200000] [--runs 10]
                              [--folder DIR]

Whole requests through the view: session, permissions, queries, template. Each call has
forty words: some that all have, some that one in fifty has, and one of its own.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from pathlib import Path

from benchmarks.leads import database, percentile

TARGET_MS = 300.0
WARM_UP = 1
COMMON, FREQUENT, SHARE = 30, 50, 50
PAGES = [
    ("a word of one call", "said=propia7"),
    ("a word of none", "said=nadie"),
    ("a word of one call in fifty", "said=frecuente3"),
    ("a word of all", "said=comun1"),
    ("a word of all, in the middle", "said=comun1&after={half}"),
    ("a word of all, its last page", "said=comun1&after=20"),
    ("two words of all", "said=comun1+comun2"),
    ("eight words of all", "said=" + "+".join(f"comun{n}" for n in range(8))),
    ("one of all and one of a call", "said=comun1+propia7"),
    ("one of all and one in fifty", "said=comun1+frecuente3"),
    ("two in fifty, never together", "said=frecuente3+frecuente4"),
    ("of all, among errors", "said=comun1&result=error"),
    ("of all, of one run", "said=comun1&run={run}"),
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=["sqlite", "mariadb"], required=True)
    options.add_argument("--calls", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="said-") as scratch:
        folder = given.folder or Path(scratch)
        with database(given.database, folder=folder):
            measure(given)


def measure(given: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    run = build(given.calls)
    client = Client()
    user, _made = User.objects.get_or_create(username="m", is_superuser=True)
    client.force_login(user)
    print(f"\n{given.database}, {given.calls} calls, {given.runs} runs, milliseconds")
    slow = []
    for name, query in PAGES:
        where = f"/calls/attempts?{query.format(half=given.calls // 2, run=run)}"
        times = []
        for _run in range(given.runs + WARM_UP):
            began = time.perf_counter()
            assert client.get(where).status_code == 200
            times.append((time.perf_counter() - began) * 1000)
        times = times[WARM_UP:]
        p95 = percentile(times, 95)
        slow += [name] if p95 > TARGET_MS else []
        print(f"{name:<30} {statistics.median(times):>7.1f} {p95:>7.1f}", flush=True)
    print(f"slower than {TARGET_MS:.0f} ms: {', '.join(slow) or 'none'}")


def build(calls: int) -> int:
    """The run of a thousand of the calls."""
    from django.utils import timezone

    from calls.models import CallAttempt, Campaign, Run
    from leads.models import Lead

    if CallAttempt.objects.exists():
        return int(Run.objects.order_by("pk")[0].pk)
    started, now = time.perf_counter(), timezone.now()
    campaign = Campaign.objects.create(name="Banco", outbound_id="a" * 24)
    small, large = (
        Run.objects.create(campaign=campaign, generation=n, started_at=now)
        for n in (1, 2)
    )
    lead = Lead.objects.create(first_name="Ana", phone_e164="+34600000001")
    texts = ["comun1 y comun2, " * 10, "frecuente3, " * 5]
    transcript = [{"role": 2, "text": text, "start": 0, "end": 1} for text in texts]
    for first in range(0, calls, 2000):
        CallAttempt.objects.bulk_create(
            CallAttempt(
                token=uuid.uuid4(),
                lead=lead,
                campaign=campaign,
                run=small if n < 1000 else large,
                generation=1,
                phone=lead.phone_e164,
                state="ended",
                outcome="failed" if n % 100 == 0 else "success",
                verdict="allowed",
                owner="b",
                lead_status_before="selected",
                lease_expires_at=now,
                claimed_at=now,
                send_started_at=now,
                closed_at=now,
                transcript=transcript,
            )
            for n in range(first, min(first + 2000, calls))
        )
    write_words()
    print(f"{calls} calls written in {time.perf_counter() - started:.0f} s")
    return int(small.pk)


def write_words() -> None:
    from django.db import connection

    is_sqlite = connection.vendor == "sqlite"
    put = "INSERT INTO said_words (word, attempt_id) SELECT"
    own = "'propia' || id" if is_sqlite else "CONCAT('propia', id)"
    every = [f"'comun{n}', id FROM call_attempts" for n in range(COMMON)]
    some = [
        f"'frecuente{n}', id FROM call_attempts WHERE id % {SHARE} = {n}"
        for n in range(FREQUENT)
    ]
    with connection.cursor() as cursor:
        for rows in (*every, *some, f"{own}, id FROM call_attempts"):
            cursor.execute(f"{put} {rows}")
        cursor.execute("ANALYZE" if is_sqlite else "ANALYZE TABLE said_words")


if __name__ == "__main__":
    main()
