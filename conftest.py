"""Fixtures of all tests: a campaign, and the simulator as a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from django.core.cache import cache
from django.db import connection
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright

from calls import alarms
from calls.models import Campaign, Run
from calls.pearl import PearlClient
from calls.tests.factories import CampaignFactory, RunFactory
from calls.tests.names import ACCOUNT_ID, OUTBOUND_ID, SECRET_KEY
from tuotempo.asgi import application
from tuotempo.pytest_environment import start_mariadb

# How long an example takes is the machine's affair, and no fault of what is tested.
hypothesis_settings.register_profile("tests", deadline=None)
hypothesis_settings.load_profile("tests")


class Simulator:
    """A running pretend Pearl; its ring log is the judge of what phones felt."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def get(self, what: str) -> Any:
        answer = requests.get(f"{self.url}/_simulator/{what}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def set(self, **config: Any) -> None:
        answer = requests.post(f"{self.url}/_simulator/config", json=config, timeout=10)
        assert answer.ok, answer.text

    def rings(self) -> list[dict[str, Any]]:
        rings: list[dict[str, Any]] = self.get("rings")["rings"]
        return rings

    def wait_until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)

    def add_lead(self, phone: str) -> None:
        """A lead of Pearl's own, which it would dial by itself."""
        answer = requests.put(
            f"{self.url}/v1/Outbound/{OUTBOUND_ID}/Lead",
            json={"phoneNumber": phone},
            headers={"Authorization": f"Bearer {ACCOUNT_ID}:{SECRET_KEY}"},
            timeout=10,
        )
        assert answer.ok, answer.text

    def client(self) -> PearlClient:
        return PearlClient(
            base_url=self.url, account_id=ACCOUNT_ID, secret_key=SECRET_KEY
        )


def start_simulator(*options: str) -> Simulator:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0", "--quiet", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "listening on" in line, line
    return Simulator(process, line.split()[-1])


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    process.wait(timeout=20)
    for stream in (process.stdout, process.stderr, process.stdin):
        if stream is not None:
            stream.close()


@pytest.fixture(autouse=True)
def _journal_of_its_own(settings: Any, tmp_path: Path) -> None:
    """A journal that knows of another test's dials would rightly refuse every run."""
    settings.DIAL_JOURNAL = tmp_path / "journal"


@pytest.fixture(autouse=True)
def _patience_of_its_own() -> Iterator[None]:
    """`run_calls` lets the server end connections that are idle for two minutes, and
    tests with a browser have one of their own, idle until the next of them."""
    options = connection.settings_dict["OPTIONS"]
    before = {**options}
    yield
    options.clear()
    options.update(before)


@pytest.fixture(autouse=True)
def _imports_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_FOLDER = tmp_path / "imports"


@pytest.fixture(autouse=True)
def _recordings_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.RECORDING_FOLDER = tmp_path / "recordings"


@pytest.fixture(autouse=True)
def _passwords_hashed_at_once(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def mariadb_socket(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a real MariaDB, whatever database the tests themselves run on."""
    shared = os.environ.get("TEST_MARIADB_SOCKET")
    return shared or start_mariadb(tmp_path_factory.mktemp("mariadb"))


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    """Calls last a second or less; no rate limit."""
    made = start_simulator("--speed", "100", "--agents", "100")
    settings.PEARL_API_URL = made.url
    yield made
    end(made.process)


@pytest.fixture
def campaign(db: None) -> Campaign:
    made: Campaign = CampaignFactory()
    return made


@pytest.fixture
def run(db: None) -> Run:
    made: Run = RunFactory()
    return made


@pytest.fixture(autouse=True)
def alarms_of_its_own(monkeypatch):
    """No test sees the alarms of another, nor counts the queries of their renewal."""
    cache.clear()
    monkeypatch.setattr(alarms, "CACHED_SECONDS", 3600)


def is_error(message) -> bool:
    """htmx also reports as an error that a press replaced a redraw on its way; and what
    a browser says while a test has taken the network away is no error of the page."""
    expected = ("htmx:afterRequest,", "htmx:sendAbort,", "htmx:sendError,")
    is_offline = "net::ERR_INTERNET_DISCONNECTED" in message.text
    return (
        message.type == "error"
        and not message.text.startswith(expected)
        and not is_offline
    )


@pytest.fixture(scope="session")
def _chromium() -> Iterator[tuple[Browser, Any]]:
    """One for all tests of a process: to start it takes longer than most of them."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def browser(_chromium: tuple[Browser, Any]) -> Iterator[Browser]:
    """Playwright's loop runs in this thread, and only while a test uses it."""
    browser, loop = _chromium
    asyncio._set_running_loop(loop)
    yield browser
    for context in browser.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture
def site_url(live_server) -> str:
    """Of the site that `page` may ask; a test module may put another in its place."""
    return str(live_server.url)


@pytest.fixture
def page(site_url, browser):
    """A page that fails the test on a console error or a request to elsewhere."""
    wrong: list[str] = []
    page = browser.new_context(locale="es-ES").new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda m: wrong.append(m.text) if is_error(m) else 0)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda r: None if r.url.startswith(site_url) else wrong.append(r.url),
    )
    yield page
    page.context.close()
    assert wrong == []


@dataclass(frozen=True)
class AsgiServer:
    """The site under ASGI, as in production: Django's live server is WSGI."""

    url: str


@contextmanager
def asgi_server() -> Iterator[AsgiServer]:
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="asgi")
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "uvicorn did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield AsgiServer(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()
