"""
The hub for a long time at half of what it can do: `python -m benchmarks.soak --minutes 40`.

Declarations of the reference job come in at random moments, at half the rate at which this machine is
saturated. Every few seconds the memory, the open files and the threads of each process are noted, the bytes
in the files of the database and of Temporal, and how long the declarations took. Then a table, with what each
figure grows by in an hour, and a picture. Status 1 when a declaration was lost, or when something grows that
is not what was stored.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import psutil

matplotlib.use("svg")

from matplotlib import pyplot

from benchmarks.agencies import Job, make_folder
from benchmarks.cargo import Cargo
from benchmarks.load import Customs, Passage
from benchmarks.stacks import Door, Hub

_SATURATING = 200
"""Declarations lodged, 50 at once, to find out what this machine can do."""
_FILLING, _AT_ONCE = 600, 200
"""Declarations lodged, and how many at once, before anything is noted: pools have grown to what they hold."""
_WARM_UP = 0.25
"""Of the time: what caches and pools grow to is not growth."""
_FLAT = 0.05
"""A share by which a figure may differ between the beginning and the end, and is flat."""
_LEAST = {"MB": 16.0, "files": 8.0, "threads": 4.0}
"""What a figure may grow by in any case: an allocator's page, a connection of a pool."""
_WATCHED = ("worker", "api", "temporal")
"""The simulated agencies remember every application, as their ledger is for."""
_MB = 1e6


@dataclass(frozen=True)
class Sample:
    """How things stood at one moment."""

    seconds: float
    lodged: int
    memory: dict[str, float]
    """Resident MB by process."""
    files: dict[str, int]
    threads: dict[str, int]
    stored: dict[str, float]
    """MB of the database, of Temporal's, and of what both have not yet put in its place (-wal)."""


@dataclass(frozen=True)
class Timed:
    """A declaration's way, and when it was lodged."""

    seconds: float
    passage: Passage


@dataclass
class Soak:
    """What has been noted."""

    per_second: float
    samples: list[Sample] = field(default_factory=list)
    timed: list[Timed] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Course:
    """What became of one figure."""

    name: str
    unit: str
    first: float
    """Of the quarter after the warm-up, in the middle."""
    last: float
    """Of the last quarter."""
    per_hour: float
    verdict: str


async def soak(minutes: float, per_second: float | None, every: float, folder: Path) -> Soak:
    """Run it."""
    config = folder / "config"
    make_folder(config)
    async with Cargo() as cargo:
        hub = Hub(folder / "hub", config, cargo.url)
        door = await hub.start()
        try:
            async with Customs(door.url, door.key, cargo) as customs:
                rate = per_second or await _half_of_saturation(customs)
                # Else the first moment in which the machine stands still makes them grow.
                await customs.at_once(Job.MIX_4, _AT_ONCE, _FILLING, 300)
                return await _run(hub, door, customs, rate, minutes * 60, every)
        finally:
            await hub.stop()


async def _half_of_saturation(customs: Customs) -> float:
    await customs.at_once(Job.MIX_4, 50, 50, 60)  # warm
    run = await customs.at_once(Job.MIX_4, 50, _SATURATING, 120)
    print(f"saturated at {run.per_second:.1f} declarations a second", flush=True)
    return run.per_second / 2


async def _run(
    hub: Hub, door: Door, customs: Customs, per_second: float, seconds: float, every: float
) -> Soak:
    result = Soak(per_second)
    began = time.perf_counter()

    async def one() -> None:
        at = time.perf_counter() - began
        try:
            result.timed.append(Timed(at, await customs.lodge(Job.MIX_4)))
        except Exception as error:
            result.lost.append(f"at {at:.0f} s: {type(error).__name__}: {error}")

    async def watch() -> None:
        while True:
            result.samples.append(
                await asyncio.to_thread(_sample, hub, time.perf_counter() - began, len(result.timed))
            )
            print(_line(result), flush=True)
            await asyncio.sleep(every)

    chance = random.Random(1)  # noqa: S311 - the same moments each time
    watching = asyncio.create_task(watch())
    async with asyncio.TaskGroup() as group:
        moment = 0.0
        while moment < seconds:
            moment += chance.expovariate(per_second)
            await asyncio.sleep(max(0.0, began + moment - time.perf_counter()))
            group.create_task(one())
    watching.cancel()
    result.samples.append(_sample(hub, time.perf_counter() - began, len(result.timed)))
    return result


