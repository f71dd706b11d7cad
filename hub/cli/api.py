"""The command that serves customs systems, agencies and people."""

from __future__ import annotations

import asyncio

import typer
from fastapi import FastAPI

from hub.api.app import create_app
from hub.bootstrap.doors import api_parts, console_parts
from hub.bootstrap.joined import Hub
from hub.cli.running import run_hub
from hub.cli.serving import serve
from hub.console.app import Pages, create_console
from hub.relays.calls import CallRelay
from hub.relays.loop import keep_going


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(api)


def api() -> None:
    """Serve the API for customs systems and agencies."""

    async def answer(hub: Hub, stop: asyncio.Event) -> None:
        following = asyncio.create_task(hub.follow(stop))
        calls = CallRelay(hub.tally, hub.store, hub.clock)
        relays = [asyncio.create_task(keep_going(relay, stop)) for relay in (calls, hub.keeper)]
        try:
            await serve(_pages_and_api(hub), hub.settings.api_host, hub.settings.api_port, stop)
        finally:
            stop.set()
            await following
            await asyncio.gather(*relays)
            await calls.finish()
            await hub.keeper.finish()

    run_hub("api", answer)


def _pages_and_api(hub: Hub) -> FastAPI:
    """The API, with the console and the tracking page beside it."""
    app = create_app(api_parts(hub))
    app.router.routes.append(Pages(create_console(console_parts(hub))))
    return app
