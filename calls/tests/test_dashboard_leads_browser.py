"""The leads of /calls in a real Chromium: filtered, ticked, changed, looked at."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import expect

from calls.tests.factories import CampaignFactory
from leads.models import CallStatus, Lead, LeadEvent
from leads.tests.factories import LeadFactory

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]

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
    assert "lead=" not in calls.url
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
    assert "q=lead" in calls.url
    assert "lead=" not in calls.url.replace("q=lead", "")
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
