"""What planted faults showed that nobody watched: the instant before a byte leaves, a
process that drains, and an attempt whose number is another's after a restore."""

from __future__ import annotations

import copy
import json
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from calls import call_manager, claims, dialing, reconciling, runs
from calls.call_manager import CallManager
from calls.dialing import Dialer
from calls.journal import DialJournal
from calls.models import CallAttempt, Campaign, RunState, Worker
from calls.pearl import PearlClient
from calls.states import State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from calls.tests.hostile_server import Act, HostileServer, answer, http
from calls.tests.names import ACCOUNT_ID, SECRET_KEY
from leads.tests.factories import LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

PLACED = http(200, {"id": "68d2f0a1b2c3d4e5f6a70001", "queuePosition": 0})


def client_of(server: HostileServer) -> PearlClient:
    return PearlClient(
        base_url=server.url, account_id=ACCOUNT_ID, secret_key=SECRET_KEY
    )


def dialer_of(client: PearlClient) -> Dialer:
    return Dialer(
        pearl=client,
        journal=DialJournal.from_settings(),
        stop=threading.Event(),
        abandon=threading.Event(),
    )


def claimed() -> CallAttempt:
    run = RunFactory()
    LeadFactory()
    now = timezone.now()
    return claims.claim(run.campaign_id, worker="a", at_most=1, now=now).attempts[0]


def test_what_pearl_receives_is_committed_and_on_disk_already():
    """Asked over another connection, at the instant when the request arrives."""
    seen: list[tuple[str, str]] = []

    def play(server: HostileServer, conn: socket.socket) -> None:
        server.read(conn)
        since = timezone.now() - timedelta(hours=1)
        entries = [*DialJournal.from_settings().entries(since=since)]
        seen.append((CallAttempt.objects.get().state, str(entries[-1:])))
        connection.close()
        conn.sendall(PLACED)

    LeadFactory()
    runs.start(CampaignFactory().pk, now=timezone.now())
    with HostileServer(Act(play)) as server, ThreadPoolExecutor(1) as pool:
        CallManager(pearl=client_of(server)).tick(pool, now=timezone.now())

    (sent,) = server.requests
    token = json.loads(sent.body)["callData"]["ttAttemptId"]
    assert [state for state, _line in seen] == [State.DIALING]
    assert token in seen[0][1]


# --- The commit before the send -----------------------------------------------------


@contextmanager
def dialing_while_the_gate_is_held(attempt: CallAttempt, *, lock_wait: float):
    """A thread that dials, and whose commit waits as long as the block lasts; after
    `lock_wait` seconds the database gives it up. Yields what Pearl received."""

    def dial(client: PearlClient) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "mysql":
                seconds = max(1, round(lock_wait))
                cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {seconds}")
            else:
                cursor.execute(f"PRAGMA busy_timeout = {lock_wait * 1000:.0f}")
        dialer_of(client).dial(attempt)
        connection.close()

    with HostileServer(answer(PLACED)) as server, ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=attempt.campaign_id)
            done = pool.submit(dial, client_of(server))
            yield server
        done.result(timeout=30)


def test_a_commit_to_dial_that_failed_sends_nothing():
    attempt = claimed()

    with dialing_while_the_gate_is_held(attempt, lock_wait=0.1) as server:
        time.sleep(1.5)

    assert server.requests == []
    attempt.refresh_from_db()
    assert attempt.state == State.RELEASED


def test_what_waited_too_long_for_its_commit_is_not_sent(monkeypatch):
    monkeypatch.setattr(dialing, "SEND_BUDGET_SECONDS", 0.3)
    attempt = claimed()

    with dialing_while_the_gate_is_held(attempt, lock_wait=20) as server:
        time.sleep(0.6)

    assert server.requests == []
    attempt.refresh_from_db()
    assert attempt.state == State.NOT_SENT


class FreezingClient(PearlClient):
    """Whose process stands still between being let send and beginning to."""

    def make_call(self, *args, **options):
        time.sleep(1.2)
        return super().make_call(*args, **options)


def test_who_froze_once_it_was_let_send_does_not_when_awake():
    attempt = claimed()
    attempt.campaign.timeout_seconds = 1

    with HostileServer(answer(PLACED)) as server:
        client = FreezingClient(
            base_url=server.url, account_id=ACCOUNT_ID, secret_key=SECRET_KEY
        )
        dialer_of(client).dial(attempt)

    assert server.requests == []
    attempt.refresh_from_db()
    assert attempt.state == State.NOT_SENT


