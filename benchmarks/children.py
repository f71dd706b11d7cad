"""Child processes of a contender, with their logs in one folder."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

_READY_WITHIN = 60.0
_STOP_WITHIN = 10.0
_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


class ChildFailed(RuntimeError):
    """A process did not start or did not stay up; the message says which, with the tail of its log."""


class Children:
    """Starts processes in order, and ends them in the other order."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._running.items()}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a process with what it needs beyond our own environment."""
        with (self._logs / f"{name}.log").open("ab") as out:
            self._running[name] = subprocess.Popen(  # noqa: S603 - commands of the bench's own
                command,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    async def answers(self, name: str, url: str) -> None:
        """Wait until a page answers 200. Raises ChildFailed."""

        def asked() -> bool:
            try:
                return requests.get(url, timeout=2).status_code == 200
            except requests.RequestException:
                return False  # not listening yet: that is what is being waited for

        await self._until(name, asked)

    async def listens(self, name: str, port: int) -> None:
        """Wait until a port of this machine takes connections. Raises ChildFailed."""

        def connected() -> bool:
            with socket.socket() as probe:
                probe.settimeout(1)
                return probe.connect_ex(("127.0.0.1", port)) == 0

        await self._until(name, connected)

    async def _until(self, name: str, fulfilled: object) -> None:
        assert callable(fulfilled)
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN
        while not await asyncio.to_thread(fulfilled):
            self.check_alive()
            if asyncio.get_running_loop().time() > deadline:
                raise ChildFailed(f"{name} is not ready\n{self.tail(name)}")
            await asyncio.sleep(0.05)

    def check_alive(self) -> None:
        """Raises ChildFailed if a process has ended by itself."""
        for name, child in self._running.items():
            if child.poll() is not None:
                raise ChildFailed(f"{name} ended with status {child.returncode}\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines of a process's log."""
        text = (self._logs / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    async def stop(self) -> None:
        """End all, gently, then for good; the last started first."""
        for child in reversed(self._running.values()):
            if child.poll() is None:
                child.terminate()
            try:
                await asyncio.to_thread(child.wait, _STOP_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
                await asyncio.to_thread(child.wait)


def _end_with_parent() -> None:
    """Run in a child before it begins: on Linux the kernel ends it when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
