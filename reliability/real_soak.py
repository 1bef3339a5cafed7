"""Many calls in real time, over real HTTP: workers, web and simulator as processes.

Run by `python -m reliability.soak --real`. Built on `benchmarks.dialing`: its parts are
the demo's and production's own, on a fast clock; here they meet faults.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import dialing
from benchmarks.dialing import Simulator
from tuotempo.pytest_environment import start_mariadb

SPEED = 60.0  # a call of two minutes takes two seconds
LIMIT = 20
CAMPAIGNS = {
    f"66f0a1b2c3d4e5f60102040{n}": f"66f0aaaabbbbccccdddd040{n}" for n in "1234"
}
# A dial that lost its answer keeps a line until it is found, and three keep a campaign.
FAULTS = (
    {"kind": "slow_after", "probability": 0.004, "delay": 3.0},
    {"kind": "500_after", "probability": 0.004},
    {"kind": "reset_after", "probability": 0.002},
    {"kind": "redirect_307_after", "probability": 0.002},
    {"kind": "redirect_307", "probability": 0.001},
    {"kind": "drip", "probability": 0.001, "delay": 0.2},
    {"kind": "429", "probability": 0.002, "retry_after": 1},
)
WEBHOOKS = {"lose": 0.02, "duplicate": 0.10, "reorder": 0.10, "delay": 0.01}
PREPARE = """
import django; django.setup()
from django.utils import timezone
from calls import runs
from calls.models import Campaign
from leads.models import Lead
now = timezone.now()
for at, (outbound, pearl) in enumerate({campaigns}.items()):
    campaign = Campaign.objects.create(
        name=f"Campaña {{at}}", outbound_id=outbound, pearl_id=pearl, always_open=True,
        max_concurrent_calls={limit}, retry_minutes={{}}, timeout_seconds=2)
    Lead.objects.bulk_create([
        Lead(phone_e164=f"+346{{at}}{{n:07d}}", time_zone="Europe/Madrid",
             community="MD", consent="given", call_status="selected",
             selected_for_calling=True, pearl_outbound_id=outbound, next_call_at=now)
        for n in range({each})], batch_size=1000)
    runs.start(campaign.pk, now=now)
"""
LEFT = """
import django; django.setup()
from collections import Counter
from calls.models import CallAttempt
from leads.models import Lead
waiting = Lead.objects.queued().filter(next_call_at__isnull=False).exists()
going_on = CallAttempt.objects.open().exists()
print(int(waiting or going_on))
"""
RECORDS = """
import django; django.setup()
from calls.models import CallAttempt
for row in CallAttempt.objects.values_list("token", "state", "phone").iterator():
    print(*row)
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    calls: int
    seconds: float
    peaks: dict[str, int]
    states: Counter[str]
    faults: dict[str, int]
    wrong: Counter[str]

    def __str__(self) -> str:
        peaks = ", ".join(map(str, self.peaks.values()))
        told = ", ".join(f"{k} {n}" for k, n in self.states.most_common())
        faults = ", ".join(f"{k} {n}" for k, n in self.faults.items())
        wrong = ", ".join(f"{k} {n}" for k, n in self.wrong.items()) or "nothing"
        return (
            f"{self.calls} calls in {self.seconds:.0f} s "
            f"({self.calls / self.seconds:.0f} a second)\n"
            f"peaks of {LIMIT} lines: {peaks}\nattempts: {told}\n"
            f"faults: {faults}\nwrong: {wrong}"
        )


def real_soak(calls: int, *, workers: int) -> Outcome:
    each = calls // len(CAMPAIGNS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        server = f"mysql://root@/?unix_socket={start_mariadb(folder)}"
        pearl = stack.enter_context(
            dialing.simulator(speed=SPEED, agents=LIMIT + 5, rate="off")
        )
        _arm(pearl)
        env = dialing.environment(folder, pearl, database=server, rate=0, poll=0.5)
        env |= {"LEASE_MARGIN_SECONDS": "5", "UNKNOWN_SETTLE_SECONDS": "10"}
        dialing.migrate(env)
        _hook(pearl, stack, env)
        code = PREPARE.format(campaigns=CAMPAIGNS, limit=LIMIT, each=each)
        dialing.run_python(code, env)
        began = time.monotonic()
        for _each in range(workers):
            command = ("manage.py", "run_calls", "--serve")
            stack.enter_context(dialing.process(*command, env=env, wait_for="listo"))
        _wait(pearl, env, calls=each * len(CAMPAIGNS), began=began)
        return _judge(pearl, env, leads=each * len(CAMPAIGNS), began=began)


