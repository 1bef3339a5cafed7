"""Ways to break the protocol that were found by attacking it, each closed since."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from calls import (
    budget,
    claims,
    preflight,
    reconciling,
    runs,
)
from calls.call_manager import CallManager
from calls.dialing import Dialer
from calls.journal import DialJournal
from calls.models import (
    CallAttempt,
    Campaign,
    PearlAccount,
    PearlEvent,
    Recording,
    Run,
    RunState,
)
from calls.outcomes import Evidence, record
from calls.pearl.campaigns import CallingHours, OutboundSettings
from calls.preflight import Level
from calls.queue import Wait
from calls.states import State
from calls.tests.factories import AttemptFactory, CampaignFactory, RunFactory
from leads import selection
from leads.models import CallStatus, Lead
from leads.tests.factories import OUTBOUND_ID, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)
ID = "{:024x}".format
NOANSWER = {"call_code": 7, "conversation_code": 10, "duration_seconds": 0}
GOOD = {"call_code": 4, "conversation_code": 100, "duration_seconds": 60}


def always() -> bool:
    return True


@pytest.mark.parametrize(
    ("ahead", "marker"), [(0, False), (0, True), (120, False), (360, True)]
)
def test_a_clock_that_is_ahead_of_pearls_proves_no_absence(
    simulator, settings, ahead, marker
):
    settings.UNKNOWN_SETTLE_SECONDS = 600
    if not marker:
        simulator.set(campaigns={OUTBOUND_ID: {"declared_variables": []}})
    true_now = timezone.now()
    sent = true_now + timedelta(seconds=ahead)
    lead = LeadFactory(
        phone_e164="+34600000001", call_status=CallStatus.CALLING, next_call_at=None
    )
    a = AttemptFactory(
        lead=lead,
        state=State.UNKNOWN,
        pearl_request_id=None,
        claimed_at=sent,
        next_lookup_at=sent,
    )
    simulator.client().make_call(
        OUTBOUND_ID, to=a.phone, data={"ttAttemptId": str(a.token)}
    )
    simulator.wait_until(
        lambda: simulator.rings() and all(r["ended_at"] for r in simulator.rings())
    )
    for later in (700, 800, 900):
        reconciling.poll(
            a.campaign,
            pearl=simulator.client(),
            turn=always,
            now=sent + timedelta(seconds=later),
        )
    a.refresh_from_db()
    assert a.state != State.NOT_PLACED


def test_a_mistyped_id_of_one_campaign_does_not_keep_the_breaker_open_for_all(
    simulator,
):
    CampaignFactory(outbound_id="mal escrito", name="A")
    good = CampaignFactory()
    LeadFactory()
    now = timezone.now()
    runs.start(good.pk, now=now)
    PearlAccount.objects.filter(pk=budget.account().pk).update(
        failures=3, breaker_until=now
    )
    m = CallManager(pearl=simulator.client())
    until = time.monotonic() + 6

    def tick():
        if simulator.rings() or time.monotonic() > until:
            m.interrupted = True

    m.run(until_empty=False, on_tick=tick)
    assert simulator.rings()


def test_a_number_too_large_in_one_campaign_does_not_end_the_worker(simulator):
    # Its form refuses such a number now; the row may be older.
    bad = CampaignFactory(outbound_id="c" * 24, name="A", min_gap_minutes=2_000_000_000)
    good = CampaignFactory()
    LeadFactory(pearl_outbound_id=bad.outbound_id)
    LeadFactory()
    for c in (bad, good):
        runs.start(c.pk, now=timezone.now())
    m = CallManager(pearl=simulator.client())
    until = time.monotonic() + 4

    def tick():
        if simulator.rings() or time.monotonic() > until:
            m.interrupted = True

    m.run(until_empty=False, on_tick=tick)
    assert simulator.rings()


def test_a_queue_that_staff_hold_locked_is_not_empty(db):
    if connection.vendor != "mysql":
        pytest.skip("SQLite has one writer")
    run = RunFactory(until_empty=True)
    LeadFactory()
    locked, go = threading.Event(), threading.Event()

    def staff():
        with transaction.atomic():
            everyone, first = Lead.objects.all(), {"priority": 1}
            selection.apply(everyone, "priority", first, now=timezone.now(), by=None)
            locked.set()
            go.wait(5)
        connection.close()

    thread = threading.Thread(target=staff)
    thread.start()
    locked.wait(5)
    claim = claims.claim(run.campaign_id, worker="w", at_most=1, now=timezone.now())
    go.set()
    thread.join()
    assert claim.wait != Wait.QUEUE_EMPTY


def test_a_backup_restored_under_a_serving_worker_rings_nobody_again(simulator):
    campaign = CampaignFactory()
    LeadFactory(phone_e164="+34600000002")
    runs.start(campaign.pk, now=timezone.now())
    m = CallManager(pearl=simulator.client())
    until = time.monotonic() + 12
    state = {"step": 0}

    def tick():
        ended = CallAttempt.objects.filter(state=State.ENDED).exists()
        if state["step"] == 0 and ended:  # the backup of before the call comes back
            runs.stop(campaign.pk, now=timezone.now())
            time.sleep(0.6)
            PearlEvent.objects.all().delete()
            Recording.objects.all().delete()
            CallAttempt.objects.all().delete()
            Lead.objects.update(
                call_status="selected",
                selected_for_calling=True,
                call_attempts_count=0,
                next_call_at=timezone.now(),
                last_call_attempt=None,
            )
            runs.start(campaign.pk, now=timezone.now())
            state.update(step=1, at=time.monotonic())
        if (
            time.monotonic() > until
            or len(simulator.rings()) > 1
            or (state["step"] and time.monotonic() > state["at"] + 4)
        ):
            m.interrupted = True

    m.run(until_empty=False, on_tick=tick)
    assert state["step"] == 1
    assert len(simulator.rings()) == 1


def test_a_torn_dismissal_does_not_block_every_start():
    j = DialJournal.from_settings()
    j.folder.mkdir(parents=True)
    now = timezone.now()
    (j.folder / f"{now.date().isoformat()}.jsonl").write_text('{"dismissed": "12')
    preflight.journal_problem(j, now=now)


def test_pearls_hours_are_read_on_pearls_clock():
    campaign = CampaignFactory(always_open=False)
    rules = OutboundSettings(
        maximum_call_attempts=1,
        time_zone="Eastern Standard Time",
        calling_hours=(CallingHours(1, "09:00", "21:00"),),
    )
    found = list(preflight._pearl_rules(campaign, rules, pearl=SimpleNamespace()))
    assert any(f.level in (Level.REFUSAL, Level.WARNING) for f in found), [
        f.sentence for f in found
    ]


def test_calls_of_a_campaign_without_v2_id_reach_a_person(simulator):
    now = timezone.now()
    a = AttemptFactory(claimed_at=now - timedelta(hours=4), next_lookup_at=now)
    Campaign.objects.update(pearl_id="", state=RunState.STOPPING)
    m = CallManager(pearl=simulator.client())
    m._ask_about(Campaign.objects.get())
    a.refresh_from_db()
    assert a.state == State.MANUAL


def test_the_gap_counts_from_when_the_phone_rang():
    now = timezone.now()
    run = RunFactory()
    a = AttemptFactory(run=run, claimed_at=now - timedelta(minutes=70))
    # it waited in Pearl's queue and has just rung
    record(
        a,
        Evidence(
            pearl_call_id=ID(3), started_at=now - timedelta(minutes=2), **NOANSWER
        ),
        now=now,
    )
    LeadFactory(phone_e164=a.phone)
    claim = claims.claim(run.campaign_id, worker="w", at_most=1, now=now)
    assert claim.attempts == []


def test_a_success_that_comes_late_takes_the_lead_out_of_the_queue():
    now = timezone.now()
    run = RunFactory()
    lead = LeadFactory(call_status=CallStatus.SELECTED)
    first, _second = (
        AttemptFactory(
            run=run,
            lead=lead,
            state=State.NOT_PLACED,
            open_lead_id=None,
            open_phone=None,
            claimed_at=now - timedelta(minutes=m),
        )
        for m in (40, 20)
    )
    record(first, Evidence(pearl_call_id=ID(4), **GOOD), now=now)
    lead.refresh_from_db()
    assert (lead.call_status, lead.selected_for_calling) == ("completed", False)


def test_that_pearl_called_twice_is_still_shown_when_the_call_ends():
    now = timezone.now()
    a = AttemptFactory()
    record(a, Evidence(pearl_call_id=ID(1), call_code=3), now=now)
    record(a, Evidence(pearl_call_id=ID(2), call_code=3), now=now)
    a.refresh_from_db()
    assert "más de una" in a.error
    record(a, Evidence(pearl_call_id=ID(1), **NOANSWER), now=now)
    a.refresh_from_db()
    assert "más de una" in a.error


def test_one_answer_too_big_does_not_hide_all_results(simulator):
    from calls.pearl import PearlClient
    from calls.tests.names import ACCOUNT_ID, SECRET_KEY

    campaign = CampaignFactory()
    client = PearlClient(
        base_url=simulator.url,
        account_id=ACCOUNT_ID,
        secret_key=SECRET_KEY,
        max_bytes=6_000,
    )
    for lead in LeadFactory.create_batch(12):
        a = (
            AttemptFactory(
                run__campaign=campaign,
                lead=lead,
                next_lookup_at=timezone.now(),
                pearl_request_id=None,
            )
            if not Run.objects.exists()
            else AttemptFactory(
                run=Run.objects.get(),
                lead=lead,
                next_lookup_at=timezone.now(),
                pearl_request_id=None,
            )
        )
        client.make_call(OUTBOUND_ID, to=a.phone, data={"ttAttemptId": str(a.token)})
    simulator.wait_until(
        lambda: (
            len(simulator.rings()) == 12
            and all(r["ended_at"] for r in simulator.rings())
        )
    )
    with contextlib.suppress(Exception):
        reconciling.poll(campaign, pearl=client, turn=always, now=timezone.now())
    assert CallAttempt.objects.filter(state=State.ENDED).exists()


def test_what_pearl_forbade_after_the_claim_is_not_sent():
    run = RunFactory()
    LeadFactory()
    now = timezone.now()
    (a,) = claims.claim(run.campaign_id, worker="w", at_most=1, now=now).attempts
    budget.block(now=now, retry_after=timedelta(minutes=5))
    answer = claims.pre_send(a, now=now + timedelta(seconds=1))
    assert answer is None or not answer.allowed


def test_a_restored_dial_is_looked_for_where_it_was_made(simulator, settings):
    from django.core.management import call_command

    settings.UNKNOWN_SETTLE_SECONDS = 1
    other, mine = (
        CampaignFactory(outbound_id="c" * 24, name="A", pearl_id="d" * 24),
        CampaignFactory(),
    )
    LeadFactory(phone_e164="+34600000002")
    runs.start(mine.pk, now=timezone.now())
    (a,) = claims.claim(mine.pk, worker="w", at_most=1, now=timezone.now()).attempts
    Dialer(
        pearl=simulator.client(),
        journal=DialJournal.from_settings(),
        stop=threading.Event(),
        abandon=threading.Event(),
    ).dial(a)
    # the backup of before the lead was moved from A to the other campaign
    CallAttempt.objects.all().delete()
    Lead.objects.update(
        call_status="selected",
        selected_for_calling=True,
        call_attempts_count=0,
        next_call_at=timezone.now(),
        pearl_outbound_id=other.outbound_id,
    )
    call_command("reconcile_journal")
    back = CallAttempt.objects.get()
    assert back.campaign == mine
