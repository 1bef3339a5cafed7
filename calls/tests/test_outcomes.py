"""Any order and any repetition of the same reports gives the same rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from calls import claims, effects, outcomes
from calls.by_hand import close_by_hand
from calls.evidence import Evidence, join
from calls.models import CallAttempt, Recording, SaidWord
from calls.pearl import parse_webhook
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, RunFactory
from leads import selection
from leads.models import CallStatus, Lead, Suppression
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CALL = "c" * 24

codes = st.sampled_from([None, 1, 2, 3, 4, 5, 6, 7, 8, 99])
conversations = st.sampled_from(
    [None, 10, 20, 40, 70, 100, 110, 130, 150, 220, 300, 500, 999]
)
texts = st.sampled_from(["", "Acepta la cita.", "No puede ese día."])
evidences = st.builds(
    Evidence,
    pearl_call_id=st.sampled_from([None, CALL]),
    request_code=st.sampled_from([None, 1, 2, 10, 20, 100]),
    call_code=codes,
    conversation_code=conversations,
    duration_seconds=st.sampled_from([None, 0, 12, 99]),
    started_at=st.sampled_from([None, NOW - timedelta(minutes=2)]),
    summary=texts,
    recording_url=st.sampled_from(["", "https://api.nlpearl.ai/r/1"]),
    transcript=st.sampled_from([[], [{"role": 2, "text": "Hola"}]]),
    collected_info=st.dictionaries(
        st.sampled_from(["fechaDeseada", "interesado"]), st.integers(0, 2)
    ),
    tags=st.lists(st.sampled_from(["cita", "queja"]), unique=True).map(sorted),
    sentiment=st.sampled_from([None, 1, 5]),
)


def final(status: int, conversation: int | None = None, **more: object) -> Evidence:
    duration = 60 if status == 4 else 0
    return Evidence(
        pearl_call_id=CALL,
        call_code=status,
        conversation_code=conversation,
        duration_seconds=duration,
        started_at=NOW - timedelta(minutes=2),
        **more,
    )


@given(evidences, evidences, evidences)
def test_the_join_is_commutative_associative_and_idempotent(one, two, three):
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one


class OrderFree(TestCase):
    @given(st.lists(evidences, min_size=1, max_size=4), st.data())
    @settings(max_examples=60, deadline=None)
    def test_permuted_and_repeated_reports_give_the_same_attempt_and_lead(
        self, reports, data
    ):
        again = data.draw(st.permutations([*reports, *reports[:2]]))

        first, second = _row_after(reports), _row_after(again)

        assert first == second


def _row_after(reports):
    attempt = AttemptFactory(claimed_at=NOW - timedelta(minutes=3), counted=True)
    Lead.objects.filter(pk=attempt.lead_id).update(call_attempts_count=1)
    for evidence in reports:
        outcomes.record(attempt, evidence, now=NOW)
    kept = ("token", "id", "lead_id", "campaign_id", "run_id", "phone", "updated_at")
    kept += ("open_lead_id", "open_phone", "pearl_request_id", "generation")
    row = CallAttempt.objects.filter(pk=attempt.pk).values().get()
    lead = Lead.objects.filter(pk=attempt.lead_id).values(
        "call_status",
        "selected_for_calling",
        "next_call_at",
        "call_attempts_count",
        "call_error_message",
        "pearl_call_response",
    )
    recordings = Recording.objects.values_list("state", "tries")
    words = SaidWord.objects.values_list("word", flat=True)
    result = (
        {k: v for k, v in row.items() if k not in kept},
        lead.get(),
        [*recordings],
        [*words],
    )
    for model in (Recording, SaidWord, CallAttempt, Lead, Suppression):
        model.objects.all().delete()
    for made in (attempt.run, attempt.campaign):
        made.delete()
    return result


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("withdrawn", [{"conversation_code": 70}, {"request_code": 10}])
@pytest.mark.parametrize("later", [{"call_code": 4}, {"call_code": 8}])
def test_a_poorer_word_of_a_withdrawn_call_changes_nothing_in_any_order(
    withdrawn, later
):
    sure, poor = Evidence(call_code=8, **withdrawn), Evidence(**later)

    first, second = _row_after([sure, poor]), _row_after([poor, sure])

    assert first == second
    assert first[0]["outcome"] == Outcome.CANCELLED


@pytest.mark.parametrize(
    ("evidence", "outcome", "status"),
    [
        (final(4, 100), Outcome.SUCCESS, CallStatus.COMPLETED),
        (final(4, 110), Outcome.NOT_SUCCESSFUL, CallStatus.COMPLETED),
        (final(4, 130), Outcome.CONVERSATION, CallStatus.COMPLETED),
        (final(4, 70), Outcome.VOICEMAIL, CallStatus.NO_ANSWER),
        (final(4, 10), Outcome.TOO_BRIEF, CallStatus.NO_ANSWER),
        (final(5), Outcome.BUSY, CallStatus.BUSY),
        (final(7), Outcome.NO_ANSWER, CallStatus.NO_ANSWER),
        (final(7, 150), Outcome.UNREACHABLE, CallStatus.NO_ANSWER),
        (final(6), Outcome.FAILED, CallStatus.ERROR),
        (final(4, 500), Outcome.PROVIDER_ERROR, CallStatus.ERROR),
        (Evidence(request_code=20), Outcome.BLACKLISTED, CallStatus.ERROR),
        (Evidence(request_code=100), Outcome.PROVIDER_ERROR, CallStatus.ERROR),
        (
            Evidence(pearl_call_id=CALL, call_code=8, request_code=10),
            Outcome.CANCELLED,
            CallStatus.ERROR,
        ),
    ],
)
def test_each_final_report_ends_the_attempt_and_shows_on_the_lead(
    evidence, outcome, status
):
    attempt = AttemptFactory()

    assert outcomes.record(attempt, evidence, now=NOW)

    attempt.refresh_from_db()
    attempt.lead.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, outcome)
    assert attempt.open_phone is None
    assert attempt.lead.call_status == status


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(pearl_call_id=CALL, call_code=3, conversation_code=40),
        Evidence(pearl_call_id=CALL, call_code=8),
        Evidence(pearl_call_id=CALL, call_code=4, conversation_code=999),
        Evidence(pearl_call_id=CALL, call_code=4, conversation_code=100),
        Evidence(
            pearl_call_id=CALL, call_code=4, conversation_code=100, duration_seconds=0
        ),
        Evidence(pearl_call_id=CALL, call_code=99, conversation_code=100),
        Evidence(request_code=10),
    ],
)
def test_what_is_not_certainly_over_is_never_guessed_into_completed(evidence):
    attempt = AttemptFactory()

    outcomes.record(attempt, evidence, now=NOW)

    attempt.refresh_from_db()
    attempt.lead.refresh_from_db()
    assert attempt.state == State.ACCEPTED
    assert attempt.lead.call_status == CallStatus.CALLING


def test_a_blocked_number_is_proposed_for_suppression():
    attempt = AttemptFactory()

    outcomes.record(attempt, Evidence(request_code=20), now=NOW, confirms=True)
    effects.follow_due(now=NOW)

    assert Suppression.objects.get(phone_e164=attempt.phone).proposed


def test_no_answer_is_tried_again_and_the_lead_keeps_its_place():
    attempt = AttemptFactory(claimed_at=NOW - timedelta(minutes=3), counted=True)
    Lead.objects.update(call_attempts_count=1)

    outcomes.record(attempt, final(7), now=NOW)

    lead = Lead.objects.get()
    assert lead.selected_for_calling
    assert lead.next_call_at == NOW + timedelta(minutes=118)


def test_the_last_attempt_takes_the_lead_out_of_the_queue():
    attempt = AttemptFactory(counted=True)
    Lead.objects.update(call_attempts_count=3)

    outcomes.record(attempt, final(7), now=NOW)

    lead = Lead.objects.get()
    assert not lead.selected_for_calling
    assert lead.next_call_at is None


def test_a_lead_deselected_during_its_call_is_not_tried_again():
    attempt = AttemptFactory()
    Lead.objects.update(selected_for_calling=False)

    outcomes.record(attempt, final(7), now=NOW)

    assert not Lead.objects.get().selected_for_calling


def test_a_second_call_for_one_attempt_is_an_incident_and_changes_no_outcome():
    attempt = AttemptFactory()
    outcomes.record(attempt, final(7), now=NOW)
    other = Evidence(
        pearl_call_id="d" * 24,
        call_code=4,
        conversation_code=100,
        duration_seconds=9,
    )

    assert not outcomes.record(attempt, other, now=NOW)

    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.NO_ANSWER
    assert "más de una llamada" in attempt.error


def test_a_report_that_overtakes_pearls_answer_keeps_both():
    attempt = AttemptFactory(state=State.DIALING, pearl_request_id=None)
    outcomes.record(attempt, final(4, 100), now=NOW)

    assert claims.mark_accepted(
        attempt, request_id="a" * 24, queue_position=0, now=NOW, look_at=NOW
    )

    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, Outcome.SUCCESS)
    assert attempt.pearl_request_id == "a" * 24
    attempt.lead.refresh_from_db()
    assert attempt.lead.call_attempts_count == 1


def test_a_late_ending_of_an_attempt_given_up_reaches_the_lead_again():
    attempt = AttemptFactory(state=State.UNKNOWN, pearl_request_id=None, counted=True)
    claims.mark_not_placed(attempt, reason="", now=NOW)

    assert outcomes.record(attempt, final(4, 100), now=NOW)

    lead = Lead.objects.get()
    assert lead.call_status == CallStatus.COMPLETED
    assert not lead.selected_for_calling


def test_staff_who_changed_the_lead_since_are_not_overruled():
    attempt = AttemptFactory()
    outcomes.record(attempt, final(7), now=NOW)
    Lead.objects.update(call_status=CallStatus.SELECTED, next_call_at=NOW)

    outcomes.record(attempt, final(7, summary="Más tarde."), now=NOW)

    assert Lead.objects.get().call_status == CallStatus.SELECTED
    assert CallAttempt.objects.get().summary == "Más tarde."


def test_two_leads_with_one_number_each_get_their_own_result():
    one = AttemptFactory(lead__phone_e164="+34600000001")
    outcomes.record(one, final(7), now=NOW)
    two = AttemptFactory(lead__phone_e164="+34600000001", run=one.run)
    other = Evidence(
        pearl_call_id="d" * 24, call_code=4, conversation_code=100, duration_seconds=9
    )

    outcomes.record(two, other, now=NOW)

    one.lead.refresh_from_db()
    two.lead.refresh_from_db()
    assert one.lead.call_status == CallStatus.NO_ANSWER
    assert two.lead.call_status == CallStatus.COMPLETED


def test_a_late_summary_does_not_put_back_a_lead_that_staff_took_out():
    attempt = AttemptFactory()
    outcomes.record(attempt, final(7), now=NOW)
    selection.deselect(Lead.objects.all(), now=NOW)

    outcomes.record(attempt, final(7, summary="tarde"), now=NOW)
    outcomes.record(attempt, final(5, summary="más tarde"), now=NOW)

    lead = Lead.objects.get()
    assert not lead.selected_for_calling
    assert lead.next_call_at is None


def test_no_ring_by_hand_puts_back_only_a_lead_still_wanted():
    taken_out, by_hand, wanted = AttemptFactory.create_batch(
        3, run=AttemptFactory(state=State.MANUAL).run, state=State.UNKNOWN
    )
    selection.deselect(Lead.objects.filter(pk=taken_out.lead_id), now=NOW)
    for attempt in (taken_out, by_hand, wanted):
        claims.mark_manual(attempt, reason="x", now=NOW)
        attempt.refresh_from_db()
    theirs = Lead.objects.filter(pk=by_hand.lead_id)
    selection.apply(theirs, "manual", {}, now=NOW, by=None)

    for attempt in (taken_out, by_hand, wanted):
        assert close_by_hand(attempt, rang=False, reason="y", now=NOW)

    back = Lead.objects.filter(selected_for_calling=True, call_status="selected")
    assert back.get() == wanted.lead


def test_news_that_a_call_is_live_takes_back_the_claim_that_would_ring_again():
    lead, run = LeadFactory(), RunFactory()
    old = AttemptFactory(
        run=run,
        lead=lead,
        state=State.NOT_PLACED,
        claimed_at=NOW - timedelta(hours=3),
        open_lead_id=None,
        open_phone=None,
    )
    (new,) = claims.claim(run.campaign_id, worker="b", at_most=1, now=NOW).attempts

    live = Evidence(pearl_call_id="9" * 24, call_code=3)
    assert outcomes.record(old, live, now=NOW, look_at=NOW)

    new.refresh_from_db()
    assert new.state == State.RELEASED
    assert claims.pre_send(new, now=NOW) is None


def test_a_marker_that_names_another_attempt_corrects_a_binding_by_number():
    wrong = AttemptFactory()
    right = AttemptFactory(run=wrong.run)
    CallAttempt.objects.filter(pk=wrong.pk).update(pearl_call_id=CALL)
    report = parse_webhook(
        json.dumps(
            {
                "id": CALL,
                "to": wrong.phone,
                "status": 4,
                "conversationStatus": 100,
                "duration": 60,
                "collectedInfo": [{"id": "ttAttemptId", "value": str(right.token)}],
            }
        ).encode()
    )

    found = outcomes.find_attempt(report)

    assert found == right
    assert outcomes.record(found, Evidence.of_report(report), now=NOW)
    wrong.refresh_from_db()
    assert (wrong.state, wrong.pearl_call_id) == (State.MANUAL, None)
