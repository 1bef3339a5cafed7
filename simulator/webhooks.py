"""Tells the client what happens, as often and as badly as configured (section 8)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp

from simulator import answers
from simulator.records import Call, Campaign, Lead, Request

if TYPE_CHECKING:
    from simulator.world import World

RETRY_SECONDS = (5, 30, 120)  # simulated, after a failed delivery (8.6)
CONNECTIONS = 50
VERBATIM = ("callData", "collectedData")  # keys of these are the client's own


@dataclass(frozen=True, slots=True)
class Plan:
    """What will go astray with the events of one call."""

    loses_start: bool
    loses_end: bool
    duplicates: bool
    delays: bool
    reorders: bool
    start_only: bool
    splits_end: bool


class Webhooks:
    """Listens to calls and leads, and posts their events to loopback URLs only."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self._lines = asyncio.Semaphore(CONNECTIONS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held_starts: dict[str, Any] = {}
        world.listeners.append(self)

    def call_started(self, call: Call) -> None:
        plan = self._plan(call)
        payload = self._call_payload(call)
        if plan.reorders:
            self._held_starts[call.id] = payload
        elif plan.loses_start:
            self._world.meters.webhooks["lost"] += 1
        else:
            self._tell(call, payload, plan)

    def call_ended(self, call: Call) -> None:
        plan = self._plan(call)
        waits = self._world.config.webhooks.end_when == "processed" and call.answered
        if plan.start_only or (plan.loses_end and not waits):
            self._world.meters.webhooks["lost"] += 1
        elif plan.splits_end or not waits:
            self._tell(call, self._call_payload(call), plan)
        self._release_start(call, plan)

    def call_processed(self, call: Call) -> None:
        plan = self._plan(call)
        waited = self._world.config.webhooks.end_when == "processed"
        if plan.start_only or not (waited or plan.splits_end):
            return
        if plan.loses_end:
            self._world.meters.webhooks["lost"] += 1
        else:
            self._tell(call, self._call_payload(call), plan)

    def request_refused(self, request: Request) -> None:
        """No call, so no event: only polling tells (9.9)."""

    def lead_changed(self, lead: Lead) -> None:
        """Every status change of a lead (8.3)."""
        settings = lead.campaign.settings
        if not settings.leadWebhookUrl:
            return
        payload = {
            "id": lead.id,
            "pearlId": settings.pearl_id,
            **answers.lead_item(self._world, lead),
            "callsId": [call.id for call in lead.calls],
            "collectedData": answers.collected_data(self._world, lead),
        }
        self._post(lead.campaign, settings.leadWebhookUrl, payload)

    def forget(self) -> None:
        """Drop what is still on its way."""
        for task in self._tasks:
            task.cancel()
        self._held_starts.clear()

    async def close(self) -> None:
        """Drop them, and see them gone."""
        tasks = list(self._tasks)
        self.forget()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _plan(self, call: Call) -> Plan:
        """Drawn from the call alone, so start and end agree on it."""
        faults = self._world.config.webhooks
        dice = Random(f"{self._world.config.seed}:{call.to}:{call.nth}:webhooks")
        return Plan(
            loses_start=dice.random() < faults.lose,
            loses_end=dice.random() < faults.lose,
            duplicates=dice.random() < faults.duplicate,
            delays=dice.random() < faults.delay,
            reorders=dice.random() < faults.reorder,
            start_only=dice.random() < faults.start_only,
            splits_end=dice.random() < faults.end_without_summary_then_with,
        )

    def _call_payload(self, call: Call) -> dict[str, Any]:
        view = answers.call_view(self._world, call, version=2)
        lead = call.request.lead
        if call.campaign.settings.webhookVersion == "v2":
            del view["relatedId"]
        return {**view, "leadId": lead.id if lead else None}

    def _release_start(self, call: Call, plan: Plan) -> None:
        """The start event of a reordered call comes five seconds after its end."""
        start = self._held_starts.pop(call.id, None)
        if start is not None:
            self._world.clock.later(5, lambda: self._tell(call, start, plan))

    def _tell(self, call: Call, payload: dict[str, Any], plan: Plan) -> None:
        url = call.campaign.settings.callWebhookUrl
        if not url:
            return
        faults = self._world.config.webhooks
        delay = faults.delay_seconds if plan.delays else 0.0
        self._post(call.campaign, url, payload, delay=delay)
        if plan.duplicates:
            self._world.meters.webhooks["duplicated"] += 1
            self._post(call.campaign, url, payload, delay=delay)

    def _post(
        self,
        campaign: Campaign,
        url: str,
        payload: dict[str, Any],
        *,
        delay: float = 0.0,
    ) -> None:
        settings = campaign.settings
        if settings.webhookVersion == "v1":
            payload = pascal(payload)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if settings.webhook_credential_value:
            name = settings.webhook_credential_header
            headers[name] = settings.webhook_credential_value
        body = json.dumps(payload, ensure_ascii=False).encode()
        task = asyncio.create_task(self._deliver(url, body, headers, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self, url: str, body: bytes, headers: dict[str, str], delay: float
    ) -> None:
        world, counts = self._world, self._world.meters.webhooks
        counts["sent"] += 1
        counts["pending"] += 1
        try:
            for wait in (delay, *RETRY_SECONDS):
                if wait:
                    await asyncio.sleep(world.clock.real_seconds(wait))
                if await self._try(url, body, headers):
                    counts["delivered"] += 1
                    return
                counts["retried"] += 1
            counts["retried"] -= 1
            counts["failed"] += 1
        finally:
            counts["pending"] -= 1

    async def _try(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        """One delivery. False: no 2xx came in time."""
        seconds = self._world.config.webhooks.timeout_seconds
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with self._lines:
            try:
                async with self._session.post(
                    url,
                    data=body,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                ) as response:
                    await response.read()
                    return response.ok and response.status < 300
            except (aiohttp.ClientError, TimeoutError):
                return False


def pascal(payload: Any) -> Any:
    """The V1 body: every key with a capital, but for the client's own (8.4)."""
    if isinstance(payload, list):
        return [pascal(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    return {
        key[:1].upper() + key[1:]: value if key in VERBATIM else pascal(value)
        for key, value in payload.items()
    }
