"""A page in a real Chromium, for the tests of the admin."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture
def page(live_server):
    """A page that fails the test on a console error or a request to elsewhere."""
    wrong: list[str] = []
    with sync_playwright() as play:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(locale="es-ES").new_page()
        page.set_default_timeout(10_000)
        page.on(
            "console", lambda m: wrong.append(m.text) if m.type == "error" else None
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda r: (
                None if r.url.startswith(live_server.url) else wrong.append(r.url)
            ),
        )
        yield page
        browser.close()
    assert wrong == []
