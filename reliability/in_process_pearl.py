"""The simulator in this very process and on virtual time, with its faults.

Its world, routes and answers are those of `python -m simulator`; only sockets are
missing: the product's own client is asked, but for the bytes on the wire.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, cast

from calls.pearl import PearlClient
from calls.pearl.transport import Answer, Lost, Unsent
from reliability.virtual_time import Hub, VirtualClock
from simulator import account, called, exchange, hours, outbound, pearl_flow
from simulator.config import Config
from simulator.records import Campaign, Request
from simulator.routing import Router
from simulator.webhooks import Webhooks, pascal
from simulator.world import World

ACCOUNT_ID = "665500000000000000000001"
SECRET_KEY = "simulador0000000000000000000000"
NOWHERE = "http://127.0.0.1:9"

# What goes wrong with dials, in shares of them. The first four are the issue's, and so
# is `frozen`: an answer that comes later than the reaper.
SHARES: Mapping[str, float] = {
    "accepted, then timeout": 0.05,
    "accepted, then 5xx": 0.02,
    "307": 0.0025,
    "accepted, then 307": 0.0025,
    "drip beyond the deadline": 0.0025,
    "drip": 0.0025,
    "frozen": 0.01,
    "let in late": 0.004,
    "connection refused": 0.003,
    "429": 0.002,
}
WEBHOOK_SHARES = {
    "lose": 0.02,
    "duplicate": 0.10,
    "reorder": 0.10,
    "delay": 0.01,
    "delay_seconds": 600.0,  # later than the reaper
    "end_without_summary_then_with": 0.05,
}
# Fewer talks than in life: what is said costs time, and rings no telephone.
OUTCOMES = {
    "success": 0.08,
    "not_successful": 0.05,
    "completed": 0.05,
    "voicemail": 0.05,
    "no_answer": 0.45,
    "busy": 0.20,
    "failed": 0.085,
    "need_retry": 0.01,
    "cancelled": 0.005,
    "cancelled_then_completed": 0.005,
    "stuck": 0.002,
    "blacklisted": 0.003,
    "request_error": 0.005,
}
# A gateway lets a request in this much later than its client gave up, at most: the
# settle time is longer (reliability.md 1.5).
LATEST = 500.0
ROUTER = Router([*outbound.ROUTES, *pearl_flow.ROUTES, *called.ROUTES, *account.ROUTES])

Watch = Callable[[Campaign, str, str], None]


class Events(Webhooks):
    """The simulator's webhooks, lost, late and twice as it decides, to `keep`."""

    def __init__(
        self, world: World, hub: Hub, *, dice: Random, keep: Callable[[bytes], None]
    ) -> None:
        super().__init__(world, cast("Any", None))
        self._hub, self._dice, self._keep = hub, dice, keep

    def _post(
        self,
        campaign: Campaign,
        url: str,
        payload: dict[str, Any],
        *,
        delay: float = 0.0,
    ) -> None:
        if campaign.settings.webhookVersion == "v1":
            payload = pascal(payload)
        body = json.dumps(payload, ensure_ascii=False).encode()
        self._world.meters.webhooks["sent"] += 1
        wait = delay + self._dice.uniform(0.05, 3.0)
        self._hub.later(wait, lambda: self._keep(body))


