"""What Pearl tells about the account, its outbounds and its pearls, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from . import codes
from .ids import is_id
from .reading import (
    CodeReader,
    FrozenMap,
    as_float,
    as_int,
    as_moment,
    as_object,
    as_objects,
    as_text,
)

FULL_ACCESS, LIMITED_ACCESS = 1, 2
RUNNING = 1
PAUSED = 2


@dataclass(frozen=True, kw_only=True)
class Account:
    """Our account at Pearl (3.1)."""

    name: str | None = None
    total_agents: int | None = None
    credit_balance: float | None = None
    status: int | None = None
    unknown_codes: FrozenMap = field(default_factory=FrozenMap)

    @property
    def may_dial(self) -> bool:
        """False for every status we do not know. How much credit is enough is ours."""
        return self.status in {FULL_ACCESS, LIMITED_ACCESS}

    @property
    def has_limited_access(self) -> bool:
        """Dialing is allowed, but somebody should ask Pearl why."""
        return self.status == LIMITED_ACCESS


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """A campaign under its v1 id, the one that Make Call takes (4.1)."""

    id: str
    name: str | None = None
    status: int | None = None
    total_agents: int | None = None
    unknown_codes: FrozenMap = field(default_factory=FrozenMap)

    @property
    def is_running(self) -> bool:
        """False too when the status is unknown: then nothing may be dialled."""
        return self.status == RUNNING


@dataclass(frozen=True, kw_only=True)
class Pearl:
    """The same campaign under its v2 id, which is another one (6.2)."""

    id: str
    name: str | None = None
    type: int | None = None
    status: int | None = None
    phone_number: str | None = None
    total_agents: int | None = None
    created_at: datetime | None = None
    calls_today: int | None = None
    total_leads: int | None = None
    ongoing_calls: int | None = None
    unknown_codes: FrozenMap = field(default_factory=FrozenMap)

    @property
    def is_running(self) -> bool:
        return self.status == RUNNING


@dataclass(frozen=True, kw_only=True)
class OngoingCalls:
    """How many calls a pearl holds right now (6.4)."""

    total: int


class CallingHours(NamedTuple):
    """One row of Pearl's calling hours; which day is 0 is not documented (U24)."""

    day: int
    start: str
    end: str


@dataclass(frozen=True, kw_only=True)
class OutboundSettings:
    """Pearl's own dialing rules for a pearl (6.6). None: not told, so not known."""

    maximum_call_attempts: int | None = None
    calling_hours: tuple[CallingHours, ...] | None = None
    time_zone: str | None = None
    total_agents: int | None = None
    call_webhook_url: str | None = field(default=None, repr=False)
    lead_webhook_url: str | None = field(default=None, repr=False)
    #: The ids of its variables; told only of Pearls that were made by API.
    variables: frozenset[str] | None = None


def read_account(source: Mapping[str, Any]) -> Account | None:
    """None if this does not look like an account at all."""
    if not source.keys() & {"status", "totalAgents", "creditBalance"}:
        return None
    code = CodeReader(source)
    return Account(
        name=as_text(source.get("name")),
        total_agents=as_int(source.get("totalAgents")),
        credit_balance=as_float(source.get("creditBalance")),
        status=code("status", codes.ACCOUNT_STATUS),
        unknown_codes=code.unknown,
    )


def read_outbound(source: Mapping[str, Any]) -> Outbound | None:
    """None without an id."""
    if not is_id(source.get("id")):
        return None
    code = CodeReader(source)
    return Outbound(
        id=source["id"].lower(),
        name=as_text(source.get("name")),
        status=code("status", codes.ACTIVITY_STATUS),
        total_agents=as_int(source.get("totalAgents")),
        unknown_codes=code.unknown,
    )


def read_pearl(source: Mapping[str, Any]) -> Pearl | None:
    """None without an id."""
    if not is_id(source.get("id")):
        return None
    code = CodeReader(source)
    return Pearl(
        id=source["id"].lower(),
        name=as_text(source.get("name")),
        type=code("type", codes.PEARL_TYPE),
        status=code("status", codes.ACTIVITY_STATUS),
        phone_number=as_text(source.get("phoneNumber")),
        total_agents=as_int(source.get("totalAgents")),
        created_at=as_moment(source.get("created")),
        calls_today=as_int(source.get("totalTodayCalls")),
        total_leads=as_int(source.get("totalLeads")),
        ongoing_calls=as_int(source.get("totalOngoingCalls")),
        unknown_codes=code.unknown,
    )


def read_ongoing_calls(source: Mapping[str, Any]) -> OngoingCalls | None:
    """None without a total: no number is not zero calls."""
    total = as_int(source.get("totalOngoingCalls"))
    if total is None:
        return None
    return OngoingCalls(total=total)


def read_outbound_settings(source: Mapping[str, Any]) -> OutboundSettings:
    """From the whole settings; without an `outbound` part nothing is known."""
    outbound = as_object(source.get("outbound"))
    return OutboundSettings(
        maximum_call_attempts=as_int(outbound.get("maximumCallAttempts")),
        calling_hours=_calling_hours(outbound.get("callingHours")),
        time_zone=as_text(outbound.get("timeZone")),
        total_agents=as_int(outbound.get("totalAgents")),
        call_webhook_url=as_text(outbound.get("callWebhookUrl")),
        lead_webhook_url=as_text(outbound.get("leadWebhookUrl")),
        variables=_variable_ids(source.get("variables")),
    )


def _variable_ids(value: object) -> frozenset[str] | None:
    ids = {as_text(item.get("id")) for item in as_objects(value)} - {None}
    return frozenset(one for one in ids if one) or None


def _calling_hours(value: object) -> tuple[CallingHours, ...] | None:
    """None if any row is unreadable: without it the hours would look shorter."""
    if not isinstance(value, list):
        return None
    rows = [_calling_hours_row(as_object(row)) for row in value]
    known = tuple(row for row in rows if row is not None)
    return known if len(known) == len(rows) else None


def _calling_hours_row(source: Mapping[str, Any]) -> CallingHours | None:
    day = as_int(source.get("day"))
    start, end = as_text(source.get("start")), as_text(source.get("end"))
    if day is None or start is None or end is None:
        return None
    return CallingHours(day, start, end)
