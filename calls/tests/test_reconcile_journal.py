"""A database restored from the past: nobody is rung again for what it forgot."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.utils import timezone

from calls import preflight
from calls.journal import DialJournal
from calls.models import CallAttempt
from calls.states import State
from calls.tests.factories import AttemptFactory
from leads.models import CallStatus, Lead

pytestmark = pytest.mark.django_db


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
