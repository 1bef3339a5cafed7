"""What staff do to the switch, to leads and to calls, as rules of the machine."""

from __future__ import annotations

from contextlib import suppress
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
# The last two are of two people: who presses START has not seen the other's press.
BUTTONS = ["look", "start", "late_start", "pause", "stop", "fewer", "more"]
BUTTONS += ["stop start", "look pause late_start", "look stop late_start"]
CHANGES = [Verb.SELECT, Verb.DESELECT, Verb.RESET, Verb.MANUAL, Verb.AUTOMATIC]
CHANGES += [Verb.CALL_NOW, Verb.DISPOSITION, Verb.EXCLUDE]
CHANGES += [
    "promise",
    "drop",
    "edit",
    "refuse",
    "list",
    "unlist",
    "merge",
    "merge",
    "merge",
]


class Staff(RuleBasedStateMachine):
    """Needs `campaign`, `model` and `oracle` from the machine that it is part of."""

    # --- The switch ---------------------------------------------------------------

    @rule(buttons=st.sampled_from(BUTTONS))
    def press(self, buttons):
        for button in buttons.split():
            match button:
                case "look":
                    self.open_the_page()
                case "start" | "late_start":
                    self.start(stale=button == "late_start")
                case "pause":
                    self.pause()
                case "stop":
                    self.stop()
                case _:
                    self.model.limit = runs.change_limit(
                        self.campaign.pk,
                        now=timezone.now(),
                        step=1 if button == "more" else -1,
                    )

    def open_the_page(self):
        """What somebody who presses START later has seen."""
        self.seen = (self.model.generation, self.model.paused)
        self.seen_event = runs.last_event(self.campaign.pk)

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

    def pause(self):
        runs.pause(self.campaign.pk, now=timezone.now())
        self.model.pause()
        self.model.look("switch")

    def stop(self):
        going_on = runs.stop(self.campaign.pk, now=timezone.now())
        self.model.stop()
        self.model.look("switch")
        assert going_on == len(self.model.open_rows())

    # --- Leads ---------------------------------------------------------------------

    def leads(self):
        return [*Lead.objects.order_by("pk").values_list("pk", flat=True)]

    def some_lead(self, which):
        leads = self.leads()
        return leads[which % len(leads)]

    @rule(what=st.sampled_from(CHANGES), which=anything, other=anything)
    def staff_change(self, what, which, other):
        pk, now, phone = self.some_lead(which), timezone.now(), PHONES[other % 6]
        match what:
            case "promise":
                at = now + timedelta(hours=[1, 3, 26][other % 3])
                promises.promise(pk, at=at, now=now, by=None)
            case "drop":
                promises.drop_promise(pk, now=now, by=None)
            case "edit":
                self.write_lead(pk, phone=phone)
            case "refuse":
                self.write_lead(pk, consent="refused")
            case "list":
                self.put_on_list(phone)
            case "unlist":
                self.take_off_lists(phone)
            case "merge":
                self.merge(pk, other)
            case _:
                self.staff_choose(what, None if other > 15 else pk)
        self.model.look("staff")

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

    def write_lead(self, pk, **columns):
        with suppress(Lead.DoesNotExist):  # joined to another since it was claimed
            editing.edit(pk, columns, by=None, now=timezone.now())
        self.model.look("staff")

    def put_on_list(self, phone):
        on = Suppression.List.REQUEST
        now = timezone.now()
        suppressions.propose(phone, list=on, reason="x", source="x", now=now)
        self.model.lists[phone].add("request")
        self.model.look("staff")

    def take_off_lists(self, *phones):
        listed = Suppression.objects.filter(phone_e164__in=phones)
        suppressions.withdraw(listed, now=timezone.now())
        for phone in phones:
            self.model.lists[phone].clear()
        self.model.look("staff")

    def of_state(self, state):
        return [*CallAttempt.objects.filter(state=state).order_by("pk")]

    def close_one(self, which, errs=False):
        """As it was, or, by mistake, without a ring. Returns the attempt's token."""
        attempts = self.of_state(State.MANUAL)
        attempt = attempts[which % len(attempts)]
        call = self.oracle.of(attempt.token)
        rang = call is not None and not call.request_failed
        if rang and errs:
            self.model.mistaken.add(attempt.token)
        self.model.by_hand.add(attempt.token)
        by_hand.close_by_hand(
            attempt, rang=rang and not errs, reason="x", now=timezone.now()
        )
        self.model.look("hand", [attempt.token])
        return attempt.token

    @precondition(lambda self: self.model.are_there("ended"))
    @rule(which=anything, outcome=st.sampled_from(["busy", "success", "no_answer"]))
    def correct(self, which, outcome):
        attempts = self.of_state(State.ENDED)
        self.correct_one(attempts[which % len(attempts)], outcome)

    def correct_one(self, attempt, outcome):
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

    def merge(self, kept, which):
        """Mostly into one that is in no call, the one of those with most calls."""
        held = {row.lead_id for row in self.model.rows.values() if row.open_lead_id}
        called = sorted(self.leads(), key=lambda pk: -self.model.calls_of[pk])
        idle = [pk for pk in called if pk not in held]
        if len(idle) > 2 and which % 4:
            other, kept = idle[0], idle[1 + which % (len(idle) - 1)]
        else:
            other = self.some_lead(which)
        if kept == other or len(called) < 4:
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
