"""A person says how a call ended: it stands, it is traced, and it rings nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calls import by_hand, corrections, outcomes
from calls import effects as effects_of_all
from calls.consequences import outcome_effects
from calls.corrections import CorrectionRefused
from calls.evidence import Evidence
from calls.models import CallAttempt, OutcomeChange
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory
from calls.tests.test_outcome_table import publish_with
from calls.tests.test_outcomes import CALL, NOW, final
from leads import selection, suppressions
from leads.models import CallStatus, Disposition, Lead, LeadEvent, Suppression

pytestmark = pytest.mark.django_db


def ended(evidence: Evidence, **facts) -> CallAttempt:
    attempt = AttemptFactory(
        claimed_at=NOW - timedelta(minutes=3), counted=True, **facts
    )
    Lead.objects.filter(pk=attempt.lead_id).update(call_attempts_count=1)
    outcomes.record(attempt, evidence, now=NOW, confirms=True)
    attempt.refresh_from_db()
    return attempt


def correct(attempt, outcome, *, seen=None, reason="Se oye en la grabación", at=NOW):
    attempt.refresh_from_db()
    corrections.correct(
        attempt.pk,
        outcome,
        seen=attempt.outcome if seen is None else seen,
        reason=reason,
        by=None,
        now=at,
    )
    attempt.refresh_from_db()


def the_lead() -> Lead:
    return Lead.objects.get()


# --- Corrections --------------------------------------------------------------------


def test_a_correction_changes_the_outcome_and_no_raw_code(admin_user):
    attempt = ended(final(4, 100))

    corrections.correct(
        attempt.pk,
        Outcome.VOICEMAIL,
        seen="success",
        reason="Era un buzón",
        by=admin_user,
        now=NOW,
    )

    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.state) == (Outcome.VOICEMAIL, State.ENDED)
    assert (attempt.call_code, attempt.conversation_code) == (4, 100)
    assert attempt.closed_at == NOW - timedelta(minutes=1)
    change = OutcomeChange.objects.get()
    assert (change.before, change.after) == ("success", "voicemail")
    assert (change.by, change.reason, change.at) == (admin_user, "Era un buzón", NOW)
    assert the_lead().call_status == CallStatus.NO_ANSWER


def test_later_reports_are_kept_and_change_no_corrected_outcome():
    attempt = ended(final(7))
    correct(attempt, Outcome.CONVERSATION)

    told = final(4, 70, summary="Buzón.")
    assert outcomes.record(attempt, told, now=NOW, confirms=True)

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.CONVERSATION
    assert (attempt.conversation_code, attempt.summary) == (70, "Buzón.")
    assert corrections.pearl_says(attempt) == Outcome.VOICEMAIL
    assert the_lead().call_status == CallStatus.COMPLETED
    assert not the_lead().selected_for_calling


def test_a_number_found_to_be_blocked_is_proposed_whatever_a_person_said():
    attempt = ended(final(7))
    correct(attempt, Outcome.CONVERSATION)

    outcomes.record(attempt, final(7, 220), now=NOW, confirms=True)
    effects_of_all.follow_due(now=NOW)

    assert Suppression.objects.get().proposed
    assert CallAttempt.objects.get().outcome == Outcome.CONVERSATION


def test_correcting_it_back_gives_the_lead_the_turn_it_had():
    attempt = ended(final(7))
    turn = the_lead().next_call_at

    correct(attempt, Outcome.SUCCESS)
    assert not the_lead().selected_for_calling

    correct(attempt, Outcome.NO_ANSWER)
    assert the_lead().selected_for_calling
    assert the_lead().next_call_at == turn
    assert OutcomeChange.objects.count() == 2


def test_a_corrected_old_call_rings_nobody():
    attempt = ended(final(4, 100))

    correct(attempt, Outcome.NO_ANSWER, at=NOW + timedelta(days=20))

    assert the_lead().call_status == CallStatus.NO_ANSWER
    assert not the_lead().selected_for_calling


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("deselect", {}),
        ("manual", {}),
        ("disposition", {"disposition": "appointment"}),
        ("exclude", {"list": "request"}),
    ],
)
def test_a_correction_puts_nobody_back_whom_staff_took_out(verb, values):
    attempt = ended(final(7))
    selection.apply(Lead.objects.all(), verb, values, now=NOW, by=None)
    correct(attempt, Outcome.SUCCESS)

    correct(attempt, Outcome.BUSY)

    assert not the_lead().selected_for_calling


def test_a_lead_that_staff_put_in_the_queue_since_stays_there():
    attempt = ended(final(4, 100))
    selection.select(
        Lead.objects.all(), outbound_id=attempt.campaign.outbound_id, now=NOW
    )

    correct(attempt, Outcome.NOT_SUCCESSFUL)

    assert the_lead().call_status == CallStatus.SELECTED
    assert the_lead().selected_for_calling


def test_a_promise_for_later_survives_a_correction():
    attempt = ended(final(7))
    at = NOW + timedelta(days=2)
    Lead.objects.update(callback_at=at, next_call_at=at)

    correct(attempt, Outcome.CONVERSATION)

    assert (the_lead().callback_at, the_lead().next_call_at) == (at, at)
    assert the_lead().selected_for_calling


def test_an_older_call_leaves_the_lead_alone():
    attempt = ended(final(7))
    AttemptFactory(run=attempt.run, lead=attempt.lead)
    Lead.objects.update(call_status=CallStatus.CALLING, next_call_at=None)

    correct(attempt, Outcome.SUCCESS)

    assert the_lead().call_status == CallStatus.CALLING


@pytest.mark.parametrize(
    ("outcome", "seen", "reason"),
    [
        (Outcome.SUCCESS, "busy", "x"),
        (Outcome.NO_ANSWER, "no_answer", "x"),
        (Outcome.BLACKLISTED, "no_answer", "x"),
        (Outcome.CANCELLED, "no_answer", "x"),
        (Outcome.NONE, "no_answer", "x"),
        (Outcome.SUCCESS, "no_answer", "  "),
    ],
)
def test_what_makes_no_sense_is_refused(outcome, seen, reason):
    attempt = ended(final(7))

    with pytest.raises(CorrectionRefused):
        correct(attempt, outcome, seen=seen, reason=reason)

    assert CallAttempt.objects.get().outcome == Outcome.NO_ANSWER
    assert not OutcomeChange.objects.exists()


def test_what_only_a_webhook_told_is_not_corrected_before_pearl_confirms_it():
    attempt = AttemptFactory(claimed_at=NOW - timedelta(minutes=3), counted=True)
    outcomes.record(attempt, final(7), now=NOW)

    with pytest.raises(CorrectionRefused):
        correct(attempt, Outcome.SUCCESS)

    outcomes.record(attempt, final(7), now=NOW, confirms=True)
    correct(attempt, Outcome.SUCCESS)
    assert CallAttempt.objects.get().outcome == Outcome.SUCCESS


def test_a_call_that_goes_on_after_all_ends_as_pearl_says():
    attempt = AttemptFactory(
        state=State.MANUAL, claimed_at=NOW - timedelta(hours=4), counted=True
    )
    by_hand.close_by_hand(attempt, rang=True, reason="x", now=NOW)
    correct(attempt, Outcome.CONVERSATION)
    later = NOW + timedelta(minutes=10)
    outcomes.record(attempt, final(7), now=NOW, look_at=NOW)
    live = Evidence(pearl_call_id=CALL, call_code=3)
    outcomes.record(attempt, live, now=later, look_at=later, confirms=True)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.corrected_at) == (State.ACCEPTED, None)

    outcomes.record(attempt, final(4, 100), now=later, confirms=True)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, Outcome.SUCCESS)


def test_a_call_that_is_not_over_cannot_be_corrected():
    attempt = AttemptFactory()

    with pytest.raises(CorrectionRefused):
        correct(attempt, Outcome.SUCCESS)

    assert CallAttempt.objects.get().state == State.ACCEPTED


def test_a_test_is_corrected_without_touching_its_lead():
    attempt = ended(final(7), is_test=True)
    before = Lead.objects.values().get()

    correct(attempt, Outcome.SUCCESS)

    assert Lead.objects.values().get() == before


# --- What an outcome brings about ---------------------------------------------------


def effects(attempt, at=NOW):
    outcome_effects(CallAttempt.objects.get(pk=attempt.pk), now=at)


def test_the_first_version_brings_about_nothing(run):
    for codes in [(4, 100), (4, 110), (4, 70), (7, None), (6, None)]:
        attempt = ended(replace(final(*codes), pearl_call_id=None), run=run)

        effects(attempt)

    assert not LeadEvent.objects.exists()
    assert not Suppression.objects.exists()
    assert {*Lead.objects.values_list("disposition", flat=True)} == {""}


def test_a_disposition_is_set_once_and_told():
    publish_with(success={"disposition": "appointment"})
    attempt = ended(final(4, 100))

    effects(attempt)
    effects(attempt, at=NOW + timedelta(hours=1))

    assert the_lead().disposition == Disposition.APPOINTMENT
    event = LeadEvent.objects.get()
    assert event.changes == {
        "disposition": ["", "appointment"],
        "attempt": attempt.pk,
    }
    assert (event.by, event.at) == (None, NOW)
    assert the_lead().call_status == CallStatus.COMPLETED


@pytest.mark.parametrize("theirs", ["not_interested", "wrong_number"])
def test_a_disposition_of_a_person_is_never_touched(theirs):
    publish_with(success={"disposition": "appointment"})
    attempt = AttemptFactory(claimed_at=NOW - timedelta(minutes=3))
    Lead.objects.update(disposition=theirs)
    outcomes.record(attempt, final(4, 100), now=NOW, confirms=True)

    effects(attempt)

    assert the_lead().disposition == theirs


def test_a_disposition_that_a_person_took_away_does_not_return():
    publish_with(success={"disposition": "appointment"})
    attempt = ended(final(4, 100))
    effects(attempt)
    values = {"disposition": ""}
    selection.apply(Lead.objects.all(), "disposition", values, now=NOW, by=None)

    effects(attempt, at=NOW + timedelta(hours=1))

    assert the_lead().disposition == ""


def test_after_a_correction_its_own_disposition_follows():
    publish_with(
        success={"disposition": "appointment"},
        not_successful={"disposition": "not_interested"},
    )
    attempt = ended(final(4, 100))
    effects(attempt)

    correct(attempt, Outcome.NOT_SUCCESSFUL)
    assert the_lead().disposition == Disposition.NOT_INTERESTED

    correct(attempt, Outcome.CONVERSATION)
    assert the_lead().disposition == Disposition.NONE


def test_a_promise_is_not_undone_by_a_disposition():
    publish_with(success={"disposition": "appointment"})
    attempt = ended(final(4, 100))
    at = NOW + timedelta(days=1)
    Lead.objects.update(callback_at=at)

    effects(attempt)

    assert (the_lead().callback_at, the_lead().disposition) == (at, "")


def test_an_older_call_disposes_of_nothing():
    publish_with(success={"disposition": "appointment"})
    attempt = ended(final(4, 100))
    AttemptFactory(run=attempt.run, lead=attempt.lead)

    effects(attempt)

    assert the_lead().disposition == ""


def test_do_not_call_is_proposed_and_not_again_after_the_review():
    publish_with(not_successful={"do_not_call": True})
    attempt = ended(final(4, 110))
    effects(attempt)
    proposal = Suppression.objects.get()
    assert (proposal.proposed, proposal.list) == (True, Suppression.List.REQUEST)
    assert proposal.phone_e164 == attempt.phone

    proposal.delete()
    effects(attempt, at=NOW + timedelta(hours=1))

    assert not Suppression.objects.exists()
    assert LeadEvent.objects.get().kind == LeadEvent.Kind.EXCLUDED


def test_a_proposed_number_may_not_be_called():
    publish_with(not_successful={"do_not_call": True})
    attempt = ended(final(4, 110))

    effects(attempt)

    assert suppressions.suppressed_among([attempt.phone], now=NOW) == {attempt.phone}


def test_a_test_and_an_open_call_have_no_effects():
    publish_with(no_answer={"do_not_call": True, "retry": False})
    ended(final(7), is_test=True)
    AttemptFactory(run=CallAttempt.objects.get().run, pearl_call_id="b" * 24)

    for attempt in CallAttempt.objects.all():
        effects(attempt)

    assert not Suppression.objects.exists()
    assert not LeadEvent.objects.filter(kind=LeadEvent.Kind.EXCLUDED).exists()
