"""The command that plays the agencies and the cargo system."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from hub import process
from hub.bootstrap.configuration import environment_of
from hub.cli.serving import serve
from hub.config.loader import load
from hub.logs import configure
from hub.settings import Settings
from hub.simulator.server import create_app


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(simulate)


def simulate(
    port: Annotated[int, typer.Option(help="where the simulated agencies listen")] = 8090,
    host: str = "127.0.0.1",
    hub_url: Annotated[str, typer.Option(help="the hub, for callbacks")] = "http://127.0.0.1:8080",
    data: Annotated[Path | None, typer.Option(help="folder that remembers across restarts")] = None,
) -> None:
    """Simulate every agency of the configuration folder, and the cargo system, on one port."""
    settings = Settings(environment="development")
    configure(settings.log_format)

    async def run(stop: asyncio.Event) -> int:
        configuration = load(settings.config_folder, development=True)
        app = create_app(
            configuration,
            hub_url=hub_url,
            data_folder=data,
            environment=environment_of(settings),
        )
        await serve(app, host, port, stop)
        return 0

    process.run(run)
