"""All that a kill needs around it: the simulator, a campaign that runs, the judge.

The judge is the simulator's ring log, what each phone felt; our own tables are what is
judged by it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from calls import runs
from calls.journal import DialJournal
from calls.models import (
    CallAttempt,
    Campaign,
    CollectedField,
    CollectedValue,
    PearlEvent,
    Run,
)
from calls.states import Outcome, State
from leads.models import CallStatus, Consent, Lead
from reliability.nursery import ROOT, Nursery

OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"
SIMULATOR_OPTIONS = ["--port", "0", "--speed", "100", "--agents", "100"]
TOKEN = "prueba-" + "0" * 32
LINES = 12
# Beyond the end of a lease, while a worker is alive: its chores are done every 2 s.
REAPED_WITHIN = timedelta(seconds=6)
# Some requests are answered after the worker gave up on them, and then dialled.
LATE = {"kind": "slow_before", "route": "make_call", "probability": 0.02, "delay": 1.9}
OUTCOMES = {
    "success": Outcome.SUCCESS,
    "busy": Outcome.BUSY,
    "no_answer": Outcome.NO_ANSWER,
    "failed": Outcome.FAILED,
}
SCALED = {
    "PEARL_REQUESTS_PER_SECOND": "0",
    # Three dial at once: with more, three doubts of one kill pause all that follows.
    "PEARL_MAX_IN_FLIGHT": "4",
    "POLL_SECONDS": "0.3",
    "LEASE_MARGIN_SECONDS": "1",
    # Longer than a stale worker may take to send: 0.5 + 1 + what Pearl takes to read.
    "UNKNOWN_SETTLE_SECONDS": "2.5",
}


class Simulator:
    """The pretend Pearl's control, which no client knows of."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()

    def get(self, what: str) -> Any:
        answer = self._http.get(f"{self.url}/_simulator/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, what: str, **body: Any) -> None:
        url = f"{self.url}/_simulator/{what}"
        self._http.post(url, json=body, timeout=30).raise_for_status()

    def send_webhooks_to(self, port: int) -> None:
        url = f"http://127.0.0.1:{port}/webhooks/pearl/{TOKEN}"
        self.post("config", campaigns={OUTBOUND_ID: {"callWebhookUrl": url}})

    def rings(self) -> list[dict[str, Any]]:
        rings: list[dict[str, Any]] = self.get("rings")["rings"]
        return rings


@contextmanager
def simulator() -> Iterator[Simulator]:
    """Calls last two seconds or less; requests take long enough to be killed in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--quiet", *SIMULATOR_OPTIONS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "listening on" in line, line
        made = Simulator(line.split()[-1])
        made.post(
            "config",
            outcomes={"success": 3, "busy": 1, "no_answer": 2, "failed": 1},
            latency_seconds=[0.02, 0.25],
            talk_seconds=[20, 120],
            faults=[LATE],
        )
        yield made
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def nursery(
    pearl: Simulator, *, folder: Path, web_port: int = 0, **more: str
) -> Nursery:
    """Its lives have this process's database, and times that a test can wait for."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "mysql":
        socket = database["OPTIONS"]["unix_socket"]
        url = f"mysql://root@/{database['NAME']}?unix_socket={socket}"
    environment = {
        **os.environ,
        **SCALED,
        "DATABASE_URL": url,
        "PEARL_API_URL": pearl.url,
        "PEARL_WEBHOOK_TOKEN": TOKEN,
        "PUBLIC_URL": f"http://127.0.0.1:{web_port}",
        "RECORDING_FOLDER": str(folder / "recordings"),
    }
    return Nursery(environment=environment | more, log=folder / "log")


# --- A campaign that runs -----------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One run of a campaign, and its leads' numbers."""

    pearl: Simulator
    campaign: Campaign
    run: Run
    phones: frozenset[str]
    journal: Path

    @property
    def attempts(self) -> Any:
        return CallAttempt.objects.filter(run=self.run)

    @property
    def lease_seconds(self) -> float:
        """As `claims.lease_of` has it for the lives of a nursery."""
        return self.campaign.timeout_seconds + float(SCALED["LEASE_MARGIN_SECONDS"])

    def nothing_left(self) -> bool:
        """Everybody was called, Pearl has confirmed it, and what follows is done."""
        if self.campaign.leads.queued().filter(next_call_at__lte=timezone.now()):
            return False
        if self.attempts.held().exclude(state=State.MANUAL).exists():
            return False
        ended = self.attempts.filter(state=State.ENDED)
        unconfirmed = ended.filter(confirmed_at=None)
        unfollowed = ended.exclude(effects_due_at=None)
        return not unconfirmed.exists() and not unfollowed.exists()


def _person(number: int, *, now: datetime) -> Lead:
    return Lead(
        first_name=f"Persona {number}",
        phone=f"+346{number:06d}50",
        phone_e164=f"+346{number:06d}50",
        postal_code="28001",
        community="MD",
        time_zone="Europe/Madrid",
        consent=Consent.GIVEN,
        call_status=CallStatus.SELECTED,
        selected_for_calling=True,
        pearl_outbound_id=OUTBOUND_ID,
        next_call_at=now,
    )


def set_stage(
    pearl: Simulator, *, leads: int, journal: Path, timeout_seconds: int = 1
) -> Stage:
    """A fresh ring log, as many leads more as told, and START."""
    pearl.post("reset")
    settings.DIAL_JOURNAL = journal
    campaign, _made = Campaign.objects.update_or_create(
        outbound_id=OUTBOUND_ID,
        defaults={
            "name": "Pruebas",
            "pearl_id": PEARL_ID,
            "always_open": True,
            "max_concurrent_calls": LINES,
            "timeout_seconds": timeout_seconds,
            "max_attempts": 1,
        },
    )
    now = timezone.now()
    first = Lead.objects.count()
    made = Lead.objects.bulk_create(
        _person(number, now=now) for number in range(first, first + leads)
    )
    if campaign.state != "stopped":
        runs.stop(campaign.pk, now=now)
    run = runs.start(campaign.pk, now=now)
    assert run is not None
    campaign.refresh_from_db()
    return Stage(
        pearl=pearl,
        campaign=campaign,
        run=run,
        phones=frozenset(lead.phone_e164 for lead in made),
        journal=journal,
    )


def wait_until(holds: Callable[[], object], *, seconds: float) -> bool:
    """False: it did not come true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# --- The judge ----------------------------------------------------------------------


@dataclass(kw_only=True)
class Judgement:
    """Numbers by what is wrong with them, and whatever else does not hold."""

    rings: int = 0
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.twice or self.lost or self.stuck or self.wrong)


def judge(stage: Stage) -> Judgement:
    """What must hold once nothing is left to do."""
    rings, stats = stage.pearl.rings(), stage.pearl.get("stats")
    felt = Counter(ring["to"] for ring in rings)
    told = {str(a.token): a for a in stage.attempts}
    held = stage.attempts.held().exclude(state=State.MANUAL)
    calling = stage.campaign.leads.filter(call_status=CallStatus.CALLING)
    found = Judgement(
        rings=len(rings),
        twice=[phone for phone, times in felt.items() if times > 1],
        lost=[ring["to"] for ring in rings if _is_lost(ring, told)],
        stuck=[*held.values_list("phone", flat=True)],
    )
    if not found.stuck:
        found.stuck = [*calling.values_list("phone_e164", flat=True)]
    found.wrong = [
        sentence
        for sentence, holds in {
            "a marker was posted twice": not stats["make_call_posts_per_marker"],
            "a number was posted twice": not stats["make_call_posts_per_number"],
            "somebody was not called": set(felt) >= stage.phones,
            "too many calls at once": stats["peak_in_course"] <= LINES,
            "calls ended that nobody felt": _ended(told) <= felt,
            "the totals do not add up": _totals_add_up(stage, len(rings)),
            "calls of leads are counted wrongly": _counted(stage) == len(rings),
            "the journal lacks a ring": _journal_holds(stage, rings),
            "what was said was not taken in": not _unread(told),
            "a webhook was not read": not PearlEvent.objects.filter(result="new"),
        }.items()
        if not holds
    ]
    return found


def _is_lost(ring: dict[str, Any], told: dict[str, CallAttempt]) -> bool:
    """Whether no attempt says of this ring how it ended, or that nobody knows."""
    attempt = told.get(ring["call_data"]["ttAttemptId"])
    if attempt is None or attempt.phone != ring["to"]:
        return True
    if attempt.state == State.MANUAL:
        return False
    ended = attempt.state == State.ENDED and attempt.confirmed_at is not None
    return not ended or attempt.outcome != OUTCOMES[ring["outcome"]]


def _ended(told: dict[str, CallAttempt]) -> Counter[str]:
    return Counter(a.phone for a in told.values() if a.state == State.ENDED)


def _unread(told: dict[str, CallAttempt]) -> list[int]:
    """Successful calls, in which a day and an hour were named, without effects."""
    if not CollectedField.objects.exists():
        return []
    ids = [a.pk for a in told.values() if a.outcome == Outcome.SUCCESS]
    read = CollectedValue.objects.filter(attempt__in=ids)
    return [*{*ids} - {*read.values_list("attempt_id", flat=True)}]


def _totals_add_up(stage: Stage, rings: int) -> bool:
    totals = runs.totals(stage.run)
    ended = sum(totals.outcomes.values())
    return totals.placed == ended + totals.manual == rings


def _counted(stage: Stage) -> int:
    leads = Lead.objects.filter(phone_e164__in=stage.phones)
    total: int = leads.aggregate(total=Sum("call_attempts_count"))["total"]
    return total


def _journal_holds(stage: Stage, rings: list[dict[str, Any]]) -> bool:
    since = timezone.now() - timedelta(days=1)
    written = {str(e.token) for e in DialJournal(stage.journal).entries(since=since)}
    return written >= {ring["call_data"]["ttAttemptId"] for ring in rings}
