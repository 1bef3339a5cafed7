"""Draws the pictures of docs/screenshots; script/screenshots starts it, once for each.

Each picture is of a copy of one seeded database, served by uvicorn in this process with
a clock that stands still, so that two runs draw the same.

To add a state, add a Shot to SHOTS. Its name is that of the file (those that begin with
"empty" have no leads). `prepare`, of demo/scenes.py, brings the database there; `act`
does with the page what a person would, found by roles and visible words, and waits for
what must be seen.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import time_machine
import uvicorn
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from calls.models import (
    Appointment,
)
from demo.scenes import (
    brought_back,
    marta,
    no_worker,
    paused,
    pearl_is_well,
    provider_down,
    ready,
    running,
    seed_empty,
    seed_leads,
    stopping,
)
from tuotempo.asgi import application

PICTURES = settings.BASE_DIR / "docs" / "screenshots"
DAY = datetime(2026, 11, 27, 9, 41, tzinfo=UTC)  # a Friday, 10:41 in Madrid
NIGHT = DAY.replace(hour=21)
WIDE, PHONE = (1440, 900), (390, 844)


def nothing(*_args: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Shot:
    name: str
    prepare: Callable[[datetime], None] = nothing
    act: Callable[[Page], None] = nothing
    path: str = "/calls/"
    now: datetime = DAY
    size: tuple[int, int] = WIDE
    dark: bool = False


# --- The page -----------------------------------------------------------------------


def press_start(page: Page) -> None:
    page.get_by_role("button", name="Iniciar llamadas").click()
    expect(page.get_by_role("alert").first).to_be_visible()


def filter_wrongly(page: Page) -> None:
    expect(page.get_by_text(re.compile("tiene errores|no vale", re.I))).to_be_visible()


def tick_some(page: Page) -> None:
    for number in (1, 2, 4):
        page.get_by_role("table").get_by_role("checkbox").nth(number).check()


def open_a_lead(page: Page) -> None:
    """A panel beside the list, once there is one; until then, the lead's page."""
    page.get_by_role("table").get_by_role("link").first.click()
    page.wait_for_timeout(1000)


def open_what_was_agreed(page: Page) -> None:
    lead = Appointment.objects.order_by("pk")[0].lead_id
    page.goto(f"{page.url}?lead={lead}")
    page.locator("details.talk summary").first.click()
    expect(page.get_by_text("Sí, la estaba esperando.")).to_be_visible()
    page.get_by_text("Que tenga un buen día").scroll_into_view_if_needed()


def next_week(page: Page) -> None:
    page.get_by_role("link", name="Semana siguiente").click()
    expect(page.locator(".slot").first).to_be_visible()


def follow_the_unanswered(page: Page) -> None:
    page.locator("#panel a[href*='result=no_answer']").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sin respuesta")


SHOTS = [
    Shot(name="empty", prepare=ready),
    Shot(name="ready", prepare=ready),
    Shot(name="ready-phone", prepare=ready, size=PHONE),
    Shot(name="running", prepare=running),
    Shot(name="running-dark", prepare=running, dark=True),
    Shot(name="running-phone", prepare=running, size=PHONE),
    Shot(name="paused", prepare=paused),
    Shot(name="stopping", prepare=stopping),
    Shot(name="provider-down", prepare=provider_down),
    Shot(name="no-worker", prepare=no_worker),
    Shot(name="refused-start", prepare=pearl_is_well, act=press_start),
    Shot(
        name="wrong-filter",
        prepare=ready,
        path="/calls/?last_from=ayer",
        act=filter_wrongly,
    ),
    Shot(name="night", prepare=ready, now=NIGHT),
    Shot(name="selection", prepare=running, act=tick_some),
    Shot(name="lead", prepare=running, act=open_a_lead),
    Shot(name="calls", prepare=running, act=follow_the_unanswered),
    Shot(name="calls-phone", prepare=running, size=PHONE, act=follow_the_unanswered),
    Shot(name="brought-back", prepare=brought_back, act=open_what_was_agreed),
    Shot(
        name="appointments",
        prepare=brought_back,
        path="/calls/appointments",
        act=next_week,
    ),
    Shot(
        name="appointments-phone",
        prepare=brought_back,
        path="/calls/appointments",
        act=next_week,
        size=PHONE,
    ),
    Shot(name="home", prepare=running, path="/"),
]


# --- The camera ---------------------------------------------------------------------


@contextmanager
def site() -> Iterator[str]:
    config = uvicorn.Config(
        application,
        port=0,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def session() -> str:
    client = Client()
    client.force_login(marta())
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def opened(shot: Shot, url: str, key: str) -> Iterator[Page]:
    """Its page, by Marta, at the moment of the picture."""
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}
    width, height = shot.size
    with sync_playwright() as play:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = play.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--lang=es-ES"]
        )
        context = browser.new_context(
            locale="es-ES",
            timezone_id="Europe/Madrid",
            viewport={"width": width, "height": height},
            color_scheme="dark" if shot.dark else "light",
            reduced_motion="reduce",
        )
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.clock.set_fixed_time(shot.now)
        page.goto(url + shot.path)
        yield page
        browser.close()


def draw(shot: Shot) -> None:
    shot.prepare(shot.now)
    key = session()
    with site() as url, opened(shot, url, key) as page:
        expect(page.get_by_role("main")).to_be_visible()
        shot.act(page)
        page.evaluate("document.fonts.ready")
        page.wait_for_timeout(1500)  # what comes by itself after the page
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{shot.name}.png", caret="hide")


def main() -> None:
    logging.getLogger("calls").setLevel(logging.WARNING)
    what = sys.argv[1]
    shots = {shot.name: shot for shot in SHOTS}
    seeds = {"--seed-empty": seed_empty, "--seed-leads": seed_leads}
    if what == "--names":
        sys.stdout.write(" ".join(shots))
    elif what in seeds:
        with time_machine.travel(DAY - timedelta(hours=2), tick=False):
            seeds[what]()
    else:
        with time_machine.travel(shots[what].now, tick=False):
            draw(shots[what])
        sys.stdout.write(f"docs/screenshots/{what}.png\n")
