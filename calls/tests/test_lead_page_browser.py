"""A lead's page in a real Chromium: what staff do there without leaving it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from calls.tests.factories import CampaignFactory
from leads.models import CallStatus, Lead
from leads.tests.admin_pages import change_url
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead():
    CampaignFactory(name="Citas de otoño")
    return LeadFactory(
        first_name="Carmen",
        phone_e164="+34612034118",
        city="Madrid",
        call_status=CallStatus.NO_SELECTED,
        selected_for_calling=False,
        next_call_at=None,
    )


@pytest.fixture
def opened(page, client, live_server, lead):
    """The lead's page, by somebody who may do everything."""
    client.force_login(User.objects.create_superuser("marta"))
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": session.key, "value": session.value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}{change_url(lead)}")
    expect(page.locator("#side")).to_be_visible()
    return page


def test_a_note_a_promise_and_a_result_without_leaving_the_page(opened, lead):
    page = opened
    page.get_by_label("Nombre").fill("Carmela")  # typed, and not saved yet

    page.get_by_label("Nota", exact=True).fill("Prefiere por la mañana")
    page.get_by_role("button", name="Guardar nota").click()
    expect(page.locator(".timeline")).to_contain_text("Prefiere por la mañana")
    expect(page.get_by_role("button", name="Guardar nota")).to_be_focused()

    page.get_by_text("Prometer una rellamada").click()
    there = timezone.localtime() + timedelta(days=3)
    page.get_by_label("Día").first.fill(f"{there:%Y-%m-%d}")
    page.get_by_label("Hora").first.fill("11:30")
    page.get_by_role("button", name="Prometer").click()
    expect(page.get_by_role("status")).to_contain_text("Rellamada prometida.")
    expect(page.locator("form.promise")).to_contain_text("11:30")
    expect(page.locator(".situation")).to_contain_text("En cola")

    page.get_by_text("Anotar el resultado").click()
    expect(page.get_by_label("Motivo")).to_be_hidden()
    page.get_by_label("Resultado", exact=True).select_option("not_interested")
    page.get_by_label("Motivo").select_option("price")
    page.get_by_role("button", name="Guardar resultado").click()
    expect(page.locator(".facts")).to_contain_text("No interesado · Por el precio")

    expect(page.get_by_label("Nombre")).to_have_value("Carmela")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lead.refresh_from_db()
    assert (lead.callback_at, lead.selected_for_calling) == (None, False)


def test_call_now_and_never_again(opened, lead):
    page = opened
    page.get_by_role("button", name="Llamar ahora").click()
    expect(page.get_by_role("status")).to_contain_text("pulse Iniciar")
    lead.refresh_from_db()
    assert lead.call_now

    page.get_by_text("Anotar el resultado").click()
    page.get_by_label("Resultado", exact=True).select_option("do_not_call")
    page.get_by_role("button", name="Guardar resultado").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("612 034 118")
    page.get_by_role("button", name="Sí, no volver a llamar").click()

    expect(page.locator(".cannot")).to_contain_text("No se puede llamar")
    expect(page.locator("#call_now")).to_have_count(0)


def test_two_duplicates_are_joined(opened, lead, live_server):
    page = opened
    other = LeadFactory(
        first_name="Mª Carmen", phone_e164="+34612034118", city="Getafe", email="a@b.es"
    )
    page.reload()
    page.get_by_role("link", name="Unir").click()
    expect(page.locator("[name=email][value=other]")).to_be_checked()
    page.get_by_label("Getafe").check()

    page.get_by_role("button", name="Unir y borrar el otro").click()

    expect(page.locator(".messagelist")).to_contain_text("Unidos")
    expect(page.locator(".timeline")).to_contain_text("Duplicado unido")
    lead.refresh_from_db()
    assert (lead.city, lead.email) == ("Getafe", "a@b.es")
    assert not Lead.objects.filter(pk=other.pk).exists()
