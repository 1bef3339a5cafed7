"""Campaigns under all their names: Outbound, Inbound, Pearl (sections 4, 6, 7.2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator import answers
from simulator.analytics import analytics
from simulator.codes import INBOUND, OUTBOUND, Activity
from simulator.exchange import Answer, Ask, Refused, Route
from simulator.finding import campaign_of, unknown
from simulator.records import Campaign, Request
from simulator.searching import Paging, between, calls_asked_for, listed, window

if TYPE_CHECKING:
    from simulator.world import World

CALL_DATA_LIMIT = 64 * 1024  # unknown U21

SORT_KEYS = {
    "starttime": None,
    "duration": lambda call: call.duration,
    "status": lambda call: call.status,
    "conversationstatus": lambda call: call.conversation,
    "to": lambda call: call.to,
    "id": lambda call: call.id,
}


def list_outbounds(world: World, ask: Ask) -> Answer:
    return _listed(world, OUTBOUND)


def list_inbounds(world: World, ask: Ask) -> Answer:
    return _listed(world, INBOUND)


def _listed(world: World, kind: int) -> Answer:
    found = [c for c in world.campaigns.values() if c.settings.type == kind]
    return Answer([answers.campaign_item(world, campaign) for campaign in found])


def get_campaign(world: World, ask: Ask) -> Answer:
    return Answer(answers.campaign_view(world, campaign_of(world, ask)))


def list_pearls(world: World, ask: Ask) -> Answer:
    return Answer([_pearl(world, campaign) for campaign in world.campaigns.values()])


def get_pearl(world: World, ask: Ask) -> Answer:
    return Answer(_pearl(world, campaign_of(world, ask)))


def get_ongoing(world: World, ask: Ask) -> Answer:
    return Answer(answers.ongoing_view(campaign_of(world, ask)))


def set_active(world: World, ask: Ask) -> Answer:
    """POST in v1, PUT in v2: run or pause, and answer the activity status (2.5)."""
    campaign = campaign_of(world, ask)
    is_active = ask.fields.get("isActive")
    if not isinstance(is_active, bool):
        raise Refused("isActive", "The isActive field is required.")
    if campaign.settings.status in (Activity.RUNNING, Activity.PAUSED):
        status = Activity.RUNNING if is_active else Activity.PAUSED
        campaign.settings.status = int(status)
        world.audit.append({"at": world.clock.wall(), "event": 11})
    world.pump(campaign)
    return Answer(campaign.settings.status)


def make_call(world: World, ask: Ask) -> Answer:
    """POST /v1/Outbound/{outboundId}/Call (4.2)."""
    campaign = campaign_of(world, ask)
    to, data = ask.fields.get("to"), ask.fields.get("callData")
    if not isinstance(to, str) or not to.strip():
        raise Refused("To", "The To field is required.")
    if data is not None and not isinstance(data, dict):
        raise Refused("CallData", "The CallData field must be an object.")
    if len(json.dumps(data)) > CALL_DATA_LIMIT:
        raise Refused("CallData", "The CallData field is too large.")
    _may_place(world, campaign)
    request = world.place(campaign, to.strip(), data or {})
    world.meters.make_call_accepted += 1
    world.meters.accepted_per_number[request.to] += 1
    return Answer(
        {
            "id": request.id,
            "from": campaign.settings.phoneNumber,
            "to": request.to,
            "queuePosition": world.queue_position(request),
        }
    )


def _may_place(world: World, campaign: Campaign) -> None:
    """The refusals that depend on the modes (U4, U5, U6)."""
    modes = world.config.modes
    if not world.may_spend and modes.no_credit == "reject400":
        raise Refused("Account", f"Account status: {world.account_status.label}")
    if campaign.settings.status != Activity.RUNNING and modes.paused == "reject400":
        raise Refused("validation", "outbound is not active")
    if modes.hours == "reject400" and not world.is_open(campaign):
        raise Refused("validation", "outside the outbound schedule")


def get_request(world: World, ask: Ask) -> Answer:
    """GET /v1/Outbound/CallRequest/{requestId} (4.3)."""
    request = world.requests.get(ask.params["requestId"])
    if request is None:
        raise unknown(world, "RequestId")
    return Answer(answers.request_view(world, request))


def search_requests(world: World, ask: Ask) -> Answer:
    campaign = campaign_of(world, ask)
    paging = Paging.of(ask.fields)
    first, last = window(ask.fields, names=("fromDate", "toDate"))
    found = between(campaign.requests, first, last, at=_placed)
    page = paging.page(found, key=None)
    results = [answers.request_view(world, request) for request in page]
    return Answer({"count": len(found), "results": results})


def _placed(request: Request) -> float:
    return request.placed_at


def search_calls(world: World, ask: Ask) -> Answer:
    """Thin items, v1 and v2 alike (4.4)."""
    count, page = _searched(world, ask)
    results = [answers.call_item(world, call) for call in page]
    return Answer({"count": count, "results": results})


def search_bulk(world: World, ask: Ask) -> Answer:
    """POST /v2/Pearl/{pearlId}/Calls/Bulk: the asked fields only (6.5)."""
    wanted = ask.fields.get("fields") or []
    if not isinstance(wanted, list) or len(wanted) > 30:
        raise Refused("fields", "The field fields must be an array of at most 30.")
    names = {str(name).lower() for name in wanted}
    count, page = _searched(world, ask)
    results = [answers.bulk_item(world, call, fields=names) for call in page]
    return Answer({"count": count, "results": results})


def _searched(world: World, ask: Ask) -> tuple[int, list[Any]]:
    campaign = campaign_of(world, ask)
    paging = Paging.of(ask.fields)
    key = SORT_KEYS.get((paging.sort_prop or "startTime").lower())
    found = calls_asked_for(campaign, ask.fields, by_number=world.calls_by_number)
    tags = listed(ask.fields, "tags")
    if tags:
        found = [c for c in found if any(t in tags for t in answers.tags_of(world, c))]
    return len(found), paging.page(found, key=key)


def get_analytics(world: World, ask: Ask) -> Answer:
    campaign = campaign_of(world, ask)
    first, last = window(ask.fields, names=("from", "to"))
    if last - first > 90 * 86400:
        raise Refused("validation", "The range may not exceed 90 days.")
    return Answer(analytics(world, campaign, first, last))


def reset_memory(world: World, ask: Ask) -> Answer:
    """Both versions (6.8); this Pearl remembers nobody anyway."""
    campaign_of(world, ask)
    return Answer(True)


def _pearl(world: World, campaign: Campaign) -> dict[str, Any]:
    midnight = datetime.fromtimestamp(world.clock.wall(), UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    today = between(
        campaign.calls,
        midnight.timestamp(),
        float("inf"),
        at=lambda call: call.started_at,
    )
    return answers.pearl_view(world, campaign, today_calls=len(today))


ROUTES = (
    Route("GET", "/v1/Outbound", "campaign", list_outbounds),
    Route("GET", "/v1/Outbound/{outboundId}", "campaign", get_campaign),
    Route("POST", "/v1/Outbound/{outboundId}/Active", "campaign", set_active),
    Route("POST", "/v1/Outbound/{outboundId}/Call", "make_call", make_call),
    Route("GET", "/v1/Outbound/CallRequest/{requestId}", "call_request", get_request),
    Route(
        "POST", "/v1/Outbound/{outboundId}/CallRequest", "call_request", search_requests
    ),
    Route("POST", "/v1/Outbound/{outboundId}/Calls", "calls", search_calls),
    Route("POST", "/v1/Outbound/{outboundId}/Analytics", "campaign", get_analytics),
    Route("GET", "/v1/Inbound", "campaign", list_inbounds),
    Route("GET", "/v1/Inbound/{inboundId}", "campaign", get_campaign),
    Route("POST", "/v1/Inbound/{inboundId}/Active", "campaign", set_active),
    Route("POST", "/v1/Inbound/{inboundId}/Calls", "calls", search_calls),
    Route("GET", "/v1/Inbound/{inboundId}/OngoingCalls", "campaign", get_ongoing),
    Route("POST", "/v1/Inbound/{inboundId}/Analytics", "campaign", get_analytics),
    Route(
        "PUT",
        "/v1/Pearl/{pearlId}/Memory/{phoneNumber}/Reset",
        "campaign",
        reset_memory,
    ),
    Route("GET", "/v2/Pearl", "campaign", list_pearls),
    Route("GET", "/v2/Pearl/{pearlId}", "campaign", get_pearl),
    Route("PUT", "/v2/Pearl/{pearlId}/Active", "campaign", set_active),
    Route("GET", "/v2/Pearl/{pearlId}/OngoingCalls", "campaign", get_ongoing),
    Route("POST", "/v2/Pearl/{pearlId}/Calls", "calls", search_calls),
    Route("POST", "/v2/Pearl/{pearlId}/Calls/Bulk", "bulk", search_bulk),
    Route("POST", "/v2/Pearl/{pearlId}/Analytics", "campaign", get_analytics),
    Route("PUT", "/v2/Pearl/{pearlId}/ResetMemory", "campaign", reset_memory),
)
