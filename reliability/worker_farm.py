"""Many `run_calls --serve` processes from one start: one load, then forks.

    python -m reliability.worker_farm 8

Each child is a process of its own, with its own connections and threads. Prints
`ready`, and passes SIGTERM on; exits 0 if every child drained cleanly.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuotempo.settings")
    django.setup()
    from calls.management.commands import run_calls  # noqa: F401 (loaded once, here)

    children = [_fork() for _each in range(int(sys.argv[1]))]

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, pass_on)
    print("ready", flush=True)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(max(map(abs, ended)))


def _fork() -> int:
    pid = os.fork()
    if pid:
        return pid
    from django.core.management import call_command

    code = 1
    try:
        # A line a worker would otherwise be read by nobody and fill the pipe.
        with open(os.devnull, "w") as nowhere:
            call_command("run_calls", serve=True, stdout=nowhere)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
