"""Turns the ids of a path into what they name, or refuses as Pearl does (U2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.codes import INBOUND, OUTBOUND
from simulator.exchange import Ask, Refused
from simulator.records import Call, Campaign

if TYPE_CHECKING:
    from simulator.world import World

TYPES = {"outboundId": OUTBOUND, "inboundId": INBOUND}  # of v1


def unknown(world: World, what: str) -> Refused:
    """400 `wrong …`, or a bare 404 by a switch."""
    is_404 = world.config.modes.unknown_ids == "404"
    return Refused("validation", f"wrong {what}", bare_404=is_404)


def campaign_of(world: World, ask: Ask) -> Campaign:
    """By outbound or inbound id in v1, by Pearl id in v2: different ids (1.4)."""
    name = next(name for name in ("pearlId", *TYPES) if name in ask.params)
    known = world.pearls if name == "pearlId" else world.campaigns
    campaign, kind = known.get(ask.params[name]), TYPES.get(name)
    if campaign is None or kind not in (None, campaign.settings.type):
        raise unknown(world, name[:1].upper() + name[1:])
    return campaign


def outbound_of(world: World, ask: Ask) -> Campaign:
    """Only what dials has leads and outbound settings, in v2 too."""
    campaign = campaign_of(world, ask)
    if campaign.settings.type != OUTBOUND:
        raise unknown(world, "PearlId")
    return campaign


def call_of(world: World, ask: Ask) -> Call:
    """A call that is unknown, deleted, or really a request: always 400 (1.7)."""
    call = world.calls.get(ask.params["callId"])
    if call is None:
        raise Refused("validation", "wrong CallId")
    return call
