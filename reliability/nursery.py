"""Forks workers and web processes from one process that has imported all of it before.

A life costs some hundredths of a second instead of seconds, so very many can be ended.
`python -m reliability.nursery` is that process; `Nursery` asks it for lives.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
# A stale worker of the harness must be fenced by its lease and the settle time, as in
# production (5 s against 60 and 600), though here these last two and three seconds.
SEND_BUDGET_SECONDS = 0.5
EFFECTS_AGAIN_AFTER = timedelta(seconds=3)


@dataclass(frozen=True, kw_only=True)
class Order:
    """`point`: of `crash_points`, empty for none. `delay`: seconds after it."""

    role: str = "worker"
    journal: str = ""
    port: int = 0
    point: str = ""
    passage: int = 1
    number: int = signal.SIGKILL
    delay: float = 0.0
    holds_locks: bool = False
    #: Seconds after which the database ends a transaction that stands still.
    still: int = 30


class Life:
    """A running process; the nursery is its parent."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self._code: int | None = None
        self._handle = os.pidfd_open(pid)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, as subprocess gives it. None: it is still there."""
        if self._code is None:
            poll = select.poll()
            poll.register(self._handle, select.POLLIN)
            if poll.poll(seconds * 1000):
                self._code = self._nursery.ask("bury", self.pid)
                os.close(self._handle)
        return self._code

    def send(self, number: int) -> None:
        """Nothing happens if it has ended."""
        if self._code is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.wait(30) is not None, "it does not die"

    def is_stopped(self) -> bool:
        status = Path(f"/proc/{self.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "T"


class Nursery:
    """`environment`: of the lives; what they print goes to `log`."""

    def __init__(self, *, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._lock = threading.Lock()
        self._errors = log.open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reliability.nursery"],
            cwd=ROOT,
            env={**environment, "DJANGO_SETTINGS_MODULE": "tuotempo.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait(30)
        self._errors.close()

    def start(self, **order: Any) -> Life:
        """Returns once it is at work, or dead already."""
        return Life(self, self.ask("start", asdict(Order(**order))))

    def ask(self, what: str, about: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps([what, about]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, f"the nursery ended: {self.log.read_text()[-3000:]}"
        return int(line)


# --- In the nursery -----------------------------------------------------------------


def main() -> None:
    import django

    django.setup()
    import tuotempo.asgi
    import tuotempo.urls  # noqa: F401

    gc.freeze()  # so that children share these pages for longer
    lives: set[int] = set()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    while line := sys.stdin.readline():
        what, about = json.loads(line)
        if what == "start":
            pid = _fork(Order(**about), out)
            lives.add(pid)
            out.write(f"{pid}\n")
        else:
            lives.discard(about)
            _pid, status = os.waitpid(about, 0)
            out.write(f"{os.waitstatus_to_exitcode(status)}\n")
        out.flush()
    for pid in lives:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _fork(order: Order, out: IO[str]) -> int:
    """Returns when the child is at work, or gone."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(ready)
        out.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            code = _live(order, lambda: os.close(tell))
        except SystemExit as exc:
            code = int(exc.code or 0)
        except BaseException:
            traceback.print_exc()
            code = 1
        # As at the end of any program: threads are joined, buffers written.
        sys.exit(code)
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    return pid


def _live(order: Order, is_at_work: Callable[[], None]) -> int:
    from django.conf import settings

    from calls import dialing, effects
    from reliability.blows import Blow
    from reliability.crash_points import CRASH_POINTS

    dialing.SEND_BUDGET_SECONDS = SEND_BUDGET_SECONDS
    effects.AGAIN_AFTER = EFFECTS_AGAIN_AFTER
    if order.journal:
        settings.DIAL_JOURNAL = Path(order.journal)
    options: dict[str, Any] = settings.DATABASES["default"].get("OPTIONS", {})
    options["init_command"] = options["init_command"].replace(
        "idle_transaction_timeout=30", f"idle_transaction_timeout={order.still}"
    )
    if order.point:
        blow = Blow(
            passage=order.passage,
            number=order.number,
            delay=order.delay,
            holds_locks=order.holds_locks,
        )
        CRASH_POINTS[order.point](blow)
    live = _serve_web if order.role == "web" else _run_calls
    return live(order, is_at_work)


def _run_calls(_order: Order, is_at_work: Callable[[], None]) -> int:
    from django.core.management import CommandError, call_command

    from calls.call_manager import CallManager

    run = CallManager.run

    def at_work(manager: CallManager, **options: Any) -> None:
        is_at_work()
        run(manager, **options)

    CallManager.run = at_work  # type: ignore[method-assign,assignment]
    try:
        call_command("run_calls", "--serve")
    except CommandError:
        traceback.print_exc()
        return 1
    return 0


def _serve_web(order: Order, is_at_work: Callable[[], None]) -> int:
    import uvicorn

    from tuotempo.asgi import application

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            is_at_work()

    config = uvicorn.Config(
        application, port=order.port, log_level="warning", lifespan="off"
    )
    Server(config).run()
    return 0


if __name__ == "__main__":
    main()
