"""What becomes of calls, how it is heard of, and time, as rules of the machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from calls import budget, effects, reconciling, webhooks
from calls.models import Campaign
from calls.pearl import PearlError
from leads.models import Lead
from leads.selection import Verb
from reliability.model import is_open
from reliability.oracle import ENDS
from reliability.tests.model_staff import Staff, anything

LATEST = datetime(2026, 3, 17, 8, 0, tzinfo=UTC)  # no holiday in between
A_MOMENT = timedelta(seconds=31)
AN_HOUR = timedelta(minutes=62)
STEPS_OF_TIME = [
    timedelta(seconds=n) for n in (1, 31, 61, 240, 610, 3_720, 7_500, 15_000, 85_800)
]
HOW_ENDED = {
    "how": st.sampled_from(["success"] * 4 + [*ENDS]),
    "peace": st.sampled_from([False, False, True]),
    "heard": st.sampled_from(["", "told", "told", "asked"]),
}


class Pearl(Staff):
    """Needs `clock` as well."""

    def going_on(self):
        now = timezone.now()
        return [c for c in self.oracle.calls if c.goes_on(now) and c.known_from <= now]

    def end(self, call, how, peace=False):
        call.end, call.ended_at = how, timezone.now()
        call.asks_for_peace = peace and ENDS[how][2] > 0

    @precondition(lambda self: self.going_on())
    @rule(which=anything, fails=st.booleans(), **HOW_ENDED)
    def call_ends(self, which, fails, how, peace, heard):
        calls = self.going_on()
        call = calls[which % len(calls)]
        if call.has_rung(timezone.now()):
            self.end(call, how, peace=peace)
            self.be_heard([call], heard)
        elif fails:
            call.request_failed = True

    @precondition(lambda self: self.going_on())
    @rule(**HOW_ENDED)
    def hang_up(self, how, heard, peace=False):
        """All calls, those that wait at Pearl a little included."""
        self.pass_time(timedelta(minutes=4))
        now = timezone.now()
        calls = [call for call in self.going_on() if call.has_rung(now)]
        for call in calls:
            self.end(call, how, peace=peace)
        self.be_heard(calls, heard)

    def be_heard(self, calls, heard):
        if heard == "told":
            for call in calls:
                self.tell(call, words=False)
        elif heard == "asked":
            self.ask()

    @precondition(lambda self: self.model.are_there("manual"))
    @rule(which=anything, errs=st.sampled_from([True, True, False]), **HOW_ENDED)
    def settle_by_hand(self, which, errs, how, peace, heard):
        """Rightly; or no phone rang, they say, and then Pearl tells of the call."""
        call = self.oracle.of(self.close_one(which, errs=errs))
        if call is None or not errs:
            return
        self.claim_again(call)
        self.pass_time(timedelta(minutes=11) if heard == "asked" else A_MOMENT)
        if call.has_rung(timezone.now()):
            is_news = not call.end and heard == "told" and self.oracle.shows_marker
            if not call.end:
                self.end(call, how, peace=peace)
            self.be_heard([call], heard)
            if is_news:
                self.model.check_heard(call)

    @precondition(lambda self: self.oracle.rung())
    @rule(
        which=anything,
        words=st.booleans(),
        space=st.sampled_from(["", "", " ", "\n"]),
        lie=st.sampled_from(["", "", "no_answer", "success"]),
        reads=st.booleans(),
        asks=st.booleans(),
    )
    def webhook(self, which, words, space, lie, reads, asks):
        calls = self.oracle.rung()
        if lie:
            calls = [call for call in calls if not call.end] or calls
        call = calls[which % len(calls)]
        self.tell(call, words=words, space=space, lie=lie, reads=reads)
        if asks:
            self.queue_again()
            self.claim_again(call)
            self.ask()

    def tell(self, call, *, words, space="", lie="", reads=True):
        """Lost, late, twice or in any order: whichever events the rules choose."""
        event = self.oracle.report(call, words=words, lie="" if call.end else lie)
        body = json.dumps(event).encode() + space.encode()
        webhooks.keep_all([body], now=timezone.now())
        if reads:
            self.read_events()

    @rule(again=st.booleans())
    def read_events(self, again=False):
        """`again`: all that was ever told, once more; nothing follows from that."""
        while webhooks.process_kept(now=timezone.now()):
            pass
        if again:
            webhooks.replay(webhooks.from_pearl(), now=timezone.now())
        self.model.look("events")

    @rule()
    def ask(self):
        now = timezone.now()
        self.oracle.shown.clear()
        campaign = Campaign.objects.get(pk=self.campaign.pk)
        try:
            reconciling.give_up_old(campaign, now=now)
            for question in (reconciling.poll, reconciling.sweep):
                if question(campaign, pearl=self.line, turn=lambda: True, now=now):
                    budget.note_answer()
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
        if timezone.now() < LATEST:
            self.clock.shift(by)

    def claim_again(self, call):
        self.staff_choose(Verb.CALL_NOW, self.model.row_of(call).lead_id)
        self.tick(0)

    def queue_again(self):
        """Staff select everybody, and the pause between two calls is over."""
        self.staff_choose(Verb.SELECT, None)
        self.pass_time(AN_HOUR)
        while not is_open(timezone.now()) and timezone.now() < LATEST:
            self.clock.shift(AN_HOUR)

    def seek(self, after):
        """Pearl is asked twice, the second time soon after the first."""
        for by in (after, timedelta(seconds=61)):
            self.pass_time(by)
            self.ask()
