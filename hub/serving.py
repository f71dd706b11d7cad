"""An HTTP server as a guest in a process that does other things, too."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn


class GuestServer(uvicorn.Server):
    """Leaves signals to the process it runs in, and tells when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], object]) -> None:
        """`listening` is called once, when it is `started`, or it is certain that it will not be."""
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
