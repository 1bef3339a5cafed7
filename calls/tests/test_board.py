"""The numbers of the dashboard add up, agree with the lists behind them, and cost a
fixed number of queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone, translation

from calls import board, budget, runs, why
from calls.models import CallAttempt, Campaign, Worker
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.wording import moment_words
from leads.models import CallStatus, Consent, Lead
from leads.tests.factories import LeadFactory
from leads.verdict import Rule

pytestmark = pytest.mark.django_db


def look(campaign: Campaign) -> board.Board:
    cache.clear()
    campaign.refresh_from_db()
    return board.board(campaign.pk, now=timezone.now())


def worker(**changes) -> Worker:
    now = timezone.now()
    facts = {"identity": "host/1/a", "started_at": now, "heartbeat_at": now}
    return Worker.objects.create(**{**facts, "serving": True, **changes})


def ended(run, outcome: Outcome, status: CallStatus) -> None:
    AttemptFactory(
        run=run,
        state=State.ENDED,
        outcome=outcome,
        closed_at=timezone.now(),
        open_lead_id=None,
        open_phone=None,
        lead__call_status=status,
        lead__selected_for_calling=False,
    )


def test_counts_by_status_are_those_of_the_leads_and_add_up(run):
    LeadFactory.create_batch(3)
    ended(run, Outcome.SUCCESS, CallStatus.COMPLETED)
    ended(run, Outcome.BUSY, CallStatus.BUSY)
    AttemptFactory(run=run)

    shown = look(run.campaign)

    counts = {stat.status: stat.count for stat in shown.stats}
    for status, count in counts.items():
        assert count == Lead.objects.filter(call_status=status).count()
    assert sum(counts.values()) == shown.total_leads == 6
    assert shown.done + len(shown.in_course) == shown.totals.placed == 3
    assert sum(part.count for part in shown.segments) == 3


def test_the_same_number_of_queries_with_few_leads_and_with_many(
    run, django_assert_max_num_queries
):
    worker()
    budget.account()
    for _each in range(3):
        AttemptFactory(run=run)
    ended(run, Outcome.BUSY, CallStatus.BUSY)
    with django_assert_max_num_queries(18) as few:
        look(run.campaign)
    for _each in range(20):
        AttemptFactory(run=run)
        ended(run, Outcome.BUSY, CallStatus.BUSY)
    LeadFactory.create_batch(30)

    with django_assert_max_num_queries(18) as many:
        look(run.campaign)

    assert len(few) == len(many)


def test_a_second_viewer_within_the_second_asks_nothing(run, django_assert_num_queries):
    board.board(run.campaign_id, now=timezone.now())

    with django_assert_num_queries(0):
        board.board(run.campaign_id, now=timezone.now())


def test_why_names_the_cause_in_order(run):
    campaign = run.campaign
    LeadFactory()
    assert "Ningún proceso está llamando" in look(campaign).why

    worker()
    assert look(campaign).why == ""

    budget.block(now=timezone.now(), retry_after=timedelta(minutes=1))
    assert "pidió esperar" in look(campaign).why

    for _each in range(3):
        budget.note_failure(now=timezone.now())
    assert "no responde" in look(campaign).why

    for _each in range(3):
        AttemptFactory(run=run, state=State.UNKNOWN)
    assert "sin confirmar" in look(campaign).why

    runs.stop(campaign.pk, now=timezone.now(), reason="Pearl no acepta la clave.")
    assert look(campaign).why == "Pearl no acepta la clave."


def test_a_silent_worker_does_not_count_as_alive(run):
    LeadFactory()
    worker(heartbeat_at=timezone.now() - timedelta(seconds=31))

    assert look(run.campaign).workers == []


def test_a_queue_that_waits_says_for_what(run):
    worker()
    LeadFactory.create_batch(2, consent=Consent.UNKNOWN)

    shown = look(run.campaign)

    assert shown.why == "No hay a quién llamar ahora."
    assert [(one.rule, one.count) for one in shown.reasons] == [(Rule.NO_CONSENT, 2)]


def test_what_forbids_a_start_is_said_before_pearl_is_asked():
    campaign = CampaignFactory()
    assert "Ningún proceso espera órdenes" in why_not_start(campaign)

    worker()
    assert "La cola está vacía" in why_not_start(campaign)

    LeadFactory(consent=Consent.REFUSED)
    assert why_not_start(campaign) == "1 lead espera: 1 sin consentimiento."

    LeadFactory()
    assert why_not_start(campaign) == ""


def why_not_start(campaign: Campaign) -> str:
    return why.why_not_start(campaign, now=timezone.now())


def test_closed_hours_say_when_they_open(run):
    worker()
    LeadFactory()
    Campaign.objects.update(always_open=False)
    sunday = datetime(2026, 11, 29, 11, 0, tzinfo=UTC)
    Worker.objects.update(heartbeat_at=sunday)
    campaign = Campaign.objects.get()
    cache.clear()

    shown = board.board(campaign.pk, now=sunday)

    assert shown.why == "Fuera de horario: se llamará cuando abra, mañana 9:00."


def test_a_process_that_fell_silent_is_shown_for_a_while(run):
    now = timezone.now()
    lost = worker(heartbeat_at=now - timedelta(minutes=3))
    worker(identity="host/2/b", heartbeat_at=now - timedelta(hours=1))
    worker(identity="host/3/c", heartbeat_at=now - timedelta(minutes=3), stopped_at=now)

    assert look(run.campaign).lost_workers == [lost]


def test_the_end_is_guessed_from_the_calls_before(campaign):
    run = RunFactory(campaign=campaign, started_at=timezone.now())
    Campaign.objects.update(state="stopped")
    assert look(campaign).ends_at == ""
    now = timezone.now()
    for _each in range(4):
        ended(run, Outcome.BUSY, CallStatus.BUSY)
    CallAttempt.objects.update(claimed_at=now - timedelta(minutes=2), closed_at=now)
    LeadFactory.create_batch(10)

    shown = look(campaign)

    # Ten calls of two minutes on five lines.
    assert shown.seconds_a_call == 120
    assert shown.ends_at == moment_words(
        shown.now + timedelta(minutes=4), now=shown.now
    )


def test_success_is_a_share_of_the_leads_whose_call_ended(run):
    assert look(run.campaign).success_percent is None
    LeadFactory()
    for _each in range(3):
        ended(run, Outcome.BUSY, CallStatus.BUSY)
    ended(run, Outcome.SUCCESS, CallStatus.COMPLETED)

    assert look(run.campaign).success_percent == 25


def test_no_run_yet_is_no_error():
    shown = look(CampaignFactory())

    assert (shown.done, shown.percent, shown.ends_at) == (0, 0, "")
    assert RunFactory._meta.model.objects.count() == 0


def test_a_change_is_seen_at_first_sight_in_every_language(run):
    with translation.override("en"):
        board.board(run.campaign_id, now=timezone.now())
    runs.pause(run.campaign_id, now=timezone.now())

    board.forget(run.campaign_id)

    with translation.override("en"):
        campaign = Campaign.objects.get()
        assert board.at_hand(campaign, now=timezone.now()).is_paused
