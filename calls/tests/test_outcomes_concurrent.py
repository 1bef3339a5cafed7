"""Reports, corrections and history read again, all at once, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.cache import cache
from django.db import connection

from calls import corrections, outcome_table, outcomes, rereading
from calls.evidence import Evidence
from calls.models import CallAttempt, OutcomeChange, OutcomeTable, Rereading
from calls.outcome_table import TableChanged
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory
from calls.tests.test_outcome_table import publish_with
from calls.tests.test_outcomes import NOW, final
from leads.models import Lead

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer"),
]


def at_once(*works) -> None:
    ready = Barrier(len(works))

    def one(work) -> None:
        try:
            ready.wait()
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(one, works))


def test_history_is_read_while_reports_come_and_people_correct(run, monkeypatch):
    monkeypatch.setattr(rereading, "CHANGED_AT_ONCE", 3)
    attempts = []
    for number in range(30):
        attempt = AttemptFactory(
            run=run, claimed_at=NOW - timedelta(minutes=3), counted=True
        )
        told = replace(final(4, 110), pearl_call_id=f"{number + 1:024x}")
        outcomes.record(attempt, told, now=NOW, confirms=True)
        attempts.append((attempt, told))
    corrected = attempts[::5]
    publish_with(codes={(4, 110): Outcome.TOO_BRIEF})

    def read_history() -> None:
        record = rereading.begin(by=None, now=NOW)
        while record.state in (Rereading.State.COUNTING, Rereading.State.DOING):
            record = rereading.go_on(record.pk, now=NOW)
            rereading.do_it(record.pk)
            record.refresh_from_db()

    def tell() -> None:
        for attempt, told in reversed(attempts):
            news = replace(told, summary="Colgó.")
            outcomes.record(attempt, news, now=NOW, confirms=True)

    def correct() -> None:
        for attempt, _told in corrected:
            for seen in ("not_successful", "too_brief"):
                try:
                    corrections.correct(
                        attempt.pk,
                        Outcome.BUSY,
                        seen=seen,
                        reason="x",
                        by=None,
                        now=NOW,
                    )
                except corrections.CorrectionRefused:
                    continue

    at_once(read_history, read_history, tell, correct)

    by_hand = {attempt.pk for attempt, _told in corrected}
    for attempt in CallAttempt.objects.select_related("lead"):
        expected = Outcome.BUSY if attempt.pk in by_hand else Outcome.TOO_BRIEF
        assert (attempt.state, attempt.outcome) == (State.ENDED, expected)
        assert (attempt.conversation_code, attempt.summary) == (110, "Colgó.")
        shown = outcome_table.of_version(attempt.outcome_version)
        assert attempt.lead.call_status == shown.status_of(expected)
    assert OutcomeChange.objects.filter(reason="x").count() == len(corrected)
    cache.clear()


def test_reports_while_the_table_changes_end_as_its_last_version_says(run):
    attempts = AttemptFactory.create_batch(
        12, run=run, claimed_at=NOW - timedelta(minutes=3), counted=True
    )
    told = [
        replace(final(4, 110), pearl_call_id=f"{number + 1:024x}")
        for number in range(12)
    ]

    def tell() -> None:
        for attempt, one in zip(attempts, told, strict=True):
            outcomes.record(attempt, one, now=NOW, confirms=True)

    def change() -> None:
        for outcome in (Outcome.VOICEMAIL, Outcome.TOO_BRIEF, Outcome.CONVERSATION):
            publish_with(codes={(4, 110): outcome})

    at_once(tell, tell, change)
    for attempt, one in zip(attempts, told, strict=True):
        news = replace(one, summary="Fin.")
        outcomes.record(attempt, news, now=NOW, confirms=True)

    last = outcome_table.current()
    for attempt in CallAttempt.objects.select_related("lead"):
        assert attempt.outcome == Outcome.CONVERSATION
        assert attempt.lead.call_status == last.status_of(Outcome.CONVERSATION)
        known = Evidence.of_attempt(attempt)
        assert known.outcome_by(last) == Outcome.CONVERSATION
    assert not Lead.objects.filter(selected_for_calling=True).exists()
    cache.clear()


def test_of_two_who_publish_at_once_one_is_told():
    publish_with(no_answer={"retry": False})
    base = outcome_table.current()
    told = []

    def publish() -> None:
        try:
            outcome_table.publish(base, seen=base.version, by=None, reason="x", now=NOW)
        except TableChanged:
            told.append(True)

    at_once(publish, publish, publish)

    assert len(told) == 2
    assert OutcomeTable.objects.filter(reason="x").count() == 1
    cache.clear()
