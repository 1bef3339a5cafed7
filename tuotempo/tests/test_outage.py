"""No database: a sentence on the screen, and nothing from inside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def web_without_database():
    yield from web(database_port=9)


@pytest.fixture
def web_with_silent_database():
    """It accepts connections, and that is all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield from web(database_port=silent.getsockname()[1])


def web(*, database_port: int):
    port = free_port()
    database = f"mysql://nobody@127.0.0.1:{database_port}/nothing"
    env = {**os.environ, "DATABASE_URL": database}
    options = ["--port", str(port), "--log-level", "critical"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "tuotempo.asgi:application", *options],
        cwd=ROOT,
        env=env,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _attempt in range(200):
        try:
            requests.get(f"{url}/healthz", timeout=5)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(20)


def test_a_page_without_database_says_so_and_shows_nothing_from_inside(
    web_without_database,
):
    cookies = {"sessionid": "x" * 32}
    answer = requests.get(f"{web_without_database}/calls/", cookies=cookies, timeout=20)

    assert answer.status_code == 503
    assert "La base de datos no responde" in answer.text
    assert "no se pierde nada" in answer.text
    assert "Traceback" not in answer.text
    assert "nobody" not in answer.text


def test_the_process_lives_but_is_not_ready(web_without_database):
    alive = requests.get(f"{web_without_database}/healthz", timeout=20)
    ready = requests.get(f"{web_without_database}/readyz", timeout=20)

    assert alive.status_code == 200
    assert ready.status_code == 503
    assert ready.json() == {"status": "unavailable", "database": "no answer"}


def test_a_database_that_hangs_costs_a_probe_its_patience_and_no_more(
    web_with_silent_database,
):
    began = time.monotonic()
    answers = [
        requests.get(f"{web_with_silent_database}/{path}", timeout=10)
        for path in ("readyz", "readyz", "healthz")
    ]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert time.monotonic() - began < 8
