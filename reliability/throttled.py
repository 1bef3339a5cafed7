"""Whether several processes obey the one 429 that one of them was given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from calls import runs
from reliability.fault_proxy import PearlProxy, Seen
from reliability.pearl_outages import (
    Felt,
    Simulator,
    address_of,
    make_world,
    nothing_left,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[1]
# What had been asked of the database before the answer was noted there is on its way.
ON_ITS_WAY_SECONDS = 0.5


@dataclass(kw_only=True)
class Throttled:
    processes: int
    refusals: int
    retry_after: float
    too_early: int  # requests while Pearl had asked for none
    felt: Felt

    def __str__(self) -> str:
        return (
            f"{self.processes} processes, {self.refusals} times 429 with Retry-After "
            f"{self.retry_after:.0f} s: {self.too_early} too early, {self.felt}"
        )


def worker_environment(pearl_url: str) -> dict[str, str]:
    """Of a process that works on the database of this one."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "mysql":
        socket = database["OPTIONS"]["unix_socket"]
        url = f"mysql://root@/{database['NAME']}?unix_socket={socket}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "PEARL_API_URL": pearl_url,
        "POLL_SECONDS": "0.5",
        "LEASE_MARGIN_SECONDS": "2",
        "UNKNOWN_SETTLE_SECONDS": "3",
        "DIAL_JOURNAL": str(settings.DIAL_JOURNAL),
    }


@contextmanager
def worker_process(pearl_url: str) -> Iterator[subprocess.Popen[str]]:
    """`run_calls --serve`, ready."""
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "run_calls", "--serve"],
        cwd=ROOT,
        env=worker_environment(pearl_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    try:
        assert "listo" in worker.stdout.readline(), "the worker did not start"
        yield worker
    finally:
        worker.terminate()
        worker.wait(60)
        worker.stdout.close()


def throttled(
    simulator: Simulator,
    *,
    processes: int,
    refusals: int,
    retry_after: float,
    leads: int = 40,
) -> Throttled:
    """Pearl refuses one request and names a time: nobody asks anything before it."""
    campaign = make_world(leads=leads, lines=8, timeout_seconds=5)
    with PearlProxy(address_of(simulator.url)) as proxy, ExitStack() as stack:
        for _each in range(processes):
            stack.enter_context(worker_process(proxy.url))
        runs.start(campaign.pk, now=timezone.now())
        for number in range(1, refusals + 1):
            fault = {"kind": "429", "route": "make_call", "next": 1}
            simulator.set(faults=[{**fault, "retry_after": retry_after}])
            wait_until(
                lambda: len(refused(proxy.seen)) >= number,  # noqa: B023
                seconds=60,
                what="a 429",
            )
        wait_until(nothing_left, seconds=120 + retry_after, what="every lead called")
        seen = list(proxy.seen)
        felt = Felt.of(simulator, proxy)
    return Throttled(
        processes=processes,
        refusals=len(refused(seen)),
        retry_after=retry_after,
        too_early=len(too_early(seen, retry_after=retry_after)),
        felt=felt,
    )


def refused(seen: list[Seen]) -> list[float]:
    """When each 429 was answered."""
    return [one.answered_at or one.at for one in seen if one.status == 429]


def too_early(seen: list[Seen], *, retry_after: float) -> list[Seen]:
    """Requests after a 429 and before what it asked for was over."""
    return [
        one
        for one in seen
        for at in refused(seen)
        if at + ON_ITS_WAY_SECONDS < one.at < at + retry_after - 0.05
    ]
