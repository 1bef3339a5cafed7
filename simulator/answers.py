"""The JSON shapes of sections 3 to 8: how Pearl writes what the world holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import hours
from simulator.clock import iso, iso_or_none
from simulator.codes import INBOUND, Code, Conversation, Sentiment
from simulator.records import Call, Campaign, Lead, Request
from simulator.talk import Talk, collected_info, talk_of

if TYPE_CHECKING:
    from simulator.world import World

Json = dict[str, Any]

QUEUE_CODE_NEW = 35  # the other numbering of IN_CALL_QUEUE, unknown U35


def code(world: World, value: Code) -> int | str:
    """An enumeration as this Pearl writes it: integer, or name by a switch (U16)."""
    modes = world.config.modes
    if modes.enums_as_strings:
        return value.label
    if value is Conversation.IN_CALL_QUEUE and modes.conversation_codes == "35":
        return QUEUE_CODE_NEW
    return int(value)


def call_item(world: World, call: Call) -> Json:
    """The thin element of a call search (4.4)."""
    return {
        "id": call.id,
        "startTime": iso(call.started_at),
        "conversationStatus": code(world, call.conversation),
        "status": code(world, call.status),
        "from": call.campaign.settings.caller_id,
        "to": call.to,
        "duration": call.duration,
        "tags": tags_of(world, call),
    }


def call_view(world: World, call: Call, *, version: int) -> Json:
    """Get Call (5.1)."""
    return {
        "id": call.id,
        "pearlId": _activity_id(call, version=version),
        "relatedId": call.campaign.settings.id,
        **{k: v for k, v in call_item(world, call).items() if k != "id"},
        **_told(world, call),
    }


def _activity_id(call: Call, *, version: int) -> str:
    """What `pearlId` holds: the outbound's id in v1, the Pearl's in v2 (5.1)."""
    settings = call.campaign.settings
    return settings.id if version == 1 else settings.pearl_id


def bulk_item(world: World, call: Call, *, fields: set[str]) -> Json:
    """A thin element plus only the asked fields (6.5); `fields` in lower case."""
    lead = call.request.lead
    cost = world.config.account.credit_per_call
    extra = {
        **_told(world, call),
        "tags": tags_of(world, call),
        "queueDuration": round(call.started_at - call.request.placed_at),
        "creditDebited": cost if call.ended_at else 0,
        "smsCreditDebited": 0,
        "leadId": lead.id if lead else None,
        "pearlVersion": "1",
    }
    item = call_item(world, call)
    del item["tags"]
    return item | {k: v for k, v in extra.items() if k.lower() in fields}


def _told(world: World, call: Call) -> Json:
    """What is known only after the talk, and what only after processing."""
    talk = _processed_talk(world, call)
    return {
        "name": call.full_name,
        "recording": recording_url(world, call) if talk else None,
        "transcript": talk.transcript if talk else None,
        "summary": talk.summary if talk else None,
        "collectedInfo": collected_info(call, seed=world.config.seed),
        "tags": tags_of(world, call),
        "isCallTransferred": False,
        "overallSentiment": code(world, talk.sentiment) if talk else None,
    }


def _processed_talk(world: World, call: Call) -> Talk | None:
    if not (call.is_processed and call.has_conversation):
        return None
    return talk_of(call, seed=world.config.seed)


def tags_of(world: World, call: Call) -> list[str]:
    if not call.has_conversation:
        return []
    return talk_of(call, seed=world.config.seed).tags


def mood_of(world: World, call: Call) -> Sentiment | None:
    talk = _processed_talk(world, call)
    return talk.sentiment if talk else None


def recording_url(world: World, call: Call) -> str:
    """On this simulator's own host (5.6)."""
    pearl_id = call.campaign.settings.pearl_id
    return f"{world.base_url}/v2/Recording/{world.account_id}/{pearl_id}/{call.id}"


def request_view(world: World, request: Request) -> Json:
    """Get Call Request (4.3): no number, no callData."""
    return {
        "id": request.id,
        "status": code(world, request.status),
        "outboundId": request.campaign.settings.id,
        "created": iso(request.placed_at),
        "errors": request.errors,
        "callId": request.call.id if request.call else None,
    }


def lead_item(world: World, lead: Lead) -> Json:
    return {
        "id": lead.id,
        "externalId": lead.external_id,
        "phoneNumber": lead.phone_number,
        "timeZone": hours.offset(lead.zone) if lead.zone else None,
        "status": code(world, lead.status),
        "created": iso(lead.created),
        "callData": lead.call_data,
    }


