"""One session: one contender, started on empty folders, measured, and stopped."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.agencies import Job
from benchmarks.cargo import Cargo
from benchmarks.load import Customs, Passage, Run
from benchmarks.meter import DRIVER, Meter, stored
from benchmarks.stacks import Contender

SIMULATOR = "simulator"
_EVERYBODYS = (SIMULATOR, DRIVER)
IN_FLIGHT = (50, 200)


@dataclass(frozen=True)
class Effort:
    """
    How much is done in a session at most; 0 leaves a phase out.

    `seconds` bound the lodging of each phase, so that a slow contender does less, and not its settling.
    """

    warm: int = 12
    single: int = 12
    many: int = 150
    """Declarations with 50 in flight."""
    most: int = 300
    """With 200 in flight."""
    open_loop: int = 60
    wide: int = 24
    """Of 38 referrals."""
    wide_in_flight: int = 12
    seconds: float = 8.0


FULL = Effort()
CORE = Effort(single=8, many=120, most=0, open_loop=0, wide=12, wide_in_flight=6, seconds=6.0)
QUICK = Effort(single=4, many=50, most=0, open_loop=0, wide=4, wide_in_flight=4, seconds=4.0)


@dataclass
class Figures:
    """By name; what a session has not measured is not there."""

    values: dict[str, float] = field(default_factory=dict)
    processor: dict[str, dict[str, float]] = field(default_factory=dict)
    """By job, milliseconds per declaration by process."""
    trouble: str = ""
    """Why it did not come to the other figures, with the tail of its logs."""


async def run_session(contender: Contender, cargo: Cargo, effort: Effort, jobs: Sequence[Job]) -> Figures:
    """
    Measure a contender; what it fails with while it is measured is its trouble, and ends the session.

    Raises what it fails with when it is started. It is stopped whatever happens.
    """
    figures = Figures()
    try:
        door = await contender.start()
        before = await asyncio.to_thread(stored, contender.data)
        meter = Meter(contender.pids)
        try:
            async with Customs(door.url, door.key, cargo) as customs:
                lodged = await _measure(customs, meter, effort, jobs, figures)
        except Exception as error:
            figures.trouble = f"{_first(error)!r}\n{contender.log_tail()}"
            return figures
        figures.values["memory"] = meter.peak_memory
        after = await asyncio.to_thread(stored, contender.data)
        figures.values["stored"] = (after - before) / lodged
    finally:
        await contender.stop()
    return figures


async def _measure(
    customs: Customs, meter: Meter, effort: Effort, jobs: Sequence[Job], figures: Figures
) -> int:
    """The 4-agency figures first, on the same history for everybody; how many were lodged."""
    told = figures.values
    await customs.at_once(Job.MIX_4, 4, effort.warm, effort.seconds)
    lodged = effort.warm

    single = await customs.one_by_one(Job.MIX_4, effort.single, effort.seconds)
    told["accepted_p50"] = _p50(p.accepted for p in single)
    told["settled_p50"] = _p50(p.settled for p in single)
    told["settled_p99"] = _p99(p.settled for p in single)
    lodged += len(single)
    for in_flight, count in zip(IN_FLIGHT, (effort.many, effort.most), strict=True):
        if not count:
            continue
        before = meter.processor()
        run = await customs.at_once(Job.MIX_4, in_flight, count, effort.seconds)
        if in_flight == IN_FLIGHT[0]:
            figures.processor[Job.MIX_4] = _each(before, meter.processor(), run)
        meter.note_memory(without=(SIMULATOR,))
        told[f"per_second_{in_flight}"] = run.per_second
        told[f"settled_p99_{in_flight}"] = _p99(p.settled for p in run.passages)
        lodged += len(run.passages)
    if effort.open_loop:
        rate = max(0.5, told[f"per_second_{IN_FLIGHT[0]}"] / 2)
        run = await customs.at_rate(Job.MIX_4, rate, min(effort.open_loop, round(rate * effort.seconds)))
        told["half_settled_p50"] = _p50(p.settled for p in run.passages)
        told["half_settled_p99"] = _p99(p.settled for p in run.passages)
        lodged += len(run.passages)
    for job in jobs:
        lodged += await _measure_job(customs, meter, effort, job, figures)
    return lodged


async def _measure_job(customs: Customs, meter: Meter, effort: Effort, job: Job, figures: Figures) -> int:
    """Another version of the job: one in flight, then several."""
    told = figures.values
    single: list[Passage] = await customs.one_by_one(job, 1 + effort.single // 2, effort.seconds)
    told[f"settled_p50_{job}"] = _p50(p.settled for p in single[1:])
    lodged = len(single)
    if job is Job.MIX_38:
        before = meter.processor()
        run = await customs.at_once(job, effort.wide_in_flight, effort.wide, effort.seconds)
        figures.processor[job] = _each(before, meter.processor(), run)
        meter.note_memory(without=(SIMULATOR,))
        told[f"per_second_{job}"] = run.per_second
        lodged += len(run.passages)
    return lodged


def _first(error: BaseException) -> BaseException:
    """What is at the bottom of a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _each(before: dict[str, float], after: dict[str, float], run: Run) -> dict[str, float]:
    return {name: (after[name] - before[name]) / len(run.passages) for name in before}


def _p50(seconds: Iterable[float]) -> float:
    """Milliseconds."""
    return 1000 * statistics.median(seconds)


def _p99(seconds: Iterable[float]) -> float:
    """Milliseconds; of few, the slowest."""
    values = sorted(seconds)
    return 1000 * float(values[min(len(values) - 1, int(0.99 * len(values)))])


def own_processor(figures: Figures, job: Job) -> float:
    """Of the contender alone: the agencies and the bench are not its doing."""
    return sum(spent for name, spent in figures.processor.get(job, {}).items() if name not in _EVERYBODYS)