# --- After a restore ----------------------------------------------------------------


def test_an_attempt_of_before_a_restore_moves_none_of_after():
    """Its number is another attempt's now; only the token tells them apart."""
    before = claimed()
    CallAttempt.objects.filter(pk=before.pk).update(token=uuid.uuid4())
    now = timezone.now()

    assert claims.pre_send(copy.copy(before), now=now) is None
    assert not claims.release(before, now=now)
    CallAttempt.objects.update(state=State.DIALING, send_started_at=now)
    assert not claims.mark_not_sent(before, reason="", now=now)
    assert not claims.mark_unknown(before, reason="", now=now)
    assert not claims.mark_accepted(
        before, request_id="a" * 24, queue_position=0, now=now, look_at=now
    )

    after = CallAttempt.objects.get()
    assert (after.state, after.pearl_request_id) == (State.DIALING, None)


def test_a_backup_restored_between_two_dials_is_noticed_before_the_second():
    """Without a STOP, an error or a new START in between."""
    LeadFactory.create_batch(2)
    campaign = CampaignFactory()
    runs.start(campaign.pk, now=timezone.now())
    with HostileServer(answer(PLACED)) as server:
        dialer = Dialer(
            pearl=client_of(server),
            journal=DialJournal.from_settings(),
            stop=threading.Event(),
            abandon=threading.Event(),
        )
        for _each in range(2):
            now = timezone.now()
            claim = claims.claim(campaign.pk, worker="a", at_most=1, now=now)
            dialer.dial(claim.attempts[0])
            CallAttempt.objects.filter(state=State.ACCEPTED).delete()

    assert server.posts == 1
    campaign.refresh_from_db()
    assert campaign.state == RunState.STOPPED
    assert "reconcile_journal" in campaign.state_reason
    assert CallAttempt.objects.get().state == State.NOT_SENT


# --- Doubt, webhooks, drain ---------------------------------------------------------


def test_one_look_at_pearl_proves_no_absence(simulator, settings):
    settings.UNKNOWN_SETTLE_SECONDS = 600
    now = timezone.now()
    attempt = AttemptFactory(
        state=State.UNKNOWN,
        pearl_request_id=None,
        claimed_at=now - timedelta(seconds=700),
        next_lookup_at=now,
    )
    states = []

    for later in (0, 90):
        reconciling.poll(
            attempt.campaign,
            pearl=simulator.client(),
            turn=lambda: True,
            now=now + timedelta(seconds=later),
        )
        states.append(CallAttempt.objects.get().state)

    assert states == [State.UNKNOWN, State.NOT_PLACED]


def test_a_webhook_that_cannot_be_kept_is_not_answered_200(client):
    url = reverse("pearl_webhook", args=[django_settings.PEARL_WEBHOOK_TOKEN])
    rename("pearl_events", "pearl_events_away")
    try:
        said = client.post(url, b"{}", content_type="application/json")
    finally:
        rename("pearl_events_away", "pearl_events")

    assert said.status_code == 503


def rename(table: str, to: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")


def test_the_heart_beats_until_the_last_request_is_recorded(simulator, monkeypatch):
    monkeypatch.setattr(call_manager, "HEARTBEAT", timedelta(seconds=0.05))
    simulator.set(latency_seconds=[1, 1])
    LeadFactory()
    now = timezone.now()
    # Checked at Pearl already, so that the dial is the only request.
    checked = CampaignFactory(checked_at=now, next_sweep_at=now + timedelta(hours=1))
    runs.start(checked.pk, now=now)
    manager = CallManager(pearl=simulator.client())
    beats = set()

    def look() -> None:
        if CallAttempt.objects.filter(state=State.DIALING).exists():
            manager.interrupted = True
        if manager.stop.is_set():
            beats.add(Worker.objects.get().heartbeat_at)

    manager.run(until_empty=False, on_tick=look)

    assert len(simulator.rings()) == 1
    assert len(beats) > 4


def test_what_the_drain_finds_unsent_is_given_back_and_not_sent():
    """So seldom, for a dial begins at once, that no storm of signals has shown it."""
    attempt, stop = claimed(), threading.Event()
    stop.set()
    with HostileServer(answer(PLACED)) as server:
        Dialer(
            pearl=client_of(server),
            journal=DialJournal.from_settings(),
            stop=stop,
            abandon=threading.Event(),
        ).dial(attempt)

    assert server.requests == []
    assert CallAttempt.objects.get().state == State.RELEASED