def lead_view(world: World, lead: Lead, *, version: int) -> Json:
    """LeadApiView (4.5)."""
    last = lead.calls[-1] if lead.calls else None
    return {
        **lead_item(world, lead),
        "callsId": [call.id for call in lead.calls],
        "lastCall": _last_call(world, last, version=version) if last else None,
        "collectedData": collected_data(world, lead),
    }


def collected_data(world: World, lead: Lead) -> Json:
    """What the last call told, by variable id."""
    if not lead.calls or not lead.calls[-1].has_conversation:
        return {}
    return dict(talk_of(lead.calls[-1], seed=world.config.seed).collected)


def _last_call(world: World, call: Call, *, version: int) -> Json:
    told = _told(world, call)
    return {
        "id": call.id,
        "startTime": iso(call.started_at),
        "pearlId": _activity_id(call, version=version),
        "status": code(world, call.status),
        "from": call.campaign.settings.caller_id,
        "name": call.full_name,
        "collectedData": {
            "transcript": told["transcript"] or [],
            "collectedInfos": told["collectedInfo"],
        },
        "summary": told["summary"],
        "duration": call.duration,
        "recording": told["recording"],
        "tags": told["tags"],
    }


def campaign_item(world: World, campaign: Campaign) -> Json:
    """One element of GET /v1/Outbound or /v1/Inbound (4.1, 7.2)."""
    settings = campaign.settings
    return {
        "id": settings.id,
        "name": settings.name,
        "status": settings.status,
        "totalAgents": settings.totalAgents,
        "budgetTotal": settings.budgetTotal,
        "budgetConsumed": round(campaign.consumed),
        "totalLeads": _lead_totals(campaign)["totalLeads"],
        "created": iso(campaign.created),
    }


def campaign_view(world: World, campaign: Campaign) -> Json:
    settings = campaign.settings
    return {
        **campaign_item(world, campaign),
        "phoneNumber": settings.phoneNumber,
        "pearlName": settings.name,
        **_lead_totals(campaign),
    }


def pearl_view(world: World, campaign: Campaign, *, today_calls: int) -> Json:
    """GET /v2/Pearl/{pearlId} (6.2)."""
    item = campaign_item(world, campaign)
    return {
        **item,
        "id": campaign.settings.pearl_id,
        "type": campaign.settings.type,
        "phoneNumber": campaign.settings.phoneNumber,
        "totalTodayCalls": today_calls,
        **ongoing_view(campaign),
        **_lead_totals(campaign),
    }


def ongoing_view(campaign: Campaign) -> Json:
    """How many talk, and how many wait if people ring this Pearl (6.4)."""
    is_rung = campaign.settings.type == INBOUND
    return {
        "totalOngoingCalls": campaign.busy,
        "totalOnQueue": 0 if is_rung else None,
    }


def _lead_totals(campaign: Campaign) -> dict[str, int | None]:
    """Null for an inbound Pearl, which has no leads (6.2)."""
    if campaign.settings.type == INBOUND:
        names = ("totalLeads", "totalLeadsCompleted", "totalLeadsSuccess")
        return dict.fromkeys(names)
    done = (Conversation.SUCCESS, Conversation.NOT_SUCCESSFUL, Conversation.COMPLETED)
    return {
        "totalLeads": len(campaign.leads),
        "totalLeadsCompleted": sum(lead.status in done for lead in campaign.leads),
        "totalLeadsSuccess": sum(
            lead.status is Conversation.SUCCESS for lead in campaign.leads
        ),
    }


def ring_view(call: Call) -> Json:
    """One dial as the patient's phone felt it; for the judge, not for clients."""
    settings = call.campaign.settings
    return {
        "to": call.to,
        "call_id": call.id,
        "request_id": call.request.id,
        "outbound_id": settings.id,
        "lead_id": call.request.lead.id if call.request.lead else None,
        "placed_at": iso(call.request.placed_at),
        "started_at": iso(call.started_at),
        "rang_from": iso_or_none(call.rang_from),
        "rang_until": iso_or_none(call.rang_until),
        "ended_at": iso_or_none(call.ended_at),
        "answered": call.answered,
        "felt": call.fate.outcome.felt,
        "outcome": call.fate.outcome.name,
        "call_status": int(call.status),
        "conversation_status": int(call.conversation),
        "call_data": call.request.call_data,
    }
