"""Claims by real threads on a real database, and the plan of the claim's query."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from calls import budget, claims, queue, runs
from calls.models import CallAttempt, Campaign
from calls.queue import Wait
from calls.states import State
from calls.tests.factories import RunFactory
from leads.models import CallStatus, Lead
from leads.tests.factories import LeadFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
WORKERS = 6

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def running() -> Campaign:
    return RunFactory().campaign


def in_threads(work) -> list:
    """`work(n)` in as many threads as workers, all starting at once."""
    ready = Barrier(WORKERS)

    def one(n: int):
        try:
            ready.wait()
            return work(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, range(WORKERS)))


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_claims_of_many_workers_never_pass_the_limit_nor_share_a_lead(running, limit):
    Campaign.objects.update(max_concurrent_calls=limit)
    leave_the_gate_alone_to_order_claims()

    def work(n: int) -> list[int]:
        taken = []
        for _each in range(5):
            claim = claims.claim(running.pk, worker=f"w{n}", at_most=3, now=NOW)
            taken += [attempt.lead_id for attempt in claim.attempts]
        return taken

    taken = [lead for leads in in_threads(work) for lead in leads]

    assert len(taken) == len(set(taken)) == limit
    assert CallAttempt.objects.open().count() == limit


def test_every_ready_lead_is_claimed_once_while_lines_come_and_go(running):
    Campaign.objects.update(max_concurrent_calls=4, min_gap_minutes=0)
    LeadFactory.create_batch(60)

    def work(n: int) -> int:
        made, idle = 0, 0
        while idle < 30:
            claim = claims.claim(running.pk, worker=f"w{n}", at_most=2, now=NOW)
            idle = 0 if claim.attempts else idle + 1
            for attempt in claim.attempts:
                assert claims.pre_send(attempt, now=NOW).allowed
                claims.mark_refused(attempt, reason="x", now=NOW)
                made += 1
        return made

    made = in_threads(work)

    assert sum(made) == 60
    assert set(Lead.objects.values_list("call_attempts_count", flat=True)) == {1}


def test_stop_lets_nothing_pass_however_many_are_about_to_send(running):
    Campaign.objects.update(max_concurrent_calls=WORKERS)
    LeadFactory.create_batch(WORKERS)
    attempts = claims.claim(
        running.pk, worker="a", at_most=WORKERS, now=timezone.now()
    ).attempts

    def work(n: int) -> tuple[str, float]:
        if n == 0:
            runs.stop(running.pk, now=timezone.now())
            return "stop", timezone.now().timestamp()
        now = timezone.now()
        passed = claims.pre_send(attempts[n], now=now)
        return ("sent" if passed else "not"), now.timestamp()

    results = in_threads(work)

    stopped_at = next(at for what, at in results if what == "stop")
    sent = [at for what, at in results if what == "sent"]
    assert all(at <= stopped_at for at in sent)
    assert CallAttempt.objects.filter(state=State.DIALING).count() == len(sent)
    assert claims.pre_send(attempts[0], now=timezone.now()) is None


def test_a_claim_waits_for_one_that_is_being_committed_and_then_counts_it(running):
    Campaign.objects.update(max_concurrent_calls=1)
    leave_the_gate_alone_to_order_claims()

    def claim(worker: str) -> claims.Claim:
        return claims.claim(running.pk, worker=worker, at_most=1, now=NOW)

    with transaction.atomic():
        assert len(claim("a").attempts) == 1
        pool, second = in_one_thread(lambda: claim("b"))
        wait([second], timeout=0.5)
        assert not second.done()

    with pool:
        assert second.result(timeout=20).wait == Wait.LINES_BUSY
    assert CallAttempt.objects.open().count() == 1


def leave_the_gate_alone_to_order_claims() -> None:
    """With fewer leads, a claim's lock on them lets no other pass; and so does the
    account, when it is made in the first claim."""
    budget.account()
    Lead.objects.bulk_create(LeadFactory.build_batch(queue.SCAN * WORKERS))


def in_one_thread(work):
    def one():
        try:
            return work()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    return pool, pool.submit(one)


def test_a_send_waits_for_a_stop_that_is_being_committed_and_then_fails(running):
    LeadFactory()
    now = timezone.now()
    attempt = claims.claim(running.pk, worker="a", at_most=1, now=now).attempts[0]

    with transaction.atomic():
        runs.stop(running.pk, now=now)
        pool, sending = in_one_thread(lambda: claims.pre_send(attempt, now=now))
        wait([sending], timeout=0.5)
        assert not sending.done()

    with pool:
        assert sending.result(timeout=20) is None


def test_a_stop_waits_for_a_send_that_is_being_committed_and_then_counts_it(running):
    LeadFactory()
    now = timezone.now()
    attempt = claims.claim(running.pk, worker="a", at_most=1, now=now).attempts[0]

    with transaction.atomic():
        assert claims.pre_send(attempt, now=now).allowed
        pool, stopping = in_one_thread(lambda: runs.stop(running.pk, now=now))
        wait([stopping], timeout=0.5)
        assert not stopping.done()

    with pool:
        assert stopping.result(timeout=20) == 1


def test_staff_who_change_leads_meanwhile_lose_no_update_and_break_no_claim(running):
    LeadFactory.create_batch(30)

    def work(n: int) -> None:
        for _each in range(10):
            if n % 2:
                Lead.objects.filter(call_status=CallStatus.SELECTED).update(city="X")
            else:
                claims.claim(running.pk, worker=f"w{n}", at_most=1, now=NOW)

    in_threads(work)

    assert CallAttempt.objects.open().count() == 5


def test_the_head_of_the_queue_is_read_by_its_index_without_a_sort(running):
    soon = NOW + timedelta(days=1)
    for n in range(30):
        LeadFactory.create_batch(20, call_priority=1 + n % 5, next_call_at=soon)
    LeadFactory.create_batch(20, selected_for_calling=False, call_status="completed")
    due = queue.due_leads(running, now=NOW)
    head = due.filter(queue_rank=5)[: queue.SCAN]
    anybody = due.filter(queue_rank__in=range(8)).order_by()[:1]
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE leads")

    for plan in (head.explain(), anybody.explain()):
        assert "lead_queue" in plan
        assert "filesort" not in plan
        assert "TEMP B-TREE" not in plan
