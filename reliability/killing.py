"""A queue is worked by processes that are killed one after another; the last finishes.

Workers die at the crash points of the protocol and at any instant, alone or two at a
time; so does the web process, which webhooks come to.
"""

from __future__ import annotations

import random
import signal
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from reliability.blows import COMMIT_SECONDS
from reliability.crash_points import (
    OF_CALLS,
    OF_DOUBT,
    OF_ENDS,
    OF_LEASES,
    OF_WEB_HOOKS,
)
from reliability.machine import free_port
from reliability.nursery import Life, Nursery
from reliability.rig import (
    REAPED_WITHIN,
    Judgement,
    Simulator,
    Stage,
    judge,
    nursery,
    set_stage,
)

AT_ANY_INSTANT = "at any instant"
# A worker that has not come to its point by then is killed all the same.
PATIENCE_SECONDS = 1.0
FINISHED_WITHIN = 90.0
KILLS_PER_ROUND = 120
LEADS_PER_KILL = 3
PAUSED_FROM = 3  # UNKNOWN attempts, from which nobody is dialled


@dataclass(kw_only=True)
class Row:
    """`sending`: attempts whose request was on its way when the blow came."""

    kills: int = 0
    sending: int = 0
    twice: int = 0
    lost: int = 0
    stuck: int = 0


@dataclass(kw_only=True)
class Tally:
    """What became of the kills, by crash point."""

    rows: dict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    rings: int = 0
    manual: int = 0
    #: Seconds that a lease was over at most while a worker was left alone.
    overdue: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(row.kills for row in self.rows.values())

    @property
    def sending(self) -> int:
        return sum(row.sending for row in self.rows.values())

    @property
    def is_well(self) -> bool:
        return not self.wrong and not any(
            row.twice or row.lost or row.stuck for row in self.rows.values()
        )

    def blame(self, found: Judgement, suspects: dict[str, str]) -> None:
        """Each fault on the last kill that its number was touched by."""
        self.rings += found.rings
        self.wrong += found.wrong
        for phone in found.twice:
            self.rows[suspects.get(phone, "no kill")].twice += 1
        for phone in found.lost:
            self.rows[suspects.get(phone, "no kill")].lost += 1
        for phone in found.stuck:
            self.rows[suspects.get(phone, "no kill")].stuck += 1

    def table(self) -> str:
        head = f"{'crash point':<36} {'kills':>6} {'sending':>8} "
        lines = [head + f"{'twice':>6} {'lost':>5} {'stuck':>6}"]
        total = Row()
        for name, row in sorted(self.rows.items()):
            lines.append(_line(name, row))
            for key, value in vars(row).items():
                setattr(total, key, getattr(total, key) + value)
        lines += [_line("all", total), f"rings: {self.rings}, by hand: {self.manual}, "]
        lines[-1] += f"longest over its lease: {self.overdue:.1f} s"
        return "\n".join(lines + [f"WRONG: {sentence}" for sentence in self.wrong])


def _line(name: str, row: Row) -> str:
    counts = f"{row.kills:>6} {row.sending:>8} {row.twice:>6} {row.lost:>5}"
    return f"{name:<36} {counts} {row.stuck:>6}"


# --- A round ------------------------------------------------------------------------


