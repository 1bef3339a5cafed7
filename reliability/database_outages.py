"""What a run does while the database, or the way to it, misbehaves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from threading import Thread
from typing import TypeVar

from django.conf import settings
from django.db import connection
from django.utils import timezone

from calls import runs
from calls.management.commands.run_calls import wait_for_database
from reliability.fault_proxy import Fault, Outage, PearlProxy, Seen
from reliability.mysql_proxy import COMMIT, MySqlProxy, Strike, state_written
from reliability.pearl_outages import (
    NOTHING,
    Felt,
    Simulator,
    add_leads,
    address_of,
    make_world,
    nothing_left,
    quicker,
    wait_until,
    working,
)

T = TypeVar("T")

STEPS = {"claimed": "claim", "dialing": "pre-send"}  # what else is written: recording


def database_socket() -> str:
    return str(connection.settings_dict["OPTIONS"]["unix_socket"])


@contextmanager
def database_at(address: object) -> Iterator[None]:
    """Connections made from now on, in other threads, go there; this one stays."""
    connection.ensure_connection()
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    options["unix_socket"] = address
    try:
        yield
    finally:
        options.clear()
        options.update(before)


def in_a_thread(work: Callable[[], T]) -> T:
    """With a connection of its own; raises what `work` raises."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as exc:
            errors.append(exc)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]
    return results[0]


# --- COMMITs cut --------------------------------------------------------------------


@dataclass(kw_only=True)
class Cuts:
    """COMMITs of which the request or the reply was cut, by step of the protocol."""

    made: Counter[tuple[str, str]]
    early: int  # dials without an acknowledged COMMIT of DIALING
    felt: Felt

    def __str__(self) -> str:
        steps = ", ".join(
            f"{step} {side} {count}"
            for (step, side), count in sorted(self.made.items())
        )
        return (
            f"{self.made.total()} COMMITs cut ({steps}): {self.early} dials without "
            f"acknowledged commit, {self.felt}"
        )


class CommitCutter:
    """Cuts COMMITs of claim, pre-send and recording, the rarest kind first."""

    def __init__(self, cuts: int, *, seed: int) -> None:
        self.left = cuts
        self.made: Counter[tuple[str, str]] = Counter()
        self._dice = Random(seed)

    def __call__(self, statements: Sequence[str]) -> Strike | None:
        state = state_written(statements)
        is_in_transaction = len(statements) > 1 and statements[-1] == COMMIT
        if not (is_in_transaction and state and self.left > 0):
            return None
        if self._dice.random() > 0.4:
            return None
        step = STEPS.get(state, "recording")
        sides = (Strike.CUT_REQUEST, Strike.CUT_REPLY)
        strike = min(sides, key=lambda side: self.made[step, side])
        self.made[step, strike] += 1
        self.left -= 1
        return strike


def cut_commits(
    simulator: Simulator, *, cuts: int, seed: int, workers: int = 1
) -> Cuts:
    """A run in which so many COMMITs are cut: nobody is dialled without having been
    told that DIALING is committed, and every lead is called once all the same."""
    settings.UNKNOWN_SETTLE_SECONDS = 2.0
    settings.LEASE_MARGIN_SECONDS = 1.0
    campaign = make_world(leads=20, lines=12)
    cutter = CommitCutter(cuts, seed=seed)
    early: list[str] = []
    with MySqlProxy(database_socket(), judge=cutter) as database:

        def choose(seen: Seen) -> Fault:
            if seen.is_dial and not database.may_dial(seen.marker):
                early.append(seen.marker)
            return NOTHING

        way = PearlProxy(address_of(simulator.url), choose=choose)
        with quicker(10), database_at(database.address), way:
            runs.start(campaign.pk, now=timezone.now())
            with working(way.url, deadline=2.0, workers=workers):
                while cutter.left > 0:
                    wait_until(
                        lambda: cutter.left <= 0 or nothing_left(),
                        seconds=120,
                        what="leads called while COMMITs are cut",
                    )
                    if cutter.left > 0:
                        add_leads(20)
                wait_until(nothing_left, seconds=60, what="every lead called")
            felt = Felt.of(simulator, way)
    return Cuts(made=cutter.made, early=len(early), felt=felt)


# --- The database is gone -----------------------------------------------------------


@dataclass(kw_only=True)
class Return:
    """How an outage of the database passed."""

    outage: Outage
    seconds: float
    dialled_after: float  # seconds after its end until the next dial
    dials_during: int  # beyond those that were being sent when it began
    felt: Felt

    def __str__(self) -> str:
        return (
            f"database {self.outage} {self.seconds:.0f} s: dials after "
            f"{self.dialled_after:.1f} s, {self.dials_during} meanwhile, {self.felt}"
        )


def _dials_without(
    database: MySqlProxy, outage: Outage, *, seconds: float, way: PearlProxy
) -> int:
    """How many were made while the database was gone; then it is back."""
    database.go(outage)
    time.sleep(1.0)  # what had been committed to is sent
    before = len(way.dials())
    time.sleep(seconds - 1.0)
    during = len(way.dials()) - before
    database.go(Outage.NONE)
    return during


def database_gone(
    simulator: Simulator,
    *,
    outage: Outage,
    seconds: float,
    answers_within: int,
    leads: int = 60,
    within: float = 300.0,
) -> Return:
    """The way to the database is gone in full run, and comes back. `answers_within`:
    after so many seconds the worker gives up a connection that says nothing, and the
    server one of its own after twice as many."""
    settings.UNKNOWN_SETTLE_SECONDS = 2.0
    settings.LEASE_MARGIN_SECONDS = 1.0
    campaign = make_world(leads=leads, lines=8)
    with (
        MySqlProxy(database_socket()) as database,
        PearlProxy(address_of(simulator.url)) as way,
        database_at(database.address),
    ):
        wait_for_database(at_most=answers_within)
        runs.start(campaign.pk, now=timezone.now())
        with working(way.url, deadline=2.0):
            wait_until(lambda: len(way.dials()) > leads // 4, seconds=60, what="dials")
            during = _dials_without(database, outage, seconds=seconds, way=way)
            seen = len(way.dials())
            dialled = wait_until(
                lambda: len(way.dials()) > seen,
                seconds=within,
                what="dials after the database came back",
            )
            wait_until(nothing_left, seconds=within, what="every lead called")
        felt = Felt.of(simulator, way)
    return Return(
        outage=outage,
        seconds=seconds,
        dialled_after=dialled,
        dials_during=during,
        felt=felt,
    )
