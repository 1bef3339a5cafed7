"""The typical workflow in a real Chromium, with the simulator and a real worker."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from calls.models import CallAttempt
from calls.tests.factories import CampaignFactory
from calls.tests.worker_process import start_worker
from conftest import end
from leads.models import CallStatus
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "una-clave-de-prueba"


def log_in(page, live_server) -> None:
    User.objects.create_superuser("marta", password=PASSWORD)
    page.goto(f"{live_server.url}/calls/")
    page.get_by_label("Usuario").fill("marta")
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Entrar").click()


def test_from_filter_to_stop(page, live_server, simulator, settings, tmp_path):
    settings.DIAL_JOURNAL = tmp_path / "journal"
    simulator.set(speed=20)
    CampaignFactory(max_concurrent_calls=3)
    for n in range(12):
        LeadFactory(
            first_name=f"Lead {n}",
            city="Getafe" if n < 8 else "Madrid",
            call_status=CallStatus.NO_SELECTED,
            selected_for_calling=False,
            next_call_at=None,
        )
    log_in(page, live_server)
    worker = start_worker(simulator)
    try:
        page.locator("#choose-city summary").click()
        page.locator("#filter-city").fill("Getafe")
        expect(page.locator("#leads-total")).to_have_text("8 leads")
        assert "city=Getafe" in page.url

        page.get_by_role("button", name="Seleccionar los 8 del filtro").click()
        page.get_by_role("button", name="Poner en cola", exact=True).click()
        page.get_by_role("button", name="Poner en cola 8 leads").click()
        expect(page.locator("#panel")).to_contain_text("8 leads se llamarán ahora")

        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Iniciar llamadas").click()
        expect(page.locator("#panel")).to_contain_text("Llamando desde")
        expect(page.locator("#side")).to_contain_text("3 de 3")
        expect(page.locator(".person--calling")).to_have_count(3)

        page.get_by_role("button", name="Detener").click()
        expect(page.get_by_role("button", name="Iniciar llamadas")).to_be_visible()
        stopped_at = timezone.now()
        expect(page.locator("#side")).to_contain_text("0 de 3", timeout=30_000)
    finally:
        end(worker)
    later = CallAttempt.objects.filter(send_started_at__gt=stopped_at)
    assert not later.exists()
    # One that was prepared when STOP came is given back, and rings nobody.
    sent = CallAttempt.objects.filter(send_started_at__isnull=False)
    assert len(simulator.rings()) == sent.count() < 8


def test_a_phone_shows_it_without_sideways_scrolling(page, live_server):
    CampaignFactory()
    LeadFactory.create_batch(5, first_name="María del Carmen", last_name="Etxeberria")
    page.set_viewport_size({"width": 360, "height": 740})
    log_in(page, live_server)
    expect(page.locator("#panel")).to_be_visible()

    width = page.evaluate("document.documentElement.scrollWidth")

    assert width <= 360


def test_a_refused_start_says_why_where_one_looks(page, live_server):
    CampaignFactory()
    LeadFactory()
    log_in(page, live_server)
    page.on("dialog", lambda dialog: dialog.accept())

    page.get_by_role("button", name="Iniciar llamadas").click()

    expect(page.get_by_role("alert")).to_contain_text("Ningún proceso espera órdenes")

    # What changes meanwhile does not take the reason away before it is read.
    page.evaluate("htmx.trigger(document.body, 'board')")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#problem")).to_contain_text("Ningún proceso espera órdenes")


def test_enter_keeps_the_limit_that_was_typed_and_each_press_counts(page, live_server):
    campaign = CampaignFactory(max_concurrent_calls=5)
    log_in(page, live_server)

    page.locator("#limit").fill("8")
    page.locator("#limit").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Llamadas simultáneas: 8.")
    for _press in range(3):
        page.locator("#limit-more").click()

    expect(page.locator("#limit")).to_have_value("11")
    # Who did it is told once, not again as news of somebody else.
    expect(page.locator("#side")).to_contain_text("de 10 a 11")
    expect(page.locator("#toasts")).not_to_contain_text("marta")
    campaign.refresh_from_db()
    assert campaign.max_concurrent_calls == 11