class Provider:
    """Pearl's side. `watch` sees each dial that arrives: campaign, number, token."""

    def __init__(
        self,
        hub: Hub,
        *,
        seed: int,
        campaigns: Mapping[str, dict[str, Any]],
        watch: Watch,
        keep: Callable[[bytes], None],
    ) -> None:
        hook = {"callWebhookUrl": NOWHERE}
        config = Config().patched(
            {
                "seed": seed,
                "suffixes": False,
                "outcomes": OUTCOMES,
                "completed_with_zero_duration": 0.02,
                "webhooks": WEBHOOK_SHARES,
                "campaigns": {key: {**hook, **one} for key, one in campaigns.items()},
            }
        )
        # The simulator's own campaign is not ours.
        config.campaigns = {key: config.campaigns[key] for key in campaigns}
        self.hub = hub
        self.dice = Random(f"{seed}:faults")
        self.world = World(
            config,
            account_id=ACCOUNT_ID,
            secret_key=SECRET_KEY,
            clock=VirtualClock(hub),
        )
        self.world.base_url = NOWHERE
        Events(self.world, hub, dice=Random(f"{seed}:webhooks"), keep=keep)
        self.watch = watch
        self.faults: Counter[str] = Counter()
        self.let_in_late: Counter[str] = Counter()  # numbers on whose call it works

    def answer(self, method: str, path: str, body: Any) -> exchange.Answer:
        found = ROUTER.find(method, path)
        if found is None:
            return exchange.Answer(status=404, raw=b"")
        route, params = found
        ask = exchange.Ask(params, 1 if path.startswith("/v1") else 2, body)
        try:
            return route.handle(self.world, ask)
        except exchange.Refused as exc:
            return exchange.problem(exc.errors)

    def fault(self) -> str:
        """What goes wrong with the next dial; empty: nothing."""
        drawn = self.dice.random()
        for name, share in SHARES.items():
            if drawn < share:
                self.faults[name] += 1
                return name
            drawn -= share
        return ""

    def let_in(self, path: str, body: Any, *, after: float) -> None:
        """Only then, whatever its client thinks of it by now."""

        def place() -> None:
            self.let_in_late[body["to"]] -= 1
            self.answer("POST", path, body)

        self.let_in_late[body["to"]] += 1
        self.hub.later(after, place)

    def is_open(self, campaign: Campaign, *, after: float) -> bool:
        """Then, and while the phone rings: else no margin could keep it from ringing
        too late."""
        return all(
            hours.is_open(
                campaign.settings.callingHours,
                zone=campaign.settings.timeZone,
                at=self.hub.seconds + seconds,
            )
            for seconds in (after, after + 120)
        )

    def is_at(self, number: str) -> bool:
        """Whether a ring of this number is going on, or may come yet."""
        if self.let_in_late[number] > 0 or any(self.world.each_live(number)):
            return True
        waiting: list[Request] = []
        for campaign in self.world.campaigns.values():
            waiting += [*campaign.queue, *campaign.closed]
        return any(request.to == number for request in waiting)


class InProcessPearl(PearlClient):
    """The product's client, whose requests go to the provider beside it."""

    def __init__(self, provider: Provider, *, lease: float) -> None:
        super().__init__(base_url=NOWHERE, account_id=ACCOUNT_ID, secret_key=SECRET_KEY)
        self._provider = provider
        self._lease = lease

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        deadline: float,
        since: float | None = None,
    ) -> Answer:
        provider, hub = self._provider, self._provider.hub
        document = None if body is None else json.loads(json.dumps(body))
        hub.sleep(provider.dice.uniform(0.05, 0.6))
        if method == "POST" and path.endswith("/Call"):
            return self._dial(path, document, deadline=deadline)
        answer = _whole(provider.answer(method, path, document))
        hub.sleep(provider.dice.uniform(0.02, 0.2))
        return answer

    def _dial(self, path: str, body: Any, *, deadline: float) -> Answer:
        provider, hub = self._provider, self._provider.hub
        fault = provider.fault()
        if fault == "connection refused":
            raise Unsent("connect")
        campaign = provider.world.campaigns[path.split("/")[3]]
        provider.watch(campaign, body["to"], body["callData"]["ttAttemptId"])
        if fault == "429":
            return Answer(
                status=429, body=b"{}", retry_after="3", has_declared_end=True
            )
        wait = deadline + provider.dice.uniform(1, LATEST - deadline)
        if fault == "let in late" and provider.is_open(campaign, after=wait):
            provider.let_in(path, body, after=wait)
            hub.sleep(deadline)
            raise Lost("deadline")
        if fault == "307":
            return _redirect()
        answer = _whole(provider.answer("POST", path, body))
        match fault:
            case "accepted, then timeout" | "drip beyond the deadline":
                hub.sleep(deadline)
                raise Lost("deadline")
            case "accepted, then 5xx":
                return Answer(status=502, body=b"<html>", has_declared_end=True)
            case "accepted, then 307":
                return _redirect()
            case "drip":
                hub.sleep(0.8 * deadline)
            case "frozen":
                # The machine stood still: its lease is over, its answer was there.
                hub.sleep(self._lease + provider.dice.uniform(1, 600))
        return answer


def _whole(answer: exchange.Answer) -> Answer:
    return Answer(status=answer.status, body=answer.encoded(), has_declared_end=True)


def _redirect() -> Answer:
    return Answer(status=307, body=b"", has_declared_end=True)
