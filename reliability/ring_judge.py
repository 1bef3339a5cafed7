"""What the phones felt, and whether that was allowed: the judge of the soak.

It listens to the provider alone. Of the product it knows what people did (START, STOP,
limits, exclusions), and at the end it compares the product's record with the rings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from reliability.in_process_pearl import Provider
from reliability.legal_hours import Rule
from simulator.records import Call, Campaign, Request

GAP = 3600.0
PER_DAY = 3
# A claim made under a larger limit may be on its way this long after it shrank.
ON_ITS_WAY = 60.0
# A request may wait at the provider for so long, and the phone still ring in time.
MAY_WAIT = 60.0
MADRID = ZoneInfo("Europe/Madrid")
# Only noted, but for more than a few of all calls.
LEFT, FEW = "(left to a person, though it ended)", 0.01

# Of how a call ended at the provider, in the product's words. Written out: the tables
# of the product are not asked.
ENDS_AS = {
    "success": "success",
    "not_successful": "not_successful",
    "completed": "conversation",
    "no_answer": "no_answer",
    "busy": "busy",
    "voicemail": "voicemail",
    "failed": "failed",
    "need_retry": "too_brief",
    "cancelled": "cancelled",
    "cancelled_then_completed": "success",
}


# How far an attempt got, its outcome and its call; the token before them.
Ended = tuple[str, str, str | None]
Record = tuple[str, str, str, str | None]


@dataclass(kw_only=True)
class Gate:
    """A campaign as its operators see it."""

    limits: list[tuple[float, int]]
    is_on: bool = False
    # On their way when it was switched off: these may still ring.
    on_their_way: set[str] = field(default_factory=set)

    def limit(self, *, now: float) -> int:
        """The largest that counts yet."""
        while len(self.limits) > 1 and self.limits[1][0] <= now - ON_ITS_WAY:
            self.limits.pop(0)
        return max(limit for _since, limit in self.limits)


class Judge:
    """Counts what happened, and names what must not have."""

    def __init__(self) -> None:
        self.gates: dict[str, Gate] = {}
        self.rules: Mapping[str, list[Rule]] = {}
        self.excluded: dict[str, set[str]] = {}
        self.posts: dict[str, str] = {}
        self.rings: dict[str, list[Call]] = defaultdict(list)
        self.refused: dict[str, Request] = {}
        self.wrong: Counter[str] = Counter()
        self.examples: list[str] = []
        self.calls = 0
        self.peak_share = 0.0
        self._rung: dict[str, list[float]] = defaultdict(list)

    def listen(self, provider: Provider) -> None:
        self.provider = provider
        provider.world.listeners.append(self)

    def accuse(self, what: str, *details: object) -> None:
        self.wrong[what] += 1
        if len(self.examples) < 20:
            at = self.provider.hub.now().isoformat(" ", "seconds")
            self.examples.append(f"{at} {what}: {' '.join(map(str, details))}")

    # What arrives at the provider

    def watch(self, campaign: Campaign, to: str, token: str) -> None:
        gate = self.gates[campaign.settings.id]
        if token in self.posts:
            self.accuse("second request for an attempt", token)
        self.posts[token] = to
        if not gate.is_on and token not in gate.on_their_way:
            self.accuse("after STOP", token)
        if token not in self.excluded.get(to, {token}):
            self.accuse("to an excluded number", token)
        if self.provider.is_at(to):
            self.accuse("while a call to the number was open", token)
        now = self.provider.hub.seconds
        for at in (now, now + MAY_WAIT):
            if not all(rule.may_be_asked_for(at) for rule in self.rules[to]):
                self.accuse("too late to ring today", token)
                break

    def call_started(self, call: Call) -> None:
        now, gate = self.provider.hub.seconds, self.gates[call.campaign.settings.id]
        self.calls += 1
        self.rings[_token(call.request)].append(call)
        self._may_ring(call, now)
        limit = gate.limit(now=now)
        self.peak_share = max(self.peak_share, call.campaign.busy / limit)
        if call.campaign.busy > limit:
            self.accuse("over the limit", call.campaign.busy, limit)
        rung = self._rung[call.to]
        if rung and now - rung[-1] < GAP:
            self.accuse("second ring within the gap", call.to, now - rung[-1])
        rung.append(now)
        if sum(_day(at) == _day(now) for at in rung) > PER_DAY:
            self.accuse("too often a day", call.to)

    def call_ended(self, call: Call) -> None:
        for at in (call.rang_from, call.rang_until):
            if at is not None:
                self._may_ring(call, at)

    def _may_ring(self, call: Call, at: float) -> None:
        if not all(rule.may_ring(at) for rule in self.rules[call.to]):
            self.accuse("outside hours", call.to, self.rules[call.to][0].zone)

    def call_processed(self, call: Call) -> None:
        """Nothing rings then."""

    def request_refused(self, request: Request) -> None:
        self.refused[_token(request)] = request

    # What the product made of it

    def settle(self, records: Iterable[Record]) -> None:
        """Compare every attempt, when nothing is under way any more."""
        none: Ended = ("no attempt", "", None)
        known = {token: (state, outcome, id) for token, state, outcome, id in records}
        for token, calls in self.rings.items():
            if len(calls) > 1:
                self.accuse("an attempt rang twice", token)
            self._compare(token, calls[0], known.pop(token, none))
        for token, request in self.refused.items():
            state, _outcome, _call = known.pop(token, none)
            # Nobody was rung: if its answer was lost, it may count as not placed.
            if state not in ("ended", "not_placed", "manual"):
                self.accuse("a refusal was lost", token, state, request.status)
        for token, (state, outcome, _call) in known.items():
            if state == "ended":
                self.accuse("an ending nobody felt", token, outcome)
            elif state not in ("released", "not_sent", "not_placed", "manual"):
                self.accuse("stuck", token, state)

        left = self.wrong[LEFT]
        if left > max(2, FEW * self.calls):
            self.accuse("too many were left to a person", left)

    def _compare(self, token: str, call: Call, record: Ended) -> None:
        state, outcome, call_id = record
        name = call.fate.outcome.name
        if name == "stuck" and state == "manual":
            return
        if state == "manual":
            self.wrong[LEFT] += 1
        elif state != "ended" or call_id != call.id:
            self.accuse("an outcome was lost", token, name, state, outcome)
        elif outcome != ENDS_AS.get(name):
            self.accuse("a wrong outcome", token, name, outcome)


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, MADRID).date()


def _token(request: Request) -> str:
    return str(request.call_data["ttAttemptId"])