def _arm(pearl: Simulator) -> None:
    campaigns = {
        outbound: {"id": outbound, "pearl_id": pearl_id, "totalAgents": LIMIT + 5}
        for outbound, pearl_id in CAMPAIGNS.items()
    }
    pearl.post("config", {"campaigns": campaigns})
    pearl.post("config", {"faults": [{**one, "route": "make_call"} for one in FAULTS]})
    pearl.post("config", {"webhooks": {**WEBHOOKS, "delay_seconds": 900.0}})
    weights = {
        "success": 4,
        "not_successful": 3,
        "no_answer": 3,
        "busy": 1,
        "failed": 1,
    }
    pearl.post("config", {"outcomes": weights})


def _hook(pearl: Simulator, stack: ExitStack, env: dict[str, str]) -> None:
    stack.enter_context(dialing.webhook_receiver(pearl, env))
    url = pearl.http.get(f"{pearl.url}/_simulator/config", timeout=30).json()
    hook = url["campaigns"][dialing.OUTBOUND_ID]["callWebhookUrl"]
    hooks = {outbound: {"callWebhookUrl": hook} for outbound in CAMPAIGNS}
    pearl.post("config", {"campaigns": hooks})


def _wait(pearl: Simulator, env: dict[str, str], *, calls: int, began: float) -> None:
    """Until nobody waits and nothing is under way."""
    while True:
        time.sleep(20)
        ended, seconds = pearl.stats()["ended"], time.monotonic() - began
        print(f"{ended:>9} calls {ended / seconds:>6.1f}/s", flush=True)
        # What was never let in is called again, so these may be all without all ended.
        if ended > 0.98 * calls and dialing.run_python(LEFT, env).strip() == "0":
            return


def _judge(
    pearl: Simulator, env: dict[str, str], *, leads: int, began: float
) -> Outcome:
    seconds, stats, wrong = time.monotonic() - began, pearl.stats(), Counter[str]()
    rings = list(_rings(pearl))
    records = [line.split() for line in dialing.run_python(RECORDS, env).splitlines()]
    ended = {token for token, state, _phone in records if state == "ended"}
    rung = Counter(ring["to"] for ring in rings)
    tokens = Counter(ring["call_data"]["ttAttemptId"] for ring in rings)
    wrong["a number rung twice"] = sum(times > 1 for times in rung.values())
    wrong["a number never rung"] = leads - len(rung)
    wrong["a request repeated"] = len(stats["make_call_posts_per_marker"])
    wrong["an outcome lost"] = len(tokens.keys() - ended)
    wrong["an ending nobody felt"] = len(ended - tokens.keys())
    peaks = _peaks(rings)
    wrong["over the limit"] = sum(peak > LIMIT for peak in peaks.values())
    return Outcome(
        calls=len(rings),
        seconds=seconds,
        peaks=peaks,
        states=Counter(state for _token, state, _phone in records),
        faults=stats["faults"],
        wrong=+wrong,
    )


def _rings(pearl: Simulator) -> Any:
    answer = pearl.http.get(f"{pearl.url}/_simulator/rings", timeout=600)
    return answer.json()["rings"]


def _peaks(rings: list[dict[str, Any]]) -> dict[str, int]:
    """By campaign, how many calls there were at once."""
    changes: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for ring in rings:
        changes[ring["outbound_id"]].append((ring["started_at"], 1))
        changes[ring["outbound_id"]].append((ring["ended_at"] or "9", -1))
    peaks = {}
    for outbound, steps in sorted(changes.items()):
        going_on = peak = 0
        for _at, step in sorted(steps):
            going_on += step
            peak = max(peak, going_on)
        peaks[outbound] = peak
    return peaks
