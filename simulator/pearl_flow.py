"""Pearls made through the API, and the settings of all of them (section 6.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.codes import INBOUND, OUTBOUND, TEXT, VOICE
from simulator.config import CampaignConfig
from simulator.exchange import Answer, Ask, Json, Refused, Route
from simulator.finding import campaign_of, outbound_of, unknown
from simulator.records import new_id
from simulator.schema import ConfigError

if TYPE_CHECKING:
    from simulator.world import World

OF_OUTBOUND = (
    "phoneNumberId",
    "totalAgents",
    "recordingTrack",
    "isStopRecordingAfterTransferCall",
    "transcriptOptions",
    "budgetTotal",
    "timeZone",
    "maximumCallAttempts",
    "minimumRetryIntervalHours",
    "ringDuration",
    "callTimeout",
    "voiceMail",
    "callingHours",
    "callWebhookUrl",
    "leadWebhookUrl",
)
OF_INBOUND = (
    "phoneNumberId",
    "totalAgents",
    "recordingOptions",
    "isStopRecordingAfterTransferCall",
    "transcriptOptions",
    "callWebhookUrl",
    "waitingSentence",
    "isSayQueueDetails",
)
OF_TEXT = ("textChannelId",)

CREDENTIAL = {"id": "665500000000000000000401", "name": "Credencial simulada"}


def get_settings(world: World, ask: Ask) -> Answer:
    """Flow and variables are told only of Pearls made through the API."""
    settings = campaign_of(world, ask).settings
    is_rung = settings.type == INBOUND
    channel = {name: _told(settings, name) for name in _writable(settings)}
    return Answer(
        {
            "name": settings.name,
            "type": settings.type,
            "agentType": settings.agentType,
            "pearl": settings.flow,
            "variables": settings.variables,
            "inbound": channel if is_rung else None,
            "outbound": None if is_rung else channel,
        }
    )


def _told(settings: CampaignConfig, name: str) -> Any:
    if name == "callingHours":
        rows = settings.callingHours
        return [{"day": row.day, "start": row.start, "end": row.end} for row in rows]
    return getattr(settings, name)


def _writable(settings: CampaignConfig) -> tuple[str, ...]:
    names = OF_INBOUND if settings.type == INBOUND else OF_OUTBOUND
    return names + OF_TEXT if settings.agentType == TEXT else names


def put_outbound_settings(world: World, ask: Ask) -> Answer:
    """A partial update."""
    settings = outbound_of(world, ask).settings
    return _change(world, settings, _picked(ask.fields, settings))


def put_inbound_settings(world: World, ask: Ask) -> Answer:
    settings = campaign_of(world, ask).settings
    if settings.type != INBOUND:
        raise unknown(world, "PearlId")
    return _change(world, settings, _picked(ask.fields, settings))


def list_credentials(world: World, ask: Ask) -> Answer:
    campaign_of(world, ask)
    return Answer([CREDENTIAL])


def create(world: World, ask: Ask) -> Answer:
    return Answer(_created(world, ask, VOICE))


def create_text(world: World, ask: Ask) -> Answer:
    return Answer(_created(world, ask, TEXT))


def create_voice(world: World, ask: Ask) -> Answer:
    """Answers the bare id, not JSON, as observed (1.3)."""
    made = _created(world, ask, VOICE)
    return Answer(raw=made.encode(), content_type="text/plain")


def update(world: World, ask: Ask) -> Answer:
    return _change(world, campaign_of(world, ask).settings, _flow(ask))


def update_voice(world: World, ask: Ask) -> Answer:
    return _updated(world, ask, VOICE)


def update_text(world: World, ask: Ask) -> Answer:
    return _updated(world, ask, TEXT)


def _created(world: World, ask: Ask, agent: int) -> str:
    """The id of a new Pearl, which v1 at once knows under an id of its own."""
    name = ask.fields.get("name")
    if not isinstance(name, str) or not name:
        raise Refused("Name", "The Name field is required.")
    is_outbound = ask.fields.get("outbound") is not None
    if is_outbound == (ask.fields.get("inbound") is not None):
        raise Refused("validation", "either inbound or outbound is required")
    now = world.clock.wall()
    made = CampaignConfig(
        id=new_id(now),
        pearl_id=new_id(now),
        type=OUTBOUND if is_outbound else INBOUND,
        agentType=agent,
    )
    ids = {"pearl_id": made.pearl_id, "type": made.type, "agentType": made.agentType}
    _change(world, made, {**ids, **_flow(ask), **_channel(ask, made)})
    return made.pearl_id


def _updated(world: World, ask: Ask, agent: int) -> Answer:
    settings = campaign_of(world, ask).settings
    if settings.agentType != agent:
        raise Refused("validation", "not a Pearl of this kind")
    return _change(world, settings, {**_flow(ask), **_channel(ask, settings)})


def _flow(ask: Ask) -> Json:
    """The parts that every Pearl has."""
    parts = {"name": "name", "pearl": "flow", "variables": "variables"}
    return {ours: ask.fields[key] for key, ours in parts.items() if key in ask.fields}


def _channel(ask: Ask, settings: CampaignConfig) -> Json:
    """The settings of the one direction that the Pearl has."""
    sent = {key: ask.fields.get(key) or {} for key in ("inbound", "outbound")}
    if all(sent.values()):
        raise Refused("validation", "inbound and outbound exclude each other")
    own = sent["inbound" if settings.type == INBOUND else "outbound"]
    if not isinstance(own, dict):
        raise Refused("validation", "the settings must be an object")
    return _picked(own, settings)


def _picked(sent: Json, settings: CampaignConfig) -> Json:
    return {name: sent[name] for name in _writable(settings) if name in sent}


def _change(world: World, settings: CampaignConfig, changes: Json) -> Answer:
    is_replaced = settings.flow is not None and "flow" in changes
    steps = [{"flow": None}, changes] if is_replaced else [changes]
    config = world.config
    try:
        for step in steps:  # a flow is not completed
            config = config.patched({"campaigns": {settings.id: step}})
        world.apply(config)
    except ConfigError as exc:
        raise Refused("validation", str(exc)) from exc
    return Answer(True)


ROUTES = (
    Route("POST", "/v2/Pearl", "campaign", create),
    Route("PUT", "/v2/Pearl/{pearlId}", "campaign", update),
    Route("POST", "/v2/Pearl/Voice", "campaign", create_voice),
    Route("PUT", "/v2/Pearl/Voice/{pearlId}", "campaign", update_voice),
    Route("POST", "/v2/Pearl/Text", "campaign", create_text),
    Route("PUT", "/v2/Pearl/Text/{pearlId}", "campaign", update_text),
    Route("GET", "/v2/Pearl/Credential/{pearlId}", "campaign", list_credentials),
    Route("GET", "/v2/Pearl/{pearlId}/Settings", "campaign", get_settings),
    Route(
        "PUT",
        "/v2/Pearl/{pearlId}/Settings/Outbound",
        "campaign",
        put_outbound_settings,
    ),
    Route(
        "PUT", "/v2/Pearl/{pearlId}/Settings/Inbound", "campaign", put_inbound_settings
    ),
)