def _sample(hub: Hub, seconds: float, lodged: int) -> Sample:
    processes = {name: psutil.Process(pid) for name, pid in hub.pids.items()}
    sizes = {path.name: path.stat().st_size / _MB for path in hub.data.glob("*.sqlite*") if path.exists()}
    return Sample(
        seconds=seconds,
        lodged=lodged,
        memory={name: each.memory_info().rss / _MB for name, each in processes.items()},
        files={name: each.num_fds() for name, each in processes.items()},
        threads={name: each.num_threads() for name, each in processes.items()},
        stored={
            "database": sizes.get("hub.sqlite", 0.0),
            "database, not yet in its place": sizes.get("hub.sqlite-wal", 0.0),
            "temporal": sizes.get("temporal.sqlite", 0.0),
            "temporal, not yet in its place": sizes.get("temporal.sqlite-wal", 0.0),
        },
    )


def _line(result: Soak) -> str:
    last = result.samples[-1]
    memory = ", ".join(f"{name} {last.memory[name]:.0f} MB" for name in _WATCHED if name in last.memory)
    recent = [one.passage.settled for one in result.timed[-50:]]
    latency = f", outcome after {1000 * statistics.median(recent):.0f} ms" if recent else ""
    return f"{last.seconds:6.0f} s  {last.lodged} declarations, {memory}{latency}"


# --- what became of it ----------------------------------------------------------------------------------


def courses(result: Soak) -> list[Course]:
    """Every figure: at the beginning, at the end, and by how much it grows in an hour."""
    end = result.samples[-1].seconds
    samples = [one for one in result.samples if one.seconds >= end * _WARM_UP]
    found = []
    for name in (name for name in _WATCHED if name in samples[0].memory):
        found += [
            _course(f"{name}: memory", "MB", samples, [one.memory[name] for one in samples]),
            _course(f"{name}: files", "files", samples, [one.files[name] for one in samples]),
            _course(f"{name}: threads", "threads", samples, [one.threads[name] for one in samples]),
        ]
    for name in samples[0].stored:
        if "not yet" in name:
            found.append(_course(name, "MB", samples, [one.stored[name] for one in samples]))
    timed = [one for one in result.timed if one.seconds >= end * _WARM_UP]
    half = [one for one in timed if one.seconds < end * (1 + _WARM_UP) / 2]
    rest = [one for one in timed if one.seconds >= end * (1 + _WARM_UP) / 2]
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        first, last = (
            _quantile([1000 * one.passage.settled for one in part], share) for part in (half, rest)
        )
        hours = end * (1 - _WARM_UP) / 2 / 3600
        verdict = "flat" if last <= first * 1.25 + 20 else "GROWS"
        found.append(Course(f"POST to outcome, {name}", "ms", first, last, (last - first) / hours, verdict))
    return found


def bytes_per_declaration(result: Soak) -> dict[str, float]:
    """What one declaration adds to each database: the slope of its file over the declarations."""
    end = result.samples[-1].seconds
    samples = [one for one in result.samples if one.seconds >= end * _WARM_UP]
    counts = [float(one.lodged) for one in samples]
    return {
        name: _MB * statistics.linear_regression(counts, [one.stored[name] for one in samples]).slope
        for name in ("database", "temporal")
    }


