"""Thirty leads on the page at /calls, in a real Chromium."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import expect

from calls.tests.factories import CampaignFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

PASSWORD = "una-clave-de-prueba"
ALL_ROWS = "#lead-list .person"


@pytest.fixture
def leads():
    """Thirty, of which eight are of Getafe; nobody is in the queue."""
    CampaignFactory()
    return [
        LeadFactory(
            first_name=f"Lead {n:02}",
            last_name="",
            city="Getafe" if n < 8 else "Madrid",
            call_status=CallStatus.NO_SELECTED,
            selected_for_calling=False,
            next_call_at=None,
        )
        for n in range(30)
    ]


@pytest.fixture
def calls(page, live_server, client, leads):
    """The page at /calls, of a person who may do everything."""
    user = User.objects.create_superuser("marta", password=PASSWORD)
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value}
    page.context.add_cookies([cookie | {"url": live_server.url}])
    page.goto(f"{live_server.url}/calls/")
    expect(page.locator(ALL_ROWS)).to_have_count(25)
    return page


@pytest.fixture
def unasked(settings):
    """No page asks by itself what has changed."""
    settings.SCREEN_POLL_ACTIVE_SECONDS = settings.SCREEN_POLL_IDLE_SECONDS = 600


def redraw(page) -> None:
    """As when the server says that leads have changed."""
    cache.clear()
    with page.expect_response(lambda answer: "/leads/list" in answer.url):
        page.evaluate("htmx.trigger(document.body, 'leads')")
    page.wait_for_timeout(100)


def hold_the_first(page, address: str) -> list:
    """Its route, once it has been asked for."""
    held = []

    def hold(route):
        if held:
            route.continue_()
        held.append(route)

    page.route(address, hold)
    return held


def box(page, n: int):
    return page.locator(f"{ALL_ROWS} [name=id]").nth(n)


def ticked(page) -> list[int]:
    boxes = page.locator(f"{ALL_ROWS} [name=id]")
    return [n for n in range(boxes.count()) if boxes.nth(n).is_checked()]


def in_queue() -> int:
    return Lead.objects.filter(selected_for_calling=True).count()
