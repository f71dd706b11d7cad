"""The web server of a command that serves."""

from __future__ import annotations

import asyncio

import uvicorn

from hub.api.head import BoundedHttp


async def serve(app: object, host: str, port: int, stop: asyncio.Event) -> None:
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
