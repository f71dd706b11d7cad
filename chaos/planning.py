"""Makes the plan of a seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from chaos.lots import LotMaker
from chaos.plan import Fault, FaultKind, Kind, Plan
from chaos.world import World

_LINK_FAULTS = (FaultKind.REFUSE, FaultKind.CUT, FaultKind.SLOW, FaultKind.HANG)
_MESSAGE_FAULTS = (FaultKind.REPEAT, FaultKind.DELAY, FaultKind.REORDER, FaultKind.DEAFEN, FaultKind.FORGE)


def make_plan(
    seed: str,
    world: World,
    *,
    declarations: int,
    kills: int,
    faults: int,
    database: str,
    means: Sequence[str] = (),
    kinds: Collection[Kind] = frozenset(Kind),
) -> Plan:
    """
    The plan of a seed. `faults` are those beside the kills; `means` are what this machine lets us break
    beyond links, messages and files: "disk", "clock".
    """
    chance = random.Random(seed)  # noqa: S311 - a plan is no secret
    maker = LotMaker(chance, world, kinds)
    lots = tuple(maker.make(number) for number in range(1, declarations + 1))
    planned = _faults(chance, world, declarations, kills, faults, database, means)
    pauses = tuple(round(chance.expovariate(1 / 0.04), 3) for _ in lots)
    return Plan(seed, database, lots, planned, pauses)


def _faults(
    chance: random.Random,
    world: World,
    declarations: int,
    kills: int,
    others: int,
    database: str,
    means: Sequence[str],
) -> tuple[Fault, ...]:
    processes = ["worker", "worker", "api", "api", "simulator", "temporal"]
    links = ["agencies", "agencies", "cargo", "engine", "customs", "callbacks"]
    if database == "postgresql":
        processes.append("database")
        links.append("database")
    agencies = sorted(world.vocabulary)
    made: list[tuple[int, FaultKind, str, float, float]] = []
    for _ in range(kills):
        made.append(
            (
                _place(chance, declarations),
                FaultKind.KILL,
                chance.choice(processes),
                chance.uniform(0, 1.5),
                0,
            )
        )
    for _ in range(others):
        place, seconds = _place(chance, declarations), chance.uniform(0.5, 4)
        family = chance.choices(["link", "message", "file", *means], [8, 6, 3, *([1] * len(means))])[0]
        if family == "link":
            kind = chance.choice(_LINK_FAULTS)
            amount = {FaultKind.CUT: float(chance.randint(0, 400)), FaultKind.SLOW: chance.uniform(0.02, 0.4)}
            made.append((place, kind, chance.choice(links), seconds, amount.get(kind, 0.0)))
        elif family == "message":
            made.append(
                (place, chance.choice(_MESSAGE_FAULTS), "messages", seconds, chance.uniform(0.05, 1.5))
            )
        elif family == "file":
            kind = chance.choice([FaultKind.EDIT, FaultKind.BREAK])
            made.append((place, kind, chance.choice(agencies), seconds, 0))
        elif family == "disk":
            made.append((place, FaultKind.DISK, "disk", chance.uniform(0.5, 3), 0))
        else:
            jump = chance.choice([-1, 1]) * chance.uniform(5, 60)
            made.append(
                (place, FaultKind.CLOCK, chance.choice(["api", "worker"]), chance.uniform(2, 6), jump)
            )
    made.sort(key=lambda one: one[0])
    return tuple(
        Fault(number, place, kind, target, round(seconds, 2), round(amount, 2))
        for number, (place, kind, target, seconds, amount) in enumerate(made, 1)
    )


def _place(chance: random.Random, declarations: int) -> int:
    return chance.randint(1, declarations)
