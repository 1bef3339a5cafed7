"""The table may change between reports of a call; where it ends is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from calls import board, by_hand, lead_ending, outcome_table, outcomes, runs
from calls.attempt_filter import AttemptFilter
from calls.evidence import Evidence, join
from calls.lead_ending import Ending
from calls.models import CallAttempt, OutcomeTable, Recording
from calls.outcome_table import BUILT_IN, TableChanged, publish
from calls.states import Outcome, State, outcome_of
from calls.tests.factories import AttemptFactory
from calls.tests.test_outcomes import CALL, NOW, evidences, final
from leads import selection
from leads.models import CallStatus, Lead, Suppression

NEW_CODE = Evidence(
    pearl_call_id=CALL, call_code=4, conversation_code=160, duration_seconds=30
)


def publish_with(codes=(), **meanings):
    """A version with these rows besides, and these outcomes meaning something else."""
    table = outcome_table.current()
    changed = {
        one: replace(table.meanings[one], **what) for one, what in meanings.items()
    }
    return publish(
        replace(
            table,
            codes={**table.codes, **dict(codes)},
            meanings={**table.meanings, **changed},
        ),
        seen=table.version,
        by=None,
        reason="prueba",
        now=NOW,
    )


TABLES = [
    {},
    {"codes": {(4, 110): Outcome.TOO_BRIEF}},
    {"codes": {(4, 160): Outcome.CONVERSATION}},
    {"codes": {(5, 10): Outcome.NO_ANSWER, (7, 150): Outcome.FAILED}},
    {"voicemail": {"call_status": "completed", "retry": False}},
    {"no_answer": {"retry": False}, "busy": {"call_status": "no_answer"}},
]


class OrderFree(TestCase):
    @given(
        st.lists(evidences, min_size=1, max_size=4),
        st.lists(st.sampled_from(TABLES), min_size=1, max_size=3),
        st.data(),
    )
    @settings(max_examples=60, deadline=None)
    def test_it_ends_as_the_last_version_reads_all_that_is_known(
        self, reports, tables, data
    ):
        told = [("report", one) for one in [*reports, *reports[:2]]]
        made = [("table", number) for number in range(len(tables))]
        steps = data.draw(st.permutations([*told, *made]))
        # Whatever comes of the table, the last word is a report heard again.
        changes = sorted(number for kind, number in steps if kind == "table")
        attempt, known = _attempt(), []
        for kind, what in [*steps, ("report", reports[0])]:
            if kind == "table":
                publish_with(**tables[changes.pop(0)])
            else:
                known.append(what)
                outcomes.record(attempt, what, now=NOW)
        last = outcome_table.current()

        attempt.refresh_from_db()
        joined = known[0]
        for one in known[1:]:
            joined = join(joined, one)
        raw = Evidence.of_attempt(attempt)
        assert raw == join(joined, Evidence())
        read = joined.outcome_by(last)
        if read:
            assert (attempt.state, attempt.outcome) == (State.ENDED, read)
            in_force = Ending(outcome=read, table=last)
            assert Ending.of_attempt(attempt).does_as(in_force)
            assert _lead_of(attempt) == _lead_in_one_go(joined, last)
        _forget()


class WithPearlsWord(TestCase):
    @given(
        st.lists(st.tuples(evidences, st.booleans()), min_size=1, max_size=4),
        st.lists(st.sampled_from(TABLES), min_size=1, max_size=3),
        st.data(),
    )
    @settings(max_examples=40, deadline=None)
    def test_hints_and_answers_end_as_the_last_version_reads_what_is_kept(
        self, reports, tables, data
    ):
        told = [("report", one) for one in [*reports, *reports[:2]]]
        steps = data.draw(st.permutations([*told, *(("table", one) for one in tables)]))
        attempt, was_ended = _attempt(), False
        for kind, what in steps:
            if kind == "table":
                publish_with(**what)
                continue
            evidence, confirms = what
            outcomes.record(attempt, evidence, now=NOW, confirms=confirms)
            is_ended = CallAttempt.objects.get().state == State.ENDED
            assert is_ended or not was_ended
            was_ended = is_ended
        kept = Evidence.of_attempt(CallAttempt.objects.get())
        outcomes.record(attempt, kept, now=NOW, confirms=True)

        attempt.refresh_from_db()
        last = outcome_table.current()
        read = Evidence.of_attempt(attempt).outcome_by(last)
        if read:
            assert (attempt.state, attempt.outcome) == (State.ENDED, read)
            shown = last.status_of(read)
            assert Lead.objects.get().call_status == shown
        _forget()


def _attempt(**facts):
    claimed_at = NOW - timedelta(minutes=3)
    attempt = AttemptFactory(claimed_at=claimed_at, counted=True, **facts)
    Lead.objects.filter(pk=attempt.lead_id).update(call_attempts_count=1)
    return attempt


def _lead_of(attempt):
    columns = ("call_status", "selected_for_calling", "next_call_at")
    return Lead.objects.filter(pk=attempt.lead_id).values_list(*columns).get()


def _lead_in_one_go(joined, last):
    """As a call is told of once, when only the last version was ever there."""
    call_id = joined.pearl_call_id and "e" * 24
    other = AttemptFactory(
        run=CallAttempt.objects.get().run,
        claimed_at=NOW - timedelta(minutes=3),
        counted=True,
    )
    Lead.objects.filter(pk=other.lead_id).update(call_attempts_count=1)
    outcomes.record(other, replace(joined, pearl_call_id=call_id), now=NOW)
    return _lead_of(other)


def _forget():
    run = CallAttempt.objects.first().run
    for model in (Recording, CallAttempt, Lead, Suppression, OutcomeTable):
        model.objects.all().delete()
    run.delete()
    run.campaign.delete()
    cache.clear()


pytestmark = pytest.mark.django_db


def test_the_first_version_is_what_the_code_said():
    codes = [None, 0, 3, 4, 5, 6, 7, 8, 99]
    talks = [None, 0, 10, 20, 40, 70, 100, 110, 130, 150, 200, 220, 300, 500, 999]
    for status, conversation, duration in product(codes, talks, [None, 0, 9]):
        told = {"status": status, "conversation": conversation, "duration": duration}

        assert BUILT_IN.outcome_of(**told) == outcome_of(**told), told


def test_the_migration_writes_the_first_version():
    first = OutcomeTable.objects.order_by("pk").first()
    if first is None:
        pytest.skip("another test emptied the tables")

    read = outcome_table.read(first)

    assert (read.codes, read.meanings) == (BUILT_IN.codes, BUILT_IN.meanings)


def test_a_code_without_a_row_ends_nothing_until_it_has_one():
    attempt = _attempt()
    outcomes.record(attempt, NEW_CODE, now=NOW)
    assert CallAttempt.objects.get().state == State.ACCEPTED

    publish_with(codes={(4, 160): Outcome.CONVERSATION})
    outcomes.record(attempt, NEW_CODE, now=NOW)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, Outcome.CONVERSATION)
    assert Lead.objects.get().call_status == CallStatus.COMPLETED


@pytest.mark.parametrize("duration", [None, 0])
def test_a_row_does_not_make_an_answered_call_without_duration_believed(duration):
    publish_with(codes={(4, 160): Outcome.CONVERSATION})
    attempt = _attempt()

    outcomes.record(attempt, replace(NEW_CODE, duration_seconds=duration), now=NOW)

    assert CallAttempt.objects.get().state == State.ACCEPTED


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        ((3, None), Evidence(call_code=3)),
        ((8, None), Evidence(call_code=8)),
        ((99, None), Evidence(call_code=99)),
    ],
)
def test_no_row_ends_a_call_that_is_not_over(row, evidence):
    publish_with(codes={row: Outcome.SUCCESS})
    attempt = _attempt()

    outcomes.record(attempt, evidence, now=NOW)

    assert CallAttempt.objects.get().state != State.ENDED


def test_no_row_unblocks_a_blocked_number():
    publish_with(codes={(4, 220): Outcome.SUCCESS, (7, 220): Outcome.NO_ANSWER})
    attempt = _attempt()

    outcomes.record(attempt, final(7, 220), now=NOW)

    assert CallAttempt.objects.get().outcome == Outcome.BLACKLISTED


@pytest.mark.parametrize("first", [0, 1])
def test_which_codes_are_kept_depends_on_no_version(first):
    reports = [final(4, 110), final(4, 70)]
    attempt = _attempt()
    outcomes.record(attempt, reports[first], now=NOW)
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    outcomes.record(attempt, reports[1 - first], now=NOW)

    attempt.refresh_from_db()
    assert (attempt.conversation_code, attempt.outcome) == (110, Outcome.TOO_BRIEF)


def test_an_end_that_the_table_does_not_understand_stays():
    attempt = _attempt()
    outcomes.record(attempt, Evidence(call_code=8, request_code=10), now=NOW)
    assert CallAttempt.objects.get().outcome == Outcome.CANCELLED

    # An answered call that waits for its duration: alone it would end nothing.
    waiting = Evidence(call_code=4, conversation_code=100, summary="Acepta.")
    assert outcomes.record(attempt, waiting, now=NOW)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.outcome) == (State.ENDED, Outcome.CANCELLED)
    assert attempt.summary == "Acepta."


def test_a_later_report_gives_the_lead_what_the_newer_version_says():
    attempt = _attempt()
    outcomes.record(attempt, final(4, 70), now=NOW)
    assert Lead.objects.get().selected_for_calling

    publish_with(voicemail={"call_status": "completed", "retry": False})
    outcomes.record(attempt, final(4, 70, summary="Buzón."), now=NOW)

    lead = Lead.objects.get()
    assert lead.call_status == CallStatus.COMPLETED
    assert (lead.selected_for_calling, lead.next_call_at) == (False, None)


def test_no_retry_by_the_table_takes_the_lead_out_of_the_queue():
    publish_with(no_answer={"retry": False})
    attempt = _attempt()

    outcomes.record(attempt, final(7), now=NOW)

    lead = Lead.objects.get()
    assert lead.call_status == CallStatus.NO_ANSWER
    assert (lead.selected_for_calling, lead.next_call_at) == (False, None)


def test_a_newer_version_puts_nobody_back_whom_staff_took_out():
    publish_with(no_answer={"retry": False})
    attempt = _attempt()
    outcomes.record(attempt, final(7), now=NOW)
    mine = Lead.objects.all()
    values = {"disposition": "not_interested", "reason": "other"}
    selection.apply(mine, "disposition", values, now=NOW, by=None)

    publish_with(no_answer={"retry": True})
    outcomes.record(attempt, final(7, summary="Más."), now=NOW)

    assert not Lead.objects.get().selected_for_calling


def test_it_is_one_tiny_query_for_each_report():
    outcome_table.current()

    with CaptureQueriesContext(connection) as asked:
        outcome_table.current()

    assert len(asked) == 1
    assert "codes" not in asked.captured_queries[0]["sql"]


def test_what_another_process_published_is_read_at_once_by_who_writes():
    mine = outcome_table.current()
    row = OutcomeTable.objects.create(
        **replace(BUILT_IN, codes={}).as_columns(), reason="de otro"
    )

    assert outcome_table.current().version == row.pk != mine.version
    assert outcome_table.current().codes == {}


def test_who_changes_an_older_version_is_told():
    mine = outcome_table.current()
    publish_with(no_answer={"retry": False})

    with pytest.raises(TableChanged):
        publish(mine, seen=mine.version, by=None, reason="x", now=NOW)


def test_ending_by_hand_takes_the_status_that_the_table_gives():
    publish_with(no_answer={"call_status": "busy"})
    attempt = AttemptFactory(state=State.MANUAL)
    Lead.objects.update(call_status=CallStatus.ERROR, selected_for_calling=False)

    assert by_hand.close_by_hand(attempt, rang=True, reason="x", now=NOW)

    assert Lead.objects.get().call_status == CallStatus.BUSY
    attempt.refresh_from_db()
    assert lead_ending.still_shows(attempt, Lead.objects.get(), now=NOW)


def test_the_numbers_of_a_run_follow_the_flags_of_the_table():
    attempt = _attempt()
    outcomes.record(attempt, final(4, 110), now=NOW)
    before = runs.totals(attempt.run)
    assert (before.contacted, before.positive) == (1, 0)

    publish_with(not_successful={"positive": True})
    outcome_table.forget()

    assert runs.totals(attempt.run).positive == 1


def test_numbers_and_lists_follow_the_statuses_of_the_table(run):
    attempt = _attempt(run=run)
    outcomes.record(attempt, final(4, 70), now=NOW)
    publish_with(voicemail={"call_status": "completed", "retry": False})
    outcome_table.forget()

    board_now = board.board(run.campaign_id, now=NOW)
    query = QueryDict("result=completed")
    listed = AttemptFilter(query, queryset=CallAttempt.objects.all()).qs

    assert [part.status for part in board_now.segments] == ["completed"]
    assert [*listed] == [attempt]
