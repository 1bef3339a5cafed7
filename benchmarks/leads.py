"""The list of leads with a million of them: how long the server takes, page by page.

    python -m benchmarks.leads --database sqlite|mariadb [--rows 1000000] [--runs 20]
                               [--folder DIR] [--no-stock]

Whole requests through the admin's view: session, permissions, queries, templates. In
the same run, Django's own list with the same columns and filters. Then 250,000 leads of
a filter are put in a queue, and put back. With --folder the database stays there, and a
second run measures at once.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WARM_UP = 2
STOCK_RUNS = 3
TARGET_MS = 300.0
SOCKET = "s"

# What is asked of ours, and the same of Django's list where it can be said there.
PAGES: list[tuple[str, str, str | None]] = [
    ("no filter, first page", "", ""),
    ("no filter, last page", "fin=1", "p={last}"),
    ("no filter, in the middle", "tras={half}", "p={middle}"),
    ("status", "status=selected", "call_status__exact=selected"),
    ("two statuses", "status=selected&status=busy", None),
    ("selected", "selected=true", "selected_for_calling__exact=1"),
    ("priority, common", "priority=3", "call_priority__exact=3"),
    ("priority, rare", "priority=5", "call_priority__exact=5"),
    ("city, frequent", "city=Madrid", "city=Madrid"),
    ("city, rare", "city=Getafe", "city=Getafe"),
    ("city, no such", "city=Zzz", "city=Zzz"),
    ("city, in the middle", "city=Madrid&tras={half}", "city=Madrid&p={city_middle}"),
    ("city, last page", "city=Madrid&fin=1", "city=Madrid&p={city_last}"),
    ("province", "province=Madrid", "province=Madrid"),
    ("clinic", "clinic={clinic}", "clinic_name={clinic}"),
    ("source file", "source=leads_003.csv", "source_file=leads_003.csv"),
    ("import", "lead_import=4", None),
    ("disposition, none", "disposition=none", "disposition__exact="),
    ("disposition, rare", "disposition=do_not_call", "disposition__exact=do_not_call"),
    ("attempts 0", "attempts=0", "call_attempts_count=0"),
    ("attempts 2", "attempts=2", "call_attempts_count=2"),
    ("attempts 3+", "attempts=3", None),
    ("last attempt, two days", "last_from={day}&last_to={next_day}", None),
    ("callback due", "callback=due", None),
    ("callback missed", "callback=missed", None),
    ("callback, any", "callback=any", None),
    ("manual", "manual=true", "manual_management__exact=1"),
    ("excluded", "excluded=true", None),
    ("not excluded", "excluded=false", None),
    ("never called", "never_called=true", "last_call_attempt__isnull=True"),
    ("called", "never_called=false", "last_call_attempt__isnull=False"),
    ("phone, whole", "q={phone}", "q={digits}"),
    ("phone, part", "q=12034", "q=12034"),
    ("name prefix, common", "q=garc", "q=garc"),
    ("name prefix, rare", "q=salvi", "q=salvi"),
    ("name, two words", "q=begoña peña", "q=begoña peña"),
    ("name, nobody", "q=xyz", "q=xyz"),
    ("NIF", "q={nif}", "q={nif}"),
    (
        "five filters, many",
        "status=selected&selected=true&priority=3&attempts=0&manual=false",
        "call_status__exact=selected&selected_for_calling__exact=1"
        "&call_priority__exact=3&call_attempts_count=0&manual_management__exact=0",
    ),
    (
        "five filters, few",
        "city=Madrid&status=error&attempts=1&selected=true&disposition=none",
        "city=Madrid&call_status__exact=error&call_attempts_count=1"
        "&selected_for_calling__exact=1&disposition__exact=",
    ),
    (
        "five filters, very few",
        "manual=true&priority=1&attempts=3&excluded=false&never_called=false",
        None,
    ),
    (
        "five filters, one",
        "status=error&attempts=2&province=Madrid&manual=true&excluded=true",
        None,
    ),
    (
        "five filters, nobody",
        "city=Zzz&status=error&selected=true&priority=3&manual=false",
        "city=Zzz&call_status__exact=error&selected_for_calling__exact=1"
        "&call_priority__exact=3&manual_management__exact=0",
    ),
    (
        "five filters and a name",
        "q=mart&city=Madrid&status=selected&excluded=false&priority=3",
        None,
    ),
    ("by last attempt", "o=-8", "o=-8"),
    ("by last attempt, last page", "o=-8&fin=1", "o=-8&p={last}"),
    (
        "by next call, selected",
        "o=9&selected=true",
        "o=9&selected_for_calling__exact=1",
    ),
    ("by name", "o=1", None),
    ("by name, one status", "o=1&status=no_answer", None),
]
MANY = "status=selected&status=error"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=["sqlite", "mariadb"], required=True)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--folder", type=Path)
    options.add_argument("--no-stock", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="leads-") as scratch:
        folder = given.folder or Path(scratch)
        with database(given.database, folder=folder):
            measure(given)


# --- A database of its own ----------------------------------------------------------


@contextmanager
def database(kind: str, *, folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "ENV_FILE": "",
        "SECRET_KEY": "only-for-benchmarks-" + "0" * 32,
        "DEBUG": "false",
        "HTTPS": "false",
        "ALLOWED_HOSTS": "testserver",
        "DIAL_JOURNAL": str(folder / "journal"),
        "IMPORT_FOLDER": str(folder / "imports"),
        "DJANGO_SETTINGS_MODULE": "tuotempo.settings",
    }
    if kind == "sqlite":
        os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'leads.sqlite3'}"
        yield
        return
    server = start_mariadb(folder)
    os.environ["DATABASE_URL"] = f"mysql://root@/leads?unix_socket={folder / SOCKET}"
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def start_mariadb(folder: Path) -> subprocess.Popen[bytes]:
    """As an installation would have it: durable, on disk, with 1 GB of memory."""
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    common = ["--no-defaults", *as_root, f"--datadir={folder / 'data'}"]
    if not (folder / "data").exists():
        install = ["mariadb-install-db", *common, "--skip-test-db"]
        install.append("--auth-root-authentication-method=normal")
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    socket = folder / SOCKET
    socket.unlink(missing_ok=True)
    serving = [
        "mariadbd",
        *common,
        f"--socket={socket}",
        f"--pid-file={folder / 'pid'}",
        f"--log-error={folder / 'err.log'}",
        f"--tmpdir={folder}",
        "--skip-networking",
        "--skip-name-resolve",
        "--innodb-buffer-pool-size=1G",
        "--innodb-log-file-size=512M",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_ci",
    ]
    server = subprocess.Popen(serving)
    while not socket.exists():
        if server.poll() is not None:
            sys.exit((folder / "err.log").read_text())
        time.sleep(0.1)
    create = "CREATE DATABASE IF NOT EXISTS leads"
    subprocess.run(
        ["mariadb", f"--socket={socket}", "-uroot", "-e", create], check=True
    )
    return server


def prepare(rows: int) -> None:
    from django.core.management import call_command

    from benchmarks.lead_data import build
    from leads.models import Lead

    call_command("migrate", verbosity=0)
    if Lead.objects.exists():
        return
    started = time.perf_counter()
    build(rows)
    analyse()
    print(f"{rows} leads written in {time.perf_counter() - started:.0f} s")


def analyse() -> None:
    """Databases count their tables by themselves in time; one just filled may stand
    uncounted, and MariaDB then reads all of a table for each row of another."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("ANALYZE")
            return
        for table in ("leads", "suppressions", "lead_imports"):
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()


