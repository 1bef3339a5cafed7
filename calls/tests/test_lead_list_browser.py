"""The list of leads in a real Chromium: filter, all of it, undo; and an exclusion."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from calls.tests.factories import CampaignFactory
from leads.models import CallStatus, Lead, Suppression
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]

IDLE = {
    "call_status": CallStatus.NO_SELECTED,
    "selected_for_calling": False,
    "next_call_at": None,
    "pearl_outbound_id": None,
}


@pytest.fixture
def staff_page(page, live_server, client, django_user_model):
    """A page of somebody who has come in."""
    user = django_user_model.objects.create(
        username="marta", is_staff=True, is_superuser=True
    )
    client.force_login(user)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies(
        [{"name": "sessionid", "value": cookie.value, "url": live_server.url}]
    )
    problems: list[str] = []
    page.on("console", lambda m: m.type == "error" and problems.append(m.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{live_server.url}/admin/leads/lead/")
    yield page
    assert problems == []


@pytest.fixture
def people():
    CampaignFactory()
    for n in range(60):
        LeadFactory(city="Getafe" if n < 55 else "Lugo", **IDLE)


def test_filter_select_all_and_undo(people, staff_page):
    page = staff_page
    page.get_by_text("Más filtros").last.click()
    page.get_by_label("Ciudad").press_sequentially("get")
    expect(page.locator("#suggest-city option")).to_have_attribute("value", "Getafe")
    page.get_by_label("Ciudad").fill("Getafe")
    page.get_by_label("Ciudad").press("Enter")
    expect(page.locator(".found__total")).to_have_text("55 leads")
    assert page.url.endswith("?city=Getafe")

    page.get_by_label("los 55 del filtro").check()
    page.get_by_role("button", name="Poner en cola…").click()
    page.get_by_role("button", name="Poner en cola 55 leads").click()
    expect(page.locator(".messagelist")).to_contain_text("55 leads cambiados")
    assert page.url.endswith("?city=Getafe")
    assert Lead.objects.filter(selected_for_calling=True).count() == 55

    page.get_by_role("button", name="Deshacer").click()
    expect(page.locator(".messagelist")).to_contain_text("Deshecho: 55 leads")
    assert not Lead.objects.filter(selected_for_calling=True).exists()


def test_the_ticked_are_excluded_after_a_page_that_says_their_size(people, staff_page):
    page = staff_page
    ticks = page.locator(".tick")
    ticks.nth(1).check()
    ticks.nth(3).click(modifiers=["Shift"])
    expect(page.locator("#ticked")).to_have_text("(3)")
    numbers = [page.locator(".field-number").nth(n).inner_text() for n in (1, 2, 3)]

    page.locator("details.more summary").click()
    page.get_by_role("button", name="Excluir de las llamadas…").click()
    page.get_by_label("Motivo").fill("Carta")
    page.get_by_role("button", name="Excluir 3 leads").click()

    expect(page.locator(".messagelist")).to_contain_text("3 leads cambiados")
    excluded = Suppression.objects.values_list("phone_e164", flat=True)
    assert {n.removeprefix("+34") for n in excluded} == {
        n.replace(" ", "") for n in numbers
    }


def test_typing_finds_and_the_way_back_does_too(people, staff_page):
    page = staff_page
    LeadFactory(last_name="Etxeberria")

    page.locator("[name=q]").press_sequentially("etxe")

    expect(page.locator(".found__total")).to_have_text("1 lead")
    expect(page.locator("[name=q]")).to_be_focused()
    assert page.url.endswith("?q=etxe")
    page.locator(".chip a").click()
    expect(page.locator(".found__total")).to_have_text("61 leads")


def test_a_phone_shows_the_list_without_sideways_scrolling(people, staff_page):
    page = staff_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()

    width = page.evaluate("document.documentElement.scrollWidth")

    assert width <= 390
    expect(page.get_by_label("Ciudad")).to_be_hidden()
    expect(page.locator(".field-name").first).to_be_visible()
