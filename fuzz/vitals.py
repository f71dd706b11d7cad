"""What a process costs, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """What a process has had of the processor, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident(pid: int) -> int:
    """Bytes of memory a process holds now."""
    return _status(pid, "VmRSS")


def most_resident(pid: int) -> int:
    """Bytes of memory a process has held at most."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status")
    # Of a process that has ended and was not waited for yet, there is a status without memory.
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")
