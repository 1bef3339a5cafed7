"""Turns the ids of a path into what they name, or refuses as Pearl does (U2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.exchange import Ask, Refused
from simulator.records import Call, Campaign

if TYPE_CHECKING:
    from simulator.world import World


def unknown(world: World, what: str) -> Refused:
    """400 `wrong …`, or a bare 404 by a switch."""
    is_404 = world.config.modes.unknown_ids == "404"
    return Refused("validation", f"wrong {what}", bare_404=is_404)


def campaign_of(world: World, ask: Ask) -> Campaign:
    """By outbound id in v1, by Pearl id in v2: they are different ids (1.4)."""
    if ask.version == 1:
        campaign = world.campaigns.get(ask.params["outboundId"])
        what = "OutboundId"
    else:
        campaign = world.pearls.get(ask.params["pearlId"])
        what = "PearlId"
    if campaign is None:
        raise unknown(world, what)
    return campaign


def call_of(world: World, ask: Ask) -> Call:
    """A call that is unknown, deleted, or really a request: always 400 (1.7)."""
    call = world.calls.get(ask.params["callId"])
    if call is None:
        raise Refused("validation", "wrong CallId")
    return call
