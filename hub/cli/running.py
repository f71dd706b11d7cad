"""Commands that run parts of the hub, or all of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvicorn
from fastapi import FastAPI

from hub import process, telemetry
from hub.api.head import BoundedHttp
from hub.bootstrap import Hub, api_parts, build, console_parts, environment_of
from hub.config.loader import load
from hub.embedded import Ports, Stack
from hub.logs import configure
from hub.relays.calls import CallRelay
from hub.relays.loop import keep_going
from hub.settings import AgencyWorkerSettings, Settings

_EXAMPLE = """curl -s {url}/v1/declarations -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' -d @{file}"""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(up)
    app.command()(demo)
    app.command()(worker)
    app.command()(api)
    app.command()(simulate)


def up(
    folder: Annotated[Path, typer.Option(help="where the stack keeps its files")] = Path(".hub/up"),
    config: Annotated[Path, typer.Option(help="the configuration folder")] = Path("adapters_config"),
    api_port: int = 8080,
    simulator_port: int = 8090,
    temporal_port: int = 7233,
    temporal_ui_port: int = 8233,
) -> None:
    """Keep the whole stack running on this machine, agencies simulated, until Ctrl-C."""
    ports = Ports(api_port, simulator_port, temporal_port, temporal_ui_port)

    async def run(stop: asyncio.Event) -> int:
        stack = Stack(folder, ports, config)
        try:
            print("starting ...", flush=True)
            await stack.start()
            _write_client_file(stack)
            print(_welcome(stack), flush=True)
            stopped = asyncio.create_task(stop.wait())
            ended = asyncio.create_task(stack.first_end())
            await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                return 0
            name = ended.result()
            print(f"{name} ended by itself; its log says:\n{stack.log_tail(name)}", flush=True)
            return 1
        finally:
            print("stopping ...", flush=True)
            await stack.stop()

    process.run(run)


def demo(
    keep: Annotated[Path | None, typer.Option(help="keep the stack's files and logs in this folder")] = None,
    config: Annotated[Path, typer.Option(help="the configuration folder")] = Path("adapters_config"),
) -> None:
    """Lodge real declarations through the whole stack, watch them, and end: 0 if each ended as it should."""
    from hub.cli.demonstration import run_demo

    async def run(stop: asyncio.Event) -> int:
        with tempfile.TemporaryDirectory(prefix="hub-demo-") as made:
            stack = Stack(keep or Path(made), Ports.free(), config)
            return await run_demo(stack, stop)

    process.run(run)


def worker(
    agency: Annotated[
        str | None, typer.Option(help="carry out the exchanges with this agency alone, in its own network")
    ] = None,
) -> None:
    """Carry out workflows and activities, and keep the relays going."""
    if agency is not None:
        _run_agency_worker(agency)
    from hub.worker import work

    _run_hub("worker", work)


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


def api() -> None:
    """Serve the API for customs systems and agencies."""

    async def serve(hub: Hub, stop: asyncio.Event) -> None:
        following = asyncio.create_task(hub.follow(stop))
        calls = CallRelay(hub.tally, hub.store, hub.clock)
        relays = [asyncio.create_task(keep_going(relay, stop)) for relay in (calls, hub.keeper)]
        try:
            await _serve(_pages_and_api(hub), hub.settings.api_host, hub.settings.api_port, stop)
        finally:
            stop.set()
            await following
            await asyncio.gather(*relays)
            await calls.finish()
            await hub.keeper.finish()

    _run_hub("api", serve)


def _pages_and_api(hub: Hub) -> FastAPI:
    """The API, with the console and the tracking page beside it."""
    from hub.api.app import create_app
    from hub.console.app import Pages, create_console

    app = create_app(api_parts(hub))
    app.router.routes.append(Pages(create_console(console_parts(hub))))
    return app


def _run_hub(role: str, main: Callable[[Hub, asyncio.Event], Awaitable[None]]) -> NoReturn:
    """Build a hub by the settings, do its work until told to stop, and end the process."""
    settings = Settings()
    configure(settings.log_format)
    traces = telemetry.start(settings, role)

    async def run(stop: asyncio.Event) -> int:
        hub = await build(settings, role)
        process.settle()
        try:
            await main(hub, stop)
        finally:
            await hub.close()
            await asyncio.to_thread(traces.close)
        return 0

    process.run(run)


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
        from hub.simulator.server import create_app

        configuration = load(settings.config_folder, development=True)
        app = create_app(
            configuration,
            hub_url=hub_url,
            data_folder=data,
            environment=environment_of(settings),
        )
        await _serve(app, host, port, stop)
        return 0

    process.run(run)


async def _serve(app: object, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until told to stop; this process has its own signal handlers."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            http=BoundedHttp,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    serving = asyncio.create_task(server._serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    stopping.cancel()


def _write_client_file(stack: Stack) -> None:
    """What `hub submit` and `hub show` need, so that they work without being told anything."""
    path = stack.folder / "client.env"
    path.touch(mode=0o600)
    path.write_text(f"HUB_API_URL={stack.api_url}\nHUB_API_KEY={stack.api_key}\n")


def _welcome(stack: Stack) -> str:
    return "\n".join(
        [
            "",
            f"  console         {stack.api_url}/console (admin, {stack.console_password})",
            f"  API             {stack.api_url}",
            f"  API docs        {stack.api_url}/docs",
            f"  Temporal's UI   {stack.temporal_ui_url}",
            f"  agencies        {stack.simulator_url}/_simulator/agencies (simulated)",
            f"  logs            {stack.folder / 'logs'}",
            "",
            "  Try:",
            "",
            _EXAMPLE.format(url=stack.api_url, key=stack.api_key, file="hub/demo/cherries.json"),
            "",
            "  or, with a live table:  .venv/bin/hub submit hub/demo/cherries.json --watch",
            "",
            "  Ctrl-C ends it.",
        ]
    )
