"""Single calls and their recordings (section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator import answers
from simulator.exchange import Answer, Ask, Refused, Route
from simulator.finding import call_of
from simulator.recordings import silence

if TYPE_CHECKING:
    from simulator.world import World


def get_call(world: World, ask: Ask) -> Answer:
    call = call_of(world, ask)
    return Answer(answers.call_view(world, call, version=ask.version))


def delete_calls(world: World, ask: Ask) -> Answer:
    """Forget stored calls (5.3). The ring log keeps them: phones do not un-ring."""
    ids = ask.fields.get("callIds")
    if not isinstance(ids, list):
        raise Refused("callIds", "The callIds field is required.")
    for call_id in ids:
        call = world.calls.pop(str(call_id), None)
        if call is not None:
            call.campaign.calls.remove(call)
            world.calls_by_number[call.to].remove(call)
    return Answer(True)


def get_recording(world: World, ask: Ask) -> Answer:
    """GET /v2/Recording/{clientId}/{pearlId}/{callId}: Opus, 401 or 404 (5.6)."""
    if ask.params["clientId"] != world.account_id:
        return Answer(status=401, raw=b"")
    call = world.calls.get(ask.params["callId"])
    is_there = call is not None and call.is_processed and call.has_conversation
    if call is None or not is_there:
        return Answer(status=404, raw=b"")
    audio = silence(call.talk_duration)
    return Answer(raw=audio, content_type="audio/ogg")


ROUTES = (
    Route("GET", "/v1/Call/{callId}", "calls", get_call),
    Route("GET", "/v2/Call/{callId}", "calls", get_call),
    Route("DELETE", "/v1/Call", "calls", delete_calls),
    Route("DELETE", "/v2/Call", "calls", delete_calls),
    Route(
        "GET",
        "/v2/Recording/{clientId}/{pearlId}/{callId}",
        "recording",
        get_recording,
    ),
)
