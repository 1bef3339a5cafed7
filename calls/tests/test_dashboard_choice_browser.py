"""The leads of /calls in a real Chromium: ticked, changed, looked at."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from calls.tests.dashboard_browser import (
    ALL_ROWS,
    box,
    calls,
    in_queue,
    leads,
    redraw,
    ticked,
)
from leads.models import CallStatus, Lead, LeadEvent

__all__ = ["calls", "leads"]

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]


# --- Who is chosen ------------------------------------------------------------------


def test_a_range_is_ticked_with_shift_and_the_head_shows_how_many(calls):
    head = calls.locator("#tick-all")
    box(calls, 2).check()
    box(calls, 6).click(modifiers=["Shift"])
    assert ticked(calls) == [2, 3, 4, 5, 6]
    assert head.evaluate("head => head.indeterminate")

    box(calls, 5).click()
    box(calls, 3).click(modifiers=["Shift"])
    assert ticked(calls) == [2, 6]

    head.click()
    assert len(ticked(calls)) == 25
    assert not head.evaluate("head => head.indeterminate")
    expect(calls.locator("#selbar")).to_contain_text("25 de esta página")
    calls.get_by_role("button", name="Quitar marcas").click()
    assert ticked(calls) == []
    expect(head).to_be_focused()


def test_the_whole_filter_is_asked_about_and_then_changed(calls):
    calls.get_by_role("button", name="Seleccionar los 30 leads").click()
    assert len(ticked(calls)) == 25
    redraw(calls)
    expect(calls.locator("#scope-all")).to_be_checked()

    verb = calls.get_by_role("button", name="Poner en cola", exact=True)
    verb.click()
    ask = calls.get_by_role("button", name="Poner en cola 30 leads")
    expect(ask).to_be_focused()
    calls.keyboard.press("Escape")
    expect(verb).to_be_focused()
    assert in_queue() == 0

    verb.click()
    ask.click()
    expect(calls.locator("#selbar .selbar__calm")).to_be_visible()
    expect(calls.locator(ALL_ROWS).first).to_contain_text("En cola")
    assert in_queue() == 30
    assert ticked(calls) == []
    expect(calls.locator("#tick-all")).to_be_focused()


def test_another_filter_forgets_that_all_of_the_last_one_were_chosen(calls):
    calls.get_by_role("button", name="Seleccionar los 30 leads").click()
    calls.locator("#q").fill("lead 0")
    expect(calls.locator("#leads-total")).to_have_text("10 leads")

    assert ticked(calls) == []
    expect(calls.locator("#scope-all")).not_to_be_checked()
    box(calls, 0).check()
    calls.get_by_role("button", name="Poner en cola", exact=True).click()
    expect(calls.locator(ALL_ROWS).first).to_contain_text("En cola")
    assert in_queue() == 1


def test_leads_are_chosen_by_state_in_the_page_and_in_the_filter(calls, leads):
    wrong = [lead.pk for lead in (leads[1], leads[4], leads[28])]
    Lead.objects.filter(pk__in=wrong).update(call_status=CallStatus.ERROR)
    redraw(calls)
    box(calls, 0).check()

    calls.locator("#menu-states summary").click()
    calls.locator("#menu-states [data-tick-state=error]").click()
    assert ticked(calls) == [0, 1, 4]

    calls.locator("#menu-states summary").click()
    calls.locator("#menu-states [data-choose=all][data-only=error]").click()
    assert ticked(calls) == [1, 4]
    expect(calls.locator("#selbar")).to_contain_text("Los 30 leads · Error")
    calls.get_by_role("button", name="Poner en cola", exact=True).click()
    calls.get_by_role("button", name="Poner en cola 3 leads").click()
    expect(calls.locator("#selbar .selbar__calm")).to_be_visible()
    chosen = Lead.objects.filter(selected_for_calling=True)
    assert set(chosen.values_list("pk", flat=True)) == set(wrong)


def test_what_was_done_is_undone_from_its_toast(calls):
    box(calls, 0).check()
    box(calls, 1).check()
    calls.get_by_role("button", name="Poner en cola", exact=True).click()
    expect(calls.locator("#toasts")).to_contain_text("2 leads cambiados")
    expect(calls.locator(ALL_ROWS).nth(1)).to_contain_text("En cola")

    calls.get_by_role("button", name="Deshacer").click()

    expect(calls.locator("#toasts")).to_contain_text("2 leads vuelven a estar")
    expect(calls.locator(ALL_ROWS).nth(1)).to_contain_text("Sin seleccionar")
    assert in_queue() == 0


# --- One lead -----------------------------------------------------------------------


def test_a_lead_is_looked_at_and_noted_by_keyboard_alone(calls, leads):
    box(calls, 2).focus()
    calls.keyboard.press("Tab")
    calls.keyboard.press("Enter")

    panel = calls.get_by_role("dialog", name="Lead 02")
    expect(panel).to_be_visible()
    expect(calls).to_have_url(re.compile(f"lead={leads[2].pk}"))
    assert calls.evaluate("document.activeElement.closest('dialog') !== null")
    for _each in range(30):
        calls.keyboard.press("Tab")
        inside = "document.activeElement.closest('#lead-drawer')"
        assert calls.evaluate(f"{inside} || document.activeElement === document.body")
        if calls.evaluate("document.activeElement.id") == "note_text":
            break
    calls.keyboard.type("Prefiere tardes")
    calls.keyboard.press("Tab")
    calls.keyboard.press("Enter")
    expect(panel).to_contain_text("Nota guardada.")
    expect(panel.locator(".timeline")).to_contain_text("Prefiere tardes")
    assert calls.evaluate("document.activeElement.closest('dialog') !== null")

    calls.keyboard.press("Escape")
    expect(panel).not_to_be_visible()
    expect(calls.locator(f"#open-{leads[2].pk}")).to_be_focused()
    expect(calls).not_to_have_url(re.compile("[?&]lead="))
    assert LeadEvent.objects.get(kind=LeadEvent.Kind.NOTE).text == "Prefiere tardes"


def test_the_panel_has_an_address_for_reload_and_for_the_way_back(calls, leads):
    calls.locator("#q").fill("lead 0")
    expect(calls).to_have_url(re.compile("q=lead"))
    calls.locator(f"#open-{leads[3].pk}").click()
    panel = calls.get_by_role("dialog", name="Lead 03")
    expect(panel).to_be_visible()

    calls.reload()
    expect(panel).to_be_visible()
    assert calls.evaluate("document.querySelector('#lead-drawer').matches(':modal')")
    calls.go_back()
    expect(panel).not_to_be_visible()
    expect(calls.locator("#q")).to_have_value("lead 0")
    calls.go_forward()
    expect(panel).to_be_visible()
    panel.get_by_label("Cerrar").click()
    expect(panel).not_to_be_visible()
    expect(calls).to_have_url(re.compile("q=lead"))
    expect(calls).not_to_have_url(re.compile("[?&]lead="))
    calls.go_back()
    expect(panel).to_be_visible()


def test_a_lead_is_called_now_from_its_panel(calls, leads):
    calls.locator(f"#open-{leads[3].pk}").click()
    calls.get_by_role("button", name="Llamar ahora").click()

    panel = calls.get_by_role("dialog", name="Lead 03")
    expect(panel).to_contain_text("Va a la cabeza de la cola.")
    calls.keyboard.press("Escape")
    expect(calls.locator(ALL_ROWS).nth(3)).to_contain_text("En cola")
    assert Lead.objects.get(call_now=True) == leads[3]


# --- A phone ------------------------------------------------------------------------


def test_on_a_phone_all_fits_and_can_be_touched(calls, leads):
    now = timezone.now()
    Lead.objects.filter(pk=leads[1].pk).update(
        first_name="María del Carmen",
        last_name="Etxeberria Goikoetxea",
        call_status=CallStatus.NO_ANSWER,
        selected_for_calling=True,
        next_call_at=now,
        disposition="not_interested",
    )
    calls.set_viewport_size({"width": 360, "height": 740})
    calls.reload()
    box(calls, 1).check()

    bar = calls.locator("#selbar").bounding_box()
    assert round(bar["y"] + bar["height"]) == 740
    assert calls.evaluate("document.documentElement.scrollWidth") <= 360
    small = calls.evaluate(
        """[...document.querySelectorAll(
            '#selbar button, #selbar summary, #filters summary, .person__name a')]
            .filter((one) => one.checkVisibility())
            .filter((one) => one.getBoundingClientRect().height < 43.5)
            .map((one) => one.outerHTML)"""
    )
    assert small == []
    calls.locator("#choose-more summary").click()
    assert calls.evaluate("document.documentElement.scrollWidth") <= 360
    calls.keyboard.press("Escape")
    calls.locator(f"#open-{leads[2].pk}").click()
    expect(calls.get_by_role("dialog", name="Lead 02")).to_be_visible()
    assert calls.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_goes_wrong_is_said_above_the_panel_of_a_lead(calls):
    calls.locator(".person__name a").first.click()
    expect(calls.locator("#lead-panel")).to_be_visible()

    for text in ("uno", "dos"):
        calls.evaluate(
            "text => document.body.dispatchEvent("
            "new CustomEvent('toast', {detail: {text, kind: 'error'}}))",
            text,
        )

    assert calls.locator("#toasts").evaluate("box => box.matches(':popover-open')")
    calls.keyboard.press("Escape")
    expect(calls.locator("#lead-drawer")).to_be_hidden()
    calls.keyboard.press("Escape")
    expect(calls.locator(".toast-line")).to_have_text(["uno×"])
