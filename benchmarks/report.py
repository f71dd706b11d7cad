"""The result: as tables in the terminal, as JSON, and as pictures."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.agencies import Job
from benchmarks.measuring import SIMULATOR, Figures, own_processor
from benchmarks.meter import DRIVER
from benchmarks.targets import Round, judge

_ROUTING_MOST = 20


@dataclass
class Result:
    """Every round, and what failed."""

    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: str = field(default_factory=lambda: _machine())
    rounds: list[Round] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Contenders that failed or could not be had, with the reason."""
    routing: float | None = None
    """Milliseconds of processor time for 1,000 goods items against 10,000 rules."""
    adapters: str = ""
    """The table of `benchmarks.adapters`."""

    @property
    def contenders(self) -> list[str]:
        """In the order of the rounds; who came in later stands last."""
        return list(dict.fromkeys(name for each in self.rounds for name in each))

    def values(self, contender: str, figure: str) -> list[float]:
        """Of every round that has it."""
        return [
            each[contender].values[figure]
            for each in self.rounds
            if contender in each and figure in each[contender].values
        ]

    def processor(self, contender: str, job: Job) -> list[float]:
        return [
            own_processor(each[contender], job)
            for each in self.rounds
            if contender in each and job in each[contender].processor
        ]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Result:
        """What `write` wrote."""
        document = json.loads(path.read_text())
        document["rounds"] = [
            {name: Figures(**figures) for name, figures in each.items()} for each in document["rounds"]
        ]
        return cls(**document)


@dataclass(frozen=True)
class Row:
    """One figure of every contender."""

    title: str
    figure: str
    scale: float = 1.0
    digits: int = 0


ROWS = (
    Row("declarations a second, 50 in flight", "per_second_50", digits=1),
    Row("declarations a second, 200 in flight", "per_second_200", digits=1),
    Row("declarations a second, 38 agencies, 12 in flight", "per_second_38", digits=1),
    Row("POST to 202, p50, ms", "accepted_p50", digits=1),
    Row("POST to outcome, p50, ms", "settled_p50"),
    Row("POST to outcome, slowest, ms", "settled_p99"),
    Row("POST to outcome at half of saturation, p50, ms", "half_settled_p50"),
    Row("POST to outcome at half of saturation, p99, ms", "half_settled_p99"),
    Row("POST to outcome, 4 immediate agencies, p50, ms", "settled_p50_4-reply"),
    Row("POST to outcome, 38 immediate agencies, p50, ms", "settled_p50_38-reply"),
    Row("POST to outcome, 38 agencies, p50, ms", "settled_p50_38"),
    Row("memory at most, MB", "memory", 1e-6),
    Row("stored per declaration, kB", "stored", 1e-3),
)


def tables(result: Result) -> str:
    """Medians of the rounds, with their spread; then the ratios; then processor time by process."""
    return "\n".join([*_figures(result), "", *_processes(result), "", *_ratios(result), *_failures(result)])


def _figures(result: Result) -> Iterator[str]:
    names = result.contenders
    yield f"{len(result.rounds)} rounds on {result.machine}; medians, with the least and the most below"
    yield ""
    yield f"{'':50}" + "".join(f"{name:>16}" for name in names)
    for row in ROWS:
        cells = {name: [row.scale * v for v in result.values(name, row.figure)] for name in names}
        yield from _lines(row.title, cells, row.digits)
    for job in (Job.MIX_4, Job.MIX_38):
        cells = {name: result.processor(name, job) for name in names}
        yield from _lines(f"processor ms per declaration, {job} agencies", cells, 1)


def _lines(title: str, cells: Mapping[str, Sequence[float]], digits: int) -> Iterator[str]:
    if not any(cells.values()):
        return
    yield f"{title:50}" + "".join(
        f"{statistics.median(values):16.{digits}f}" if values else f"{'-':>16}" for values in cells.values()
    )
    if any(len(values) > 1 for values in cells.values()):
        spread = [
            f"{min(values):.{digits}f}-{max(values):.{digits}f}" if len(values) > 1 else ""
            for values in cells.values()
        ]
        yield " " * 50 + "".join(f"{each:>16}" for each in spread)


def _processes(result: Result) -> Iterator[str]:
    yield "Processor ms per declaration by process, 4 agencies; the agencies and the bench are told apart"
    for name in result.contenders:
        spent = by_process(result, name)
        if spent:
            own = [f"{p} {ms:.1f}" for p, ms in spent.items() if p not in (SIMULATOR, DRIVER)]
            others = [f"{p} {spent[p]:.1f}" for p in (SIMULATOR, DRIVER) if p in spent]
            yield f"  {name:10} {', '.join(own)}   [{', '.join(others)}]"


def by_process(result: Result, contender: str) -> dict[str, float]:
    """Medians over the rounds."""
    sessions = [each[contender].processor.get(Job.MIX_4, {}) for each in result.rounds if contender in each]
    names = dict.fromkeys(name for session in sessions for name in session)
    return {name: statistics.median(s[name] for s in sessions if name in s) for name in names}


def _ratios(result: Result) -> Iterator[str]:
    yield f"{'Ratio, within each round':58}{'target':>14}{'median':>9}   spread"
    for judged in judge(result.rounds):
        word = "met" if judged.met else "NOT MET"
        yield (
            f"{judged.target.title:58}{judged.target.words:>14}{judged.median:9.2f}   "
            f"{min(judged.values):.2f} to {max(judged.values):.2f}   {word}"
        )
    if result.routing is not None:
        word = "met" if result.routing <= _ROUTING_MOST else "NOT MET"
        title = "routing, 1,000 goods items against 10,000 rules, ms"
        yield f"{title:58}{f'at most {_ROUTING_MOST}':>14}{result.routing:9.2f}   {word}"
    if result.adapters:
        yield ""
        yield "A call through the hub's adapters against the same bytes by requests alone (target: at most 3)"
        yield result.adapters


def _failures(result: Result) -> Iterator[str]:
    for name, reason in result.failed.items():
        yield ""
        yield f"{name} IS LEFT OUT of some rounds or of all:"
        yield from (f"  {line}" for line in reason.splitlines())


def _machine() -> str:
    python = platform.python_version()
    return f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {python}"
