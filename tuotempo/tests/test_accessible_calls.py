"""The page of the calls in each of its states: axe-core finds nothing to say.

The `page` fixture adds that none of them asks another host or writes an error.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from calls import said
from calls.models import PearlAccount, Run, RunState, Worker
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.names import ACCOUNT_ID
from leads.models import CallStatus, Consent
from leads.tests.admin_pages import IDLE
from leads.tests.factories import LeadFactory, SuppressionFactory
from tuotempo.tests.accessibility import (
    faults,
    faults_in_every_look,
    marta,
    on_one_database,
)

__all__ = ["faults", "marta"]

pytestmark = [
    pytest.mark.screens,
    pytest.mark.django_db(transaction=True),
    on_one_database,
]

CALLS = reverse("calls:manager")


def a_worker() -> None:
    now = timezone.now()
    Worker.objects.create(
        identity="host:1:a", started_at=now, heartbeat_at=now, serving=True
    )


def a_queue() -> None:
    """Leads of every status, and of the reasons not to call."""
    LeadFactory.create_batch(2)
    LeadFactory(consent=Consent.REFUSED)
    SuppressionFactory(phone_e164=LeadFactory().phone_e164)
    for status in (CallStatus.COMPLETED, CallStatus.NO_ANSWER, CallStatus.BUSY):
        LeadFactory(**IDLE | {"call_status": status})
    LeadFactory(
        **IDLE | {"call_status": CallStatus.ERROR}, call_error_message="Rechazado"
    )


def a_run(state: RunState = RunState.RUNNING) -> None:
    """Two calls in course and one that ended."""
    run = RunFactory(campaign=CampaignFactory(state=state, generation=1))
    AttemptFactory.create_batch(2, run=run)
    AttemptFactory(
        run=run,
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
        lead__call_status=CallStatus.COMPLETED,
    )


def test_without_campaign(marta, faults):
    assert faults(CALLS) == {}


def test_empty_then_ready_then_filtered(marta, faults):
    CampaignFactory()
    a_worker()
    assert faults(CALLS) == {}

    a_queue()

    assert faults(CALLS, f"{CALLS}?status=error", f"{CALLS}?city=Nada") == {}


def test_with_two_campaigns(marta, faults):
    CampaignFactory()
    CampaignFactory(name="Otra", outbound_id="a" * 24)
    a_queue()

    assert faults(CALLS) == {}


@pytest.mark.parametrize(
    "state", [RunState.RUNNING, RunState.STOPPING, RunState.PAUSED]
)
def test_while_calls_are_in_course(marta, faults, state):
    a_run(state)
    a_queue()
    a_worker()

    assert faults(CALLS) == {}


def test_the_calls_behind_a_number(marta, faults):
    a_run()
    run = Run.objects.get()
    AttemptFactory(run=run, state=State.MANUAL, error="No consta en Pearl.")
    LeadFactory(**IDLE | {"call_status": CallStatus.COMPLETED})
    AttemptFactory.create_batch(30, run=run)
    transcript = [{"role": 3, "text": "Quiero una cita.", "start": 0}]
    talked = AttemptFactory(run=run, transcript=transcript)
    said.write(talked.pk, before=[], after=transcript)
    here = reverse("calls:attempts", args=[run.campaign_id])

    wrong = faults(
        here,
        reverse("calls:all_attempts"),
        f"{here}?state=manual",
        f"{here}?success=true",
        f"{here}?result=busy",
        f"{here}?state=nada&otro=1",
        f"{here}?said=cita",
        f"{here}?said=nunca",
    )

    assert wrong == {}


def test_running_without_any_process(marta, faults):
    a_run()
    a_queue()

    assert faults(CALLS) == {}


def test_pearl_down_and_a_call_that_nobody_knows(marta, faults):
    a_run()
    a_worker()
    AttemptFactory(run=Run.objects.get(), state=State.MANUAL)
    PearlAccount.objects.create(
        account_id=ACCOUNT_ID,
        problem="Pearl no responde. No se llama a nadie hasta que vuelva.",
        breaker_until=timezone.now() + timedelta(minutes=1),
        failures=3,
    )

    assert faults(CALLS) == {}


def test_outside_the_hours_of_calling(marta, faults):
    CampaignFactory(always_open=False, weekly_hours={})
    a_queue()
    a_worker()

    assert faults(CALLS) == {}


def test_a_refused_start(marta, faults, page):
    CampaignFactory()
    a_queue()
    faults(CALLS)

    page.get_by_role("button", name="Iniciar llamadas").click()

    expect(page.get_by_role("alert").first).to_be_visible()
    assert faults_in_every_look(page) == []


def test_the_question_of_an_emergency_stop(marta, faults, page):
    a_run()
    a_worker()
    faults(CALLS)

    page.get_by_text("Parada de emergencia…").click()

    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults_in_every_look(page) == []


def test_ticked_leads(marta, faults, page):
    CampaignFactory()
    a_queue()
    faults(CALLS)

    page.get_by_role("table").get_by_role("checkbox").last.check()

    assert faults_in_every_look(page) == []


def test_for_somebody_who_may_only_look(marta, faults, client):
    view = Permission.objects.filter(codename__in=["view_campaign", "view_lead"])
    User.objects.filter(pk=marta.pk).update(is_superuser=False)
    marta.user_permissions.set(view)
    a_run()

    assert faults(CALLS) == {}


def test_the_panel_of_a_lead(marta, faults, page):
    a_run()
    faults(CALLS)

    page.get_by_role("table").get_by_role("link").first.click()

    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults_in_every_look(page) == []


def test_a_filter_that_is_open(marta, faults, page):
    CampaignFactory()
    a_queue()
    faults(CALLS)

    page.get_by_text("Estado", exact=True).first.click()

    expect(page.get_by_role("checkbox", name="Completada")).to_be_visible()
    assert faults_in_every_look(page) == []
