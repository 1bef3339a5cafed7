"""Three campaigns and invented people to call, with what the judge knows of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from calls.models import Campaign
from leads.models import CallStatus, Consent, Lead
from leads.window import DAYS
from reliability.legal_hours import Hours, Rule, hours_of

WORK = range(5)


@dataclass(frozen=True, kw_only=True)
class CampaignPlan:
    """A campaign here and at Pearl."""

    name: str
    outbound_id: str
    pearl_id: str
    spans: str
    days: range = WORK
    # In tenths: how many live where.
    places: tuple[tuple[str, str], ...]

    @property
    def hours(self) -> Hours:
        return hours_of(self.spans, days=self.days)

    def closes(self, day: datetime) -> datetime:
        """At Pearl, that day."""
        end = time.fromisoformat(self.spans.split("-")[-1])
        return datetime.combine(day, end, ZoneInfo(AT_PEARL))

    def create(self, *, limit: int) -> Campaign:
        written = [span.split("-") for span in self.spans.split()]
        return Campaign.objects.create(
            name=self.name,
            outbound_id=self.outbound_id,
            pearl_id=self.pearl_id,
            weekly_hours={DAYS[day]: written for day in self.days},
            max_concurrent_calls=limit,
        )

    def at_pearl(self, agents: int) -> dict[str, Any]:
        """Its hours are a second fence, on the clock of Madrid; day 0 is Sunday."""
        written = [span.split("-") for span in self.spans.split()]
        rows = [
            {"day": (day + 1) % 7, "start": start, "end": end}
            for day in self.days
            for start, end in written
        ]
        return {
            "id": self.outbound_id,
            "pearl_id": self.pearl_id,
            "name": self.name,
            "totalAgents": agents,
            "callingHours": rows,
        }


AT_PEARL = "Europe/Madrid"
MADRID = ("Europe/Madrid", "MD")
BARCELONA = ("Europe/Madrid", "CT")
SEVILLE = ("Europe/Madrid", "AN")
TENERIFE = ("Atlantic/Canary", "CN")
CAMPAIGNS = (
    CampaignPlan(
        name="De nueve a nueve",
        outbound_id="66f0a1b2c3d4e5f601020301",
        pearl_id="66f0aaaabbbbccccdddd0301",
        spans="09:00-21:00",
        places=(*[MADRID] * 6, *[BARCELONA] * 2, SEVILLE, TENERIFE),
    ),
    CampaignPlan(
        name="Con siesta",
        outbound_id="66f0a1b2c3d4e5f601020302",
        pearl_id="66f0aaaabbbbccccdddd0302",
        spans="10:00-14:00 16:00-20:30",
        days=range(6),
        places=(*[MADRID] * 4, *[BARCELONA] * 3, *[SEVILLE] * 3),
    ),
    CampaignPlan(
        name="Islas",
        outbound_id="66f0a1b2c3d4e5f601020303",
        pearl_id="66f0aaaabbbbccccdddd0303",
        spans="09:00-21:00",
        places=(*[TENERIFE] * 8, *[MADRID] * 2),
    ),
)
# Shares of people who live with the one before and share a telephone with them, who
# said no, of whom nobody knows where they live, and whose turn comes in the last
# minutes at Pearl or when only the Canaries are open.
RELATIVES, REFUSED, NOWHERE, PROMISED, LAST_MINUTE = 0.03, 0.01, 0.01, 0.01, 0.05
UNKNOWN_ZONES = ("", "Europe/Madrit")
NEVER = Rule(zone="UTC", community="", hours={}, on_holidays=True)


def people(
    count: int, *, dice: Random, start: datetime
) -> tuple[list[Lead], Mapping[str, list[Rule]]]:
    """Queued leads, and by number the rules that its rings must keep."""
    leads: list[Lead] = []
    rules: dict[str, list[Rule]] = defaultdict(list)
    for number in range(count):
        plan = CAMPAIGNS[number % len(CAMPAIGNS)]
        before = leads[-len(CAMPAIGNS)] if number >= len(CAMPAIGNS) else None
        zone, community = dice.choice(plan.places)
        lead = Lead(
            first_name=f"Persona {number}",
            last_name="Inventada",
            phone_e164=f"+346{number:08d}",
            consent=Consent.GIVEN,
            call_status=CallStatus.SELECTED,
            selected_for_calling=True,
            call_priority=dice.choice([1, 3, 3, 5]),
            pearl_outbound_id=plan.outbound_id,
            # From the first minute, in the evening of both clocks, the other day.
            next_call_at=start
            + timedelta(hours=dice.choice([0, 0, dice.uniform(13.5, 16), 24, 30])),
            community=community,
            time_zone=zone,
        )
        if dice.random() < LAST_MINUTE:
            lead.next_call_at = plan.closes(start) + timedelta(
                minutes=dice.uniform(-3, 30)
            )
        if before and dice.random() < RELATIVES:
            lead.phone_e164 = before.phone_e164
            lead.community, lead.time_zone = before.community, before.time_zone
        _mark(lead, dice=dice, start=start)
        leads.append(lead)
        rule = Rule(
            zone=lead.time_zone,
            community=lead.community,
            hours=plan.hours,
            provider_zone=AT_PEARL,
        )
        rules[lead.phone_e164].append(rule if _may_be_called(lead) else NEVER)
    return leads, {phone: _strictest(found) for phone, found in rules.items()}


def _mark(lead: Lead, *, dice: Random, start: datetime) -> None:
    """Some are special."""
    if dice.random() < REFUSED:
        lead.consent = Consent.REFUSED
    elif dice.random() < NOWHERE:
        lead.time_zone = dice.choice(UNKNOWN_ZONES)
    elif dice.random() < PROMISED:
        lead.callback_at = start + timedelta(hours=dice.uniform(3, 30))
        lead.next_call_at = lead.callback_at


def _may_be_called(lead: Lead) -> bool:
    return lead.consent == Consent.GIVEN and lead.time_zone not in UNKNOWN_ZONES


def _strictest(found: list[Rule]) -> list[Rule]:
    """Of a telephone that some share: one who may be called is enough."""
    return [rule for rule in found if rule is not NEVER] or [NEVER]
