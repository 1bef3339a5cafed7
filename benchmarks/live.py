"""From the commit of a call's end to the changed pixel, and what the viewers cost.

    python -m benchmarks.live [--viewers 50] [--seconds 40]

A throwaway MariaDB, the site under uvicorn (one process), a Chromium that looks at
/calls, and other viewers that do over HTTP what a browser does: each has a login of its
own, hears the events, and fetches what they name. Calls end at random moments. Then the
same with one viewer, and, as the baseline, with all of them polling once a second.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from playwright.sync_api import sync_playwright

PORT = 8765
SITE = f"http://127.0.0.1:{PORT}"
HTMX = {"HX-Request": "true", "Accept-Language": "es"}
PATHS = {"board": "board", "leads": "leads/list?campaign=1"}  # as the page asks
OPEN_CALLS = 5
LEADS = 400
WARM_UP_SECONDS = 6
# In the page: when each line of the activity was first painted.
OBSERVE = """
window.painted = {};
const note = () => {
  for (const line of document.querySelectorAll("[id^=event-call-]")) {
    if (window.painted[line.id] !== undefined) continue;
    window.painted[line.id] = null;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.painted[line.id] = Date.now() / 1000;
    }));
  }
};
new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
note();
"""


@dataclass
class Measured:
    """Seconds from each commit: to the browser's pixel, and to the others' answer."""

    pixels: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    queries_a_second: float = 0.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--viewers", type=int, default=50)
    options.add_argument("--seconds", type=float, default=40.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="tt-live-") as folder, database(folder):
        cookies = prepare(given.viewers)
        rows = {}
        for name, viewers, live in (
            ("events", given.viewers, "true"),
            ("events", 1, "true"),
            ("polling", given.viewers, "false"),
        ):
            with site(live):
                measured = measure(cookies[:viewers], live == "true", given.seconds)
            rows[name, viewers] = measured
            print(line(name, viewers, measured), flush=True)


def line(name: str, viewers: int, measured: Measured) -> str:
    def p(values: list[float], share: float) -> str:
        if len(values) < 2:
            return "-"
        return f"{1000 * statistics.quantiles(values, n=100)[int(share) - 1]:.0f}"

    return (
        f"{name:8} {viewers:3} viewers: pixel p50 {p(measured.pixels, 50)} "
        f"p95 {p(measured.pixels, 95)} ms ({len(measured.pixels)} ends); "
        f"others p50 {p(measured.answers, 50)} p95 {p(measured.answers, 95)} ms; "
        f"{measured.queries_a_second:.1f} queries a second"
    )


# --- What is measured ---------------------------------------------------------------


def measure(cookies: list[str], live: bool, seconds: float) -> Measured:
    ends: dict[str, float] = {}
    seen: list[tuple[str, float]] = []
    halt = threading.Event()
    others = threading.Thread(
        target=lambda: asyncio.run(watch_all(cookies[1:], live, seen, halt))
    )
    others.start()
    measured = Measured()
    with browser(cookies[0]) as page:
        time.sleep(WARM_UP_SECONDS)
        asked_before, began = questions(), time.monotonic()
        own = end_calls(page, ends, seconds)
        spent = time.monotonic() - began
        measured.queries_a_second = (questions() - asked_before - own) / spent
        page.wait_for_timeout(3000)
        painted = page.evaluate("window.painted")
    halt.set()
    others.join()
    measured.pixels = [
        painted[one] - at for one, at in ends.items() if painted.get(one)
    ]
    if missing := [one for one in ends if not painted.get(one)]:
        print(f"  {len(missing)} of {len(ends)} ends were never painted", flush=True)
    measured.answers = [at - ends[one] for one, at in seen if one in ends]
    return measured


def end_calls(page: Any, ends: dict[str, float], seconds: float) -> int:
    """A call ends and the next begins about once a second. Returns our own queries."""
    from django.db import connection

    asked = 0

    def count(execute: Any, *query: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*query)

    dice = random.Random(4)
    until = time.monotonic() + seconds
    with connection.execute_wrapper(count):
        while time.monotonic() < until:
            page.wait_for_timeout(1000 * dice.uniform(0.5, 1.6))
            pk = end_one()
            ends[f"event-call-{pk}"] = time.time()
    return asked


async def watch_all(
    cookies: list[str],
    live: bool,
    seen: list[tuple[str, float]],
    halt: threading.Event,
) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        tasks = [
            asyncio.create_task((hear if live else poll)(session, cookie, seen))
            for cookie in cookies
        ]
        while not halt.is_set():
            await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hear(
    session: aiohttp.ClientSession, cookie: str, seen: list[tuple[str, float]]
) -> None:
    """As the page does: an event names a part, and the part is fetched."""
    known: set[str] = set()
    stream = session.get(
        f"{SITE}/calls/1/events",
        headers={"Cookie": cookie},
        timeout=aiohttp.ClientTimeout(total=None),
    )
    async with stream as answer:
        async for row in answer.content:
            name = row.decode().strip().removeprefix("event: ")
            if name in ("board", "leads"):
                await fetch(session, cookie, name, known, seen)


async def poll(
    session: aiohttp.ClientSession, cookie: str, seen: list[tuple[str, float]]
) -> None:
    known: set[str] = set()
    await asyncio.sleep(random.random())
    while True:
        for name in ("board", "leads"):
            await fetch(session, cookie, name, known, seen)
        await asyncio.sleep(1)


async def fetch(
    session: aiohttp.ClientSession,
    cookie: str,
    name: str,
    known: set[str],
    seen: list[tuple[str, float]],
) -> None:
    url = f"{SITE}/calls/1/{PATHS[name]}"
    async with session.get(url, headers={**HTMX, "Cookie": cookie}) as answer:
        html = await answer.text()
        assert answer.status == 200, answer.status
    if name == "board":
        ids = {part.split('"')[0] for part in html.split('id="')[1:]}
        fresh = {one for one in ids if one.startswith("event-call-")} - known
        seen.extend((one, time.time()) for one in fresh)
        known |= fresh


@contextmanager
def browser(cookie: str) -> Iterator[Any]:
    name, _is, value = cookie.partition("=")
    with sync_playwright() as play:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        chromium = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = chromium.new_context(locale="es-ES")
        context.add_cookies([{"name": name, "value": value, "url": SITE}])
        page = context.new_page()
        page.goto(f"{SITE}/calls/")
        page.evaluate(OBSERVE)
        yield page
        chromium.close()


# --- The world ----------------------------------------------------------------------


@contextmanager
def database(folder: str) -> Iterator[None]:
    from tuotempo.pytest_environment import install_mariadb, run_mariadb

    install_mariadb(Path(folder))
    process = run_mariadb(Path(folder))
    socket = f"{folder}/s"
    client = shutil.which("mariadb") or "mariadb"
    create = "CREATE DATABASE tuotempo CHARACTER SET utf8mb4"
    subprocess.run([client, f"--socket={socket}", "-e", create], check=True)
    os.environ.update(
        ENV_FILE="",
        SECRET_KEY="only-for-benchmarks-" + "0" * 32,
        DATABASE_URL=f"mysql://root@/tuotempo?unix_socket={socket}",
        DJANGO_SETTINGS_MODULE="tuotempo.settings",
        DJANGO_ALLOW_ASYNC_UNSAFE="true",
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def site(live: str) -> Iterator[None]:
    environment = {**os.environ, "LIVE_EVENTS": live}
    command = [sys.executable, "-m", "uvicorn", "tuotempo.asgi:application"]
    process = subprocess.Popen(
        [*command, "--port", str(PORT), "--log-level", "warning"], env=environment
    )
    time.sleep(4)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def prepare(viewers: int) -> list[str]:
    """A campaign that runs, a process that beats, and a login for each viewer."""
    import django

    django.setup()
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from calls.models import Worker
    from calls.tests.factories import AttemptFactory, RunFactory
    from leads.tests.factories import LeadFactory

    call_command("migrate", verbosity=0)
    run = RunFactory()
    LeadFactory.create_batch(LEADS)
    AttemptFactory.create_batch(OPEN_CALLS, run=run)
    later = timezone.now() + timedelta(days=1)
    Worker.objects.create(
        identity="host/1/a", started_at=timezone.now(), heartbeat_at=later
    )
    cookies = []
    for n in range(viewers):
        user = User.objects.create_user(f"viewer{n}")
        user.groups.add(Group.objects.get(name="operador"))
        client = Client()
        client.force_login(user)
        cookies.append(f"sessionid={client.cookies['sessionid'].value}")
    return cookies


def end_one() -> int:
    from django.utils import timezone

    from calls.models import CallAttempt, Run
    from calls.states import Outcome, State
    from calls.tests.factories import AttemptFactory

    attempt = CallAttempt.objects.filter(state=State.ACCEPTED).order_by("pk")[0]
    AttemptFactory(run=Run.objects.get())
    CallAttempt.objects.filter(pk=attempt.pk).update(
        state=State.ENDED,
        outcome=Outcome.BUSY,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
    )
    return int(attempt.pk)


def questions() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


if __name__ == "__main__":
    main()
