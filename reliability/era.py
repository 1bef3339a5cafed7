"""A few days of three campaigns: people, operators, two workers, and Pearl."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q
from django.test.utils import override_settings

from calls import reconciling, runs, webhooks
from calls.claims import lease_of
from calls.journal import DialJournal
from calls.models import CallAttempt, Campaign, PearlEvent, RunState
from calls.states import OPEN, State
from leads import selection, suppressions
from leads.models import CallStatus, Lead, Suppression
from reliability.in_process_pearl import InProcessPearl, Provider
from reliability.people import CAMPAIGNS, CampaignPlan, people
from reliability.ring_judge import Gate, Judge
from reliability.soak import Plan, Tally
from reliability.virtual_time import Hub
from reliability.virtual_worker import VirtualWorker

MADRID = ZoneInfo("Europe/Madrid")
HOUR = 3600.0
# What the product may take to see to a thing, with the slow loops of this harness.
LEASE_OVER = timedelta(minutes=10)
UNCLEAR = timedelta(hours=4, minutes=20)
UNREAD = timedelta(minutes=6)
# As often a day, for each campaign; and for all together.
STOPS, PAUSES, LIMITS = 4, 2, 4
EXCLUSIONS, DESELECTIONS, KILLS = 30, 20, 4
# Of claims, how many are followed by these before their dial.
STOPPED_AT_ONCE, EXCLUDED_AT_ONCE = 0.004, 0.01
AGENTS = 25
SETTINGS = {
    # The engine asks Pearl less often than in production, for a look costs the same
    # and calls are rare: three uncertain ones make a campaign wait.
    "POLL_SECONDS": 120.0,
    "LEASE_MARGIN_SECONDS": 30.0,
    "UNKNOWN_SETTLE_SECONDS": 600.0,
    "PEARL_MAX_IN_FLIGHT": 16,
    "PEARL_REQUESTS_PER_SECOND": 0.0,
}
SWEEP_EVERY = timedelta(hours=1)


class Era:
    """One of many; all it does is decided by the plan's seed and its number."""

    def __init__(self, plan: Plan, *, number: int, start: datetime) -> None:
        self.plan, self.start = plan, start
        self.dice = Random(f"{plan.seed}:{number}")
        self.hub = Hub(start=start)
        self.judge = Judge()
        self.acts: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.journal = Path(settings.DIAL_JOURNAL) / f"era-{number}"
        self.workers: list[VirtualWorker] = []
        self._bodies: list[bytes] = []

    def run(self) -> None:
        patience = mock.patch.object(reconciling, "SWEEP_EVERY", SWEEP_EVERY)
        with override_settings(**SETTINGS), self.hub.is_the_time(), patience:
            self._set_up()
            for day in range(self.plan.days):
                self._plan_day(self.start.timestamp() + day * 24 * HOUR)
            end = self.start.timestamp() + (self.plan.days - 1) * 24 * HOUR + 18 * HOUR
            self.hub.run(until=end)
            self._close()
            shutil.rmtree(self.journal, ignore_errors=True)
            forget_everything()

    def add_to(self, tally: Tally) -> None:
        tally.eras += 1
        tally.calls += self.judge.calls
        tally.posts += len(self.judge.posts)
        tally.peak_share = max(tally.peak_share, self.judge.peak_share)
        tally.faults += self.provider.faults
        tally.webhooks += self.provider.world.meters.webhooks
        tally.acts += self.acts
        tally.states += self.states
        tally.wrong += self.judge.wrong
        tally.examples += self.judge.examples

    # Setting up

    def _set_up(self) -> None:
        forget_everything()
        self.provider = Provider(
            self.hub,
            seed=self.dice.randrange(1 << 30),
            campaigns={one.outbound_id: one.at_pearl(AGENTS) for one in CAMPAIGNS},
            watch=self.judge.watch,
            keep=self._take_in,
        )
        self.judge.listen(self.provider)
        self.campaigns = {one.outbound_id: self._campaign(one) for one in CAMPAIGNS}
        made, rules = people(self.plan.leads, dice=self.dice, start=self.start)
        Lead.objects.bulk_create(made, batch_size=500)
        self.judge.rules = rules
        self.phones = [*rules]
        lease = lease_of(next(iter(self.campaigns.values()))).total_seconds()
        self.pearl = InProcessPearl(self.provider, lease=lease)
        self.workers = [self._worker(), self._worker()]
        self.hub.later(HOUR, self._check_bounds)

    def _campaign(self, plan: CampaignPlan) -> Campaign:
        limit = self.dice.randint(5, 20)
        since = self.start.timestamp()
        self.judge.gates[plan.outbound_id] = Gate(limits=[(since, limit)])
        return plan.create(limit=limit)

    def _worker(self) -> VirtualWorker:
        return VirtualWorker(
            self.hub,
            pearl=self.pearl,
            journal=self.journal,
            dice=Random(self.dice.random()),
            is_night=self._is_night,
            on_claim=self._on_claim,
        )

    def _is_night(self) -> bool:
        here = self.hub.now().astimezone(MADRID)
        return not 8 * 60 + 45 <= here.hour * 60 + here.minute < 22 * 60 + 30

    # Webhooks, as the door and a worker's thread take them in

    def _take_in(self, body: bytes) -> None:
        if not self._bodies:
            self.hub.later(0.3, self._keep)
        self._bodies.append(body)

    def _keep(self) -> None:
        bodies, self._bodies = self._bodies, []
        if not all(webhooks.keep_all(bodies, now=self.hub.now())):
            self.judge.accuse("a webhook was not kept")
        is_slow = self.dice.random() < 0.01
        self.hub.later(self.dice.uniform(0.1, 90 if is_slow else 2), self._read)

    def _read(self) -> None:
        while webhooks.process_kept(now=self.hub.now()) == webhooks.PAGE:
            pass

    # People

    def _plan_day(self, morning: float) -> None:
        def at_some_time(times: int, act: Callable[[], None]) -> None:
            for _each in range(times):
                self.hub.at(morning + self.dice.uniform(1, 17) * HOUR, act)

        for campaign in self.campaigns.values():
            early = morning + self.dice.uniform(0, 2.5) * HOUR
            self.hub.at(early, _with(self._start, campaign))
            for hour in range(4, 17):
                self.hub.at(morning + hour * HOUR, _with(self._start, campaign))
            at_some_time(STOPS, _with(self._stop, campaign))
            at_some_time(PAUSES, _with(self._pause, campaign))
            at_some_time(LIMITS, _with(self._limit, campaign))
        at_some_time(EXCLUSIONS, self._exclude)
        at_some_time(DESELECTIONS, self._deselect)
        at_some_time(KILLS, self._kill)

    def _start(self, campaign: Campaign) -> None:
        gate = self.judge.gates[campaign.outbound_id]
        is_on = Campaign.objects.get(pk=campaign.pk).state == RunState.RUNNING
        if gate.is_on and not is_on:
            self.acts["stopped by itself"] += 1
        if not is_on:
            self.acts["START"] += 1
        gate.is_on = True
        runs.start(campaign.pk, now=self.hub.now())

    def _stop(self, campaign: Campaign) -> None:
        self._switch_off(campaign, "STOP", runs.stop)

    def _pause(self, campaign: Campaign) -> None:
        self._switch_off(campaign, "PAUSE", runs.pause)

    def _switch_off(
        self, campaign: Campaign, name: str, verb: Callable[..., object]
    ) -> None:
        self.acts[name] += 1
        verb(campaign.pk, now=self.hub.now())
        gate = self.judge.gates[campaign.outbound_id]
        gate.is_on = False
        gate.on_their_way |= _tokens(campaign=campaign)
        again = self.dice.choice([5, 60, 60, 600])
        self.hub.later(again * self.dice.random(), _with(self._start, campaign))

    def _limit(self, campaign: Campaign) -> None:
        self.acts["limit"] += 1
        to = self.dice.randint(2, 20)
        runs.change_limit(campaign.pk, to=to, now=self.hub.now())
        limits = self.judge.gates[campaign.outbound_id].limits
        limits.append((self.hub.seconds, to))

    def _on_claim(self, attempt: CallAttempt) -> None:
        """People often act between a claim and its dial."""
        drawn, soon = self.dice.random(), self.dice.uniform(0, 2)
        if drawn < STOPPED_AT_ONCE:
            self.hub.later(soon, _with(self._stop, attempt.campaign))
        elif drawn < STOPPED_AT_ONCE + EXCLUDED_AT_ONCE:
            self.hub.later(soon, lambda: self._exclude(attempt.phone))

    def _exclude(self, phone: str = "") -> None:
        self.acts["exclusion"] += 1
        phone = phone or self.dice.choice(self.phones)
        row = Suppression(phone_e164=phone, reason="Petición del interesado")
        suppressions.add([row], list=Suppression.List.REQUEST)
        self.judge.excluded[phone] = _tokens(phone=phone)

    def _deselect(self) -> None:
        self.acts["deselection"] += 1
        some = Lead.objects.filter(phone_e164__in=self.dice.sample(self.phones, 5))
        verb = self.dice.choice(["deselect", "manual"])
        selection.apply(some, verb, {}, now=self.hub.now(), by=None)

    def _kill(self) -> None:
        self.acts["kill -9"] += 1
        self.workers.pop(self.dice.randrange(2)).kill()
        self.workers.append(self._worker())

    # Judging

    def _check_bounds(self) -> None:
        now = self.hub.now()
        attempts = CallAttempt.objects.all()
        sending = attempts.filter(state__in=[State.CLAIMED, State.DIALING])
        going_on = attempts.filter(state__in=[State.ACCEPTED, State.UNKNOWN])
        unread = PearlEvent.objects.filter(result=PearlEvent.Result.NEW)
        stuck = {
            "a lease that nobody reaps": sending.filter(
                lease_expires_at__lt=now - LEASE_OVER
            ),
            "unclear for too long": going_on.filter(send_started_at__lt=now - UNCLEAR),
            "an unread webhook": unread.filter(received_at__lt=now - UNREAD),
        }
        for what, rows in stuck.items():
            if count := rows.count():
                self.judge.accuse(what, count)
        self.hub.later(HOUR, self._check_bounds)

    def _close(self) -> None:
        """Switch all off; let what is under way come to its end; compare."""
        for campaign in self.campaigns.values():
            runs.stop(campaign.pk, now=self.hub.now())
        self.hub.run(until=self.hub.seconds + UNCLEAR.total_seconds() + HOUR)
        for worker in self.workers:
            worker.kill()
        self.hub.forget()
        rows = CallAttempt.objects.values_list(
            "token", "state", "outcome", "pearl_call_id"
        )
        attempts = [
            (str(token), state, outcome, call_id)
            for token, state, outcome, call_id in rows.iterator()
        ]
        self.judge.settle(attempts)
        self.states += Counter(state for _token, state, *_rest in attempts)
        accuse = self.judge.accuse
        if open_ := CallAttempt.objects.filter(state__in=OPEN).count():
            accuse("stuck at the end", open_)
        if calling := Lead.objects.filter(call_status=CallStatus.CALLING).count():
            accuse("a lead shows a call that is over", calling)
        counted = Count("attempts", filter=Q(attempts__counted=True))
        leads = Lead.objects.annotate(made=counted)
        if count := leads.exclude(call_attempts_count=F("made")).count():
            accuse("attempts miscounted", count)
        if left := CallAttempt.objects.exclude(effects_due_at=None).count():
            accuse("effects that nobody saw to", left)
        if missing := DialJournal(self.journal).missing(now=self.hub.now()):
            accuse("in the journal alone", len(missing))


def _with(act: Callable[[Campaign], None], campaign: Campaign) -> Callable[[], None]:
    return lambda: act(campaign)


def _tokens(**of: Any) -> set[str]:
    """Of the dials that are on their way: who acts now comes too late for them."""
    sending = CallAttempt.objects.filter(state=State.DIALING, **of)
    tokens: Sequence[UUID] = list(sending.values_list("token", flat=True))
    return {str(token) for token in tokens}


TABLES = (
    *("recording_listens", "recordings", "collected_value_changes", "collected_values"),
    *("opt_outs", "appointment_events", "appointments", "said_words"),
    *("pearl_events", "call_attempts", "control_events", "runs", "workers"),
    *("lead_events", "bulk_changes", "suppressions", "leads", "campaigns"),
    "pearl_accounts",
)


def forget_everything() -> None:
    """Empty tables: nothing grows from one era to the next."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
