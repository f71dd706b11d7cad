"""Which of the changes to a folder are taken: those that are sound together. What is not stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.config.faults import Fault
from hub.config.moving import lost_by_moving
from hub.config.reading import Reading
from hub.config.sources import SHARED, Source, Sources


@dataclass(frozen=True)
class Choice:
    """What is to be in force, and what is not, by the names of the files, with the faults that are why."""

    reading: Reading
    refused: Mapping[str, tuple[Fault, ...]]

    @property
    def sources(self) -> Sources:
        return self.reading.sources


def choose(found: Sources, good: Sources, check: Callable[[Sources], Reading]) -> Choice:
    """
    Of the files found in a folder, those that may take the place of the good ones.

    All changes are tried together first: one may need another. Then those are left out in whose files the
    faults are. Where the faults are in files that have not changed, nobody can be named by them: then each
    change is tried by itself, those to the files beside the agencies' first. A file that has vanished is a
    change too. Last, no service is lost that stands in a file which is left out: it was moved, and would be
    asked of nobody. The reading has faults only where the good files have some by now.
    """
    trial = dict(found)
    held: dict[str, tuple[Fault, ...]] = {}
    while True:
        choice = _sound(trial, good, check)
        lost = lost_by_moving(found, good, choice.sources, choice.refused.keys(), check)
        if not lost:
            return Choice(choice.reading, {**choice.refused, **held})
        for name, faults in lost.items():
            held[name] = faults
            _set(trial, name, good[name])


def _sound(found: Sources, good: Sources, check: Callable[[Sources], Reading]) -> Choice:
    trial = dict(found)
    refused: dict[str, tuple[Fault, ...]] = {}
    while True:
        reading = check(trial)
        faults = reading.faults
        if not faults:
            return Choice(reading, refused)
        blamed = {fault.file for fault in faults} & set(_changed(trial, good))
        if not blamed:
            break
        for name in blamed:
            refused[name] = tuple(fault for fault in faults if fault.file == name)
            _set(trial, name, good.get(name))
    return _one_by_one(trial, good, check, refused)


def _one_by_one(
    trial: Sources,
    good: Sources,
    check: Callable[[Sources], Reading],
    refused: Mapping[str, tuple[Fault, ...]],
) -> Choice:
    chosen = dict(good)
    reading = check(chosen)
    standing = set(reading.faults)
    waiting = _changed(trial, good)
    why: dict[str, tuple[Fault, ...]] = {}
    taken = True
    while taken:
        # One change may be sound only after another that came later in the row.
        taken = False
        for name in list(waiting):
            attempt = dict(chosen)
            _set(attempt, name, trial.get(name))
            checked = check(attempt)
            new = tuple(fault for fault in checked.faults if fault not in standing)
            if new:
                why[name] = new
                continue
            chosen, reading, taken = attempt, checked, True
            waiting.remove(name)
    return Choice(reading, {**refused, **{name: why[name] for name in waiting}})


def _changed(found: Sources, good: Sources) -> list[str]:
    """The names of files that differ; those beside the agencies' first."""
    names = [name for name in sorted({*found, *good}) if found.get(name) != good.get(name)]
    return sorted(names, key=lambda name: (name not in SHARED, name))


def _set(sources: dict[str, Source], name: str, source: Source | None) -> None:
    if source is None:
        sources.pop(name, None)
    else:
        sources[name] = source
