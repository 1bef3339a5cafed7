"""PAUSE: nothing more is sent, the run waits, and STOP still wins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from calls import claims, runs
from calls.models import CallAttempt, Campaign, ControlEvent, Run, RunState
from calls.queue import Wait
from calls.states import State
from calls.tests.factories import AttemptFactory
from leads.models import CallStatus
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Madrid

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(run: Run) -> Campaign:
    return run.campaign


def claim(campaign: Campaign):
    return claims.claim(campaign.pk, worker="a", at_most=1, now=NOW)


def test_nobody_is_claimed_during_a_pause_and_the_wait_says_so(running):
    LeadFactory()

    runs.pause(running.pk, now=NOW)

    assert claim(running).attempts == []
    assert claim(running).wait == Wait.PAUSED


def test_nothing_passes_pre_send_after_a_pause_and_the_lead_keeps_its_place(running):
    lead = LeadFactory()
    before = lead.next_call_at
    attempt = claim(running).attempts[0]

    runs.pause(running.pk, now=NOW)

    assert claims.pre_send(attempt, now=NOW) is None
    claims.release(attempt, now=NOW)
    lead.refresh_from_db()
    assert (lead.call_status, lead.next_call_at) == (CallStatus.SELECTED, before)


def test_the_same_run_goes_on_after_a_pause(running, run):
    LeadFactory()
    generation = running.generation
    runs.pause(running.pk, now=NOW)

    again = runs.start(running.pk, now=NOW, seen_generation=generation)

    assert again == run
    assert Run.objects.count() == 1
    assert len(claim(running).attempts) == 1


def test_a_pause_says_how_many_calls_go_on_and_only_the_first_changes_something(
    running,
):
    AttemptFactory.create_batch(2, run=Run.objects.get())

    assert runs.pause(running.pk, now=NOW) == 2
    assert runs.pause(running.pk, now=NOW) is None


def test_stop_ends_a_paused_run(running):
    runs.pause(running.pk, now=NOW)

    runs.stop(running.pk, now=NOW)

    assert Campaign.objects.get().state == RunState.STOPPED
    assert Run.objects.get().ended_at == NOW


def test_a_stop_between_the_checks_and_the_end_of_a_pause_wins(running):
    """START was pressed on the pause, and while it was checked STOP came."""
    runs.pause(running.pk, now=NOW)
    seen = Campaign.objects.get().generation

    runs.stop(running.pk, now=NOW)

    assert runs.start(running.pk, now=NOW, seen_generation=seen) is None
    assert Campaign.objects.get().state == RunState.STOPPED


def test_a_pause_of_what_does_not_run_changes_nothing(campaign):
    assert runs.pause(campaign.pk, now=NOW) is None
    assert Campaign.objects.get().state == RunState.STOPPED
    assert not ControlEvent.objects.exists()


def test_who_switched_what_is_kept(running):
    marta = User.objects.create_user("marta")
    attempt = AttemptFactory(run=Run.objects.get())
    runs.pause(running.pk, now=NOW, by=marta)
    runs.start(running.pk, now=NOW, by=marta)
    runs.stop(running.pk, now=NOW, by=marta)
    CallAttempt.objects.filter(pk=attempt.pk).update(state=State.MANUAL)
    runs.finish_if_idle(running.pk, now=NOW)

    kinds = list(
        ControlEvent.objects.order_by("id").values_list("kind", "by__username")
    )

    assert kinds == [
        ("paused", "marta"),
        ("resumed", "marta"),
        ("stopped", "marta"),
        ("ended", None),
    ]


@pytest.mark.parametrize("seen_in", ["a run", "a pause"])
def test_a_pause_while_a_start_is_checked_wins(running, seen_in):
    """START was pressed before somebody else paused, and its checks ended after."""
    if seen_in == "a pause":
        runs.pause(running.pk, now=NOW)
    seen = {
        "seen_event": runs.last_event(running.pk),
        "seen_generation": Campaign.objects.get().generation,
    }
    runs.start(running.pk, now=NOW)

    runs.pause(running.pk, now=NOW)

    assert runs.start(running.pk, now=NOW, **seen) is None
    assert Campaign.objects.get().state == RunState.PAUSED
