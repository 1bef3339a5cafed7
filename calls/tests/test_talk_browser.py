"""A recording and its words in a real Chromium, beside a lead."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from calls.models import Listen
from calls.tests.dashboard_browser import calls, leads
from calls.tests.recorded import call_with, keep, silence
from leads.tests.admin_pages import change_url

__all__ = ["calls", "leads"]

pytestmark = [pytest.mark.screens, pytest.mark.django_db(transaction=True)]

URL = "https://api.nlpearl.ai/r"
SAID = [f"Frase número {n}, y algo más para que ocupe." for n in range(12)]
TURNS = [
    {"role": 2 + n % 2, "text": text, "start": n * 5000, "end": n * 5000 + 4000}
    for n, text in enumerate(SAID)
]
AT = "document.querySelector('[data-talk] audio').currentTime"
IS_SEEN = """() => {
    const turn = document.querySelector(".turn[aria-current]").getBoundingClientRect();
    const list = document.querySelector(".turns").getBoundingClientRect();
    return turn.top >= list.top && turn.bottom <= list.bottom;
}"""


@pytest.fixture
def lead(leads):
    lead = leads[0]
    attempt = call_with(URL, lead=lead, transcript=TURNS)
    keep(attempt, silence(60), "audio/wav")
    return lead


def open_panel(page, lead):
    page.locator(f"#open-{lead.pk}").click()
    expect(page.locator("#lead-drawer")).to_be_visible()
    return open_talk(page)


def open_talk(page):
    page.get_by_text("Grabación y transcripción").click()
    expect(page.locator("[data-talk] audio")).to_be_visible()
    return page.locator("[data-talk]")


def seek(page, seconds: float) -> None:
    page.evaluate(f"{AT} = {seconds}")


def current(page):
    return page.locator(".turn[aria-current=true]")


def plays(page) -> bool:
    return not page.evaluate("document.querySelector('[data-talk] audio').paused")


def test_the_turn_that_is_heard_is_marked_and_seen(calls, lead):
    open_panel(calls, lead)
    assert not Listen.objects.exists()
    expect(current(calls)).to_have_count(0)

    calls.get_by_role("link", name="Escuchar desde 0:05").click()
    expect(current(calls)).to_contain_text(SAID[1])
    assert plays(calls)
    assert 5 <= calls.evaluate(AT) < 8

    seek(calls, 56)
    expect(current(calls)).to_have_count(1)
    expect(current(calls)).to_contain_text(SAID[11])
    calls.wait_for_function(IS_SEEN)

    seek(calls, 60)
    expect(current(calls)).to_have_count(0)
    assert Listen.objects.get().username == "marta"


def test_a_turn_is_reached_and_heard_by_keyboard_alone(calls, lead):
    open_panel(calls, lead)
    calls.get_by_role("link", name="Escuchar desde 0:00").focus()
    for _turn in range(3):
        calls.keyboard.press("Tab")

    calls.keyboard.press("Enter")

    expect(current(calls)).to_contain_text(SAID[3])
    focused = calls.get_by_role("link", name="Escuchar desde 0:15")
    expect(focused).to_be_focused()
    assert plays(calls)
    assert calls.url.endswith(f"lead={lead.pk}")


def test_the_words_themselves_lead_there_too_unless_they_are_being_marked(calls, lead):
    talk = open_panel(calls, lead)
    words = talk.get_by_text(SAID[2])

    words.dblclick()  # its second press comes with a word marked
    calls.evaluate("document.querySelector('[data-talk] audio').pause()")
    seek(calls, 40)
    expect(current(calls)).to_contain_text(SAID[8])
    assert calls.evaluate("String(getSelection())") != ""

    calls.evaluate("getSelection().removeAllRanges()")
    talk.get_by_text(SAID[9]).click()
    expect(current(calls)).to_contain_text(SAID[9])


def test_who_reads_elsewhere_is_not_taken_away(calls, lead):
    open_panel(calls, lead)
    calls.get_by_role("link", name="Escuchar desde 0:00").click()
    expect(current(calls)).to_contain_text(SAID[0])
    calls.evaluate("document.querySelector('.turns').scrollTop = 9999")
    there = calls.evaluate("document.querySelector('.turns').scrollTop")
    calls.wait_for_timeout(200)

    seek(calls, 6)

    expect(current(calls)).to_contain_text(SAID[1])
    assert calls.evaluate("document.querySelector('.turns').scrollTop") == there


def test_with_less_motion_the_list_does_not_glide(calls, lead):
    calls.emulate_media(reduced_motion="reduce")
    open_panel(calls, lead)
    calls.get_by_role("link", name="Escuchar desde 0:00").click()
    expect(current(calls)).to_contain_text(SAID[0])
    calls.evaluate(
        "window.asked = []; const list = document.querySelector('.turns'),"
        " own = list.scrollTo.bind(list);"
        " list.scrollTo = (how) => { asked.push(how.behavior); own(how); }; 0"
    )

    seek(calls, 50)

    expect(current(calls)).to_contain_text(SAID[10])
    assert calls.evaluate("asked") == ["auto"]


def test_what_cannot_be_played_is_said(calls, lead):
    open_panel(calls, lead)
    calls.context.set_offline(True)

    calls.get_by_role("link", name="Escuchar desde 0:00").click()

    expect(calls.get_by_role("alert").get_by_text("No se ha podido")).to_be_visible()
    calls.context.set_offline(False)


def test_the_admins_page_of_the_lead_has_it_too(calls, lead, live_server):
    calls.goto(f"{live_server.url}{change_url(lead)}")
    open_talk(calls)

    calls.get_by_role("link", name="Escuchar desde 0:20").click()

    expect(current(calls)).to_contain_text(SAID[4])
