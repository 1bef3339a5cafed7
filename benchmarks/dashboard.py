"""The page at /calls with a million leads: first load, keystrokes, redraws.

    python -m benchmarks.dashboard --database sqlite|mariadb [--rows 1000000]
                                   [--runs 40] [--folder DIR]

Whole requests: session, permissions, queries, templates; of an operator, not of a
superuser. `cold` is a load after everything that was kept is forgotten. The kilobytes
are those of the page as it goes over the wire (gzip), with its styles, scripts and
fonts. The baseline, in the same run: the counts of the page as one plain query each.
"""

from __future__ import annotations

import argparse
import gzip
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.leads import database, percentile, prepare

FIRST_LOAD_MS, KEYSTROKE_MS = 200.0, 150.0
# What one letter after the other asks for, and what the chips do.
KEYSTROKES = [
    ("q, one letter", "q=g"),
    ("q, frequent name", "q=garc"),
    ("q, rare name", "q=salvi"),
    ("q, two words", "q=begoña peña"),
    ("q, a name and one letter", "q=maria g"),
    ("q, two letters", "q=m g"),
    ("q, two first names", "q=montserrat lucia"),
    ("q, nobody", "q=xyz"),
    ("q, part of a phone", "q=12034"),
    ("q, the end of a phone", "q=2034"),
    ("q, beginning of a NIF", "q=4483"),
    ("city, beginning", "city=Mad*"),
    ("city", "city=Madrid"),
    ("city, nobody", "city=Zzz"),
    ("two cities", "city=Madrid&city=Getafe"),
    ("status", "status=selected"),
    ("of the campaign, status", "outbound=66f0a1b2c3d4e5f601020304&status=error"),
    ("five filters", "city=Madrid&status=error&attempts=1&selected=true&priority=3"),
    ("a name and a status", "q=mart&status=error"),
    ("a name and a city", "q=mart&city=Getafe"),
    ("a name and a frequent city", "q=mart&city=Madrid"),
    ("a name, not excluded", "q=garc&excluded=false"),
    ("a name, excluded", "q=mart&excluded=true"),
    (
        "a name and four filters",
        "q=mart&city=Madrid&status=selected&priority=3&excluded=false",
    ),
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", choices=["sqlite", "mariadb"], required=True)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=40)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="dashboard-") as scratch:
        folder = given.folder or Path(scratch)
        with database(given.database, folder=folder):
            measure(given)


def measure(given: argparse.Namespace) -> None:
    import django

    django.setup()
    prepare(given.rows)
    from calls.models import Campaign

    client = operator()
    show = partial(show_times, client, given.runs)
    pk = Campaign.objects.order_by("pk")[0].pk
    print(f"\n{given.database}, {given.rows} leads, {given.runs} runs, milliseconds")
    print(f"{'what':<34} {'p50':>7} {'p95':>7} {'queries':>8} {'kB gzip':>8}")
    page = "/calls/"
    show("first load, cold", page, cold=True, limit=FIRST_LOAD_MS)
    counted()
    show("first load", page, limit=FIRST_LOAD_MS)
    show("the board, cold", f"/calls/{pk}/board", cold=True)
    counted()
    show("the board", f"/calls/{pk}/board")
    show("the leads redrawn", f"/calls/{pk}/leads/list?campaign={pk}")
    typed: list[float] = []
    for what, query in KEYSTROKES:
        typed += show(what, f"/calls/{pk}/leads?{query}", limit=KEYSTROKE_MS)
    print(
        f"{'all of these keystrokes':<34} {statistics.median(typed):>7.1f} "
        f"{percentile(typed, 95):>7.1f}"
    )
    weigh(client)
    counted()
    baseline(pk)


def show_times(
    client: Any,
    runs: int,
    what: str,
    url: str,
    *,
    cold: bool = False,
    limit: float = 0.0,
) -> list[float]:
    from django.core.cache import cache

    times: list[float] = []
    for run in range(runs + 2):
        if cold:
            cache.clear()
        began = time.perf_counter()
        answer = client.get(url)
        spent = 1000 * (time.perf_counter() - began)
        assert answer.status_code == 200, answer
        times += [spent] if run > 1 else []
        time.sleep(0.02)
    p95 = percentile(times, 95)
    over = "  OVER" if limit and p95 > limit else ""
    print(
        f"{what:<34} {statistics.median(times):>7.1f} {p95:>7.1f} "
        f"{queries(client, url, cold=cold):>8} {kilobytes(answer.content):>8.1f}"
        f"{over}",
        flush=True,
    )
    return times


def counted() -> None:
    """Wait for the counts that so many forgotten ones have asked for."""
    from calls import counts

    counts._pool.submit(lambda: None).result()


def operator() -> Any:
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from calls.models import Campaign

    for outbound_id in ("66f0a1b2c3d4e5f601020304", "66f0a1b2c3d4e5f601020305"):
        Campaign.objects.get_or_create(
            outbound_id=outbound_id, defaults={"name": outbound_id[-4:]}
        )
    user, _new = User.objects.get_or_create(username="operator")
    user.groups.add(Group.objects.get(name="operador"))
    client = Client()
    client.force_login(user)
    return client


def queries(client: Any, url: str, *, cold: bool) -> int:
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if cold:
        cache.clear()
    with CaptureQueriesContext(connection) as asked:
        client.get(url)
    return len(asked)


def kilobytes(body: bytes) -> float:
    return len(gzip.compress(body)) / 1000


def weigh(client: Any) -> None:
    """The page and all that it names, each once."""
    from django.contrib.staticfiles import finders

    html = client.get("/calls/").content
    seen: dict[str, float] = {"/calls/": kilobytes(html)}
    waiting = re.findall(r'(?:href|src)="/static/([^"]+)"', html.decode())
    while waiting:
        name = waiting.pop().partition("?")[0]
        path = finders.find(name)
        if name in seen or not path:
            continue
        body = Path(path).read_bytes()
        is_packed = name.endswith((".woff2", ".png"))
        seen[name] = len(body) / 1000 if is_packed else kilobytes(body)
        if name.endswith(".css"):
            folder = Path(name).parent
            for other in re.findall(r'url\("?([^")]+)"?\)', body.decode()):
                if not other.startswith("data:"):
                    found = (Path("/") / folder / other.partition("?")[0]).parts
                    waiting.append(str(Path(*normal(found))))
    for name, size in sorted(seen.items(), key=lambda one: -one[1])[:5]:
        print(f"    {size:>6.1f} kB {name}")
    print(f"first load, everything: {sum(seen.values()):.1f} kB over the wire")


def normal(parts: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for part in parts[1:]:
        if part == "..":
            kept.pop()
        else:
            kept.append(part)
    return kept


def baseline(pk: int) -> None:
    """What the page would wait for if it counted as it is drawn."""
    from django.utils import timezone

    from calls.breakdown import breakdown
    from calls.counts import count
    from calls.models import Campaign

    campaign = Campaign.objects.get(pk=pk)
    plain: list[tuple[str, Callable[[], Any]]] = [
        ("count(*) of all leads", lambda: campaign.leads.count()),
        ("why the queue waits", lambda: breakdown(campaign, now=timezone.now())),
        ("all the counts", lambda: count(campaign, now=timezone.now())),
    ]
    for what, ask in plain:
        began = time.perf_counter()
        ask()
        print(f"baseline, {what}: {1000 * (time.perf_counter() - began):.0f} ms")


if __name__ == "__main__":
    main()
