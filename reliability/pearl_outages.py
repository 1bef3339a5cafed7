"""What a run does while Pearl, or the way to it, misbehaves; a phone is the judge."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from threading import Thread
from typing import Any, Protocol

from django.conf import settings
from django.db import connection
from django.utils import timezone

from calls import budget, runs
from calls.call_manager import CallManager
from calls.models import CallAttempt, Campaign
from calls.pearl import PearlClient
from calls.queue import MAX_UNKNOWN
from calls.states import State
from leads.models import CallStatus, Consent, Lead
from reliability.fault_proxy import Address, Fault, Outage, PearlProxy, Seen, in_turn

OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"
NOTHING = Fault()


class Simulator(Protocol):
    """The pretend Pearl, whose ring log is the judge."""

    url: str

    def rings(self) -> list[dict[str, Any]]: ...

    def get(self, what: str) -> Any: ...

    def set(self, **config: Any) -> None: ...


# --- A world to attack --------------------------------------------------------------


def make_world(
    *, leads: int, lines: int, timeout_seconds: int = 1, **options: Any
) -> Campaign:
    """A campaign that is about to run, with so many leads to call."""
    campaign = Campaign.objects.create(
        name="Averías",
        outbound_id=OUTBOUND_ID,
        pearl_id=PEARL_ID,
        always_open=True,
        max_concurrent_calls=lines,
        timeout_seconds=timeout_seconds,
        **options,
    )
    add_leads(leads)
    return campaign


def add_leads(count: int) -> None:
    first = Lead.objects.count()
    long_ago = timezone.now() - timedelta(days=1)
    Lead.objects.bulk_create(
        Lead(
            first_name=f"Persona {n}",
            last_name="Inventada",
            phone=f"+346{n:06d}50",
            phone_e164=f"+346{n:06d}50",
            community="MD",
            time_zone="Europe/Madrid",
            consent=Consent.GIVEN,
            call_status=CallStatus.SELECTED,
            selected_for_calling=True,
            pearl_outbound_id=OUTBOUND_ID,
            next_call_at=long_ago,
        )
        for n in range(first, first + count)
    )


def address_of(url: str) -> Address:
    return ("127.0.0.1", int(url.rsplit(":", 1)[1]))


def client_to(url: str, *, deadline: float) -> PearlClient:
    return PearlClient(
        base_url=url,
        account_id=settings.PEARL_ACCOUNT_ID,
        secret_key=settings.PEARL_SECRET_KEY,
        read_deadline=deadline,
    )


@contextmanager
def working(url: str, *, deadline: float, workers: int = 1) -> Iterator[None]:
    """Workers, each in a thread, that speak to Pearl at this address."""
    managers = [
        CallManager(pearl=client_to(url, deadline=deadline)) for _each in range(workers)
    ]
    threads = [Thread(target=_run, args=(one,), name="worker") for one in managers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for manager in managers:
            manager.interrupted = True
        for thread in threads:
            thread.join(90)
            assert not thread.is_alive(), "a worker does not end"


def _run(manager: CallManager) -> None:
    try:
        manager.run(until_empty=False)
    finally:
        connection.close()


def wait_until(holds: Callable[[], bool], *, seconds: float, what: str) -> float:
    """How long it took. Raises AssertionError with `what` if it never held."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"never: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def nothing_left() -> bool:
    """Every lead was called and no attempt is open."""
    queued = Lead.objects.filter(next_call_at__lte=timezone.now())
    waiting = queued.filter(selected_for_calling=True)
    return not waiting.exists() and not CallAttempt.objects.held().exists()


@contextmanager
def quicker(scale: float) -> Iterator[None]:
    """The waits that are no settings, so many times shorter."""
    before = budget.BREAKER_FIRST, budget.BREAKER_MAX
    budget.BREAKER_FIRST, budget.BREAKER_MAX = (wait / scale for wait in before)
    try:
        yield
    finally:
        budget.BREAKER_FIRST, budget.BREAKER_MAX = before


@dataclass(kw_only=True)
class Felt:
    """What phones and provider felt. Sound: `twice`, `repeated` and `lost` are 0."""

    leads: int
    rings: int
    twice: int  # numbers that rang more than once
    repeated: int  # attempts of which Pearl got more than one request
    lost: int  # rings of which no attempt tells, or attempts that tell of no ring
    states: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, simulator: Simulator, proxy: PearlProxy) -> Felt:
        rings = Counter(ring["to"] for ring in simulator.rings())
        attempts = CallAttempt.objects.all()
        told = Counter(
            attempts.filter(state__in=[State.ENDED, State.MANUAL]).values_list(
                "phone", flat=True
            )
        )
        sent = Counter(seen.marker for seen in proxy.dials())
        return cls(
            leads=Lead.objects.count(),
            rings=rings.total(),
            twice=sum(times > 1 for times in rings.values()),
            repeated=sum(times > 1 for times in sent.values()),
            lost=((rings - told) + (told - rings)).total(),
            states=Counter(attempts.values_list("state", flat=True)),
        )

    def __str__(self) -> str:
        return (
            f"{self.rings} rings of {self.leads} leads, {self.twice} twice, "
            f"{self.repeated} repeated, {self.lost} lost"
        )

    @property
    def is_sound(self) -> bool:
        return not (self.twice or self.repeated or self.lost)


# --- Every fault of the way to Pearl ------------------------------------------------

# After the deadline of a dial, and well before the settle time is over.
LATE_SECONDS = 1.3
SETTLE_SECONDS = 4.0

