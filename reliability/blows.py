"""Ways for a child process of the harness to be struck in the middle of its work.

Nothing in the product knows of them: the child wraps functions before it starts.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, Literal

from django.db.backends.base.base import BaseDatabaseWrapper

Moment = Literal["before", "during", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "during", "after")
# A commit takes less: some of the blows find it sent and not yet answered.
COMMIT_SECONDS = 0.001


class Blow:
    """Strikes the process it is in at the n-th passage: for ever, or until SIGCONT.

    `delay`: seconds that the process goes on for after the passage. `holds_locks`: it
    may be stopped in a transaction, so that nobody gets past its locks.
    """

    def __init__(
        self, *, passage: int, number: int, delay: float, holds_locks: bool
    ) -> None:
        self._left = passage
        self._number = number
        self.delay = delay
        self._lock = threading.Lock()
        waits = number == signal.SIGSTOP and not holds_locks
        self._between_transactions = Transactions().none if waits else nullcontext

    def __call__(self) -> None:
        if self.is_due():
            self.strike()

    def is_due(self) -> bool:
        """Counts a passage; whether it is the one."""
        with self._lock:
            self._left -= 1
            return self._left == 0

    def strike(self) -> None:
        if self.delay:
            self.strike_after(self.delay)
        else:
            self._hit()

    def strike_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._hit)
        timer.daemon = True
        timer.start()

    def _hit(self) -> None:
        with self._between_transactions():
            os.kill(os.getpid(), self._number)
            # Another thread may take the signal: this one must not get any further.
            time.sleep(0.05)


class Transactions:
    """Which of this process's connections are in a transaction."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[int] = set()
        wrap(BaseDatabaseWrapper, "set_autocommit", self._watched)
        wrap(BaseDatabaseWrapper, "_commit", self._closed_by)

    @contextmanager
    def none(self) -> Iterator[None]:
        """Once none is; and none begins meanwhile."""
        while True:
            with self._lock:
                if not self._open:
                    yield
                    return
            time.sleep(0.001)

    def _watched(self, original: Any) -> Callable[..., Any]:
        def set_autocommit(
            connection: BaseDatabaseWrapper, autocommit: bool, *args: Any, **kwargs: Any
        ) -> None:
            if not autocommit:
                with self._lock:
                    self._open.add(id(connection))
            original(connection, autocommit, *args, **kwargs)
            if autocommit:
                self._open.discard(id(connection))

        return set_autocommit

    def _closed_by(self, original: Any) -> Callable[..., Any]:
        def commit(connection: BaseDatabaseWrapper) -> None:
            original(connection)
            self._open.discard(id(connection))

        return commit


# --- Ways to get in between ---------------------------------------------------------

Plant = Callable[[Blow], None]


def wrap(owner: Any, name: str, make: Callable[[Any], Callable[..., Any]]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, wraps(original)(make(original)))


def is_thread(prefix: str) -> bool:
    return threading.current_thread().name.startswith(prefix)


def entering(owner: Any, name: str, *, thread: str = "") -> Plant:
    def plant(blow: Blow) -> None:
        def make(original: Any) -> Callable[..., Any]:
            def entered(*args: Any, **kwargs: Any) -> Any:
                if is_thread(thread):
                    blow()
                return original(*args, **kwargs)

            return entered

        wrap(owner, name, make)

    return plant


def leaving(owner: Any, name: str, *, thread: str = "") -> Plant:
    """However it ends."""

    def plant(blow: Blow) -> None:
        def make(original: Any) -> Callable[..., Any]:
            def left(*args: Any, **kwargs: Any) -> Any:
                try:
                    return original(*args, **kwargs)
                finally:
                    if is_thread(thread):
                        blow()

            return left

        wrap(owner, name, make)

    return plant


class _Written(threading.local):
    """Whether the open transaction of this thread holds the write looked for."""

    is_there = False


def at_commit(
    name: str,
    owner: Any,
    of: str,
    *,
    thread: str = "",
    wrote: Callable[..., bool] = lambda result, *args, **kwargs: True,
) -> dict[str, Plant]:
    """Before, during and after the commit of a transaction in which `owner.of` wrote.

    `wrote` is asked with its result and its arguments.
    """
    return {
        f"{name}: {moment} the commit": _committing(
            moment, owner, of, thread=thread, wrote=wrote
        )
        for moment in MOMENTS
    }


def _committing(
    moment: Moment, owner: Any, of: str, *, thread: str, wrote: Callable[..., bool]
) -> Plant:
    def plant(blow: Blow) -> None:
        written = _Written()

        def watch(original: Any) -> Callable[..., Any]:
            def watched(*args: Any, **kwargs: Any) -> Any:
                result = original(*args, **kwargs)
                if is_thread(thread) and wrote(result, *args, **kwargs):
                    written.is_there = True
                return result

            return watched

        def strike_at(original: Any) -> Callable[..., Any]:
            def commit(connection: BaseDatabaseWrapper) -> None:
                is_it, written.is_there = written.is_there, False
                if is_it and blow.is_due():
                    _commit_struck(lambda: original(connection), moment, blow)
                else:
                    original(connection)

            return commit

        wrap(owner, of, watch)
        wrap(BaseDatabaseWrapper, "_commit", strike_at)

    return plant


def _commit_struck(commit: Callable[[], None], moment: Moment, blow: Blow) -> None:
    if moment == "before":
        blow.strike()
    elif moment == "during":
        # Up to a whole commit later: the harness draws the delay.
        blow.strike_after(min(blow.delay, COMMIT_SECONDS))
    commit()
    if moment == "after":
        blow.strike()
    elif moment == "during":
        time.sleep(0.05)  # whatever it was, nothing comes after it