# --- The pages ----------------------------------------------------------------------


def measure(given: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.conf import settings

    settings.ROOT_URLCONF = "benchmarks.leads_stock"
    prepare(given.rows)
    client, names = somebody(), examples()
    print(f"\n{given.database}, {given.rows} leads, {given.runs} runs, milliseconds")
    print(f"{'page':<28} {'leads':>7} {'p50':>7} {'p95':>7}  {'stock p50':>9}")
    slow, before = [], peak_mb()
    for name, query, stock in PAGES:
        times, count = timed(
            lambda q=query: client.get(f"/admin/leads/lead/?{q.format(**names)}"),
            runs=given.runs,
        )
        p95 = percentile(times, 95)
        if p95 > TARGET_MS:
            slow.append(name)
        print(
            f"{name:<28} {count:>7} {statistics.median(times):>7.1f} {p95:>7.1f}",
            end="  ",
            flush=True,
        )
        if stock is None or given.no_stock:
            print(f"{'—':>9}")
            continue
        stock_times, _count = timed(
            lambda q=stock: client.get(f"/stock/leads/lead/?{q.format(**names)}"),
            runs=STOCK_RUNS,
            warm_up=0,
        )
        print(f"{statistics.median(stock_times):>9.0f}", flush=True)
    print(f"over {TARGET_MS:.0f} ms at p95: {', '.join(slow) or 'none'}")
    print(
        f"peak memory of the process: {before:.0f} MB before, {peak_mb():.0f} MB after"
    )
    select_many(client)


def somebody() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    from calls.models import Campaign

    user, _new = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )
    for outbound_id in ("66f0a1b2c3d4e5f601020304", "66f0a1b2c3d4e5f601020305"):
        Campaign.objects.get_or_create(
            outbound_id=outbound_id, defaults={"name": outbound_id[-4:]}
        )
    client = Client()
    client.force_login(user)
    return client


