"""A link between two processes that can be cut, slowed and hung: a TCP proxy on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from chaos.plan import FaultKind

_CHUNK = 65_536


@dataclass(frozen=True)
class Address:
    """Where somebody listens: a port on loopback, or a path of a Unix socket."""

    port: int = 0
    path: str = ""


@dataclass
class _Trouble:
    """What a link suffers from, until it is over."""

    kind: FaultKind
    amount: float
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Wire:
    """
    Forwards connections. Trouble befalls those that stand as well as new ones.

    Several troubles may overlap; the latest is the one that is felt.
    """

    def __init__(self, name: str, target: Address) -> None:
        self.name = name
        self.target = target
        self.connections = 0
        self.cuts = 0
        """How many connections have been cut or reset on purpose."""
        self._troubles: list[_Trouble] = []
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self, here: Address) -> None:
        if here.path:
            self._server = await asyncio.start_unix_server(self._serve, here.path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", here.port)

    async def suffer(self, kind: FaultKind, seconds: float, amount: float) -> None:
        """Be in trouble for so long."""
        trouble = _Trouble(kind, amount)
        self._troubles.append(trouble)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._troubles.remove(trouble)
            trouble.over.set()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def _trouble(self) -> _Trouble | None:
        return self._troubles[-1] if self._troubles else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            await self._join(reader, writer)
        except (OSError, _Cut, asyncio.CancelledError):
            pass  # what a broken link is there for, both sides see it; or the end of the campaign
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._trouble is not None and self._trouble.kind is FaultKind.REFUSE:
            self.cuts += 1
            raise _Cut
        there, back = await self._connect()
        try:
            pumps = [
                asyncio.create_task(self._pump(reader, back, answers=False)),
                asyncio.create_task(self._pump(there, writer, answers=True)),
            ]
            try:
                await asyncio.gather(*pumps)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            back.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.target.path:
            return await asyncio.open_unix_connection(self.target.path)
        return await asyncio.open_connection("127.0.0.1", self.target.port)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        """Carry what comes from one side to the other. Raises _Cut when the link is cut."""
        while chunk := await reader.read(_CHUNK):
            trouble = self._trouble
            if trouble is not None:
                match trouble.kind:
                    case FaultKind.REFUSE:
                        self.cuts += 1
                        raise _Cut
                    case FaultKind.CUT if answers:
                        writer.write(chunk[: int(trouble.amount)])
                        await writer.drain()
                        self.cuts += 1
                        raise _Cut
                    case FaultKind.SLOW:
                        await asyncio.sleep(trouble.amount)
                    case FaultKind.HANG:
                        await trouble.over.wait()
            writer.write(chunk)
            await writer.drain()
        with contextlib.suppress(OSError):  # the other side may be gone already
            if writer.can_write_eof():
                writer.write_eof()


class _Cut(Exception):
    """The link is cut on purpose."""
