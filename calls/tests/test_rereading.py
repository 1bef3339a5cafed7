"""History read again changes outcomes and statuses, and nothing that it must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calls import by_hand, corrections, outcomes, rereading
from calls.evidence import Evidence
from calls.models import CallAttempt, OutcomeChange, Rereading
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory
from calls.tests.test_outcome_table import publish_with
from calls.tests.test_outcomes import NOW, final
from leads import selection
from leads.models import CallStatus, Lead

pytestmark = pytest.mark.django_db

RAW = ("call_code", "conversation_code", "request_code", "duration_seconds", "state")


@pytest.fixture
def ended(run):
    made = iter("123456789abcdef")

    def end(evidence: Evidence, **facts) -> CallAttempt:
        attempt = AttemptFactory(
            run=run, claimed_at=NOW - timedelta(minutes=3), counted=True, **facts
        )
        Lead.objects.filter(pk=attempt.lead_id).update(call_attempts_count=1)
        call_id = evidence.pearl_call_id and next(made) * 24
        told = replace(evidence, pearl_call_id=call_id)
        outcomes.record(attempt, told, now=NOW, confirms=True)
        attempt.refresh_from_db()
        return attempt

    return end


def read_all(*, only_count=False) -> Rereading:
    record = rereading.begin(by=None, now=NOW)
    while record.state == Rereading.State.COUNTING:
        record = rereading.go_on(record.pk, now=NOW)
    if only_count or not rereading.do_it(record.pk):
        return record
    record = rereading.go_on(record.pk, now=NOW)
    while record.state == Rereading.State.DOING:
        record = rereading.go_on(record.pk, now=NOW)
    return record


def outcomes_now() -> list[str]:
    return [*CallAttempt.objects.order_by("pk").values_list("outcome", flat=True)]


def test_it_is_counted_first_and_nothing_changes(ended):
    ended(final(4, 110))
    ended(final(4, 100))
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    record = read_all(only_count=True)

    assert record.state == Rereading.State.COUNTED
    assert record.counted == {"not_successful>too_brief": 1}
    assert outcomes_now() == ["not_successful", "success"]


def test_it_does_what_it_counted_and_touches_no_raw_code(ended):
    for codes in [(4, 110), (4, 110), (4, 100), (7, None), (5, None)]:
        ended(final(*codes))
    raw = [*CallAttempt.objects.order_by("pk").values(*RAW)]
    table = publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    record = read_all()

    assert record.state == Rereading.State.DONE
    assert record.done == record.counted == {"not_successful>too_brief": 2}
    assert outcomes_now()[:3] == ["too_brief", "too_brief", "success"]
    assert [*CallAttempt.objects.order_by("pk").values(*RAW)] == raw
    changed = CallAttempt.objects.filter(outcome_version=table.version)
    assert changed.count() == 2
    told = OutcomeChange.objects.values_list("before", "after", "version", "rereading")
    assert {*told} == {("not_successful", "too_brief", table.version, record.pk)}


def test_in_small_ranges_it_ends_the_same(ended, monkeypatch):
    monkeypatch.setattr(rereading, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(rereading, "LOOKED_AT_AT_ONCE", 3)
    monkeypatch.setattr(rereading, "CHANGED_AT_ONCE", 1)
    for _n in range(6):
        ended(final(4, 110))
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    record = read_all()

    assert record.counted == record.done == {"not_successful>too_brief": 6}
    assert {*outcomes_now()} == {"too_brief"}
    assert OutcomeChange.objects.count() == 6


def test_leads_follow_and_none_enters_the_queue(ended):
    attempt = ended(final(4, 110))
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    record = read_all()

    lead = Lead.objects.get(pk=attempt.lead_id)
    assert lead.call_status == CallStatus.NO_ANSWER
    assert (lead.selected_for_calling, lead.next_call_at) == (False, None)
    assert record.leads_changed == 1


def test_a_lead_whose_call_is_no_longer_retried_leaves_the_queue(ended):
    waits, promised = ended(final(4, 70)), ended(final(4, 70))
    at = NOW + timedelta(days=1)
    Lead.objects.filter(pk=promised.lead_id).update(callback_at=at, next_call_at=at)
    publish_with(voicemail={"call_status": "completed", "retry": False})

    read_all()

    assert not Lead.objects.get(pk=waits.lead_id).selected_for_calling
    lead = Lead.objects.get(pk=promised.lead_id)
    assert (lead.selected_for_calling, lead.next_call_at) == (True, at)
    assert lead.call_status == CallStatus.COMPLETED


def test_who_shows_something_else_by_now_is_left_alone(ended, run):
    taken, called = ended(final(4, 110)), ended(final(4, 110))
    selection.select(
        Lead.objects.filter(pk=taken.lead_id),
        outbound_id=run.campaign.outbound_id,
        now=NOW,
    )
    later = AttemptFactory(run=run, lead=called.lead)
    outcomes.record(later, replace(final(4, 100), pearl_call_id=None), now=NOW)
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    read_all()

    assert Lead.objects.get(pk=taken.lead_id).call_status == CallStatus.SELECTED
    assert Lead.objects.get(pk=called.lead_id).call_status == CallStatus.COMPLETED
    assert outcomes_now()[:2] == ["too_brief", "too_brief"]


def test_corrected_open_and_untranslated_calls_stay(ended, run):
    corrected = ended(final(4, 110))
    corrections.correct(
        corrected.pk,
        Outcome.SUCCESS,
        seen="not_successful",
        reason="x",
        by=None,
        now=NOW,
    )
    AttemptFactory(run=run, call_code=4, conversation_code=160, duration_seconds=9)
    doubtful = AttemptFactory(
        run=run, state=State.MANUAL, call_code=4, conversation_code=170
    )
    by_hand.close_by_hand(doubtful, rang=True, reason="x", now=NOW)
    before = [*CallAttempt.objects.order_by("pk").values()]
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF, (4, 160): Outcome.CONVERSATION})

    record = read_all()

    assert [*CallAttempt.objects.order_by("pk").values()] == before
    assert record.counted == record.done == {}


def test_a_test_changes_without_its_lead(ended):
    attempt = ended(final(4, 110), is_test=True)
    lead = Lead.objects.filter(pk=attempt.lead_id).values().get()
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    read_all()

    assert outcomes_now() == ["too_brief"]
    assert Lead.objects.filter(pk=attempt.lead_id).values().get() == lead


def test_a_report_after_it_ends_as_the_table_says_and_puts_nobody_back(ended):
    attempt = ended(final(4, 110))
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})
    read_all()
    known = Evidence.of_attempt(attempt)

    news = replace(known, summary="Colgó.")
    outcomes.record(attempt, news, now=NOW, confirms=True)

    assert outcomes_now() == ["too_brief"]
    assert not Lead.objects.get(pk=attempt.lead_id).selected_for_calling


def test_another_version_meanwhile_stops_it(ended):
    ended(final(4, 110))
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})
    record = read_all(only_count=True)
    publish_with(codes={(4, 110): Outcome.VOICEMAIL})
    rereading.do_it(record.pk)

    record = rereading.go_on(record.pk, now=NOW)

    assert record.state == Rereading.State.DROPPED
    assert outcomes_now() == ["not_successful"]


def test_there_is_one_at_a_time_and_it_can_be_dropped(ended):
    ended(final(7))
    one = rereading.begin(by=None, now=NOW)

    assert rereading.begin(by=None, now=NOW) == one
    assert rereading.drop(one.pk, now=NOW)
    assert not rereading.do_it(one.pk)
    assert rereading.begin(by=None, now=NOW) != one


def test_it_asks_as_much_for_many_changes_as_for_few(
    ended, django_assert_max_num_queries
):
    def step():
        record = read_all(only_count=True)
        rereading.do_it(record.pk)
        with django_assert_max_num_queries(25) as asked:
            rereading.go_on(record.pk, now=NOW)
        return len(asked)

    ended(final(4, 110))
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})
    few = step()
    for _n in range(12):
        ended(final(4, 70))
    publish_with(codes={(4, 70): Outcome.FAILED})

    assert step() == few
