"""The front door: authentication, rate limit, faults, then the route."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator import account, called, outbound, pearl_flow
from simulator.exchange import Answer, Ask, Refused, Route, problem
from simulator.faults import Faults, respond, serve
from simulator.rate import too_many
from simulator.routing import Router

if TYPE_CHECKING:
    from simulator.lead_routes import LeadRoutes
    from simulator.world import World

BROKEN = object()  # a body that is not JSON
logger = logging.getLogger("simulator")


class Front:
    """Answers everything under /v1 and /v2, and hands /_simulator to the control."""

    def __init__(self, world: World, lead_routes: LeadRoutes, control: Router) -> None:
        self._world = world
        self._control = control
        self._router = Router(
            [
                *outbound.ROUTES,
                *pearl_flow.ROUTES,
                *called.ROUTES,
                *account.ROUTES,
                *lead_routes.routes(),
            ]
        )
        self._faults = Faults(world)
        self._token = f"Bearer {world.account_id}:{world.secret_key}".encode()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/_simulator/"):
            return await self._answer_control(request)
        found = self._router.find(request.method, request.path)
        if found is None:
            return web.Response(status=405 if self._router.knows(request.path) else 404)
        route, params = found
        meters = self._world.meters
        meters.request_arrived(route.name)
        try:
            response = await self._answer(request, route, params)
        except ConnectionError:  # the client left before its request was whole
            response = web.Response(status=400)
        finally:
            meters.request_left()
        meters.request_answered(self._world.clock.wall(), route.name, response.status)
        return response

    async def _answer(
        self, request: web.BaseRequest, route: Route, params: dict[str, str]
    ) -> web.StreamResponse:
        version = 1 if request.path[:3].lower() == "/v1" else 2
        ask = Ask(params, version, _parsed(await request.read()))
        if route.group == "make_call":
            self._note_make_call(ask)
        if not self._is_allowed(request, route):
            return web.Response(status=401)
        limit, meters = self._world.config.rate_limit, self._world.meters
        if limit is not None and not self._world.bucket.take(
            limit, now=self._world.clock.real(), in_flight=meters.in_flight
        ):
            meters.throttled += 1
            wait = 1 / limit.per_second
            return respond(too_many(limit.retry_after, delay=max(1.0, wait)))
        await self._be_slow()
        fault = self._faults.pick(route, ask)
        if fault is None:
            return respond(self._handle(route, ask))
        if fault.kind == "429":
            meters.throttled += 1
        return await serve(fault, request, lambda: self._handle(route, ask))

    def _handle(self, route: Route, ask: Ask) -> Answer:
        if ask.body is BROKEN:
            return problem({"$": ["The body is not valid JSON."]})
        try:
            return route.handle(self._world, ask)
        except Refused as exc:
            if exc.bare_404:
                return Answer(status=404, raw=b"")
            return problem(exc.errors)
        except Exception:
            logger.exception("the simulator itself failed in %s", route.name)
            return Answer(status=500, raw=b"")

    def _is_allowed(self, request: web.BaseRequest, route: Route) -> bool:
        if route.group == "recording" and self._world.config.modes.public_recordings:
            return True
        sent = request.headers.get("Authorization", "").encode()
        return secrets.compare_digest(sent, self._token)

    def _note_make_call(self, ask: Ask) -> None:
        body = ask.body if isinstance(ask.body, dict) else {}
        data = body.get("callData")
        marker = self._world.config.marker_variable
        sent = data.get(marker) if isinstance(data, dict) else None
        self._world.meters.make_call_arrived(body.get("to"), sent)

    async def _be_slow(self) -> None:
        low, high = self._world.config.latency_seconds
        if high > 0:
            await asyncio.sleep(low + (high - low) * secrets.randbelow(1000) / 1000)

    async def _answer_control(self, request: web.BaseRequest) -> web.Response:
        found = self._control.find(request.method, request.path)
        if found is None:
            return web.Response(status=404)
        route, _ = found
        ask = Ask(dict(request.query), 0, _parsed(await request.read()))
        if ask.body is BROKEN:
            return respond(Answer({"error": "the body is not valid JSON"}, 400))
        try:
            return respond(route.handle(self._world, ask))
        except Refused as exc:
            return respond(Answer({"error": str(exc)}, 400))


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return BROKEN
