"""A campaign: so many inputs at every door, what came of them, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from fuzz.vitals import most_resident, resident

MOST_GROWTH = 1024 * 1024 * 1024
"""Bytes that a process of the hub may hold beyond what it held before the first input."""


@dataclass(frozen=True)
class Outcome:
    """What came of one input."""

    kind: str
    result: str
    """In a word: the status of an answer, or how it was refused."""
    seconds: float
    sent: bytes = b""
    faults: tuple[str, ...] = ()


class Door(Protocol):
    """One place where input comes in."""

    name: str

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        """
        Send what follows from the number and the source of chance, and judge what comes back: one outcome for
        each input. A door may send several for one number, where they belong together.
        """

    def close(self) -> None:
        """Let go of what is held."""


@dataclass(frozen=True)
class Finding:
    """An input at which the hub failed."""

    door: str
    number: int
    outcome: Outcome

    def __str__(self) -> str:
        what = "; ".join(self.outcome.faults)
        return f"{self.door} {self.number} ({self.outcome.kind}): {what}"


@dataclass
class Tally:
    """What came of the inputs of one kind at one door."""

    results: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.results[outcome.result] += 1
        self.slowest = max(self.slowest, outcome.seconds)


@dataclass
class Report:
    """What a campaign has done and found."""

    seed: int
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    """By door and kind of input."""
    findings: list[Finding] = field(default_factory=list)
    memory: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """By process: bytes before the first input, at most, and at the end."""
    seconds: float = 0.0

    @property
    def inputs(self) -> int:
        return sum(tally.results.total() for tally in self.tallies.values())

    def add(self, door: str, number: int, outcome: Outcome) -> None:
        self.tallies.setdefault((door, outcome.kind), Tally()).add(outcome)
        if outcome.faults:
            self.findings.append(Finding(door, number, outcome))

    def by_door(self) -> dict[str, Tally]:
        """The same with the kinds of a door taken together."""
        doors: dict[str, Tally] = {}
        for (door, _), tally in self.tallies.items():
            whole = doors.setdefault(door, Tally())
            whole.results += tally.results
            whole.slowest = max(whole.slowest, tally.slowest)
        return doors


def chance(seed: int, door: str, number: int) -> Random:
    """The source of chance of one input: the same on every machine."""
    return Random(f"{seed}/{door}/{number}")


def play(report: Report, door: Door, numbers: Sequence[int]) -> None:
    """Put these numbers to a door, until there are as many inputs as numbers."""
    before = report.inputs
    for number in numbers:
        if report.inputs - before >= len(numbers):
            return
        for outcome in door.put(number, chance(report.seed, door.name, number)):
            report.add(door.name, number, outcome)


class Scales:
    """Weighs processes before and after, and finds those that have grown too much."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._before = {name: resident(pid) for name, pid in pids.items()}

    def has_outgrown(self) -> bool:
        """Whether one holds so much that whoever goes on might bring the machine to a stop."""
        return any(
            resident(pid) - self._before[name] > MOST_GROWTH
            for name, pid in self._pids.items()
            if Path(f"/proc/{pid}").exists()
        )

    def weigh(self, report: Report) -> None:
        for name, pid in self._pids.items():
            before = self._before[name]
            try:
                most, after = most_resident(pid), resident(pid)
            except ProcessLookupError as gone:
                dead = Outcome("memory", "gone", 0.0, faults=(f"{name}: {gone}",))
                report.findings.append(Finding("every door", 0, dead))
                continue
            report.memory[name] = (before, most, after)
            if most - before > MOST_GROWTH:
                grown = Outcome("memory", "grown", 0.0, faults=(f"{name} held {most >> 20} MiB",))
                report.findings.append(Finding("every door", 0, grown))


def keep(report: Report, folder: Path) -> None:
    """Write what was sent at each finding into a folder, a file for each."""
    for count, finding in enumerate(report.findings):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{report.seed}-{finding.door.replace(' ', '-')}-{finding.number}-{count}"
        (folder / f"{name}.bin").write_bytes(finding.outcome.sent)
        (folder / f"{name}.txt").write_text(str(finding) + "\n")


def lines_of(report: Report) -> Iterator[str]:
    """The report, as it is printed and kept: by door and kind, and by door."""
    found = Counter((finding.door, finding.outcome.kind) for finding in report.findings)
    yield _line("door", "kind", ("inputs", "taken", "refused", "closed", "found", "slowest"))
    for (door, kind), tally in sorted(report.tallies.items()):
        yield _line(door, kind, _columns(tally, found[door, kind]))
    yield ""
    for door, tally in report.by_door().items():
        of_door = sum(count for (name, _), count in found.items() if name == door)
        yield _line(door, "all kinds", _columns(tally, of_door))
    yield ""
    for name, (before, most, after) in report.memory.items():
        yield f"memory of {name}: {before >> 20} MiB before, {most >> 20} at most, {after >> 20} at the end"
    findings = len(report.findings)
    yield f"{report.inputs} inputs, {findings} findings, {report.seconds:.0f} s, seed {report.seed}"


def _columns(tally: Tally, found: int) -> Sequence[object]:
    whole, closed = tally.results.total(), tally.results["closed"]
    taken = sum(n for result, n in tally.results.items() if result.startswith(("1", "2", "3", "taken")))
    return whole, taken, whole - taken - closed, closed, found, f"{tally.slowest:.2f} s"


def _line(door: str, kind: str, columns: Sequence[object]) -> str:
    return f"{door:<22}{kind[:27]:<28}" + "".join(f"{column:>9}" for column in columns)
