"""Things going wrong, each done as the plan says, and undone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ruamel.yaml import YAML

from chaos.plan import Fault, FaultKind
from chaos.stack import Stage

_ON_LINKS = frozenset({FaultKind.REFUSE, FaultKind.CUT, FaultKind.SLOW, FaultKind.HANG})
_ON_MESSAGES = frozenset(
    {FaultKind.REPEAT, FaultKind.DELAY, FaultKind.REORDER, FaultKind.DEAFEN, FaultKind.FORGE}
)
_STARTS = 3.0
"""Seconds after which a process that was started is usually at work."""
_CLOCK_READ = 1.5
"""Seconds for a change of its clock to be seen: libfaketime reads it once a second."""


@dataclass(frozen=True)
class Done:
    """A fault that was done, with when it began and ended."""

    fault: Fault
    began_at: datetime
    ended_at: datetime


class Saboteur:
    """
    Does faults. Those of one target wait for each other; those of different targets overlap.

    A process that has been killed is started again after so many seconds, and counts as mended when its
    command runs, not when it answers: the next fault may meet it while it is starting.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.done: list[Done] = []
        self.ended: list[str] = []
        """Processes that ended by themselves and were started again, with their status."""

    async def do(self, fault: Fault) -> None:
        async with self._turns[fault.target]:
            began = datetime.now(UTC)
            await self._do(fault)
            self.done.append(Done(fault, began, datetime.now(UTC)))

    async def keep_up(self) -> None:
        """Start again whatever ends by itself, as a supervisor does, until cancelled."""
        stack = self._stage.stack
        while True:
            for name, status in stack.ended().items():
                if not self._turns[name].locked():
                    async with self._turns[name]:
                        self.ended.append(f"{name} with status {status}")
                        await stack.start_child(name)
            await asyncio.sleep(0.5)

    async def _do(self, fault: Fault) -> None:
        if fault.kind is FaultKind.KILL:
            await self._kill(fault)
        elif fault.kind in _ON_LINKS:
            await self._stage.links.wires[fault.target].suffer(fault.kind, fault.seconds, fault.amount)
        elif fault.kind in _ON_MESSAGES:
            await self._stage.links.post.suffer(fault.kind, fault.seconds, fault.amount)
        elif fault.kind is FaultKind.DISK:
            await self._fill_disk(fault)
        elif fault.kind is FaultKind.CLOCK:
            await self._jump(fault)
        elif fault.kind is FaultKind.EDIT:
            self._edit(fault)
        else:
            await self._break(fault)

    async def _kill(self, fault: Fault) -> None:
        if fault.target == "database":
            database = self._stage.database
            assert database is not None
            await database.kill()
            await asyncio.sleep(fault.seconds)
            await database.restart()
            return
        stack = self._stage.stack
        stack.kill_child(fault.target)
        await stack.wait_child(fault.target)
        await asyncio.sleep(fault.seconds)
        await stack.start_child(fault.target)

    async def _fill_disk(self, fault: Fault) -> None:
        disk, database = self._stage.disk, self._stage.database
        assert disk is not None
        await asyncio.to_thread(disk.fill)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await asyncio.to_thread(disk.empty)
        if database is not None:
            # PostgreSQL gives up when it cannot write ahead; whoever looks after it starts it again.
            await database.restart()

    async def _jump(self, fault: Fault) -> None:
        """Wrong and right again while it runs; started anew before and after, for its clock to be set."""
        stack = self._stage.stack
        clock = stack.clock(fault.target)
        clock.write_text("+0")
        stack.clocks_set.add(fault.target)
        try:
            await self._restart(fault.target)
            await asyncio.sleep(_STARTS)
            clock.write_text(f"{fault.amount:+.1f}")
            await asyncio.sleep(fault.seconds)
            clock.write_text("+0")
            await asyncio.sleep(_CLOCK_READ)
        finally:
            stack.clocks_set.discard(fault.target)
            await self._restart(fault.target)

    async def _restart(self, process: str) -> None:
        """As a deploy does."""
        self._stage.stack.end_child(process)
        await self._stage.stack.restart_child(process)

    def _edit(self, fault: Fault) -> None:
        """Another contact and another limit: a new version of the file, by which the same is asked."""
        path = self._file(fault.target)
        yaml = YAML()
        file = yaml.load(path.read_text())
        file["contact"] = f"desk-{fault.number}@{fault.target}.example"
        file["channel"].setdefault("limits", {})["concurrency"] = 4 + fault.number % 5
        with path.open("w") as out:
            yaml.dump(file, out)

    async def _break(self, fault: Fault) -> None:
        """Half a file, as an editor that dies leaves behind."""
        path = self._file(fault.target)
        whole = path.read_text()
        path.write_text(whole[: len(whole) // 2] + "\n  nonsense: [")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            path.write_text(whole)

    def _file(self, agency: str) -> Path:
        return self._stage.stack.config_folder / "agencies" / f"{agency}.yaml"
