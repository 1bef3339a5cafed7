"""Everything Pearl would hold: campaigns, their queues, and who is dialled next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

from simulator import hours
from simulator.clock import Clock
from simulator.codes import AccountStatus, Activity, RequestStatus
from simulator.config import Config
from simulator.meters import Meters
from simulator.rate import Bucket
from simulator.records import Call, Campaign, Lead, Request, new_id
from simulator.timeline import Timeline

CLOSED_RECHECK_SECONDS = 1.0
DIALABLE = re.compile(r"\+[1-9]\d{6,14}")


class Listener(Protocol):
    """Who wants to know what becomes of calls (webhooks, lead engine)."""

    def call_started(self, call: Call) -> None: ...

    def call_ended(self, call: Call) -> None: ...

    def call_processed(self, call: Call) -> None: ...

    def request_refused(self, request: Request) -> None: ...


class World:
    """The state behind every route. Synchronous: nothing here waits."""

    def __init__(
        self,
        config: Config,
        *,
        account_id: str,
        secret_key: str,
        clock: Clock | None = None,
    ) -> None:
        self.account_id = account_id
        self.secret_key = secret_key
        self.base_url = ""
        self.config = config
        self.clock = clock or Clock(speed=config.speed)
        self.meters = Meters(self.clock.real)
        self.listeners: list[Listener] = []
        self.timeline = Timeline(self)
        self._first_config = config.as_json()
        self.campaigns: dict[str, Campaign] = {}
        self.pearls: dict[str, Campaign] = {}
        self.generation = 0  # of resets, so that dice outside start over too
        self.reset()

    # Setting up

    def reset(self, *, with_config: bool = False) -> None:
        """Forget calls, leads and counters; with_config, the settings as well."""
        if with_config:
            self.config = Config().patched(self._first_config)
        self.clock.clear()
        self.clock.set_speed(self.config.speed)
        self.meters.reset()
        self.generation += 1
        self.requests: dict[str, Request] = {}
        self.calls: dict[str, Call] = {}
        self.calls_by_number: dict[str, list[Call]] = {}
        self.rings: list[Call] = []
        self.live: dict[str, Call] = {}
        self.bucket = Bucket()
        self.blacklist: dict[str, float] = {}
        self.audit: list[dict[str, Any]] = []
        self._recheck_set = False
        self.campaigns.clear()
        self.apply(self.config)

    def apply(self, config: Config) -> None:
        """Let a new configuration count from now on."""
        if config.rate_limit != self.config.rate_limit:
            self.bucket = Bucket()
        self.config = config
        self.clock.set_speed(config.speed)
        for key, settings in config.campaigns.items():
            campaign = self.campaigns.get(key)
            if campaign is None:
                self.campaigns[key] = Campaign(settings, self.clock.wall())
            else:
                campaign.settings = settings
        for key in set(self.campaigns) - set(config.campaigns):
            del self.campaigns[key]
        self.pearls = {c.settings.pearl_id: c for c in self.campaigns.values()}
        self._reopen()

    # The account

    @property
    def account_status(self) -> AccountStatus:
        """What is configured, or NoCredits once the money is gone."""
        account = self.config.account
        if account.status == AccountStatus.FULL_ACCESS and account.creditBalance <= 0:
            return AccountStatus.NO_CREDITS
        return AccountStatus(account.status)

    @property
    def may_spend(self) -> bool:
        return self.account_status in (
            AccountStatus.FULL_ACCESS,
            AccountStatus.LIMITED_ACCESS,
        )

    def is_blacklisted(self, number: str) -> bool:
        """Entries are whole numbers or prefixes (3.2)."""
        if not self.blacklist:
            return False
        return any(number[:n] in self.blacklist for n in range(1, len(number) + 1))

    def charge(self, call: Call) -> None:
        cost = self.config.account.credit_per_call
        self.config.account.creditBalance -= cost
        call.campaign.consumed += cost

    # The queue

    def place(
        self,
        campaign: Campaign,
        to: str,
        call_data: dict[str, Any],
        *,
        lead: Lead | None = None,
    ) -> Request:
        """Queue one dial, and start it at once when a line is free (9.2)."""
        now = self.clock.wall()
        request = Request(new_id(now), campaign, to, call_data, now, lead)
        if lead is None:
            self.requests[request.id] = request
            campaign.requests.append(request)
        campaign.queue.append(request)
        self.pump(campaign)
        return request

    def queue_position(self, request: Request) -> int:
        """1 for the first that waits; 0 when it did not have to."""
        waits = request.status == RequestStatus.IN_CALL_QUEUE
        return request.campaign.queued if waits else 0

    def pump(self, campaign: Campaign) -> None:
        """Dial from the head of the queue while the campaign may and a line is free."""
        while campaign.queue and self._may_dial(campaign):
            request = campaign.queue.popleft()
            if request.withdrawn:
                continue
            if not self.is_open(campaign, request.lead):
                campaign.closed.append(request)
            else:
                self._start(request)
        if campaign.closed and not self._recheck_set:
            self._recheck_set = True
            seconds = CLOSED_RECHECK_SECONDS * self.config.speed
            self.clock.later(seconds, self._recheck_closed)

    def is_open(self, campaign: Campaign, lead: Lead | None = None) -> bool:
        """Calling hours, in the lead's own zone when it has one (9.7)."""
        if self.config.modes.hours == "ignore":
            return True
        settings = campaign.settings
        own = lead.zone if lead and lead.zone else None
        zone = own if own and hours.is_zone(own) else settings.timeZone
        return hours.is_open(settings.callingHours, zone=zone, at=self.clock.wall())

    def queued(self) -> int:
        return sum(campaign.queued for campaign in self.campaigns.values())

    def each_live(self, to: str | None) -> Iterator[Call]:
        return (c for c in list(self.live.values()) if to is None or c.to == to)

    def _may_dial(self, campaign: Campaign) -> bool:
        settings = campaign.settings
        return (
            settings.status == Activity.RUNNING
            and campaign.busy < settings.totalAgents
            and (
                settings.budgetTotal is None or campaign.consumed < settings.budgetTotal
            )
        )

    def _start(self, request: Request) -> None:
        if self.is_blacklisted(request.to):
            self.timeline.refuse(request, RequestStatus.BLACK_LISTED, [])
        elif not self.may_spend:
            label = self.account_status.label
            self.timeline.refuse(request, RequestStatus.ERROR, [f"Account: {label}"])
        elif not DIALABLE.fullmatch(request.to):
            self.timeline.refuse(request, RequestStatus.ERROR, ["WrongCountryCode"])
        else:
            self.timeline.dial(request)

    def _recheck_closed(self) -> None:
        self._recheck_set = False
        self._reopen()

    def _reopen(self) -> None:
        """Put back in the queue those whose zone slept, and dial whom we may."""
        for campaign in self.campaigns.values():
            campaign.queue.extendleft(reversed(campaign.closed))
            campaign.closed.clear()
            self.pump(campaign)
