"""Queue, workers, Pearl, the switch and time as rules that may follow in any order."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from itertools import chain

import time_machine
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from calls import budget, effects, reconciling, runs, webhooks
from calls.breakdown import breakdown
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign, Run
from calls.pearl import PearlError, Throttled
from calls.states import State
from calls.tests.factories import CampaignFactory
from leads.models import Lead
from leads.selection import Verb
from leads.tests.factories import LeadFactory
from reliability.model import HELD, Model
from reliability.oracle import ENDS, PLACES, Killed, Line, Oracle, Script
from reliability.tests.model_staff import PHONES, Staff, anything

# Over all examples of this process.
SEEN = Counter()
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Madrid
LATEST = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
STEPS_OF_TIME = [
    timedelta(seconds=n) for n in (1, 7, 61, 240, 660, 3_720, 7_500, 15_000, 85_800)
]
WHILE_DIALING = [
    "nothing",
    "nothing",
    "stop",
    "pause",
    "restart",
    "lease_over",
    "abandoned",
    "rings_and_is_told",
    "ends_and_is_told",
    "asked",
    "given_up",
    "excluded",
    "deselected",
]


HOW_DIALED = {
    "which": anything,
    "answer": st.one_of(st.just("accepted"), st.sampled_from([*PLACES])),
    "lag": st.sampled_from([0, 0, 0, 100]),
    "queue": st.sampled_from([0, 0, 20, 240]),
    "before": st.sampled_from(WHILE_DIALING),
    "after": st.sampled_from(WHILE_DIALING),
}


class Waiting:
    """An executor whose tasks wait until the test runs them, as in a busy thread."""

    def __init__(self) -> None:
        self.tasks = []

    def submit(self, _in_thread, attempt):
        future = Future()
        self.tasks.append((future, attempt))
        return future


class Calls(Staff):
    @initialize(
        limit=st.integers(1, 3),
        marker=st.booleans(),
        phones=st.lists(st.integers(0, 5), min_size=4, max_size=8),
    )
    def begin(self, limit, marker, phones):
        self.travel = time_machine.travel(NOW, tick=False)
        self.clock = self.travel.start()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.campaign = CampaignFactory(always_open=False, max_concurrent_calls=limit)
        for n in phones:
            LeadFactory(phone_e164=PHONES[n], next_call_at=NOW)
        self.model = Model(
            now=timezone.now,
            campaign_id=self.campaign.pk,
            gap=timedelta(minutes=self.campaign.min_gap_minutes),
            max_per_day=self.campaign.max_per_day,
            limit=limit,
            seen=SEEN,
        )
        shutil.rmtree(settings.DIAL_JOURNAL, ignore_errors=True)
        self.oracle = Oracle(
            now=timezone.now, judge=self.model.judge, shows_marker=marker
        )
        self.model.oracle = self.oracle
        self.line = Line(self.oracle)
        self.workers = [self.new_worker(), self.new_worker()]
        self.seen = (0, 0)
        self.start(stale=False)

    def new_worker(self):
        manager = CallManager(pearl=self.line)
        return manager, Waiting()

    def teardown(self):
        try:
            if sys.exc_info()[0] is None and hasattr(self, "model"):
                self.settle()
        finally:
            if hasattr(self, "undo"):
                transaction.set_rollback(True)
                self.undo.__exit__(None, None, None)
                self.travel.stop()

    # --- Workers ------------------------------------------------------------------

    @rule(which=st.integers(0, 1))
    def tick(self, which):
        manager, pool = self.workers[which]
        now = timezone.now()
        manager._beat_at = now
        may_claim = self.model.may_claim() and len(manager.in_flight) < manager._threads
        before = len(self.model.rows)
        manager.tick(pool, now=now)
        self.model.look("tick")
        assert len(self.model.rows) > before or not may_claim, "nobody was claimed"
        if len(self.model.rows) > before:
            assert len(self.model.open_rows()) <= self.model.limit

    def waiting(self):
        return [
            (manager, pool, task)
            for manager, pool in self.workers
            for task in pool.tasks
        ]

    @rule(dials=st.lists(st.fixed_dictionaries(HOW_DIALED), min_size=1, max_size=4))
    def work(self, dials):
        """What workers do most of the time, and staff see to it that they may."""
        self.start(stale=False)
        for how in dials:
            self.tick(how["which"] % 2)
            if self.waiting():
                self.dial(**how)

    @rule(dials=st.lists(st.fixed_dictionaries(HOW_DIALED), min_size=1, max_size=4))
    def work_an_hour_later(self, dials):
        self.pass_time(timedelta(minutes=62))
        self.work(dials)

    @precondition(lambda self: self.waiting())
    @rule(**HOW_DIALED)
    def dial(self, which, answer, lag, queue, before, after):
        tasks = self.waiting()
        manager, pool, task = tasks[which % len(tasks)]
        future, attempt = task
        pool.tasks.remove(task)
        script = Script(
            answer=answer,
            lag=timedelta(seconds=lag),
            queue=timedelta(seconds=queue),
            before=lambda: self.meanwhile(before, attempt, manager),
            after=lambda: self.meanwhile(after, attempt, manager),
        )
        self.oracle.script = script
        try:
            with manager._lines:
                manager.dialer.dial(attempt)
        except Killed:
            self.die_now(manager)
            return
        except ObjectDoesNotExist:  # given back, and its lead joined to another
            assert self.oracle.script is not None
        future.set_result(None)
        if manager.abandon.is_set():
            self.workers = [w for w in self.workers if w[0] is not manager]
            self.workers.append(self.new_worker())
        if self.oracle.script is None:  # it was sent
            self.note_answer(attempt, answer)
        self.oracle.script = None
        self.model.look("answer", [attempt.token])

    def note_answer(self, attempt, answer):
        state = CallAttempt.objects.get(pk=attempt.pk).state
        if answer == "denied":
            self.model.stop()
        elif answer == "refused" and state == State.REJECTED:
            self.model.refused.add(attempt.token)

    def meanwhile(self, what, attempt, manager):
        match what:
            case "stop":
                self.stop()
            case "pause":
                self.pause()
            case "restart":
                self.stop()
                self.start(stale=False)
            case "lease_over":
                self.pass_time(timedelta(seconds=61))
                self.tick(1)
            case "abandoned":
                manager._leave_at_once()
                self.model.look("abandon")
            case "rings_and_is_told" | "ends_and_is_told":
                self.tell_of(attempt, ends=what.startswith("ends"))
            case "asked":
                self.ask()
            case "given_up":
                self.pass_time(timedelta(seconds=61))
                self.tick(0)
                self.pass_time(timedelta(hours=4, minutes=10))
                self.ask()
            case "excluded":
                self.staff_choose(Verb.EXCLUDE, attempt.lead_id)
            case "deselected":
                self.staff_choose(Verb.DESELECT, attempt.lead_id)

    def tell_of(self, attempt, *, ends):
        call = self.oracle.of(attempt.token)
        if call is None:
            return
        if ends and call.has_rung(timezone.now()) and not call.end:
            self.end(call, "no_answer")
        self.tell(call, words=True, space="")

    @rule(which=st.integers(0, 1))
    def die(self, which):
        self.die_now(self.workers[which][0])

    def die_now(self, manager):
        """Killed with -9: what it held in memory is gone."""
        self.workers = [
            self.new_worker() if one is manager else (one, pool)
            for one, pool in self.workers
        ]
        self.oracle.script = None
        self.model.look("death")

    # --- Pearl --------------------------------------------------------------------

    def going_on(self):
        now = timezone.now()
        return [c for c in self.oracle.calls if c.goes_on(now) and c.known_from <= now]

    def end(self, call, how, peace=False):
        call.end, call.ended_at = how, timezone.now()
        call.asks_for_peace = peace and ENDS[how][2] > 0

    @precondition(lambda self: self.going_on())
    @rule(which=anything, how=st.sampled_from([*ENDS]), peace=anything, fail=anything)
    def call_ends(self, which, how, peace, fail):
        calls = self.going_on()
        call = calls[which % len(calls)]
        if call.has_rung(timezone.now()):
            self.end(call, how, peace=peace > 24)
        elif fail > 24:
            call.request_failed = True

    @precondition(lambda self: self.going_on())
    @rule(which=anything, how=st.sampled_from([*ENDS]), asks=st.booleans())
    def ends_and_is_known(self, which, how, asks):
        """What becomes of calls most of the time, those that wait at Pearl included."""
        self.pass_time(timedelta(minutes=4))
        self.call_ends(which=which, how=how, peace=which, fail=0)
        if asks:
            self.ask()
        elif self.oracle.rung():
            self.webhook(which=which, words=True, space="", lies=False)
            self.read_events()

    @precondition(lambda self: self.oracle.rung())
    @rule(
        which=anything,
        words=st.booleans(),
        space=st.sampled_from(["", "", " ", "\n"]),
        lies=st.sampled_from([False, False, False, True]),
    )
    def webhook(self, which, words, space, lies):
        calls = self.oracle.rung()
        self.tell(calls[which % len(calls)], words=words, space=space, lies=lies)

    def tell(self, call, *, words, space, lies=False):
        """Lost, late, twice or in any order: whichever events the rules choose."""
        is_lie = lies and not call.end
        if is_lie:
            call.lied_about = True
        event = self.oracle.report(call, words=words, end="no_answer" if is_lie else "")
        if is_lie:
            event["collectedInfo"] = [{"id": "ttAttemptId", "value": call.token}]
        webhooks.keep_all([json.dumps(event).encode() + space.encode()], now=NOW)

    @rule()
    def read_events(self):
        while webhooks.process_kept(now=timezone.now()):
            pass
        self.model.look("events")

    @rule()
    def replay_events(self):
        """All that was ever told, once more: it changes nothing that matters."""
        webhooks.replay(webhooks.from_pearl(), now=timezone.now())
        self.model.look("events")

    @rule()
    def ask(self):
        now = timezone.now()
        campaign = Campaign.objects.get(pk=self.campaign.pk)
        try:
            reconciling.give_up_old(campaign, now=now)
            for question in (reconciling.poll, reconciling.sweep):
                if question(campaign, pearl=self.line, turn=lambda: True, now=now):
                    budget.note_success()
        except Throttled:
            raise
        except PearlError:
            budget.note_failure(now=now)
        self.model.look("ask")

    @rule()
    def follow_effects(self):
        now = timezone.now()
        due = [
            row
            for row in self.model.rows.values()
            if row.effects_due_at is not None and row.effects_due_at <= now
        ]
        effects.follow_due(now=now)
        for row in due:
            call = self.oracle.of(row.token)
            if call and call.asks_for_peace and row.token not in self.model.heard_peace:
                self.model.heard_peace.add(row.token)
                lead = Lead.objects.get(pk=row.lead_id)
                for phone in (row.phone, lead.phone_e164):
                    self.model.lists[phone].add("request")
            if call and call.end == "blacklisted":
                self.model.lists[row.phone].add("provider")
        self.model.look("effects")

    @rule(by=st.sampled_from(STEPS_OF_TIME))
    def pass_time(self, by):
        if timezone.now() + by < LATEST:
            self.clock.shift(by)
        self.model.look("time")

    # --- The end ------------------------------------------------------------------

    def settle(self):
        """Calls end, workers are gone, Pearl answers: nothing may be lost or left."""
        self.workers = [self.new_worker(), self.new_worker()]
        self.stop()
        for call in self.going_on():
            if call.has_rung(timezone.now()):
                self.end(call, "success")
        for by in (61, 700, 800, 900, 12_000, 5_000):
            self.clock.shift(timedelta(seconds=by))
            for call in self.going_on():
                self.end(call, "busy")
            self.tick(0)
            self.read_events()
            self.ask()
        assert not self.model.open_rows()
        self.tick(0)
        assert self.model.state == "stopped"
        while self.of_state(State.MANUAL):
            self.settle_by_hand(0)
        self.check_nothing_is_lost()

    def check_nothing_is_lost(self):
        by_token = {str(row.token): row for row in self.model.rows.values()}
        for call in self.oracle.rung():
            assert by_token[call.token].state == "ended", "a call that rang is lost"
        assert not any(row.state in HELD for row in self.model.rows.values())
        assert not Lead.objects.filter(call_status="calling").exists()
        found = [runs.totals(run) for run in Run.objects.all()]
        ended = [row for row in self.model.rows.values() if row.state == "ended"]
        assert sum(one.placed for one in found) == len(ended)
        outcomes = chain.from_iterable(one.outcomes.values() for one in found)
        assert sum(outcomes) == len(ended)
        campaign = Campaign.objects.get(pk=self.campaign.pk)
        told = breakdown(campaign, now=timezone.now())
        assert sum(told.values()) == campaign.leads.queued().count()
