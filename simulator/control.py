"""The judge's side, /_simulator: rings, stats, configuration, reset. No bearer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator import answers
from simulator.clock import iso
from simulator.exchange import Answer, Ask, Handle, Json, Refused, Route
from simulator.outcomes import OUTCOMES
from simulator.routing import Router
from simulator.schema import ConfigError

if TYPE_CHECKING:
    from simulator.world import World


def get_rings(world: World, ask: Ask) -> Answer:
    """Every dial that went out, in order: what each patient's phone felt."""
    first = _index(ask.params.get("since_index", "0"))
    rings = [answers.ring_view(call) for call in world.rings[first:]]
    return Answer({"rings": rings, "next_index": first + len(rings)})


def get_stats(world: World, ask: Ask) -> Answer:
    return Answer(world.meters.as_json(queued=world.queued()))


def get_requests(world: World, ask: Ask) -> Answer:
    """The last requests, with the instant each was answered and its status."""
    return Answer(
        {
            "requests": [
                {"at": iso(at), "route": route, "status": status}
                for at, route, status in world.meters.log
            ]
        }
    )


def mark(world: World, ask: Ask) -> Answer:
    world.meters.mark()
    return Answer({"marked": True})


def get_config(world: World, ask: Ask) -> Answer:
    return Answer(world.config.as_json())


def post_config(world: World, ask: Ask) -> Answer:
    """Merge a part into the configuration; 400 says what is wrong with it."""
    try:
        config = world.config.patched(ask.body)
    except ConfigError as exc:
        return Answer({"error": str(exc)}, 400)
    world.apply(config)
    return Answer(config.as_json())


def end_calls(world: World, ask: Ask) -> Answer:
    """Hang up live calls now: all, or those to one number, with a chosen ending."""
    body = _fields(ask)
    outcome = OUTCOMES.get(body.get("outcome", "completed"))
    if outcome is None or not outcome.is_dialled:
        return Answer({"error": f"outcome: one of {sorted(OUTCOMES)}"}, 400)
    calls = list(world.each_live(body.get("to")))
    for call in calls:
        world.timeline.end_now(call, outcome.name)
    return Answer({"ended": len(calls)})


def _index(text: str) -> int:
    if not text.isdigit():
        raise Refused("since_index", "expected a number")
    return int(text)


def _fields(ask: Ask) -> Json:
    return {} if ask.body is None else ask.fields


def control_router(*, forget: Callable[[], None]) -> Router:
    """The routes; `forget` drops whatever is under way outside the world."""

    def reset(world: World, ask: Ask) -> Answer:
        forget()
        world.reset(with_config=bool(_fields(ask).get("config")))
        return Answer({"reset": True})

    table: list[tuple[str, str, Handle]] = [
        ("GET", "rings", get_rings),
        ("GET", "stats", get_stats),
        ("GET", "requests", get_requests),
        ("POST", "mark", mark),
        ("GET", "config", get_config),
        ("POST", "config", post_config),
        ("POST", "reset", reset),
        ("POST", "calls/end", end_calls),
    ]
    return Router(
        Route(method, f"/_simulator/{path}", "control", handle)
        for method, path, handle in table
    )
