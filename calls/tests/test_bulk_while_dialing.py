"""Staff change many leads at once while calls go on: nobody is lost, nobody waits long,
and neither side sees the other's locks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from calls import claims
from calls.models import CallAttempt
from calls.outcomes import record
from calls.states import State
from calls.tests.factories import RunFactory, evidence_of
from leads import selection
from leads.models import CallStatus, Lead
from leads.selection import Verb
from leads.tests.factories import OUTBOUND_ID, LeadFactory

ROUNDS = 12
LEADS = 600

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
def test_bulk_changes_and_calls_do_not_lose_each_others_work():
    campaign = RunFactory(campaign__max_concurrent_calls=20).campaign
    Lead.objects.bulk_create(LeadFactory.build_batch(LEADS))
    done, calls = Event(), Semaphore(0)

    with ThreadPoolExecutor(3) as pool:
        dialers = [
            pool.submit(dial_until, done, campaign.pk, calls) for _each in range(2)
        ]
        staff = pool.submit(change_again_and_again, calls)
        try:
            changed = staff.result()
        finally:
            done.set()
        sent = sum(dialer.result() for dialer in dialers)

    assert changed == ROUNDS * 3
    assert CallAttempt.objects.filter(state=State.ENDED).count() == sent
    assert sent >= ROUNDS
    assert not CallAttempt.objects.held().exists()
    assert not Lead.objects.filter(call_status=CallStatus.CALLING).exists()
    called = CallAttempt.objects.filter(state=State.ENDED).values("lead").distinct()
    assert called.count() == sent, "a lead was called twice within the hour"


def change_again_and_again(calls: Semaphore) -> int:
    """Three changes of everybody a round, and a call before each round; returns how
    many changes went through."""
    everyone = Lead.objects.all()
    try:
        for _round in range(ROUNDS):
            assert calls.acquire(timeout=30), "nobody was called between the changes"
            for verb, values in (
                (Verb.PRIORITY, {"priority": 1 + _round % 5}),
                (Verb.DESELECT, {}),
                (Verb.SELECT, {"outbound_id": OUTBOUND_ID}),
            ):
                selection.apply(everyone, verb, values, now=timezone.now(), by=None)
        return ROUNDS * 3
    finally:
        connection.close()


def dial_until(done: Event, campaign_id: int, calls: Semaphore) -> int:
    """Claims, sends and ends calls, writing again what a lock prevented."""
    sent = 0
    try:
        while not done.is_set():
            claim = again(
                lambda: claims.claim(
                    campaign_id, worker="w", at_most=3, now=timezone.now()
                )
            )
            for attempt in claim.attempts:
                allowed = again(
                    lambda a=attempt: claims.pre_send(a, now=timezone.now())
                )
                if allowed is None or not allowed.allowed:
                    again(lambda a=attempt: claims.release(a, now=timezone.now()))
                    continue
                sent += 1
                calls.release()
                ending = evidence_of("no_answer")
                again(lambda a=attempt, e=ending: record(a, e, now=timezone.now()))
        return sent
    finally:
        connection.close()


def again(write):
    """As the dialer does: what is known must be written, so it is written again."""
    while True:
        try:
            return write()
        except OperationalError:
            continue
