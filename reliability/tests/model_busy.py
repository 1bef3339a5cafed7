"""The machine with busy minutes: hypothesis draws few rules of many and likes small
examples, so one of the rules is a dense mixture of the others, thrown by a seed."""

from __future__ import annotations

import random
from datetime import timedelta

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import rule

from leads.selection import Verb
from reliability.model import is_open
from reliability.oracle import ENDS, PLACES
from reliability.tests.model_machine import LATEST, STEPS_OF_TIME, WHILE_DIALING, Calls

ACTS = {
    "dial": 10,
    "end": 5,
    "webhook": 4,
    "read": 4,
    "ask": 3,
    "time": 5,
    "effects": 1,
    "change": 2,
    "switch": 1,
    "hand": 1,
    "correct": 1,
    "replay": 1,
}
VERBS = [Verb.SELECT, Verb.SELECT, Verb.DESELECT, Verb.RESET, Verb.CALL_NOW]
ANSWERS = ["accepted"] * len(PLACES) + [*PLACES]


class BusyCalls(Calls):
    @rule(seed=st.integers(0, 2**32))
    def be_busy(self, seed):
        dice = random.Random(seed)
        for _each in range(10):
            (act,) = dice.choices([*ACTS], [*ACTS.values()])
            getattr(self, f"then_{act}")(dice)

    def then_dial(self, dice):
        if self.model.state != "running" and dice.random() < 0.9:
            self.start(stale=False)
        if not is_open(timezone.now()):
            self.until_it_opens()
        if dice.random() < 0.3:
            self.staff_choose(dice.choice([Verb.SELECT, Verb.RESET]), None)
        self.tick(dice.randrange(2))
        if self.waiting():
            self.dial(
                which=dice.randrange(30),
                answer=dice.choice(ANSWERS),
                lag=dice.choice([0, 0, 100]),
                queue=dice.choice([0, 0, 20, 240]),
                before=dice.choice(["nothing"] * 8 + WHILE_DIALING),
                after=dice.choice(["nothing"] * 4 + WHILE_DIALING),
            )

    def until_it_opens(self):
        for _hour in range(80):
            if is_open(timezone.now()) or timezone.now() > LATEST:
                return
            self.clock.shift(timedelta(hours=1))

    def then_end(self, dice):
        if self.going_on():
            self.call_ends(
                which=dice.randrange(30),
                how=dice.choice([*ENDS]),
                peace=dice.randrange(30),
                fail=dice.randrange(30),
            )

    def then_webhook(self, dice):
        if self.oracle.rung():
            self.webhook(
                which=dice.randrange(30),
                words=dice.random() < 0.5,
                space=dice.choice(["", " ", "\n"]),
                lies=dice.random() < 0.2,
            )

    def then_read(self, dice):
        self.read_events()

    def then_ask(self, dice):
        self.ask()

    def then_time(self, dice):
        often = STEPS_OF_TIME[:6]
        self.pass_time(dice.choice(often * 3 + STEPS_OF_TIME))

    def then_effects(self, dice):
        self.follow_effects()

    def then_change(self, dice):
        which, everybody = dice.randrange(30), dice.random() < 0.2
        self.staff_change(dice.choice(VERBS), which=which, everybody=everybody)

    def then_switch(self, dice):
        dice.choice([self.stop, self.pause, self.open_the_page])()

    def then_hand(self, dice):
        if self.model.are_there("manual"):
            self.settle_by_hand(which=dice.randrange(30))

    def then_correct(self, dice):
        if self.model.are_there("ended"):
            self.correct(which=dice.randrange(30), outcome=dice.choice(["busy"]))

    def then_replay(self, dice):
        self.replay_events()
