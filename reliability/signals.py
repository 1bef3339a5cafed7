"""Signals at random instants of a run: how a worker ends, and how it wakes up again.

Storms: a worker for each kind of end. Frosts: a worker stopped at each of several crash
points, and continued when its leases are long over.
"""

from __future__ import annotations

import random
import signal
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from calls import runs
from reliability.nursery import Life, Nursery
from reliability.rig import Simulator, Stage, judge, nursery, set_stage, wait_until

# Seconds of the campaign's timeout here; reliability.md 1.9 allows as much and 5 more.
TIMEOUT = 4
ENDS_WITHIN = TIMEOUT + 5.0
LEAVES_WITHIN = 3.0  # after a second Ctrl-C
IGNORED_SECONDS = 1.0  # in which a second Ctrl-C is taken for a trembling finger


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`signals`: what is sent, each so many seconds after the first."""

    name: str
    signals: tuple[tuple[float, int], ...]
    may_abandon: bool = False


KINDS = (
    Kind(name="TERM", signals=((0, signal.SIGTERM),)),
    Kind(name="INT", signals=((0, signal.SIGINT),)),
    Kind(name="HUP", signals=((0, signal.SIGHUP),)),
    Kind(
        name="TERM x 5",
        signals=tuple((0.4 * number, signal.SIGTERM) for number in range(5)),
    ),
    Kind(name="INT INT at once", signals=((0, signal.SIGINT), (0.2, signal.SIGINT))),
    Kind(
        name="INT, INT later",
        signals=((0, signal.SIGINT), (IGNORED_SECONDS + 0.1, signal.SIGINT)),
        may_abandon=True,
    ),
)
# Where a worker is stopped for longer than its lease: not in a transaction.
FROZEN_AT = (
    "claim: after the commit",
    "pre-send: after the commit",
    "journal: half of the line",
    "journal: line on disk",
    "send: about to begin",
    "send: before the first byte",
    "send: after the first byte",
    "send: after all bytes",
    "answer: arrived, not read",
    "answer: read, not noted",
    "answer: in the journal only",
    "record: after the commit",
    "end polled: after the commit",
    "poll: between two reports",
)


@dataclass(kw_only=True)
class Seen:
    """Of one kind of end, or of one place to be frozen at."""

    times: int = 0
    #: Of the ends that were told to leave at once, how many had to.
    abandoned: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Report:
    seen: dict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))
    wrong: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not self.wrong and not any(one.faults for one in self.seen.values())

    def table(self) -> str:
        lines = [f"{'':<30} {'times':>6} {'130':>5} {'longest':>8} {'faults':>7}"]
        for name, one in self.seen.items():
            lines.append(
                f"{name:<30} {one.times:>6} {one.abandoned:>5} {one.seconds:>6.1f} s "
                f"{len(one.faults):>7}"
            )
            lines += [f"  {fault}" for fault in one.faults]
        return "\n".join([*lines, *(f"WRONG: {sentence}" for sentence in self.wrong)])


# --- Storms -------------------------------------------------------------------------


def storm(
    stage: Stage, *, nursery: Nursery, report: Report, dice: random.Random
) -> None:
    """One worker for each kind, together; each is sent its signals at some instant."""

    lives = [nursery.start(journal=str(stage.journal)) for _ in KINDS]
    waits = [dice.uniform(0.0, 2.0) for _ in KINDS]

    def end(kind: Kind, life: Life, wait: float) -> tuple[int, float]:
        time.sleep(wait)
        if kind.may_abandon:
            # With a request on its way, which it may not wait for.
            wait_until(lambda: _sent_by(life, stage).exists(), seconds=5)
        connection.close()
        return _send(kind, life)

    with ThreadPoolExecutor(len(KINDS)) as pool:
        ends = [*pool.map(end, KINDS, lives, waits)]
    for kind, life, (code, seconds) in zip(KINDS, lives, ends, strict=True):
        one = report.seen[kind.name]
        one.times += 1
        one.seconds = max(one.seconds, seconds)
        one.abandoned += code == 130
        if code not in ((0, 130) if kind.may_abandon else (0,)):
            one.faults.append(f"ended with {code} after {seconds:.1f} s")
        bound = ENDS_WITHIN if code == 0 else kind.signals[-1][0] + LEAVES_WITHIN
        if seconds > bound:
            one.faults.append(f"ended with {code} after {seconds:.1f} s")
        left = stage.attempts.filter(owner__contains=f"/{life.pid}/", state="claimed")
        left = [*left, *_sent_by(life, stage)]
        one.faults += [f"left {a.state}: {a.phone}" for a in left]


def _sent_by(life: Life, stage: Stage) -> Any:
    """The attempts whose request this worker has on its way, or had."""
    return stage.attempts.filter(owner__contains=f"/{life.pid}/", state="dialing")


def _send(kind: Kind, life: Life) -> tuple[int, float]:
    """Its exit code, and how long after the first signal it came."""
    first = time.monotonic()
    for after, number in kind.signals:
        time.sleep(max(0.0, first + after - time.monotonic()))
        life.send(number)
    code = life.wait(ENDS_WITHIN + 5)
    seconds = time.monotonic() - first
    if code is None:
        life.kill()
        return -signal.SIGKILL, seconds
    return code, seconds


# --- Frosts -------------------------------------------------------------------------


def frost(
    stage: Stage, *, nursery: Nursery, report: Report, points: tuple[str, ...]
) -> None:
    """Workers stopped at these points wake up when all is done: what they held was
    taken from them, and they neither change it nor send anything."""
    frozen = _freeze(points, stage=stage, nursery=nursery)
    since = time.monotonic()
    healthy = nursery.start(journal=str(stage.journal))
    _finish(stage, healthy, report)
    time.sleep(max(0.0, since + 2 * stage.lease_seconds - time.monotonic()))
    before, rings = _picture(stage), len(stage.pearl.rings())
    for life in frozen.values():
        life.send(signal.SIGCONT)
    time.sleep(1.5)
    for point, life in frozen.items():
        one = report.seen[f"frozen: {point}"]
        one.times += 1
        began = time.monotonic()
        life.send(signal.SIGTERM)
        if (code := life.wait(ENDS_WITHIN)) != 0:
            one.faults.append(f"ended with {code}")
            life.kill()
        one.seconds = max(one.seconds, time.monotonic() - began)
    after = _picture(stage)
    for pk, row in after.items():
        was = before.get(pk, {})
        changed = {name: value for name, value in row.items() if was.get(name) != value}
        if changed:
            report.wrong.append(f"a stale worker changed {pk} to {changed}")
    if len(stage.pearl.rings()) != rings:
        report.wrong.append("a stale worker made a phone ring")


def _freeze(
    points: tuple[str, ...], *, stage: Stage, nursery: Nursery
) -> dict[str, Life]:

    frozen = {
        point: nursery.start(
            journal=str(stage.journal), point=point, number=signal.SIGSTOP
        )
        for point in points
    }
    for point, life in frozen.items():
        assert wait_until(life.is_stopped, seconds=30), f"never came to «{point}»"
    return frozen


def freeze_in_a_transaction(
    stage: Stage, *, nursery: Nursery, report: Report, still: int
) -> None:
    """A worker stopped with the campaign's lock in its hands: STOP gets it once the
    database has ended that transaction, and awake again the worker learns of it."""

    point = "claim: before the commit"
    life = nursery.start(
        journal=str(stage.journal),
        point=point,
        number=signal.SIGSTOP,
        holds_locks=True,
        still=still,
    )

    assert wait_until(life.is_stopped, seconds=20), f"never came to «{point}»"
    one = report.seen[f"frozen: {point}"]
    one.times += 1
    began = time.monotonic()
    runs.stop(stage.campaign.pk, now=timezone.now())
    one.seconds = time.monotonic() - began
    if one.seconds > still + 2:
        one.faults.append(f"STOP waited {one.seconds:.1f} s")
    life.send(signal.SIGCONT)
    time.sleep(1.5)
    life.send(signal.SIGTERM)
    if (code := life.wait(ENDS_WITHIN)) != 0:
        one.faults.append(f"ended with {code}")
        life.kill()
    if stage.attempts.exists() or stage.pearl.rings():
        one.faults.append("its claim was made all the same")


def _picture(stage: Stage) -> dict[tuple[str, int], dict[str, Any]]:
    """All that a call and its lead are, but for what anybody who asks Pearl may add
    late: the ids of the request, and what was said in a call that is over."""
    late = {"pearl_request_id", "queue_position", "updated_at", "next_lookup_at"}
    late |= {"summary", "transcript", "recording_url", "sentiment", "tags"}
    late |= {"collected_info", "effects_due_at"}
    rows = [("attempt", row) for row in stage.attempts.values()]
    rows += [("lead", row) for row in stage.campaign.leads.values()]
    return {
        (kind, row["id"]): {key: row[key] for key in row.keys() - late}
        for kind, row in rows
    }


def _finish(stage: Stage, worker: Life, report: Report) -> None:

    wait_until(stage.nothing_left, seconds=90 + len(stage.phones))
    worker.send(signal.SIGTERM)
    if (code := worker.wait(ENDS_WITHIN)) != 0:
        report.wrong.append(f"the last worker ended with {code}")
        worker.kill()
    found = judge(stage)
    report.wrong += found.wrong
    report.wrong += [f"rang twice: {phone}" for phone in found.twice]
    report.wrong += [f"lost: {phone}" for phone in found.lost]
    report.wrong += [f"stuck: {phone}" for phone in found.stuck]


# --- Many of them -------------------------------------------------------------------


def storms(
    pearl: Simulator, folder: Path, *, times: int, seed: int, report: Report
) -> None:
    """One queue for all of them. Requests take as long as a person who waits for the
    end of the program would tell of."""

    pearl.post("config", latency_seconds=[0.5, 3.5])
    dice = random.Random(seed)
    with nursery(pearl, folder=folder, UNKNOWN_SETTLE_SECONDS="8") as lives:
        stage = set_stage(
            pearl,
            leads=12 * (times + 1),
            journal=folder / "storms",
            timeout_seconds=TIMEOUT,
        )
        for number in range(times):
            storm(stage, nursery=lives, report=report, dice=dice)
            _say(f"storm {number + 1} of {times}", report)
        _finish(stage, lives.start(journal=str(stage.journal)), report)


def frosts(pearl: Simulator, folder: Path, *, times: int, report: Report) -> None:

    pearl.post("config", latency_seconds=[0.02, 0.25])
    with nursery(pearl, folder=folder) as lives:
        for number in range(times):
            # Lines enough for what they hold all together, and half of them at a time.
            points = FROZEN_AT[number % 2 :: 2]
            journal = folder / f"frost-{number}"
            stage = set_stage(pearl, leads=60, journal=journal)
            frost(stage, nursery=lives, report=report, points=points)
            _say(f"frost {number + 1} of {times}", report)


def _say(done: str, report: Report) -> None:
    faults = [f"{name} {one.faults}" for name, one in report.seen.items() if one.faults]
    well = "; ".join([*faults, *report.wrong]) or "all well"
    print(f"{time.strftime('%H:%M:%S')} {done}: {well}", flush=True)
