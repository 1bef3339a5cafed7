"""A database that fails at any statement: each step is done whole or not at all, and
nobody is dialled whose pre-send nobody was told is committed (I8, I18).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from calls import claims, outcomes, runs, webhooks
from calls.call_manager import CallManager
from calls.dialing import DatabaseGone, Dialer
from calls.journal import DialJournal
from calls.models import CallAttempt, Campaign, ControlEvent, PearlEvent, Run
from calls.pearl import RequestId
from calls.states import State
from calls.tests.factories import CampaignFactory, evidence_of
from leads.models import Lead, LeadEvent
from leads.tests.factories import LeadFactory
from reliability.database_outages import (
    cut_commits,
    database_at,
    database_gone,
    database_socket,
    in_a_thread,
)
from reliability.fault_proxy import Outage
from reliability.mysql_proxy import COMMIT, MySqlProxy, Strike

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.kills,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        "connection.vendor != 'mysql'", reason="SQLite has no connection to cut"
    ),
]

REQUEST = RequestId("68d2f0a1b2c3d4e5f6a70001")


@pytest.fixture
def database() -> Iterator[MySqlProxy]:
    with MySqlProxy(database_socket()) as proxy, database_at(proxy.address):
        yield proxy


# --- One step, struck at each of its statements -------------------------------------


@dataclass
class World:
    campaign: Campaign
    attempt: CallAttempt | None = None


def queued() -> World:
    campaign = CampaignFactory(max_concurrent_calls=5)
    LeadFactory()
    runs.start(campaign.pk, now=timezone.now())
    return World(campaign)


def claimed() -> World:
    world = queued()
    now = timezone.now()
    (attempt,) = claims.claim(
        world.campaign.pk, worker="a", at_most=1, now=now
    ).attempts
    return World(world.campaign, attempt)


def dialing() -> World:
    world = claimed()
    assert claims.pre_send(world.attempt, now=timezone.now()).allowed
    return world


def accepted() -> World:
    world = dialing()
    accept(world)
    world.attempt.refresh_from_db()
    return world


def claim(world: World) -> object:
    return claims.claim(world.campaign.pk, worker="a", at_most=1, now=timezone.now())


def pre_send(world: World) -> object:
    return claims.pre_send(world.attempt, now=timezone.now())


def accept(world: World) -> object:
    now = timezone.now()
    return claims.mark_accepted(
        world.attempt, request_id=REQUEST, queue_position=0, now=now, look_at=now
    )


def doubt(world: World) -> object:
    return claims.mark_unknown(world.attempt, reason="x", now=timezone.now())


def give_back(world: World) -> object:
    return claims.mark_not_sent(world.attempt, reason="x", now=timezone.now())


def refuse(world: World) -> object:
    return claims.mark_refused(world.attempt, reason="x", now=timezone.now())


def end(world: World) -> object:
    now, told = timezone.now(), evidence_of("success")
    return outcomes.record(world.attempt, told, now=now, confirms=True)


def stop(world: World) -> object:
    return runs.stop(world.campaign.pk, now=timezone.now())


Step = Callable[[World], object]
STEPS: dict[str, tuple[Callable[[], World], Step]] = {
    "claim": (queued, claim),
    "pre-send": (claimed, pre_send),
    "accepted": (dialing, accept),
    "unknown": (dialing, doubt),
    "not sent": (dialing, give_back),
    "refused": (dialing, refuse),
    "outcome": (accepted, end),
    "stop": (accepted, stop),
}


# What the steps change: as it is, and of ids and moments only whether there is one.
SHOWN = (
    (
        Lead,
        ("call_status", "selected_for_calling", "call_attempts_count"),
        ("next_call_at", "last_call_attempt", "call_error_message"),
    ),
    (
        CallAttempt,
        ("state", "outcome", "counted", "error", "pearl_request_id"),
        ("open_lead_id", "open_phone", "send_started_at", "accepted_at", "closed_at"),
    ),
    (Campaign, ("state", "claims_made"), ()),
    (Run, ("end_reason",), ("stop_requested_at", "ended_at")),
    (ControlEvent, ("kind",), ()),
    (LeadEvent, ("kind",), ()),
)


def picture() -> dict[str, list[tuple[object, ...]]]:
    return {
        model.__name__: [
            tuple(getattr(row, name) for name in as_is)
            + tuple(getattr(row, name) is None for name in there)
            for row in model.objects.order_by("id")
        ]
        for model, as_is, there in SHOWN
    }


def forget_everything() -> None:
    for model in (ControlEvent, LeadEvent, CallAttempt, Run, Campaign, Lead):
        model.objects.all().delete()


@contextmanager
def struck_at(
    database: MySqlProxy, number: int, strike: Strike | None
) -> Iterator[list[str]]:
    """The `number`th statement from now on, and no other; yields all of them."""
    seen: list[str] = []

    def judge(statements):
        seen.append(statements[-1])
        return strike if len(seen) == number else None

    database.judge = judge
    try:
        yield seen
    finally:
        database.judge = lambda _statements: None


def tried(database: MySqlProxy, step: Step, world: World, number: int, strike):
    """The step in a thread of its own; returns its statements and whether it failed."""

    def work() -> tuple[list[str], bool]:
        connection.ensure_connection()
        with struck_at(database, number, strike) as seen:
            try:
                step(world)
            except DatabaseGone:
                return seen, True
            return seen, False

    return in_a_thread(work)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_struck_at_any_statement_is_whole_or_nothing(database, name):
    prepare, step = STEPS[name]
    world = prepare()
    before = picture()
    statements, _failed = tried(database, step, world, 0, None)
    after = picture()
    assert before != after
    assert COMMIT in statements
    cases = [
        (number, strike)
        for number, statement in enumerate(statements, 1)
        for strike in Strike
        # A server answers so to what may wait for a lock; to COMMIT in a cluster only.
        if strike != Strike.LOCK_WAIT or statement.startswith(("SELECT", "UPDATE"))
    ]

    for number, strike in cases:
        forget_everything()
        world = prepare()
        assert picture() == before
        _seen, failed = tried(database, step, world, number, strike)

        struck = picture()
        assert struck in (before, after), (number, strike)
        if not failed and strike != Strike.GONE:
            # Swallowing it would be to act on what never happened.
            assert struck == after, (number, strike)
        _seen, failed = tried(database, step, world, 0, None)
        assert not failed
        assert picture() == after, (number, strike)


def test_a_webhook_struck_at_any_statement_is_kept_or_refused(database):
    body = count()

    def keep(strike, number):
        kept: list[bool] = []
        text = f'{{"id": {next(body)}}}'.encode()
        step = lambda _world: kept.extend(  # noqa: E731
            webhooks.keep_all([text], now=timezone.now())
        )
        seen, _failed = tried(database, step, None, number, strike)
        return seen, kept, PearlEvent.objects.filter(body=text.decode()).count()

    statements, kept, rows = keep(None, 0)
    assert (kept, rows) == ([True], 1)
    for number in range(1, len(statements) + 1):
        for strike in Strike:
            _seen, kept, rows = keep(strike, number)
            assert kept == [True]
            assert rows == 1


@pytest.mark.parametrize("strike", Strike)
def test_a_dial_struck_at_any_statement_rings_once_and_is_known_or_never_rings(
    database, simulator, strike, tmp_path
):
    """Pre-send, journal, the request, its record: with what a worker does about it."""
    simulator.set(outcomes={"success": 1}, ring_seconds=[900, 900])
    pearl, stop = simulator.client(), Event()
    dialer = Dialer(
        pearl=pearl, journal=DialJournal(tmp_path), stop=stop, abandon=Event()
    )

    def dial(world: World) -> object:
        return dialer.dial(world.attempt)

    world = claimed()
    statements, _failed = tried(database, dial, world, 0, None)
    called = [world.attempt.phone]
    for number in range(1, len(statements) + 1):
        forget_everything()
        world = claimed()
        _seen, failed = tried(database, dial, world, number, strike)
        assert not failed

        (attempt,) = CallAttempt.objects.all()
        if attempt.state == State.ACCEPTED:
            assert attempt.pearl_request_id, number
            called.append(attempt.phone)
        else:
            assert attempt.state in (State.NOT_SENT, State.RELEASED), number
            assert Lead.objects.filter(next_call_at__isnull=False).count() == 1

    simulator.wait_until(lambda: len(simulator.rings()) >= len(called))
    assert sorted(ring["to"] for ring in simulator.rings()) == sorted(called)
    assert simulator.get("stats")["make_call_posts_per_marker"] == {}


# --- Whole runs ---------------------------------------------------------------------


def test_nobody_is_dialled_whose_pre_send_was_not_acknowledged(simulator):
    simulator.set(outcomes={"success": 1})

    cuts = cut_commits(simulator, cuts=24, seed=20261128)

    assert len(cuts.made) == 6, "each side of each step"
    assert cuts.made.total() == 24
    assert cuts.early == 0
    assert cuts.felt.is_sound, cuts
    assert cuts.felt.rings == cuts.felt.leads


@pytest.mark.parametrize("outage", [Outage.REFUSED, Outage.SILENT, Outage.FROZEN])
def test_the_workers_come_back_by_themselves_when_the_database_does(simulator, outage):
    simulator.set(outcomes={"success": 1})

    back = database_gone(
        simulator, outage=outage, seconds=3.0, answers_within=2, leads=30
    )

    assert back.dials_during == 0
    assert back.dialled_after < 8
    assert back.felt.is_sound, back
    assert back.felt.rings == back.felt.leads


def test_run_calls_waits_for_no_connection_for_ever_nor_lets_the_server(
    simulator, monkeypatch
):
    monkeypatch.setattr(CallManager, "run", lambda self, **options: None)
    with database_at(database_socket()):
        call_command("run_calls", "--serve")

        options = connection.settings_dict["OPTIONS"]
        assert 50 < options["read_timeout"] <= 60
        assert 50 < options["write_timeout"] <= 60
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@wait_timeout")
            assert cursor.fetchone() == (120,)
