"""Test mode: one telephone rings, no lead is called, and nobody is unaware of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse

from calls import alarms, claims, runs
from calls.breakdown import breakdown
from calls.models import CallAttempt, Campaign, RunState
from calls.outcomes import record
from calls.queue import Wait
from calls.states import Outcome, State
from calls.test_mode import TestModeRefused, set_test_phone
from calls.tests.factories import (
    AttemptFactory,
    CampaignFactory,
    RunFactory,
    evidence_of,
)
from leads.models import CallStatus, Lead, LeadEvent
from leads.tests.factories import LONG_AGO, LeadFactory
from leads.verdict import Rule

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MINE = "+34911222333"

pytestmark = pytest.mark.django_db


@pytest.fixture
def tested():
    """A campaign that runs in test mode."""
    campaign = CampaignFactory(test_phone=MINE, max_concurrent_calls=9)
    runs.start(campaign.pk, now=NOW, test_phone=MINE)
    return campaign


def claim(campaign):
    return claims.claim(campaign.pk, worker="a", at_most=9, now=NOW)


def sent(campaign) -> CallAttempt:
    attempt = claim(campaign).attempts[0]
    claims.pre_send(attempt, now=NOW)
    attempt.refresh_from_db()
    return attempt


def test_every_call_rings_the_one_telephone_one_at_a_time(tested):
    LeadFactory.create_batch(3)

    attempts = claim(tested).attempts

    assert [(one.phone, one.is_test) for one in attempts] == [(MINE, True)]
    assert claim(tested).wait == Wait.LINES_BUSY


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.BLACKLISTED])
def test_a_test_leaves_its_lead_as_it_was_but_out_of_the_queue(tested, outcome):
    lead = LeadFactory(
        call_status=CallStatus.BUSY,
        call_attempts_count=1,
        last_call_attempt=LONG_AGO,
    )
    attempt = sent(tested)
    assert attempt.state == State.DIALING

    record(attempt, evidence_of(outcome), now=NOW)

    lead.refresh_from_db()
    assert (lead.call_status, lead.selected_for_calling) == (CallStatus.BUSY, False)
    assert (lead.call_attempts_count, lead.last_call_attempt) == (1, LONG_AGO)
    assert lead.events.get().kind == LeadEvent.Kind.TEST_CALL


def test_a_test_that_pearl_refuses_does_not_come_up_again(tested):
    lead = LeadFactory()

    claims.mark_refused(sent(tested), reason="no", now=NOW)

    lead.refresh_from_db()
    assert (lead.call_status, lead.selected_for_calling) == ("no_selected", False)
    assert lead.call_attempts_count == 0
    assert claim(tested).wait == Wait.QUEUE_EMPTY


def test_the_telephone_of_a_test_may_ring_again_at_once(tested):
    LeadFactory.create_batch(2)
    record(sent(tested), evidence_of(Outcome.SUCCESS), now=NOW)

    assert len(claim(tested).attempts) == 1


def test_a_lead_that_must_not_be_called_is_not_tested_either(tested):
    LeadFactory(manual_management=True)
    LeadFactory(phone_e164="")

    assert claim(tested).attempts == []


def test_the_summary_counts_what_a_test_would_find(tested):
    LeadFactory.create_batch(2)
    AttemptFactory(
        run=tested.runs.get(),
        lead__pearl_outbound_id="other",
        state=State.ENDED,
        outcome=Outcome.SUCCESS,
        open_lead_id=None,
        open_phone=None,
        phone=MINE,
        claimed_at=NOW,
    )

    assert breakdown(tested, now=NOW) == {Rule.ALLOWED: 2}


# --- Never together, never unseen ---------------------------------------------------


@pytest.mark.parametrize(("now_is", "seen"), [(MINE, ""), ("", MINE), (MINE, "+34911")])
def test_nobody_starts_what_they_did_not_mean(now_is, seen):
    campaign = CampaignFactory(test_phone=now_is)

    assert runs.start(campaign.pk, now=NOW, test_phone=seen) is None
    campaign.refresh_from_db()
    assert campaign.state == RunState.STOPPED


def test_the_mode_does_not_change_while_the_campaign_runs(tested):
    with pytest.raises(TestModeRefused):
        set_test_phone(tested.pk, "", now=NOW)

    tested.refresh_from_db()
    assert tested.test_phone == MINE


def test_the_mode_does_not_change_while_a_call_is_open():
    run = RunFactory()
    AttemptFactory(run=run)
    Campaign.objects.update(state=RunState.STOPPED)

    with pytest.raises(TestModeRefused):
        set_test_phone(run.campaign_id, MINE, now=NOW)


def test_a_start_seen_before_the_mode_changed_no_longer_counts():
    campaign = CampaignFactory()

    assert set_test_phone(campaign.pk, MINE, now=NOW)

    again = runs.start(
        campaign.pk, now=NOW, seen_generation=campaign.generation, test_phone=MINE
    )
    assert again is None


@pytest.mark.parametrize("phone", ["", "+34911000111"])
def test_a_mode_changed_behind_the_run_stops_every_claim_and_every_send(tested, phone):
    LeadFactory.create_batch(2)
    attempt = claim(tested).attempts[0]
    Campaign.objects.update(test_phone=phone)

    assert claims.pre_send(attempt, now=NOW) is None
    assert claim(tested).wait == Wait.TEST_CHANGED


def test_a_test_of_a_lead_whose_own_number_it_is_never_turns_into_a_real_call(tested):
    LeadFactory(phone_e164=MINE)
    attempt = claim(tested).attempts[0]
    Campaign.objects.update(test_phone="")

    assert claims.pre_send(attempt, now=NOW) is None


def test_it_is_said_on_every_page_to_everybody(client, django_user_model):
    CampaignFactory(test_phone=MINE, name="Revisiones")
    ana = django_user_model.objects.create_superuser("ana")
    client.force_login(ana)

    for page in ("home", "calls:manager", "admin:index", "admin:leads_lead_changelist"):
        shown = client.get(reverse(page)).content.decode()
        assert "Modo de prueba: las llamadas de «Revisiones»" in shown, page
        assert shown.count("Modo de prueba: las llamadas") == 1, page


def test_its_calls_are_marked_wherever_they_are_shown(client, admin_user, tested):
    LeadFactory()
    attempt = sent(tested)
    client.force_login(admin_user)

    for page in (
        reverse("admin:calls_callattempt_changelist"),
        reverse("calls:board", args=[tested.pk]),
        reverse("calls:attempts", args=[tested.pk]),
        reverse("admin:leads_lead_change", args=[attempt.lead_id]),
    ):
        assert ">prueba<" in client.get(page).content.decode(), page


def test_a_missed_promise_is_said_on_every_page(client, admin_user):
    CampaignFactory()
    LeadFactory(callback_at=LONG_AGO)
    client.force_login(admin_user)

    for page in ("home", "calls:manager", "admin:index"):
        assert "1 rellamada prometida no se ha hecho" in str(
            client.get(reverse(page)).content.decode()
        )


def test_the_alarms_are_three_queries_however_many(django_assert_num_queries):
    LeadFactory.create_batch(9, callback_at=LONG_AGO)

    with django_assert_num_queries(3):
        found = alarms.alarms(now=NOW)

    assert [one.kind for one in found] == ["missed"]


# --- The page ------------------------------------------------------------------------


@pytest.fixture
def page(client, django_user_model):
    ana = django_user_model.objects.create_user("ana", is_staff=True)
    names = ("test_campaign", "view_campaign")
    ana.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(ana)
    campaign = CampaignFactory()
    where = reverse("admin:calls_campaign_test_mode", args=[campaign.pk])
    return lambda **data: client.post(where, data, follow=True)


def phone_of_test() -> str:
    return Campaign.objects.get().test_phone


def test_it_is_switched_on_by_a_number_and_a_tick_and_leaves_a_trace(page):
    page(phone="911 222 333", understood="on")

    assert phone_of_test() == MINE
    assert "Modo de prueba activado" in LogEntry.objects.get().change_message
    page(off="1")
    assert phone_of_test() == ""
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("data", [{"phone": "911222333"}, {"understood": "on"}, {}])
def test_without_both_it_stays_off(page, data):
    answer = page(**data)

    assert answer.context["form"].errors
    assert phone_of_test() == ""


def test_without_the_permission_the_page_is_closed(client, django_user_model):
    campaign = CampaignFactory()
    client.force_login(django_user_model.objects.create_user("eva", is_staff=True))
    where = reverse("admin:calls_campaign_test_mode", args=[campaign.pk])

    answer = client.post(where, {"phone": "911222333", "understood": "on"})

    assert answer.status_code == 403
    assert phone_of_test() == ""


def test_the_form_of_the_campaign_cannot_switch_it(client, admin_user):
    campaign = CampaignFactory()
    client.force_login(admin_user)
    where = reverse("admin:calls_campaign_change", args=[campaign.pk])

    client.post(where, {"test_phone": MINE, "name": "x"})

    assert phone_of_test() == ""


@pytest.mark.parametrize(("phone", "flags"), [(MINE, []), ("", ["--test"])])
def test_the_terminal_asks_for_the_mode_by_name(simulator, phone, flags):
    CampaignFactory(test_phone=phone)
    LeadFactory()

    with pytest.raises(CommandError, match="modo de prueba"):
        call_command("run_calls", "--quiet", *flags)

    assert not CallAttempt.objects.exists()
    assert Lead.objects.get().call_status == CallStatus.SELECTED
