"""Queue, workers, Pearl, the switch and time as rules that may follow in any order.

Hypothesis switches about half of the rules off in each example, which makes examples
differ. So each begins with calls that were made, and a rule does a whole piece of work:
nobody waits for three others that may never come.
"""

from __future__ import annotations

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
from hypothesis.stateful import initialize, rule

from calls import runs
from calls.breakdown import breakdown
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign, Run
from calls.states import State
from calls.tests.factories import CampaignFactory
from leads.models import Lead
from leads.selection import Verb
from leads.tests.factories import LeadFactory
from reliability.model import HELD, Model
from reliability.oracle import PLACES, Killed, Line, Oracle, Script
from reliability.tests.model_pearl import A_MOMENT, HOW_ENDED, LATEST, Pearl
from reliability.tests.model_staff import PHONES, anything

# Over all examples of this process.
SEEN = Counter()
NOW = datetime(2026, 1, 13, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Madrid
# What others do while a worker is at it: before it asks, while Pearl hears, and before
# it hears Pearl's answer.
SWITCHED = ["stop", "pause", "restart"]
CHANGED = ["deselected", "listed", "refused", "edited"]
LATE = ["lease_over", "abandoned"]
PAST = ["told_of_past", "past_corrected", "effects", "asked"]
HEARD = ["told", "lied", "lied asked", "ended", "ended_asked"]
HEARD += ["lease_over ended", "lease_over ended_asked"]
HEARD += ["sought", "failed_sought", "given_up"]
HEARD += ["given_up denied_told", "given_up denied_asked"]
NOTHING = ["nothing"]
HOW_DIALED = st.fixed_dictionaries(
    {
        "which": anything,
        "answer": st.sampled_from(["accepted"] * len(PLACES) + [*PLACES]),
        "lag": st.sampled_from([0] * 6 + [100]),
        "queue": st.sampled_from([0] * 6 + [20, 240, 14_400]),
        "slow": st.booleans(),
        "claimed": st.sampled_from(
            NOTHING * 22 + SWITCHED + ["restart"] + CHANGED + LATE + PAST * 2
        ),
        "before": st.sampled_from(NOTHING * 16 + SWITCHED + CHANGED + LATE),
        "after": st.sampled_from(NOTHING * 8 + SWITCHED[:1] + LATE + HEARD),
        "ended": st.fixed_dictionaries(HOW_ENDED),
    }
)


class Waiting:
    """An executor whose tasks wait until the test runs them, as in a busy thread."""

    def __init__(self) -> None:
        self.tasks = []

    def submit(self, _in_thread, attempt):
        future = Future()
        self.tasks.append((future, attempt))
        return future


class Calls(Pearl):
    @initialize(
        limit=st.sampled_from([3, 2, 4, 1]),
        marker=st.sampled_from([True, True, False]),
        phones=st.lists(st.integers(0, 5), min_size=5, max_size=7),
        dials=st.lists(HOW_DIALED, min_size=4, max_size=6),
    )
    def begin(self, limit, marker, phones, dials):
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
        self.open_the_page()
        self.call(dials)

    def new_worker(self):
        return CallManager(pearl=self.line), Waiting()

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

    def have_a_claim(self, which, ended):
        """If need be, staff select everybody, or else make all callable again."""
        for do_first in (None, self.select_everybody, self.clear_up):
            if self.waiting() or timezone.now() > LATEST:
                return
            if do_first:
                do_first(**ended)
            if self.model.state != "running":
                self.start(stale=False)
            self.tick(which % 2)

    def select_everybody(self, **ended):
        if len(self.model.open_rows()) >= self.model.limit:
            self.hang_up(**ended)
        self.queue_again()

    def clear_up(self, how, **_ended):
        self.hang_up(how=how, heard="")
        self.seek(timedelta(seconds=610))
        self.take_off_lists(*PHONES)
        Lead.objects.update(consent="given", manual_management=False)
        self.staff_choose(Verb.RESET, None)
        self.select_everybody(how=how, heard="asked")

    @rule(dials=st.lists(HOW_DIALED, min_size=2, max_size=4))
    def call(self, dials):
        """What workers do most of the time, and staff see to it that they may."""
        for how in dials:
            self.have_a_claim(how["which"], how["ended"])
            if self.waiting():
                self.dial(**how)
            if how["which"] % 5 == 0:
                self.want_again()

    def want_again(self):
        """Whoever was called a moment ago is wanted at once."""
        self.hang_up(how="busy", heard="asked")
        if recent := self.model.recently_called():
            self.staff_choose(Verb.CALL_NOW, recent[-1])
        self.tick(0)

    @rule(dials=st.lists(HOW_DIALED, min_size=2, max_size=4))
    def call_an_hour_later(self, dials):
        self.select_everybody(**dials[0]["ended"])
        self.call(dials)

    def dial(self, which, answer, lag, queue, slow, claimed, before, after, ended):
        """`ended`: how other calls did, to have a line for this one."""
        tasks = self.waiting()
        manager, pool, task = tasks[which % len(tasks)]
        future, attempt = task
        self.meanwhile(claimed, attempt, manager)
        pool.tasks.remove(task)
        self.oracle.script = Script(
            answer=answer,
            lag=timedelta(seconds=lag),
            queue=timedelta(seconds=queue),
            is_slow=slow,
            before=lambda: self.meanwhile(before, attempt, manager),
            after=lambda: self.meanwhile(after, attempt, manager),
        )
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

    def meanwhile(self, acts, attempt, manager):
        for act in acts.split():
            self.do_meanwhile(act, attempt, manager)

    def do_meanwhile(self, what, attempt, manager):
        match what:
            case "stop":
                self.stop()
            case "pause":
                self.pause()
            case "restart":
                self.stop()
                self.start(stale=False)
            case "deselected":
                self.staff_choose(Verb.DESELECT, attempt.lead_id)
            case "listed":
                self.put_on_list(attempt.phone)
            case "refused":
                self.write_lead(attempt.lead_id, consent="refused")
            case "edited":
                self.write_lead(attempt.lead_id, phone=PHONES[-1])
            case "lease_over":
                self.pass_time(timedelta(seconds=61))
                self.tick(1)
            case "abandoned":
                manager._leave_at_once()
                self.model.look("abandon")
            case "told_of_past" | "past_corrected":
                self.of_the_past(what, attempt)
            case "denied_told" | "denied_asked":
                heard = what.removeprefix("denied_")
                if self.model.are_there("manual"):
                    self.settle_by_hand(-1, True, "success", peace=False, heard=heard)
            case "effects":
                self.follow_effects()
            case "asked":
                self.ask()
            case "nothing":
                pass
            case _:
                self.hear_of(what, attempt)

    def of_the_past(self, what, attempt):
        """Of the lead's last call but this something more is known."""
        past = CallAttempt.objects.filter(
            lead_id=attempt.lead_id, state=State.ENDED, pk__lt=attempt.pk
        ).last()
        if past is None:
            return
        if what == "past_corrected":
            new = "success" if past.outcome != "success" else "busy"
            self.correct_one(past, new)
        elif call := self.oracle.of(past.token):
            self.tell(call, words=True)

    def hear_of(self, what, attempt):
        """Pearl has the call, and its answer is still on the way."""
        call = self.oracle.of(attempt.token)
        if call is None:
            return
        if what == "given_up":  # it waits at Pearl all the while
            call.rings_at = timezone.now() + timedelta(hours=4)
        if what == "sought":  # between the first look and the second it appears
            latest = self.oracle.posts[-1].at + timedelta(seconds=625)
            call.known_from = call.rings_at = max(timezone.now(), latest)
        call.request_failed = what == "failed_sought"
        if call.has_rung(timezone.now()):
            if what.startswith("ended"):
                self.end(call, "success")
            if what in ("told", "ended"):
                self.tell(call, words=True)
            elif what == "lied":
                self.tell(call, words=False, lie="success")
                self.pass_time(A_MOMENT)
        if what == "ended_asked":
            self.ask()
        elif what in ("sought", "failed_sought", "given_up"):
            self.pass_time(timedelta(seconds=61))
            self.tick(0)
            self.seek(timedelta(seconds=549 if what != "given_up" else 15_000))

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

    # --- The end ------------------------------------------------------------------

    def settle(self):
        """Calls end, workers are gone, Pearl answers: nothing may be lost or left."""
        self.workers = [self.new_worker(), self.new_worker()]
        self.stop()
        for by in (0, 61, 700, 800, 15_000, 5_000):
            self.clock.shift(timedelta(seconds=by))
            for call in self.going_on():
                if call.has_rung(timezone.now()):
                    self.end(call, "busy" if by else "success")
            self.tick(0)
            self.read_events()
            self.ask()
        assert not self.model.open_rows()
        self.tick(0)
        assert self.model.state == "stopped"
        while self.of_state(State.MANUAL):
            self.close_one(0)
        self.check_nothing_is_lost()

    def check_nothing_is_lost(self):
        by_token = {str(row.token): row for row in self.model.rows.values()}
        for call in self.oracle.rung():
            row = by_token[call.token]
            is_known = row.state == "ended" or row.token in self.model.mistaken
            assert is_known, "a call that rang is lost"
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
