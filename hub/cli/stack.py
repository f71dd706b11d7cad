"""Commands that run all of the hub on one machine."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from hub import process
from hub.embedded import Ports, Stack

_EXAMPLE = """curl -s {url}/v1/declarations -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' -d @{file}"""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(up)
    app.command()(demo)


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
            _write_settings(stack)
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


def _write_settings(stack: Stack) -> None:
    """
    `client.env` is what `hub submit` and `hub show` need, so that they work without being told anything;
    `hub.env` is for a shell from which the hub is operated: `hub doctor` reads database and engine itself.
    """
    client = {"HUB_API_URL": stack.api_url, "HUB_API_KEY": stack.api_key}
    settings = {name: value for name, value in stack.environment.items() if name.startswith("HUB_")}
    for name, lines in (
        ("client.env", [f"{name}={value}" for name, value in client.items()]),
        ("hub.env", [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]),
    ):
        path = stack.folder / name
        path.touch(mode=0o600)
        path.write_text("\n".join([*lines, ""]))


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
            f"  settings        . {stack.folder / 'hub.env'}  (before hub doctor, hub clients and the like)",
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
