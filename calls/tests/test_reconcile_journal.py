"""A database restored from the past: nobody is rung again for what it forgot."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calls import claims, preflight
from calls.journal import DialJournal
from calls.models import CallAttempt, RunState
from calls.states import State
from calls.tests.factories import AttemptFactory
from leads.models import CallStatus, Lead

pytestmark = pytest.mark.django_db
FREE = {"open_lead_id": None, "open_phone": None}


@pytest.fixture
def journal(settings, tmp_path) -> DialJournal:
    settings.DIAL_JOURNAL = tmp_path
    return DialJournal(tmp_path)


def reconcile(*options: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("reconcile_journal", *options, stdout=out)
    except SystemExit as exc:
        return out.getvalue(), int(exc.code or 0)
    return out.getvalue(), 0


def lose(attempt: CallAttempt) -> None:
    """As if an older backup had been restored."""
    attempt.delete()
    Lead.objects.filter(pk=attempt.lead_id).update(
        call_status=CallStatus.SELECTED, next_call_at=timezone.now()
    )


def test_a_lost_dial_comes_back_as_unknown_and_its_lead_is_out_of_the_queue(journal):
    attempt = AttemptFactory()
    token, lead = attempt.token, attempt.lead
    journal.write_before(attempt, now=timezone.now())
    lose(attempt)

    text, code = reconcile()

    assert code == 0, text
    restored = CallAttempt.objects.get()
    assert (restored.token, restored.state) == (token, State.UNKNOWN)
    lead.refresh_from_db()
    assert lead.call_status == CallStatus.CALLING
    assert preflight.journal_problem(journal, now=timezone.now()) == ""


def test_a_dial_whose_lead_is_gone_waits_for_a_person_to_dismiss_it(journal):
    attempt = AttemptFactory()
    journal.write_before(attempt, now=timezone.now())
    lose(attempt)
    attempt.lead.delete()

    text, code = reconcile()
    assert code == 1
    assert "--dismiss" in text

    assert reconcile("--dismiss")[1] == 0
    assert preflight.journal_problem(journal, now=timezone.now()) == ""


def test_when_nothing_is_lost_nothing_changes(journal):
    journal.write_before(AttemptFactory(), now=timezone.now())

    assert reconcile()[1] == 0
    assert CallAttempt.objects.get().state == State.ACCEPTED


def test_a_dial_restored_as_a_mere_claim_is_held_and_not_given_back(journal):
    """The backup was made between the claim and the commit to dial."""
    attempt = AttemptFactory()
    journal.write_before(attempt, now=timezone.now())
    before = {"send_started_at": None, "pearl_request_id": None}
    CallAttempt.objects.update(state=State.CLAIMED, **before)

    text, code = reconcile()

    assert code == 0, text
    claims.reap_leases(now=timezone.now() + timedelta(hours=1))
    assert CallAttempt.objects.get().state == State.UNKNOWN
    assert preflight.journal_problem(journal, now=timezone.now()) == ""


def test_a_claim_given_back_before_anybody_reconciled_is_held_again(journal):
    attempt = AttemptFactory()
    journal.write_before(attempt, now=timezone.now())
    given_back = {"send_started_at": None, "pearl_request_id": None, **FREE}
    CallAttempt.objects.update(state=State.RELEASED, **given_back)
    Lead.objects.update(call_status=CallStatus.SELECTED, next_call_at=timezone.now())

    assert reconcile()[1] == 0

    assert CallAttempt.objects.get().state == State.UNKNOWN
    assert Lead.objects.get().call_status == CallStatus.CALLING


def test_two_lost_dials_of_one_lead_both_come_back_and_the_last_holds_it(journal):
    first = AttemptFactory(claimed_at=timezone.now() - timedelta(hours=2))
    journal.write_before(first, now=first.claimed_at)
    CallAttempt.objects.update(state=State.NOT_PLACED, **FREE)
    second = AttemptFactory(run=first.run, lead=first.lead)
    journal.write_before(second, now=timezone.now())
    lead = first.lead
    CallAttempt.objects.all().delete()
    Lead.objects.update(call_status=CallStatus.SELECTED, next_call_at=timezone.now())

    text, code = reconcile()

    assert code == 0, text
    states = CallAttempt.objects.order_by("pk").values_list("token", "state")
    assert [*states] == [
        (first.token, State.NOT_PLACED),
        (second.token, State.UNKNOWN),
    ]
    assert CallAttempt.objects.get(open_lead_id=lead.pk).token == second.token


def test_pearl_is_asked_at_once_what_became_of_lost_dials(simulator, journal):
    """However long ago: after some hours nobody would ask about them any more."""
    attempt = AttemptFactory(lead__phone_e164="+34600000001", pearl_request_id=None)
    long_ago = timezone.now() - timedelta(hours=5)
    journal.write_before(attempt, now=long_ago)
    simulator.client().make_call(
        attempt.campaign.outbound_id,
        to=attempt.phone,
        data={"ttAttemptId": str(attempt.token)},
    )
    simulator.wait_until(
        lambda: simulator.rings() and all(r["ended_at"] for r in simulator.rings())
    )
    lose(attempt)

    text, code = reconcile()

    assert code == 0, text
    assert CallAttempt.objects.get().state == State.ENDED
    assert Lead.objects.get().call_status == CallStatus.COMPLETED


def test_a_host_that_remembers_more_stops_the_workers_of_all(journal):
    attempt = AttemptFactory()
    journal.write_before(attempt, now=timezone.now())
    lose(attempt)

    with pytest.raises(CommandError, match="reconcile_journal"):
        call_command("run_calls", "--serve")

    assert attempt.campaign.state == RunState.RUNNING
    attempt.campaign.refresh_from_db()
    assert attempt.campaign.state == RunState.STOPPED
    assert "reconcile_journal" in attempt.campaign.state_reason
