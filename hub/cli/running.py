"""How a process of the hub runs, whatever its work is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from hub import process, telemetry
from hub.bootstrap.joined import Hub, build
from hub.logs import configure
from hub.settings import Settings


def run_hub(role: str, main: Callable[[Hub, asyncio.Event], Awaitable[None]]) -> NoReturn:
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
