"""What goes wrong with a request, and whether the call was placed all the same (11.6).

Never placed: 429, 500_before, 502, 400, 401, 402, 403, 408, reset_before, html_200,
redirect_307, redirect_302, empty_results, wrong_call_id_fresh.
Placed: 500_after, slow_before (late), slow_after, 200_without_id, bare_string,
reset_after, cut_body, cut_headers, drip, redirect_307_after.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import struct
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.config import Fault
from simulator.exchange import Answer, Ask, Route, problem
from simulator.rate import too_many

if TYPE_CHECKING:
    from simulator.world import World

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
SEARCHES = ("/Calls", "/Bulk", "/CallRequest", "/Leads", "/Search")


class Faults:
    """Picks the fault of each request with a seeded dice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._thrown_for: tuple[int, int] | None = None
        self._dice = Random(0)

    def pick(self, route: Route, ask: Ask) -> Fault | None:
        """The first configured fault that strikes. None: all goes well."""
        seed = self._world.config.seed
        if self._thrown_for != (seed, self._world.generation):
            self._thrown_for = (seed, self._world.generation)
            self._dice = Random(seed)
        for fault in self._world.config.faults:
            if self._concerns(fault, route, ask) and self._strikes(fault):
                self._world.meters.faults[fault.kind] += 1
                return fault
        return None

    def _concerns(self, fault: Fault, route: Route, ask: Ask) -> bool:
        if fault.route not in ("any", route.group):
            return False
        if fault.to is not None:
            body = ask.body if isinstance(ask.body, dict) else {}
            return bool(body.get("to") == fault.to)
        if fault.kind == "wrong_call_id_fresh":
            call = self._world.calls.get(ask.params.get("callId", ""))
            elapsed = self._world.clock.simulated()
            return bool(call and elapsed - call.started_simulated < fault.delay)
        if fault.kind == "empty_results":
            return route.method == "POST" and route.template.endswith(SEARCHES)
        return True

    def _strikes(self, fault: Fault) -> bool:
        if fault.next is None:
            return self._dice.random() < (fault.probability or 0.0)
        if fault.next <= 0:
            return False
        fault.next -= 1
        return True


def respond(answer: Answer) -> web.Response:
    """An answer as it normally goes out."""
    headers = dict(answer.headers)
    body = answer.encoded()
    if body:
        headers["Content-Type"] = f"{answer.content_type}; charset=utf-8"
        if answer.content_type.startswith("audio"):
            headers["Content-Type"] = answer.content_type
    return web.Response(body=body, status=answer.status, headers=headers)


async def serve(
    fault: Fault, request: web.BaseRequest, handle: Callable[[], Answer]
) -> web.StreamResponse:
    """Answer the request with that fault; `handle` is what would really be done."""
    refusal = _refusal(fault, request)
    if refusal is not None:
        return respond(refusal)
    if fault.kind == "reset_before":
        return _reset(request)
    if fault.kind == "slow_before":
        await asyncio.sleep(fault.delay)
    answer = handle()
    match fault.kind:
        case "reset_after":
            return _reset(request)
        case "slow_after":
            await asyncio.sleep(fault.delay)
        case "cut_body" | "cut_headers":
            return _cut(request, answer, within_headers=fault.kind == "cut_headers")
        case "drip":
            return await _drip(request, answer, pause=fault.delay)
    return respond(_spoiled(fault, request, answer))


def _refusal(fault: Fault, request: web.BaseRequest) -> Answer | None:
    """The answer of faults that never let the request in. None: it gets in."""
    match fault.kind:
        case "429":
            return too_many(fault.retry_after, delay=fault.delay)
        case "500_before":
            return Answer(status=500, raw=b"")
        case "401" | "402" | "403" | "408":
            return Answer(status=int(fault.kind), raw=b"")
        case "400":
            return problem({"validation": ["simulated fault"]})
        case "502":
            return Answer(status=502, raw=HTML, content_type="text/html")
        case "html_200":
            return Answer(raw=HTML, content_type="text/html")
        case "redirect_307" | "redirect_302":
            return _redirect(request, int(fault.kind[-3:]))
        case "empty_results":
            return Answer({"count": 0, "results": []})
        case "wrong_call_id_fresh":
            return problem({"validation": ["wrong CallId"]})
    return None


def _spoiled(fault: Fault, request: web.BaseRequest, answer: Answer) -> Answer:
    """What a request that did its work gets instead of its answer."""
    match fault.kind:
        case "500_after":
            return Answer(status=500, raw=b"")
        case "redirect_307_after":
            return _redirect(request, 307)
        case "200_without_id" if isinstance(answer.payload, dict):
            return dataclasses.replace(answer, payload={**answer.payload, "id": None})
        case "bare_string":
            payload = answer.payload
            text = payload.get("id") if isinstance(payload, dict) else None
            return dataclasses.replace(answer, payload=text or "ok")
    return answer


def _redirect(request: web.BaseRequest, status: int) -> Answer:
    """To itself: whoever follows asks for a second call."""
    return Answer(status=status, raw=b"", headers={"Location": request.path_qs})


def _reset(request: web.BaseRequest) -> web.Response:
    """Close with RST, not FIN."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        linger = struct.pack("ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return web.Response()


def _cut(
    request: web.BaseRequest, answer: Answer, *, within_headers: bool
) -> web.Response:
    """Send the beginning of the answer and hang up."""
    body = answer.encoded()
    head = (
        f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
    ).encode()
    sent = head[:-8] if within_headers else head + b"\r\n" + body[: len(body) // 2]
    if request.transport is not None:
        request.transport.write(sent)
        request.transport.close()
    return web.Response()


async def _drip(
    request: web.BaseRequest, answer: Answer, *, pause: float
) -> web.StreamResponse:
    """One byte of the body every `pause` seconds."""
    body = answer.encoded()
    response = web.StreamResponse(status=answer.status)
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    for n in range(len(body)):
        await response.write(body[n : n + 1])
        await asyncio.sleep(pause)
    return response
