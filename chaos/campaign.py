"""One leg of a campaign: a stage, a plan played on it, and what is found when all has come to rest."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos.checks import Breach, Invariant, check
from chaos.evidence import Evidence, concluded, gather
from chaos.faults import Done, Saboteur
from chaos.law import SLACK
from chaos.people import People
from chaos.plan import SILENCE, TERM, Fault, FaultKind, Kind, Plan
from chaos.record import History
from chaos.stack import Disk, Stage, clock_library
from chaos.world import World

_AT_ONCE = 32
"""Requests of people under way at the same time."""
_OPEN_MOST = 40
"""Declarations that may wait for their first word to the cargo system, before no more are lodged."""
_LOOKS_EVERY = 2.0
_SILENT = frozenset({Kind.STALLED, Kind.FAULTY, Kind.DUTIES, Kind.REPLACED, Kind.GIVEN_UP, Kind.EXPIRED})
"""Kinds of which the cargo system may never hear anything."""

Say = Callable[[str], None]


@dataclass
class Leg:
    """What was done and found."""

    plan: Plan
    folder: Path
    histories: list[History] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    messages: Counter[str] = field(default_factory=Counter)
    """Callbacks by the disturbance they met."""
    cuts: Counter[str] = field(default_factory=Counter)
    """Connections that were cut, by link."""
    seconds: float = 0.0
    seconds_to_rest: float = 0.0
    whole: bool = False
    """All of the plan was played in the time there was."""

    @property
    def holds(self) -> bool:
        return self.whole and not self.breaches


async def play(
    plan: Plan,
    world: World,
    configuration: Path,
    folder: Path,
    *,
    minutes: float,
    rest_minutes: float,
    say: Say,
) -> Leg:
    """
    Play a plan in a folder that is empty. Lodging ends after so many `minutes`; what was lodged has
    `rest_minutes` to come to rest.
    """
    leg = Leg(plan, folder)
    async with Stage.set(folder, configuration, world, plan.database) as stage:
        people = People(
            stage.stack, stage.links.url("customs"), world, store_url=stage.store_url, at_once=_AT_ONCE
        )
        saboteur = Saboteur(stage)
        keeper = asyncio.create_task(saboteur.keep_up())
        try:
            await people.issue_certificate()
            began = time.monotonic()
            player = _Player(leg, stage, people, saboteur, say)
            leg.whole = await player.flow(began + 60 * minutes)
            leg.seconds = time.monotonic() - began
            await player.rest(world, 60 * rest_minutes)
        finally:
            keeper.cancel()
            await people.close()
            leg.done, leg.ended = saboteur.done, saboteur.ended
            leg.messages = Counter(stage.links.post.counts)
            leg.cuts = Counter({name: wire.cuts for name, wire in stage.links.wires.items()})
    return leg


class _Player:
    def __init__(self, leg: Leg, stage: Stage, people: People, saboteur: Saboteur, say: Say) -> None:
        self._leg = leg
        self._stage = stage
        self._people = people
        self._saboteur = saboteur
        self._say = say
        self._lots: set[asyncio.Task[None]] = set()
        self._faults: set[asyncio.Task[None]] = set()

    async def flow(self, deadline: float) -> bool:
        """Lodge one lot after the other, with the faults in their places. Whether there was time for all."""
        plan = self._leg.plan
        waiting = list(plan.faults)
        told = time.monotonic()
        for lot, pause in zip(plan.lots, plan.pauses, strict=True):
            while waiting and waiting[0].at <= lot.number:
                await self._begin(waiting.pop(0))
            await self._until_there_is_room(lot.number, deadline)
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(pause)
            history = History(lot)
            self._leg.histories.append(history)
            self._task(self._lots, self._people.play(history))
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self._say(f"{lot.number} lodged, {len(self._saboteur.done)} faults done")
        for fault in waiting:
            await self._begin(fault)
        await _all(self._faults)
        await _all(self._lots)
        self._say(
            f"{len(self._leg.histories)} lodged, {len(self._saboteur.done)} faults done; coming to rest"
        )
        return len(self._leg.histories) == len(plan.lots)

    async def rest(self, world: World, patience: float) -> None:
        """Look until nothing is amiss, or the time is over."""
        began = time.monotonic()
        earliest = datetime.now(UTC) + timedelta(seconds=TERM + SILENCE + 3)
        jumped = any(done.fault.kind is FaultKind.CLOCK for done in self._saboteur.done)
        while True:
            at = datetime.now(UTC)
            evidence = await self._gather()
            # Nothing is at rest until what agencies have said, or have decided to say, has arrived.
            by_then = max(at, *evidence.words_at()) + SLACK
            breaches = check(world, self._leg.histories, evidence, clocks_jumped=jumped, at=by_then)
            late = time.monotonic() - began > patience
            short = any(history.lot.kind is Kind.EXPIRED for history in self._leg.histories)
            if late or (not breaches and (at > earliest or not short)):
                break
            unsettled = sum(one.invariant is Invariant.ONE_LAWFUL_OUTCOME for one in breaches)
            self._say(f"{unsettled} not at rest, {len(breaches) - unsettled} other differences")
            await asyncio.sleep(_LOOKS_EVERY)
        self._leg.seconds_to_rest = time.monotonic() - began
        self._leg.breaches, self._leg.evidence = breaches, evidence

    async def _gather(self) -> Evidence:
        evidence = await asyncio.to_thread(gather, self._stage.journal, self._stage.store_url)
        evidence.forgeries = self._stage.links.post.forgeries
        evidence.failures = self._people.failures
        evidence.balances = await self._people.balances()
        return evidence

    async def _begin(self, fault: Fault) -> None:
        self._task(self._faults, self._saboteur.do(fault))
        await asyncio.sleep(0)

    async def _until_there_is_room(self, number: int, deadline: float) -> None:
        while time.monotonic() < deadline:
            self._raise_what_failed()
            busy = len(self._lots) >= 2 * _AT_ONCE or len(self._faults) >= 8
            expected = sum(history.lot.kind not in _SILENT for history in self._leg.histories)
            if not busy and expected - await asyncio.to_thread(concluded, self._stage.journal) < _OPEN_MOST:
                return
            await asyncio.sleep(0.1)

    def _task(self, kept: set[asyncio.Task[None]], what) -> None:  # type: ignore[no-untyped-def]
        kept.add(asyncio.create_task(what))

    def _raise_what_failed(self) -> None:
        """What the campaign itself does wrong ends it."""
        for kept in (self._lots, self._faults):
            for task in [task for task in kept if task.done()]:
                kept.discard(task)
                task.result()


async def _all(tasks: set[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)
    tasks.clear()


def means_of_this_machine() -> list[str]:
    """What can be broken here beyond links, messages and files."""
    return ["disk", *(["clock"] if clock_library() else [])]


def clear(folder: Path) -> None:
    """Remove what an earlier run of a leg has left, one that was killed too."""
    Disk(folder / "disk").leave_behind()
    shutil.rmtree(folder, ignore_errors=True)
