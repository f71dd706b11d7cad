"""What processes have used: processor time, memory, and bytes on the disk."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

import psutil

_NOT_STORED = ("-wal", "-shm", "-journal", ".log", ".aof")
"""Write-ahead and other logs, which are written over: what is kept stands in the files beside them."""
_NATIVE = ("tokio", "temporal")
"""How the names of the threads of the engine's client begin."""


DRIVER = "bench"
"""This process, alone: what it has started are the contender's."""


class Meter:
    """Processes by name, each with all that it has started; and this one."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = {name: psutil.Process(pid) for name, pid in roots.items()}
        self.peak_memory = 0
        """Bytes, of all processes together, what they share counted once (PSS); the most that was noted."""

    def processor(self) -> dict[str, float]:
        """Milliseconds of processor time since each began, with its children that are and that were."""
        spent = {name: 1000 * sum(map(_seconds, _tree(root))) for name, root in self._roots.items()}
        return {**spent, DRIVER: 1000 * time.process_time()}

    def note_memory(self, without: Collection[str]) -> None:
        """
        Look at the memory now. The processes `without` are the same for everybody.

        Looking takes some tens of milliseconds, so it is done between two phases and not beside them.
        """
        counted = [root for name, root in self._roots.items() if name not in without]
        used = sum(_memory(each) for root in counted for each in _tree(root))
        self.peak_memory = max(self.peak_memory, used)


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _seconds(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


def _memory(process: psutil.Process) -> int:
    # The sum alone: to read the list of all mappings takes a hundred times as long.
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def stored(folder: Path) -> int:
    """Bytes of a contender's data below a folder; write-ahead logs are put into their databases first."""
    for path in folder.rglob("*.sqlite"):
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(_NOT_STORED) and "pg_wal" not in path.parts
    )


def native_threads(pid: int) -> float:
    """Milliseconds of processor time that the threads of the engine's client in a process have spent."""
    ticks = os.sysconf("SC_CLK_TCK")
    spent = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        if name.startswith(_NATIVE):
            fields = rest.split()
            spent += int(fields[11]) + int(fields[12])
    return 1000 * spent / ticks