DIAL_FAULTS: dict[str, Fault] = {
    "reset before a byte": Fault(request_bytes=0),
    "reset in the head": Fault(request_bytes=40),
    "reset in the body": Fault(request_bytes=-20),
    "reset after the request": Fault(reply_bytes=0),
    "closed after the request": Fault(reply_bytes=0, closes=True),
    "reset in the status": Fault(reply_bytes=10),
    "reset in the headers": Fault(reply_bytes=60),
    "closed in the headers": Fault(reply_bytes=60, closes=True),
    "reset in the body of the answer": Fault(reply_bytes=-10),
    "closed in the body of the answer": Fault(reply_bytes=-10, closes=True),
    "reset after the answer": Fault(reply_bytes=1_000_000),
    "answer drips": Fault(drip=0.02),
    "slow both ways": Fault(latency=0.3),
    "request swallowed": Fault(swallowed=True),
    "answer swallowed": Fault(unanswered=True),
    "arrives when nobody waits": Fault(late=LATE_SECONDS),
}
ASK_FAULTS = [
    Fault(request_bytes=0),
    Fault(reply_bytes=0),
    Fault(reply_bytes=60),
    Fault(reply_bytes=-10, closes=True),
    Fault(drip=0.001),
    Fault(latency=0.2),
    Fault(swallowed=True),
    Fault(unanswered=True),
]


def every_fault(
    simulator: Simulator, *, rounds: int, seed: int, asks_struck: float = 0.25
) -> tuple[Felt, dict[str, Counter[str]]]:
    """A run in which the first dial of each lead meets a fault, `rounds` leads each,
    and many questions too. Returns what was felt, and what became of each fault."""
    settings.UNKNOWN_SETTLE_SECONDS = SETTLE_SECONDS
    names = [name for name in DIAL_FAULTS for _each in range(rounds)]
    campaign = make_world(leads=len(names), lines=8)
    phones = Lead.objects.order_by("id").values_list("phone_e164", flat=True)
    due = dict(zip(phones, names, strict=True))
    met: dict[str, str] = {}
    dice, next_fault = Random(seed), in_turn(ASK_FAULTS)

    def choose(seen: Seen) -> Fault:
        if not seen.is_dial:
            return next_fault() if dice.random() < asks_struck else NOTHING
        name = due.pop(str(seen.said.get("to")), "")
        if name:
            met[seen.marker] = name
        return DIAL_FAULTS.get(name, NOTHING)

    with quicker(20), PearlProxy(address_of(simulator.url), choose=choose) as proxy:
        runs.start(campaign.pk, now=timezone.now())
        with working(proxy.url, deadline=0.5):
            wait_until(nothing_left, seconds=60 + 60 * rounds, what="every lead called")
        felt = Felt.of(simulator, proxy)
    became: dict[str, Counter[str]] = {name: Counter() for name in DIAL_FAULTS}
    for attempt in CallAttempt.objects.filter(token__in=met):
        became[met[str(attempt.token)]][attempt.state] += 1
    return felt, became


# --- Pearl is gone ------------------------------------------------------------------


@dataclass(kw_only=True)
class Recovery:
    """How an outage of Pearl passed."""

    outage: Outage
    seconds: float
    workers: int  # threads that dial
    uncertain: int  # attempts in doubt when it ended
    asked_after: float  # seconds after its end until Pearl's first answer
    dialled_after: float
    felt: Felt

    @property
    def at_most_uncertain(self) -> int:
        return MAX_UNKNOWN + self.workers

    def __str__(self) -> str:
        return (
            f"Pearl {self.outage} {self.seconds:.0f} s: {self.uncertain} uncertain of "
            f"at most {self.at_most_uncertain}, answers after {self.asked_after:.1f} "
            f"s, dials after {self.dialled_after:.1f} s, {self.felt}"
        )


def pearl_gone(
    simulator: Simulator,
    *,
    outage: Outage,
    seconds: float,
    leads: int = 60,
    deadline: float = 15.0,
    timeout_seconds: int = 30,
    workers: int = 1,
    within: float = 600.0,
) -> Recovery:
    """The way to Pearl is gone in full run, and comes back."""
    # More lines than there may be doubts: else the lines would bound them.
    lines = MAX_UNKNOWN + settings.PEARL_MAX_IN_FLIGHT + 10
    campaign = make_world(leads=leads, lines=lines, timeout_seconds=timeout_seconds)
    with PearlProxy(address_of(simulator.url)) as proxy:
        runs.start(campaign.pk, now=timezone.now())
        with working(proxy.url, deadline=deadline, workers=workers):
            wait_until(
                lambda: len(proxy.dials()) > leads // 6, seconds=60, what="dials"
            )
            proxy.go(outage)
            time.sleep(seconds)
            uncertain = CallAttempt.objects.filter(state=State.UNKNOWN).count()
            seen = len(proxy.seen)
            proxy.go(Outage.NONE)
            back_at = time.monotonic()
            asked = _first(proxy, seen, back_at, lambda one: True, within)
            dialled = _first(proxy, seen, back_at, lambda one: one.is_dial, within)
            wait_until(nothing_left, seconds=within, what="every lead called")
        felt = Felt.of(simulator, proxy)
    return Recovery(
        outage=outage,
        seconds=seconds,
        workers=workers * max(1, settings.PEARL_MAX_IN_FLIGHT - 1),
        uncertain=uncertain,
        asked_after=asked,
        dialled_after=dialled,
        felt=felt,
    )


def _first(
    proxy: PearlProxy,
    since: int,
    back_at: float,
    fits: Callable[[Seen], bool],
    within: float,
) -> float:
    """Seconds until the first new request that fits was answered."""

    def answered() -> Sequence[float]:
        return [
            one.answered_at
            for one in proxy.seen[since:]
            if one.answered_at is not None and fits(one)
        ]

    wait_until(lambda: bool(answered()), seconds=within, what="an answer of Pearl")
    return max(0.0, min(answered()) - back_at)