def examples() -> dict[str, str]:
    from datetime import timedelta
    from urllib.parse import quote

    from django.utils import timezone

    from leads.models import Lead

    lead = Lead.objects.order_by("-id")[777]
    day = timezone.localdate() - timedelta(days=40)
    rows, in_madrid = Lead.objects.count(), Lead.objects.filter(city="Madrid").count()
    return {
        "half": str(rows // 2),
        "middle": str(rows // 100),
        "last": str(rows // 50),
        "city_middle": str(in_madrid // 100),
        "city_last": str(in_madrid // 50),
        "phone": quote(lead.phone_e164),
        "digits": lead.phone_e164[3:],
        "nif": lead.national_id,
        "clinic": quote(lead.clinic_name),
        "day": str(day),
        "next_day": str(day + timedelta(days=1)),
    }


def timed(
    get: Callable[[], Any], *, runs: int, warm_up: int = WARM_UP
) -> tuple[list[float], int]:
    times, answer = [], None
    for _run in range(warm_up + runs):
        started = time.perf_counter()
        answer = get()
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer
    assert answer is not None
    return times[warm_up:], answer.context_data["cl"].result_count


def percentile(times: list[float], rank: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[rank - 1]


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- A quarter of a million at once -------------------------------------------------


def select_many(client: Any) -> None:
    """Into the other campaign's queue: who waits in this one really changes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from leads.models import BulkChange

    url = f"/admin/leads/lead/?{MANY}"
    chosen = {"action": "select", "select_across": "1", "_selected_action": "0"}
    chosen |= {"asked": "1", "outbound_id": "66f0a1b2c3d4e5f601020305"}
    started = time.perf_counter()
    page = client.post(url, chosen)
    asked = time.perf_counter() - started
    plan = page.context_data["plan"]
    with CaptureQueriesContext(connection) as queries:
        started = time.perf_counter()
        client.post(url, chosen | {"apply": "1"})
        applied = time.perf_counter() - started
    count = len(queries)
    update = next(
        float(q["time"])
        for q in queries
        if q["sql"].startswith("UPDATE") and "call_status" in q["sql"]
    )
    change = BulkChange.objects.latest("id")
    started = time.perf_counter()
    client.post(f"/admin/leads/lead/undo/{change.pk}/")
    undone = time.perf_counter() - started
    print(f"put {change.changed} of {plan.total} leads in a queue:")
    print(f"  queries               {count:>6}")
    print(f"  the confirmation page {asked:>6.2f} s")
    print(f"  the one UPDATE        {update:>6.2f} s")
    print(f"  the whole request     {applied:>6.2f} s (with a line on each timeline)")
    print(f"  undone                {undone:>6.2f} s")
    print(f"  peak memory           {peak_mb():>6.0f} MB")


if __name__ == "__main__":
    main()