class Bag:
    """Each of the points once, in an order of the dice, and then each once more."""

    def __init__(self, points: list[str], dice: random.Random) -> None:
        self._points = points
        self._dice = dice
        self._left: list[str] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._dice.sample(self._points, len(self._points))
        return self._left.pop()

    def put_back(self, point: str) -> None:
        self._left.insert(0, point)


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A process that is to die, where, and of which bag that was."""

    life: Life
    point: str
    bag: Bag


class Round:
    """One queue, worked by processes of which all but the last are killed.

    `web_port`: where the web process is to listen, to which Pearl's webhooks come.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        nursery: Nursery,
        tally: Tally,
        dice: random.Random,
        web_port: int,
    ) -> None:
        self.stage = stage
        self.nursery = nursery
        self.tally = tally
        self.dice = dice
        self._web_port = web_port
        self._suspects: dict[str, str] = {}
        self._sure = Bag([*OF_CALLS, *OF_ENDS, AT_ANY_INSTANT], dice)
        # While three are in doubt nobody is dialled: these can be reached even then.
        self._doubtful = Bag([*OF_DOUBT, *OF_DOUBT, *OF_ENDS, AT_ANY_INSTANT], dice)
        self._reaping = Bag([*OF_LEASES], dice)
        self._of_web = Bag([*OF_WEB_HOOKS, AT_ANY_INSTANT], dice)

    def kill(self, times: int) -> None:
        """So many processes at least: one in six is the web's, and in one of four
        cases two workers are at it at once."""
        before = self.tally.kills
        web = self._start_struck(self._of_web, role="web")
        while (done := self.tally.kills - before) < times:
            if done % 6 == 5:
                self._end(web, patience=0.5)
                web = self._start_struck(self._of_web, role="web")
                continue
            two = self.dice.random() < 0.25
            workers = [self._start_struck(self._choose_bag()) for _ in range(1 + two)]
            for worker in workers:
                self._end(worker, patience=PATIENCE_SECONDS)
        self._end(web, patience=0)

    def start_both(self) -> tuple[Life, Life]:
        """A worker and a web process that nobody kills."""
        return self._start("", role="worker"), self._start("", role="web")

    def finish(self, lives: tuple[Life, Life]) -> None:
        """Let a worker and a web process finish, end them well, and judge."""
        worker, web = lives
        self._watch_leases(time.monotonic() + FINISHED_WITHIN)
        worker.send(signal.SIGTERM)
        if (code := worker.wait(20)) != 0:
            self.tally.wrong.append(f"told to end, the last worker ended with {code}")
            worker.kill()
        web.kill()
        self.tally.blame(judge(self.stage), self._suspects)
        self.tally.manual += self.stage.attempts.filter(state="manual").count()

    def _watch_leases(self, deadline: float) -> None:
        """Until nothing is left: how long leases are over before they are reaped."""
        alone_since = timezone.now()
        while not self.stage.nothing_left() and time.monotonic() < deadline:
            leased = self.stage.attempts.filter(state__in=["claimed", "dialing"])
            ends = leased.order_by("lease_expires_at")
            if first := ends.values_list("lease_expires_at", flat=True).first():
                over = timezone.now() - max(first, alone_since)
                self.tally.overdue = max(self.tally.overdue, over.total_seconds())
            time.sleep(0.1)
        if self.tally.overdue > REAPED_WITHIN.total_seconds():
            self.tally.wrong.append("a lease was over for too long")

    # One life

    def _start(self, point: str, *, role: str) -> Life:
        """`delay` of half of the blows: as much as some more lines of code take."""
        delay = self.dice.choice([0.0, self.dice.uniform(0.0, 0.03)])
        if "during" in point:
            delay = self.dice.uniform(0.0, COMMIT_SECONDS)
        return self.nursery.start(
            role=role,
            journal=str(self.stage.journal),
            port=self._web_port,
            point="" if point == AT_ANY_INSTANT else point,
            passage=self.dice.choice([1, 1, 1, 2, 3]),
            delay=delay,
        )

    def _start_struck(self, bag: Bag, *, role: str = "worker") -> Struck:
        point = bag.draw()
        return Struck(life=self._start(point, role=role), point=point, bag=bag)

    def _choose_bag(self) -> Bag:
        """Of points that can be reached as things are."""
        leased = self.stage.attempts.filter(state__in=["claimed", "dialing"])
        over = leased.filter(lease_expires_at__lte=timezone.now()).exists()
        unknown = self.stage.attempts.filter(state="unknown").count()
        if over and self.dice.random() < 0.5:
            return self._reaping
        if unknown >= PAUSED_FROM or (unknown and self.dice.random() < 0.3):
            return self._doubtful
        return self._sure

    def _end(self, struck: Struck, *, patience: float) -> None:
        """At its point, if it comes to it in time; otherwise wherever it is."""
        life, point = struck.life, struck.point
        if point == AT_ANY_INSTANT:
            patience = self.dice.uniform(0.0, patience)
        code = life.wait(patience)
        if code not in (None, -signal.SIGKILL):
            self.tally.wrong.append(f"«{point}»: it ended by itself with {code}")
        if code is None and point != AT_ANY_INSTANT:
            struck.bag.put_back(point)
            point = AT_ANY_INSTANT
        life.kill()
        if struck.bag is self._of_web and point == AT_ANY_INSTANT:
            point = f"web: {point}"
        row = self.tally.rows[point]
        row.kills += 1
        attempts = self.stage.attempts
        its = attempts.filter(owner__contains=f"/{life.pid}/")
        row.sending += its.filter(state="dialing").count()
        recent = attempts.filter(updated_at__gte=timezone.now() - timedelta(seconds=2))
        self._suspects |= dict.fromkeys(recent.values_list("phone", flat=True), point)


# --- Rounds -------------------------------------------------------------------------


def kill_in_rounds(
    pearl: Simulator, folder: Path, *, times: int, seed: int, tally: Tally
) -> None:
    """Until `tally` counts so many kills, or something does not hold."""
    port = free_port()
    with nursery(pearl, folder=folder, web_port=port) as lives:
        number = 0
        while tally.kills < times and tally.is_well:
            kills = min(KILLS_PER_ROUND, times - tally.kills)
            stage = set_stage(
                pearl,
                leads=20 + LEADS_PER_KILL * kills,
                journal=folder / f"journal-{number}",
            )
            pearl.send_webhooks_to(port)
            dice = random.Random(f"{seed}:{number}")
            one = Round(stage, nursery=lives, tally=tally, dice=dice, web_port=port)
            one.kill(kills)
            one.finish(one.start_both())
            number += 1
            _tell(tally, number=number, times=times)


def _tell(tally: Tally, *, number: int, times: int) -> None:
    print(
        f"{time.strftime('%H:%M:%S')} round {number}: {tally.kills} of {times} kills, "
        f"{tally.rings} rings, {'all well' if tally.is_well else 'NOT WELL'}",
        flush=True,
    )
