"""The command that works: for the hub, or for one agency in its own network."""

from __future__ import annotations

import asyncio
from typing import Annotated, NoReturn

import typer

from hub import process, telemetry
from hub.logs import configure
from hub.settings import AgencyWorkerSettings


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(worker)


def worker(
    agency: Annotated[
        str | None, typer.Option(help="carry out the exchanges with this agency alone, in its own network")
    ] = None,
) -> None:
    """Carry out workflows and activities, and keep the relays going."""
    if agency is not None:
        _run_agency_worker(agency)
    from hub.cli.running import run_hub
    from hub.worker import work

    run_hub("worker", work)


def _run_agency_worker(agency: str) -> NoReturn:
    """The worker of one agency, which needs the engine, its files and its credentials, and nothing else."""
    from hub.agency_worker import AgencyWorker

    settings = AgencyWorkerSettings()
    configure(settings.log_format)
    traces = telemetry.start(settings, f"worker-{agency}")

    async def run(stop: asyncio.Event) -> int:
        work = AgencyWorker(settings, agency)
        process.settle()
        try:
            await work.work(stop)
        finally:
            await asyncio.to_thread(traces.close)
        return 0

    process.run(run)
