"""Starts the pretend Pearl: `python -m simulator --port 0`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from simulator.app import Front
from simulator.config import OUTBOUND_ID, Config
from simulator.control import control_router
from simulator.lead_routes import LeadRoutes
from simulator.leads import LeadEngine
from simulator.narrator import Narrator
from simulator.schema import ConfigError
from simulator.webhooks import CONNECTIONS, Webhooks
from simulator.world import World

ACCOUNT_ID = "665500000000000000000001"
SECRET_KEY = "simulador0000000000000000000000"  # noqa: S105
SHUTDOWN_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 2  # shorter than any server's, so no stale connection is reused
BACKLOG = 1024
MAX_BODY = 64 * 1024 * 1024  # 50,000 leads at once


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5050, help="0 = any free port")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--rate-limit", default="off", help='"1/5/2" or off')
    parser.add_argument("--account-id", default=ACCOUNT_ID)
    parser.add_argument("--secret-key", default=SECRET_KEY)
    parser.add_argument("--webhook-url", help="for calls and leads; loopback only")
    parser.add_argument("--webhook-version", choices=("v2", "v1"), default="v2")
    parser.add_argument("--quiet", action="store_true", help="only the first line")
    return parser.parse_args(argv)


def config_from(arguments: argparse.Namespace) -> Config:
    """The starting configuration, or ConfigError."""
    url = arguments.webhook_url
    campaign = {
        "totalAgents": arguments.agents,
        "callWebhookUrl": url,
        "leadWebhookUrl": url,
        "webhookVersion": arguments.webhook_version,
    }
    return Config().patched(
        {
            "speed": arguments.speed,
            "seed": arguments.seed,
            "rate_limit": _rate_limit(arguments.rate_limit),
            "account": {"totalAgents": arguments.agents},
            "campaigns": {OUTBOUND_ID: campaign},
        }
    )


def _rate_limit(text: str) -> dict[str, float | int] | None:
    if text == "off":
        return None
    try:
        per_second, burst, in_flight = text.split("/")
        return {
            "per_second": float(per_second),
            "burst": float(burst),
            "in_flight": int(in_flight),
        }
    except ValueError as exc:
        raise ConfigError('--rate-limit: expected "1/5/2" or off') from exc


async def run(arguments: argparse.Namespace, config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world = World(
        config, account_id=arguments.account_id, secret_key=arguments.secret_key
    )
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        webhooks = Webhooks(world, session)
        runner = web.ServerRunner(
            _server(world, webhooks), shutdown_timeout=SHUTDOWN_SECONDS
        )
        await runner.setup()
        await web.TCPSite(
            runner, arguments.host, arguments.port, backlog=BACKLOG
        ).start()
        host, port = runner.addresses[0][:2]
        world.base_url = f"http://{host}:{port}"
        _announce(world.base_url)
        if sys.stdout.isatty() and not arguments.quiet:
            world.listeners.append(Narrator())
        await stop.wait()
        await runner.cleanup()
        world.clock.clear()
        await webhooks.close()


def _server(world: World, webhooks: Webhooks) -> web.Server:
    engine = LeadEngine(world, changed=webhooks.lead_changed)
    control = control_router(forget=webhooks.forget)
    front = Front(world, LeadRoutes(engine), control)

    def make_request(*parts: Any) -> web.BaseRequest:
        request: Callable[..., web.BaseRequest] = web.BaseRequest
        loop = asyncio.get_running_loop()
        return request(*parts, loop, client_max_size=MAX_BODY)

    return web.Server(front, request_factory=make_request, access_log=None)


def _announce(url: str) -> None:
    sys.stdout.write(f"simulator listening on {url}\n")
    sys.stdout.flush()


def main() -> None:
    arguments = parse_arguments()
    try:
        config = config_from(arguments)
    except ConfigError as exc:
        sys.exit(f"simulator: {exc}")
    with suppress(KeyboardInterrupt):
        asyncio.run(run(arguments, config))


if __name__ == "__main__":
    main()
