"""Two writers on two connections of one MariaDB, one of them halted before any of its
statements while the other acts: whatever comes out must be what one after the other,
in either order, would have made of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError, connection

W = TypeVar("W")

#: Longer than any statement here takes that waits for nobody.
BLOCKED_AFTER = 0.005
GIVE_UP_AFTER = 20.0
DEADLOCK = 1213


class Again(Exception):
    """The other one held what this one needed: its caller asks again, later."""


@dataclass(frozen=True, kw_only=True)
class Op(Generic[W]):
    """One whole write, as its caller makes it. What it returns, or the name of what it
    raises, is part of what comes out."""

    name: str
    act: Callable[[W], Any]


@dataclass(kw_only=True)
class Turnstile:
    """Counts the statements of its thread and halts it before one of them."""

    halt_at: int | None = None
    every: bool = False
    statements: list[str] = field(default_factory=list)
    began_at: float = 0.0
    committed_at: float = 0.0
    halted: Event = field(default_factory=Event)
    go: Event = field(default_factory=Event)

    def execute(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, ctx: Any
    ) -> Any:
        self.reach(sql)
        return execute(sql, params, many, ctx)

    def reach(self, sql: str) -> None:
        if self._is_point(sql):
            self.statements.append(sql)
            if len(self.statements) - 1 == self.halt_at:
                self.halted.set()
                assert self.go.wait(GIVE_UP_AFTER), "nobody said go"
        self.began_at = time.monotonic()

    def _is_point(self, sql: str) -> bool:
        """Between two plain reads nothing happens that before the next write or lock
        does not show too; `every` halts there as well."""
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO")):
            return False
        return self.every or not sql.startswith("SELECT") or "FOR UPDATE" in sql


@contextmanager
def through(turnstile: Turnstile) -> Iterator[None]:
    """All that this thread says to the database goes through it, COMMIT included."""
    commit = connection.commit

    def halting_commit() -> None:
        turnstile.reach("COMMIT")
        turnstile.committed_at = time.monotonic()
        commit()

    connection.commit = halting_commit  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(turnstile.execute):
            yield
    finally:
        connection.commit = commit  # type: ignore[method-assign]


@dataclass(kw_only=True)
class Run:
    """What one of the two came to. `committed_at`: when it last said COMMIT;
    `done_at`: when its caller knew."""

    name: str
    result: Any = None
    committed_at: float = 0.0
    done_at: float = 0.0
    deadlocks: int = 0
    must_ask_again: bool = False


class Pair:
    """Two threads with a connection each, kept open for many runs."""

    def __init__(self) -> None:
        self._pools = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]

    def close(self) -> None:
        for pool in self._pools:
            pool.submit(lambda: connection.close()).result()  # each its own
            pool.shutdown()

    def alone(self, op: Op[W], world: W, *, every: bool = False) -> tuple[Run, int]:
        """Run it to its end; and how many points it has to be halted at."""
        turnstile, run = Turnstile(every=every), Run(name=op.name)
        self._pools[0].submit(_act, op, world, turnstile, run).result()
        return run, len(turnstile.statements)

    def halted(
        self, first: Op[W], second: Op[W], world: W, *, at: int, every: bool = False
    ) -> tuple[Run, Run]:
        """`first` stops before its point `at`; `second` acts, as far as it can."""
        stops, passes = Turnstile(halt_at=at, every=every), Turnstile()
        runs = Run(name=first.name), Run(name=second.name)
        one = self._pools[0].submit(_act, first, world, stops, runs[0])
        try:
            while not stops.halted.wait(0.001) and not one.done():
                pass
            passes.began_at = time.monotonic()
            two = self._pools[1].submit(_act, second, world, passes, runs[1])
            _until_done_or_blocked(two, passes)
        finally:
            stops.go.set()
        one.result(GIVE_UP_AFTER)
        two.result(GIVE_UP_AFTER)
        for run, op in zip(runs, (first, second), strict=True):
            if run.must_ask_again:
                self._pools[0].submit(_act, op, world, Turnstile(), run).result()
        return runs


def _act(op: Op[W], world: W, turnstile: Turnstile, run: Run) -> None:
    """As the callers of a write: what a deadlock undid is done again."""
    run.must_ask_again = False
    while True:
        try:
            with through(turnstile):
                run.result = op.act(world)
        except OperationalError as exc:
            if exc.args[:1] != (DEADLOCK,):
                raise
            run.deadlocks += 1
            continue
        except Again:
            run.must_ask_again = True
        except (ValueError, ObjectDoesNotExist) as exc:  # refused: nothing was changed
            run.result = type(exc).__name__
        run.committed_at, run.done_at = turnstile.committed_at, time.monotonic()
        return


def _until_done_or_blocked(future: Future[None], passes: Turnstile) -> None:
    deadline = time.monotonic() + GIVE_UP_AFTER
    while not future.done():
        now = time.monotonic()
        assert now < deadline, "neither done nor blocked"
        if now - passes.began_at > BLOCKED_AFTER and _somebody_waits():
            return
        time.sleep(0.0005)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
        return int(cursor.fetchone()[1]) > 0
