"""A press of STOP or START counts, whatever the page is redrawing at that moment."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from django.utils import timezone
from playwright.sync_api import Error, expect

from calls.models import Campaign, RunState
from calls.tests.factories import RunFactory
from calls.tests.test_dashboard_browser import log_in
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]


def test_stop_counts_while_a_redraw_is_on_its_way(page, live_server):
    run = RunFactory(started_at=timezone.now())
    LeadFactory()
    log_in(page, live_server)
    expect(page.get_by_role("button", name="Detener")).to_be_visible()
    asked, answer = threading.Event(), threading.Event()

    def slowly(route) -> None:
        asked.set()
        route.continue_() if answer.is_set() else held.append(route)

    held: list = []
    page.route("**/board", slowly)
    with page.expect_request("**/board"):
        pass
    page.get_by_role("button", name="Detener").click()
    page.wait_for_timeout(300)
    answer.set()
    for route in held:
        route.continue_()
    page.wait_for_timeout(1500)

    assert Campaign.objects.get(pk=run.campaign_id).state == RunState.STOPPED


def test_a_slow_finger_on_stop_counts(page, live_server):
    run = RunFactory(started_at=timezone.now())
    LeadFactory()
    log_in(page, live_server)
    box = page.get_by_role("button", name="Detener").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.wait_for_timeout(2500)
    page.mouse.up()
    page.wait_for_timeout(1000)

    assert Campaign.objects.get(pk=run.campaign_id).state == RunState.STOPPED


def test_stop_is_sent_however_many_redraws_wait(page, live_server):
    """Once a redraw that waited took the place of a STOP that waited before it."""
    run = RunFactory(started_at=timezone.now())
    log_in(page, live_server)
    page.wait_for_load_state("load")
    held: list = []
    page.route("**/board", lambda route: held.append(route))
    for _each in range(2):
        page.evaluate("htmx.trigger(document.body, 'board')")
    page.wait_for_timeout(300)
    assert held

    page.get_by_role("button", name="Detener").click()
    page.evaluate("htmx.trigger(document.body, 'board')")

    expect(page.get_by_role("button", name="Iniciar llamadas")).to_be_visible()
    assert Campaign.objects.get(pk=run.campaign_id).state == RunState.STOPPED
    # What was asked for before the press does not bring the old buttons back.
    for route in held:
        with suppress(Error):  # of a redraw that the press has ended
            route.continue_()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Iniciar llamadas")).to_be_visible()


def test_the_emergency_stop_asks_whatever_is_being_redrawn(page, live_server):
    RunFactory(started_at=timezone.now())
    log_in(page, live_server)
    page.wait_for_load_state("load")
    held: list = []
    page.route("**/board", lambda route: held.append(route))
    page.evaluate("htmx.trigger(document.body, 'board')")
    page.wait_for_timeout(300)
    assert held

    page.get_by_role("link", name="Parada de emergencia").click()
    page.evaluate("htmx.trigger(document.body, 'board')")

    expect(page.get_by_role("dialog", name="Parada de emergencia")).to_be_visible()
    for route in held:
        route.continue_()
