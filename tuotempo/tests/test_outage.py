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
    port = free_port()
    env = {**os.environ, "DATABASE_URL": "mysql://nobody@127.0.0.1:9/nothing"}
    options = ["--port", str(port), "--log-level", "critical"]
    web = subprocess.Popen(
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
    web.terminate()
    web.wait(20)


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
