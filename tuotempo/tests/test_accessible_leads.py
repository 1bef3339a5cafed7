"""The leads of /calls in each of their states: axe-core finds nothing to say."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from calls import recordings
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, RunFactory
from calls.tests.recorded import keep, silence
from leads.models import CallStatus, Disposition, Lead
from leads.notes import add_note
from leads.tests.factories import LeadFactory
from tuotempo.tests.accessibility import faults_in_every_look, on_one_database

pytestmark = [
    pytest.mark.screens,
    pytest.mark.django_db(transaction=True),
    on_one_database,
]


@pytest.fixture
def calls(page, client, live_server):
    user = User.objects.create_superuser("marta", password="clave-inventada")
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies(
        [{"name": session.key, "value": session.value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/calls/")
    return page


@pytest.fixture
def leads():
    """One in each state, and one that nobody can call."""
    run = RunFactory()
    AttemptFactory(run=run)
    for status in set(CallStatus) - {CallStatus.CALLING, CallStatus.SELECTED}:
        LeadFactory(
            call_status=status,
            selected_for_calling=False,
            next_call_at=None,
            last_call_attempt=timezone.now(),
            disposition=Disposition.APPOINTMENT,
            call_error_message="Pearl no conoce el número.",
        )
    LeadFactory(phone="61 23", phone_e164="", manual_management=True)
    return list(Lead.objects.order_by("id"))


def test_the_list_and_those_who_are_chosen(leads, calls):
    assert faults_in_every_look(calls) == []

    calls.locator("#lead-list [name=id]").first.check()
    calls.locator("#menu-states").evaluate("menu => { menu.open = true; }")
    assert faults_in_every_look(calls) == []


def test_the_menus_of_the_filter_and_its_errors(leads, calls, live_server):
    calls.locator("#choose-more summary").click()
    assert faults_in_every_look(calls) == []

    calls.goto(f"{live_server.url}/calls/?city=Getafe&status=busy&priority=9&x=1")
    calls.locator("#choose-city summary").click()
    calls.locator("#filter-city").press_sequentially("mad")
    expect(calls.locator("#suggested-city")).to_contain_text("Madrid")
    assert faults_in_every_look(calls) == []


def test_nobody_to_show(calls, leads, live_server):
    calls.goto(f"{live_server.url}/calls/?city=Zzz")
    assert faults_in_every_look(calls) == []

    calls.goto(f"{live_server.url}/calls/?city=Madrid&priority=1")
    assert faults_in_every_look(calls) == []


def test_the_question_before_all_are_changed(leads, calls):
    calls.get_by_role("button", name="Seleccionar los").first.click()
    calls.get_by_role("button", name="Poner en cola", exact=True).click()
    expect(calls.locator("#dialog")).to_be_visible()

    assert faults_in_every_look(calls) == []


def test_the_panel_of_a_lead(leads, calls):
    lead = leads[-2]
    add_note(lead.pk, text="Prefiere tardes", by=None, now=timezone.now())
    attempt = AttemptFactory(
        run=RunFactory(generation=2, campaign__outbound_id="otra"),
        lead=lead,
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        open_lead_id=None,
        open_phone=None,
        is_test=True,
        recording_url="https://pearl.example/1.mp3",
        transcript=[
            {"role": 2 + n % 2, "text": "Buenos días", "start": n * 1000}
            for n in range(20)
        ],
    )
    recordings.expect(attempt, now=timezone.now())
    keep(attempt, silence(20), "audio/wav")
    calls.locator(f"#open-{lead.pk}").click()
    expect(calls.locator("#lead-drawer")).to_be_visible()
    calls.evaluate(
        "document.querySelectorAll('#lead-drawer details')"
        ".forEach((part) => { part.open = true; })"
    )
    calls.get_by_role("link", name="Escuchar desde 0:03").click()
    expect(calls.locator(".turn[aria-current]")).to_be_visible()

    assert faults_in_every_look(calls) == []
