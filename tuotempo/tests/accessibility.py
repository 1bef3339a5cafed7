"""axe-core's verdict on a page, as WCAG 2.2 AA and good practice have it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Page, expect

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS_AT_MOST = 3
LOOKS: tuple[dict[str, Any], ...] = (
    {"scheme": "dark", "width": 390, "height": 844},
    {"scheme": "light", "width": 1440, "height": 900},
)

on_one_database = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="a page is the same on every database"
)


@cache
def axe() -> str:
    (source,) = (Path(__file__).parent / "vendor").glob("axe-core-*/axe.min.js")
    return source.read_text()


def faults_in_look(page: Page, **looks: Any) -> list[str]:
    """What is wrong with the page as it is, in one look: the rule, and where."""
    page.emulate_media(color_scheme=looks["scheme"], reduced_motion="reduce")
    page.set_viewport_size({"width": looks["width"], "height": looks["height"]})
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())  # the policy forbids it as a script of the page
    for _look in range(LOOKS_AT_MOST):
        # What waits for an answer is drawn paler; a fault is what stays.
        expect(page.locator(".htmx-request, .htmx-swapping")).to_have_count(0)
        found = _violations(page, look=f"{looks['scheme']} {looks['width']}")
        if not found:
            break
    return found


def _violations(page: Page, *, look: str) -> list[str]:
    options = {"runOnly": TAGS, "resultTypes": ["violations"], "preload": False}
    result = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{look}: {fault['id']} ({fault['help']}): {node['target']} "
        f"{node['html'][:200]} {node['failureSummary'][-160:]}"
        for fault in result["violations"]
        for node in fault["nodes"][:3]
    ]


def faults_in_every_look(page: Page) -> list[str]:
    """A phone in the dark, then a wide screen in the light, which it stays."""
    return [fault for looks in LOOKS for fault in faults_in_look(page, **looks)]


@pytest.fixture
def marta(page, client, live_server):
    """Somebody who may do everything, and has come in."""
    user = User.objects.create_superuser(
        "marta", "marta@example.org", "clave-inventada"
    )
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": session.key, "value": session.value, "url": live_server.url}]
    )
    return user


@pytest.fixture
def faults(page, live_server):
    """What is wrong with pages, by their address."""

    def look_at(*addresses: str) -> dict[str, list[str]]:
        found = {}
        for address in addresses:
            page.goto(live_server.url + address)
            found[address] = faults_in_every_look(page)
        return {address: wrong for address, wrong in found.items() if wrong}

    return look_at
