"""
What one part's failing costs the others: `python -m benchmarks.failing`.

*An agency hangs.* Declarations of the reference job come at a steady rate, and beside them others, which need
one more agency: in one half of each round it answers, in the other it takes every call and says nothing. What
is told is how long those of the reference job took, of which none needs that agency, and the ratio of the two
halves. Each round has agencies of its own: the hub knows none of them to be failing when it begins.

*A worker is killed.* Two workers share declarations that have all just been lodged. One is killed with -9,
and stays dead. What is told is how long after that the last of the declarations came to its outcome; the
kills come at moments that are spread over what a declaration goes through. `--alone` has one worker, started
again at once, as a supervisor does it. A call to these agencies may take 5 s: what the dead worker had begun
to send, and its agency does not know, is sent once more when that time has passed, and not before (it may
still be on its way).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.agencies import POLL_EVERY, Job, make_folder
from benchmarks.cargo import Cargo
from benchmarks.job import declaration, declaration_of
from benchmarks.load import Customs
from benchmarks.workers import WORKERS, TwoWorkers
from hub import process
from hub.embedded import Ports, Stack

_SLOWER = 1.2
"""Times as long as without a hanging agency, at most."""
_MOVES_WITHIN = 10.0
"""Seconds after a kill, at most."""


@asynccontextmanager
async def _silent() -> AsyncIterator[str]:
    """The URL of a system that takes every call, and answers none."""
    open_ones: set[asyncio.StreamWriter] = set()

    def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in open_ones:
            writer.transport.abort()
        server.close()


async def _with_others(customs: Customs, code: str, asked: argparse.Namespace) -> list[float]:
    """Seconds to the outcome of the reference job, while others are lodged that need the agency of `code`."""

    async def lodge_others() -> None:
        chance = random.Random(2)  # noqa: S311 - the same moments each time
        while True:
            await asyncio.sleep(chance.expovariate(asked.per_second / 2))
            await customs.post(declaration_of(code))

    others = asyncio.create_task(lodge_others())
    try:
        run = await customs.at_rate(Job.MIX_4, asked.per_second, asked.count)
    finally:
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
    return [passage.settled for passage in run.passages]


async def _hanging(asked: argparse.Namespace, folder: Path) -> bool:
    hanging = {f"hanging{n}": f"0201{10 + n}" for n in range(asked.rounds)}
    sound = {f"sound{n}": f"0202{10 + n}" for n in range(asked.rounds)}
    make_folder(folder / "config", hanging | sound)
    ratios, table = [], Table("ms", "it answers: p50", "p99", "it hangs: p50", "p99", "ratio of p99")
    async with Cargo() as cargo, _silent() as url:
        overrides = {f"{slug.upper()}_ENDPOINT": url for slug in hanging}
        overrides |= {"HUB_CARGO_URL": cargo.url, "HUB_POLL_SCALE": str(POLL_EVERY)}
        stack = Stack(folder / "hub", Ports.free(), folder / "config", overrides)
        try:
            await stack.start()
            async with Customs(stack.api_url, stack.api_key, cargo) as customs:
                await customs.at_rate(Job.MIX_4, asked.per_second, 50)
                # In turn one way round and the other: what wears off, or piles up, falls on both alike.
                for number, pair in enumerate(zip(sound.values(), hanging.values(), strict=True)):
                    order = pair if number % 2 == 0 else pair[::-1]
                    took = {code: await _with_others(customs, code, asked) for code in order}
                    figures = [each for code in pair for each in _p50_and_p99(took[code])]
                    ratios.append(figures[3] / figures[1])
                    table.add_row(
                        str(number + 1), *(f"{1000 * each:.0f}" for each in figures), f"{ratios[-1]:.2f}"
                    )
        finally:
            await stack.stop()
    ratio = statistics.median(ratios)
    Console().print(table)
    print(f"one agency hangs: p99 of the others {ratio:.2f} times as long (at most {_SLOWER})", flush=True)
    return ratio <= _SLOWER


def _p50_and_p99(seconds: Sequence[float]) -> tuple[float, float]:
    parts = statistics.quantiles(seconds, n=100)
    return parts[49], parts[98]


async def _killed(asked: argparse.Namespace, folder: Path) -> bool:
    make_folder(folder / "config", timeout="5s")
    lasts = []
    async with Cargo() as cargo:
        overrides = {"HUB_CARGO_URL": cargo.url, "HUB_POLL_SCALE": str(POLL_EVERY)}
        stack = TwoWorkers(folder / "hub", Ports.free(), folder / "config", overrides)
        try:
            await stack.start()
            if not asked.alone:
                await stack.start_child(WORKERS[1])
            async with Customs(stack.api_url, stack.api_key, cargo) as customs:
                await customs.at_once(Job.MIX_4, 20, 100, 60)
                for number in range(asked.kills):
                    victim = WORKERS[0 if asked.alone else number % 2]
                    after = asked.spread * (number + 0.5) / asked.kills
                    lasts.append(await _kill(stack, customs, cargo, victim, after, asked))
                    print(f"killed {after:.2f} s after the first was lodged: {lasts[-1]:.1f} s", flush=True)
                    if not asked.alone:
                        await stack.restart_child(victim)
                    await customs.at_once(Job.MIX_4, 20, 60, 60)
        finally:
            await stack.stop()
    print(
        f"a worker killed: all had moved to their outcome after {statistics.median(lasts):.1f} s, at most "
        f"{max(lasts):.1f} s (at most {_MOVES_WITHIN:g})",
        flush=True,
    )
    return max(lasts) <= _MOVES_WITHIN


async def _kill(
    stack: Stack, customs: Customs, cargo: Cargo, victim: str, after: float, asked: argparse.Namespace
) -> float:
    """Seconds from the kill until the last of the declarations that were lodged before has its outcome."""
    began = time.perf_counter()
    mrns = await asyncio.gather(*(customs.post(declaration(Job.MIX_4)) for _ in range(asked.at_once)))
    await asyncio.sleep(max(0.0, began + after - time.perf_counter()))
    stack.kill_child(victim)
    killed = time.perf_counter()
    if asked.alone:
        await stack.restart_child(victim)
    told = await asyncio.gather(*(cargo.told(mrn) for mrn in mrns))
    return max(0.0, max(told) - killed)


async def _main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failing", description=__doc__)
    parser.add_argument("--only", choices=["hanging", "killed"])
    parser.add_argument("--rounds", type=int, default=3, help="of a hanging agency")
    parser.add_argument("--per-second", type=float, default=4.0, help="declarations that do not need it")
    parser.add_argument("--count", type=int, default=200, help="of them, in each half of a round")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=20, help="declarations under way at a kill")
    parser.add_argument("--spread", type=float, default=2.0, help="seconds over which the kills are spread")
    parser.add_argument("--alone", action="store_true", help="one worker, started again at once")
    asked = parser.parse_args(words)
    held = []
    for name, measure in (("hanging", _hanging), ("killed", _killed)):
        if asked.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                held.append(await measure(asked, Path(folder)))
    return 0 if all(held) else 1


if __name__ == "__main__":
    process.end(asyncio.run(_main(sys.argv[1:])))
