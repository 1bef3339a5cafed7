"""The leads of /calls in a real Chromium: filtered, and redrawn under the hand."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from calls.tests.dashboard_browser import (
    ALL_ROWS,
    PASSWORD,
    box,
    calls,
    hold_the_first,
    in_queue,
    leads,
    redraw,
    ticked,
    unasked,
)
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

__all__ = ["calls", "leads", "unasked"]

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]


# --- The filter ---------------------------------------------------------------------


def test_typing_filters_and_the_way_back_restores_filter_and_list(calls):
    search = calls.locator("#q")
    search.press_sequentially("lead 0", delay=30)

    expect(calls.locator("#leads-total")).to_have_text("10 leads")
    expect(calls).to_have_url(re.compile(r"q=lead\+0"))
    expect(search).to_be_focused()
    expect(search).to_have_value("lead 0")

    calls.locator("#choose-status summary").click()
    calls.locator("#choose-status").get_by_label("Error").check()
    expect(calls.locator("#leads-total")).to_have_text("0 leads")
    expect(calls.locator("#lead-list")).to_contain_text("Quite alguno")

    calls.go_back()
    expect(calls.locator("#leads-total")).to_have_text("10 leads")
    expect(calls.locator("#q")).to_have_value("lead 0")
    expect(calls.locator("#chip-status")).not_to_have_class(re.compile("chip--set"))

    calls.go_back()
    expect(calls.locator("#leads-total")).to_have_text("30 leads")
    expect(calls.locator("#q")).to_have_value("")

    calls.locator("#q").fill("lead 29")
    expect(calls.locator("#leads-total")).to_have_text("1 lead")
    calls.get_by_role("button", name="Seleccionar el 1 del filtro").click()
    calls.get_by_role("button", name="Poner en cola", exact=True).click()
    expect(calls.get_by_role("button", name="Poner en cola 1 lead")).to_be_visible()


def test_several_cities_are_chosen_from_what_is_typed_and_taken_off(calls):
    LeadFactory(city="Getxo")
    calls.locator("#choose-city summary").click()
    typed = calls.locator("#filter-city")

    typed.press_sequentially("get", delay=30)
    calls.locator("#suggested-city").get_by_label("Getafe").check()
    expect(calls.locator("#leads-total")).to_have_text("8 leads")
    expect(typed).to_be_focused()
    expect(typed).to_have_value("")
    typed.press_sequentially("Getxo", delay=30)
    typed.press("Enter")
    expect(calls.locator("#leads-total")).to_have_text("9 leads")

    calls.keyboard.press("Escape")
    expect(calls.locator("#choose-city summary")).to_be_focused()
    expect(calls.locator("#chip-city")).to_contain_text("Getafe, Getxo")
    expect(calls).to_have_url(re.compile("city=Getafe&city=Getxo"))
    calls.reload()
    expect(calls.locator("#leads-total")).to_have_text("9 leads")
    calls.get_by_label("Quitar el filtro Ciudad").click()
    expect(calls.locator("#leads-total")).to_have_text("31 leads")


def test_a_lost_session_comes_back_to_the_filter(calls):
    # A tab of its own: the browser itself reports the refused request as an error.
    tab = calls.context.new_page()
    tab.goto(calls.url)
    tab.locator("#q").fill("lead 0")
    expect(tab).to_have_url(re.compile("q=lead"))
    calls.goto("about:blank")
    tab.context.clear_cookies()

    tab.evaluate("htmx.trigger(document.body, 'leads')")

    tab.get_by_label("Usuario").fill("marta")
    tab.get_by_label("Contraseña").fill(PASSWORD)
    tab.get_by_role("button", name="Entrar").click()
    expect(tab.locator("#q")).to_have_value("lead 0")
    expect(tab.locator("#leads-total")).to_have_text("10 leads")


def test_filter_and_verbs_work_without_javascript(calls, live_server):
    browser = calls.context.browser
    plain = browser.new_context(java_script_enabled=False, locale="es-ES").new_page()
    plain.context.add_cookies(calls.context.cookies())
    plain.goto(f"{live_server.url}/calls/")

    plain.locator("#q").fill("lead 0")
    plain.get_by_role("button", name="Filtrar").click()
    expect(plain.locator(ALL_ROWS)).to_have_count(10)
    box(plain, 0).check()
    plain.locator("label:has(#scope-all)").click()
    plain.get_by_role("button", name="Poner en cola").click()
    plain.get_by_role("button", name="Poner en cola 10 leads").click()

    expect(plain.locator(ALL_ROWS)).to_have_count(10)
    expect(plain.locator("#q")).to_have_value("lead 0")
    assert in_queue() == 10


# --- Rows change under the hand -----------------------------------------------------


def test_ticks_focus_and_an_open_menu_outlive_a_redrawing(calls, leads):
    box(calls, 1).check()
    box(calls, 3).focus()
    calls.locator("#menu-priority").evaluate("menu => { menu.open = true; }")
    Lead.objects.filter(pk=leads[0].pk).update(call_status=CallStatus.ERROR)
    Lead.objects.filter(pk=leads[1].pk).update(call_status=CallStatus.BUSY)
    calls.evaluate("window.row = document.querySelector('#lead-list .person')")

    redraw(calls)

    rows = calls.locator(ALL_ROWS)
    expect(rows.nth(0)).to_contain_text("Error")
    expect(rows.nth(1)).to_contain_text("Ocupado")
    assert calls.evaluate("row === document.querySelector('#lead-list .person')")
    assert ticked(calls) == [1]
    expect(box(calls, 3)).to_be_focused()
    expect(calls.locator("#selbar")).to_contain_text("1 de esta página")
    expect(calls.locator("#menu-priority")).to_have_attribute("open", "")


def test_a_row_whose_state_changed_shines_unless_motion_is_unwanted(calls, leads):
    shining = "document.querySelectorAll('.person')[2].getAnimations().length"
    Lead.objects.filter(pk=leads[2].pk).update(call_status=CallStatus.ERROR)
    redraw(calls)
    assert calls.evaluate(shining) == 1

    calls.emulate_media(reduced_motion="reduce")
    calls.evaluate(
        "document.getAnimations().forEach((animation) => animation.cancel())"
    )
    Lead.objects.filter(pk=leads[2].pk).update(call_status=CallStatus.BUSY)
    redraw(calls)
    assert calls.evaluate(shining) == 0


def test_what_is_typed_while_rows_are_redrawn_is_kept(calls):
    calls.locator("#choose-city summary").click()
    calls.locator("#filter-source").evaluate("box => box.value")
    calls.locator("#filter-city").fill("Geta")
    expect(calls.locator("#leads-total")).to_have_text("8 leads")

    redraw(calls)

    expect(calls.locator("#filter-city")).to_have_value("Geta")
    expect(calls.locator("#filter-city")).to_be_focused()
    expect(calls.locator("#leads-total")).to_have_text("8 leads")


def test_what_changes_while_leads_are_on_their_way_is_asked_for_afterwards(
    unasked, calls, leads
):
    calls.get_by_role("button", name="Seleccionar los 30 leads").click()
    calls.get_by_role("button", name="Poner en cola", exact=True).click()
    calls.locator("#dialog").get_by_text("Cancelar").click()
    held = hold_the_first(calls, "**/leads/list*")
    calls.evaluate("htmx.trigger(document.body, 'leads')")
    calls.wait_for_timeout(200)
    answer = held[0].fetch()
    Lead.objects.filter(pk=leads[0].pk).update(call_status=CallStatus.ERROR)
    cache.clear()
    calls.evaluate("htmx.trigger(document.body, 'leads')")

    held[0].fulfill(response=answer)

    expect(calls.locator(ALL_ROWS).first).to_contain_text("Error")


def test_leads_that_change_while_a_filter_is_on_its_way_keep_to_that_filter(
    unasked, calls
):
    """What is asked for afterwards is of the new filter, not of the one before."""
    held = hold_the_first(calls, "**/leads?*")
    calls.locator("#q").fill("lead 29")
    calls.wait_for_timeout(500)
    calls.evaluate("htmx.trigger(document.body, 'leads')")

    held[0].continue_()
    calls.wait_for_timeout(600)
    redraw(calls)

    expect(calls.locator("#leads-total")).to_have_text("1 lead")
    expect(calls).to_have_url(re.compile("q=lead"))


def test_an_answer_of_the_filter_before_is_not_shown(unasked, calls):
    held = hold_the_first(calls, "**/leads/list*")
    calls.evaluate("htmx.trigger(document.body, 'leads')")
    calls.wait_for_timeout(200)
    # As when a morph has made htmx forget that the list is on its way.
    calls.evaluate("delete document.getElementById('leads')['htmx-internal-data'].xhr")
    calls.locator("#q").fill("lead 29")
    expect(calls.locator("#leads-total")).to_have_text("1 lead")

    held[0].continue_()
    calls.wait_for_timeout(500)

    expect(calls.locator("#leads-total")).to_have_text("1 lead")