def _course(name: str, unit: str, samples: Sequence[Sample], values: Sequence[float]) -> Course:
    quarter = max(1, len(values) // 3)
    first, last = statistics.median(values[:quarter]), statistics.median(values[-quarter:])
    slope = statistics.linear_regression([one.seconds / 3600 for one in samples], values).slope
    grown = last - first
    is_flat = grown <= max(first * _FLAT, _LEAST[unit])
    return Course(name, unit, first, last, slope, "flat" if is_flat else "GROWS")


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


# --- how it is shown ------------------------------------------------------------------------------------


def table(result: Soak) -> str:
    """For the terminal."""
    lines = [
        f"{len(result.timed)} declarations in {result.samples[-1].seconds / 60:.1f} minutes, "
        f"{result.per_second:.1f} a second; {len(result.lost)} lost",
        f"{'':42}{'begins':>12}{'ends':>12}{'an hour':>12}",
    ]
    for one in courses(result):
        lines.append(
            f"{one.name:42}{one.first:12.1f}{one.last:12.1f}{one.per_hour:+12.1f}  {one.unit:8}{one.verdict}"
        )
    for name, size in bytes_per_declaration(result).items():
        lines.append(f"{name + ': bytes a declaration':42}{size:24.0f}")
    return "\n".join(lines + result.lost[:20])


def draw(result: Soak, path: Path) -> None:
    """The picture: memory, open files, stored bytes and latency over time, each from zero."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "axes.spines.top": False}):
        figure, axes = pyplot.subplots(2, 2, figsize=(11, 7), layout="constrained")
        minutes = [one.seconds / 60 for one in result.samples]
        # Okabe and Ito's colours, which people who are colour-blind tell apart.
        for name, colour in zip(_WATCHED, ("#0072B2", "#E69F00", "#009E73"), strict=True):
            axes[0][0].plot(minutes, [one.memory[name] for one in result.samples], color=colour, label=name)
            axes[0][1].plot(minutes, [one.files[name] for one in result.samples], color=colour, label=name)
        lodged = [one.lodged for one in result.samples]
        for name, colour in (("database", "#0072B2"), ("temporal", "#009E73")):
            axes[1][0].plot(lodged, [one.stored[name] for one in result.samples], color=colour, label=name)
        for share, name, colour in ((0.5, "half", "#0072B2"), (0.99, "99 in 100", "#D55E00")):
            points = _by_minute(result.timed, share)
            axes[1][1].plot([p[0] for p in points], [p[1] for p in points], color=colour, label=name)
        for axis, title, across, unit in (
            (axes[0][0], "Memory", "minutes", "MB"),
            (axes[0][1], "Open files and connections", "minutes", ""),
            (axes[1][0], "Stored", "declarations", "MB"),
            (axes[1][1], "POST to outcome", "minutes", "ms"),
        ):
            axis.set_title(title, loc="left")
            axis.set_xlabel(across)
            axis.set_ylabel(unit)
            axis.set_ylim(bottom=0)
            axis.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def _by_minute(timed: Sequence[Timed], share: float) -> list[tuple[float, float]]:
    minutes: dict[int, list[float]] = {}
    for one in timed:
        minutes.setdefault(int(one.seconds // 60), []).append(one.passage.settled * 1000)
    return [(minute + 0.5, _quantile(values, share)) for minute, values in sorted(minutes.items())]


def _written(result: Soak) -> dict[str, Any]:
    return {
        "per_second": result.per_second,
        "samples": [asdict(one) for one in result.samples],
        "courses": [asdict(one) for one in courses(result)],
        "bytes_per_declaration": bytes_per_declaration(result),
        "declarations": len(result.timed),
        "lost": result.lost,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--per-second", type=float, help="half of what this machine can do, unless said")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two looks")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-soak-") as folder:
        result = asyncio.run(soak(asked.minutes, asked.per_second, asked.every, Path(folder)))
    asked.results.mkdir(parents=True, exist_ok=True)
    (asked.results / "soak.json").write_text(json.dumps(_written(result), indent=1) + "\n")
    draw(result, asked.results / "soak.svg")
    print(table(result))
    sys.exit(1 if result.lost or any(one.verdict != "flat" for one in courses(result)) else 0)


if __name__ == "__main__":
    main()
