"""The pulse: every change that a screen shows is one, and looking is one query."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calls import budget, claims, live, runs
from calls.models import CallAttempt, Run, Worker
from calls.states import State
from calls.tests.factories import AttemptFactory, RunFactory
from calls.tests.running import end_a_call
from leads import selection
from leads.models import Lead
from leads.tests.factories import LeadFactory


@pytest.fixture(autouse=True)
def _account(db):
    budget.account()


def claim(run: Run) -> None:
    LeadFactory()
    found = claims.claim(run.campaign_id, worker="a", at_most=1, now=timezone.now())
    assert found.attempts


def doubt(run: Run) -> None:
    CallAttempt.objects.update(state=State.UNKNOWN)


def select(run: Run) -> None:
    selection.apply(
        Lead.objects.filter(selected_for_calling=False),
        selection.Verb.SELECT,
        {"outbound_id": run.campaign.outbound_id},
        now=timezone.now(),
        by=User.objects.create_user("marta"),
        filter_query="",
    )


def lose_the_worker(run: Run) -> None:
    Worker.objects.update(heartbeat_at=timezone.now() - 2 * live.DEAD_AFTER)


BOTH, BOARD = live.PARTS, {live.BOARD}
CHANGES = {
    "claim": (claim, BOTH),
    "end of a call": (end_a_call, BOTH),
    "doubt": (doubt, BOTH),
    "selection": (select, BOTH),
    "pause": (lambda run: runs.pause(run.campaign_id, now=timezone.now()), BOARD),
    "stop": (lambda run: runs.stop(run.campaign_id, now=timezone.now()), BOARD),
    "limit": (
        lambda run: runs.change_limit(run.campaign_id, step=1, now=timezone.now()),
        BOARD,
    ),
    "lost worker": (lose_the_worker, BOARD),
    "breaker": (lambda run: budget.note_failure(now=timezone.now()), BOARD),
    "nothing": (lambda run: None, set()),
    "heartbeat": (
        lambda run: Worker.objects.update(heartbeat_at=timezone.now()),
        set(),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_that_a_screen_shows_changes_the_pulse(run, name):
    change, parts = CHANGES[name]
    AttemptFactory(run=run)
    LeadFactory(selected_for_calling=False, call_status="no_selected")
    now = timezone.now()
    Worker.objects.create(identity="h/1/a", started_at=now, heartbeat_at=now)
    before = live.look()

    change(run)

    after = live.look()
    assert after[run.campaign_id].parts_since(before[run.campaign_id]) == parts


def test_calls_of_one_campaign_say_nothing_to_who_watches_another(run):
    other = RunFactory(campaign__outbound_id="f" * 24)
    AttemptFactory(run=run)
    before = live.look()

    doubt(run)

    after = live.look()
    other_id = other.campaign_id
    assert not after[other_id].parts_since(before[other_id])


def test_one_look_is_one_query_however_much_there_is(run, django_assert_num_queries):
    AttemptFactory.create_batch(20, run=run)

    with django_assert_num_queries(1):
        live.look()
