"""What staff do to the switch, to leads and to calls, as rules of the machine."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from calls import by_hand, corrections, merging, runs
from calls.models import CallAttempt
from calls.states import Outcome, State
from leads import editing, promises, selection, suppressions
from leads.models import Lead, Suppression
from leads.selection import Verb
from leads.tests.factories import OUTBOUND_ID

PHONES = [f"+3460000{n:02}50" for n in range(6)]
anything = st.integers(0, 30)


class Staff(RuleBasedStateMachine):
    """Needs `campaign`, `model` and `oracle` from the machine that it is part of."""

    # --- The switch ---------------------------------------------------------------

    @rule()
    def open_the_page(self):
        """What somebody who presses START later has seen."""
        self.seen = (self.model.generation, self.model.paused)
        self.seen_event = runs.last_event(self.campaign.pk)

    @rule(stale=st.booleans())
    def start(self, stale):
        if not stale:
            self.open_the_page()
        generation, paused = self.seen
        run = runs.start(
            self.campaign.pk,
            now=timezone.now(),
            seen_generation=generation,
            seen_event=self.seen_event,
        )
        assert (run is not None) == self.model.start(
            generation=generation, paused=paused
        )
        self.model.look("switch")

    @rule()
    def pause(self):
        runs.pause(self.campaign.pk, now=timezone.now())
        self.model.pause()
        self.model.look("switch")

    @rule()
    def stop(self):
        going_on = runs.stop(self.campaign.pk, now=timezone.now())
        self.model.stop()
        self.model.look("switch")
        assert going_on == len(self.model.open_rows())

    @rule(to=st.integers(1, 4))
    def change_limit(self, to):
        self.model.limit = runs.change_limit(
            self.campaign.pk, now=timezone.now(), to=to
        )

    # --- Leads ---------------------------------------------------------------------

    def leads(self):
        return [*Lead.objects.order_by("pk").values_list("pk", flat=True)]

    def some_lead(self, which):
        leads = self.leads()
        return leads[which % len(leads)]

    @rule(
        verb=st.sampled_from(
            [
                Verb.SELECT,
                Verb.SELECT,
                Verb.DESELECT,
                Verb.RESET,
                Verb.MANUAL,
                Verb.AUTOMATIC,
                Verb.CALL_NOW,
                Verb.DISPOSITION,
                Verb.EXCLUDE,
            ]
        ),
        which=anything,
        everybody=st.booleans(),
    )
    def staff_change(self, verb, which, everybody):
        self.staff_choose(verb, None if everybody else self.some_lead(which))

    def staff_choose(self, verb, pk):
        """A bulk change of everybody, or of one lead."""
        values = {
            Verb.SELECT: {"outbound_id": OUTBOUND_ID},
            Verb.DISPOSITION: {"disposition": "not_interested", "reason": "price"},
            Verb.EXCLUDE: {"list": "internal"},
        }.get(verb, {})
        rows = Lead.objects.filter(pk=pk) if pk else Lead.objects.all()
        chosen = [*rows.values_list("pk", "phone_e164", "call_status")]
        selection.apply(rows, verb, values, now=timezone.now(), by=None)
        for pk, phone, status in chosen:
            if verb == Verb.EXCLUDE:
                self.model.lists[phone].add("internal")
            elif verb == Verb.RESET and status != "calling":
                self.model.calls_of[pk] = 0
        self.model.look("staff")

    @rule(which=anything, hours=st.sampled_from([1, 3, 26]))
    def promise_a_call(self, which, hours):
        now = timezone.now()
        at = now + timedelta(hours=hours)
        promises.promise(self.some_lead(which), at=at, now=now, by=None)
        self.model.look("staff")

    @rule(which=anything)
    def drop_the_promise(self, which):
        promises.drop_promise(self.some_lead(which), now=timezone.now(), by=None)
        self.model.look("staff")

    @rule(which=anything, phone=st.sampled_from(PHONES), consent=anything)
    def edit_lead(self, which, phone, consent):
        columns = {"phone": phone, "consent": "refused" if consent > 24 else "given"}
        editing.edit(self.some_lead(which), columns, by=None, now=timezone.now())
        self.model.look("staff")

    @rule(phone=st.sampled_from(PHONES), takes_off=st.booleans())
    def suppress(self, phone, takes_off):
        now = timezone.now()
        if takes_off:
            listed = Suppression.objects.filter(phone_e164=phone)
            suppressions.withdraw(listed, now=now)
            self.model.lists[phone].clear()
        else:
            suppressions.propose(
                phone, list=Suppression.List.REQUEST, reason="x", source="x", now=now
            )
            self.model.lists[phone].add("request")
        self.model.look("staff")

    def of_state(self, state):
        return [*CallAttempt.objects.filter(state=state).order_by("pk")]

    @precondition(lambda self: self.model.are_there("manual"))
    @rule(which=anything)
    def settle_by_hand(self, which):
        attempts = self.of_state(State.MANUAL)
        attempt = attempts[which % len(attempts)]
        call = self.oracle.of(attempt.token)
        rang = call is not None and not call.request_failed
        self.model.by_hand.add(attempt.token)
        by_hand.close_by_hand(attempt, rang=rang, reason="x", now=timezone.now())
        self.model.look("hand", [attempt.token])

    @precondition(lambda self: self.model.are_there("ended"))
    @rule(which=anything, outcome=st.sampled_from(["busy", "success", "no_answer"]))
    def correct(self, which, outcome):
        attempts = self.of_state(State.ENDED)
        attempt = attempts[which % len(attempts)]
        try:
            corrections.correct(
                attempt.pk,
                Outcome(outcome),
                seen=attempt.outcome,
                reason="x",
                by=None,
                now=timezone.now(),
            )
            self.model.corrected[attempt.token] = outcome
        except corrections.CorrectionRefused:
            pass
        self.model.look("correct")

    @precondition(lambda self: len(self.leads()) > 2)
    @rule(one=anything, two=anything)
    def merge(self, one, two):
        kept, other = self.some_lead(one), self.some_lead(two)
        if kept == other:
            return
        pair = [Lead.objects.get(pk=pk) for pk in (kept, other)]
        try:
            merging.merge(
                kept,
                other,
                from_other=[],
                seen_as=merging.seen(*pair),
                by=None,
                now=timezone.now(),
            )
            self.model.merged(kept, other)
        except merging.MergeRefused:
            pass
        self.model.look("staff")
