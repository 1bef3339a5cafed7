"""What the simulator remembers: campaigns, requests, calls and leads, while it runs."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.codes import CallStatus, Conversation, RequestStatus

if TYPE_CHECKING:
    from simulator.clock import Timer
    from simulator.config import CampaignConfig
    from simulator.outcomes import Fate
    from simulator.talk import Talk

_machine = secrets.token_hex(5)
_numbers = itertools.count(secrets.randbelow(1 << 20))


def new_id(wall: float) -> str:
    """A Mongo ObjectId: the second of its birth in the first 8 digits (1.4)."""
    return f"{int(wall):08x}{_machine}{next(_numbers) & 0xFFFFFF:06x}"


@dataclass(slots=True, eq=False)
class Campaign:
    """The moving parts of one campaign; its settings live in the configuration."""

    settings: CampaignConfig
    created: float
    queue: deque[Request] = field(default_factory=deque)
    closed: list[Request] = field(default_factory=list)  # their zone sleeps
    busy: int = 0
    consumed: float = 0.0
    requests: list[Request] = field(default_factory=list)  # by placed_at
    calls: list[Call] = field(default_factory=list)  # by started_at
    leads: list[Lead] = field(default_factory=list)  # by created
    leads_by_id: dict[str, Lead] = field(default_factory=dict)
    leads_by_external: dict[str, list[Lead]] = field(default_factory=dict)
    leads_by_phone: dict[str, list[Lead]] = field(default_factory=dict)

    @property
    def queued(self) -> int:
        return len(self.queue) + len(self.closed)


@dataclass(slots=True, eq=False)
class Request:
    """One accepted Make Call, or one turn of a lead (`lead` set): not yet a call."""

    id: str
    campaign: Campaign
    to: str
    call_data: dict[str, Any]
    placed_at: float
    lead: Lead | None = None
    status: RequestStatus = RequestStatus.IN_CALL_QUEUE
    errors: list[str] = field(default_factory=list)
    call: Call | None = None
    withdrawn: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One dial. `ended_at` is when the line went dead, whatever Pearl reports."""

    id: str
    request: Request
    fate: Fate
    nth: int
    started_at: float
    started_simulated: float
    status: CallStatus
    conversation: Conversation = Conversation.ON_CALL
    rang_from: float | None = None
    rang_until: float | None = None
    answered_simulated: float | None = None
    answered: bool = False
    ended_at: float | None = None
    duration: int = 0
    talk_duration: int = 0
    is_final: bool = False
    is_processed: bool = False
    timer: Timer | None = None
    talk: Talk | None = None

    @property
    def to(self) -> str:
        return self.request.to

    @property
    def campaign(self) -> Campaign:
        return self.request.campaign

    @property
    def has_conversation(self) -> bool:
        return self.is_final and self.answered

    @property
    def full_name(self) -> str | None:
        """First and last name of callData, as observed (5.1)."""
        data = self.request.call_data
        names = [str(data[key]) for key in ("firstName", "lastName") if data.get(key)]
        return " ".join(names) or None


@dataclass(slots=True, eq=False)
class Lead:
    """A person Pearl itself dials (sections 4.5 and 7.1)."""

    id: str
    campaign: Campaign
    phone_number: str
    external_id: str | None
    zone: str | None
    call_data: dict[str, Any]
    created: float
    status: Conversation = Conversation.NEW
    calls: list[Call] = field(default_factory=list)
    attempts: int = 0
    turn: Request | None = None
    timer: Timer | None = None
    is_stopped: bool = False
