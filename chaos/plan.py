"""
What a campaign does, made of its seed before anything is started: data, so that a seed can be read and rerun.

Every lot is one declaration with all that befalls it by its declarant's and its agencies' doing; every fault
stands at a place in the flow of lots.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chaos.world import Good, Service, World


class Kind(StrEnum):
    """How a lot is to go, if nothing fails."""

    CONSENTED = "consented"
    REFUSED = "refused"
    RECONSIDERED = "refused, then consented"
    LIFTED = "asked, then consented"
    ITEMWISE = "judged item by item"
    ANSWERED = "questioned and answered"
    UNANSWERED = "questioned, never answered"
    INSPECTED = "inspected, decided by hand"
    STALLED = "never decided"
    EXPIRED = "expired"
    NOT_UNDERSTOOD = "answered in a word nobody knows"
    NOBODY = "nobody to ask"
    PROHIBITED = "prohibited"
    AMENDED = "amended"
    REPLACED = "amended to other goods"
    WITHDRAWN = "withdrawn"
    CONTESTED = "amended and withdrawn at once"
    CERTIFIED = "written off a certificate"
    DUTIES = "waits for duties"
    REPEATED = "lodged twice alike"
    CONFLICTING = "lodged twice, with other content"
    FAULTY = "not a declaration"
    GIVEN_UP = "its declarant hangs up"


class Act(StrEnum):
    """What people do with a declaration after it was lodged."""

    AMEND = "amend"
    WITHDRAW = "withdraw"
    ANSWER = "answer"
    DECIDE = "decide"
    """An agency's people decide by hand, at the hub's own door."""
    ASSESS = "assess"
    COVER = "cover"
    REPEAT = "repeat"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Line:
    """One goods item as declared."""

    good: int
    """Its place in the world's goods."""
    mass: str
    """Kilograms."""


@dataclass(frozen=True)
class Step:
    """One act, so many seconds after what came before it."""

    act: Act
    after: float
    version: int = 0
    """Of an amendment or a conflicting declaration: which of the lot's versions it is."""
    service: str = ""
    """Of a decision by hand."""


@dataclass(frozen=True)
class Lot:
    """One declaration, and what befalls it."""

    number: int
    kind: Kind
    procedure: str
    office: str | None
    ucr: str
    """Ends in what it asks of the simulated agencies."""
    versions: tuple[tuple[Line, ...], ...]
    """The content as lodged, and as amended."""
    steps: tuple[Step, ...] = ()
    patience: float | None = None
    """Seconds after which the declarant hangs up and asks no more; None: asks until there is an answer."""

    @property
    def lrn(self) -> str:
        return f"CHAOS-{self.number:06}"


class FaultKind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    REFUSE = "refuse"
    """Connections are reset before a word is said."""
    CUT = "cut"
    """Connections are cut in mid-answer."""
    SLOW = "slow"
    HANG = "hang"
    """Nothing passes, and nobody is told."""
    REPEAT = "repeat"
    """Callbacks come twice."""
    DELAY = "delay"
    REORDER = "reorder"
    """Callbacks come in another order."""
    DEAFEN = "deafen"
    """Callbacks arrive, and the answer to them is lost."""
    FORGE = "forge"
    DISK = "disk"
    CLOCK = "clock"
    EDIT = "edit"
    """An agency's file is changed, and stays valid."""
    BREAK = "break"
    """An agency's file is broken, and mended later."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, when so many lots have been begun."""

    number: int
    at: int
    kind: FaultKind
    target: str
    """A process, a link, a disk, a clock, an agency."""
    seconds: float
    """For how long it stays so: of a kill, until it is started again."""
    amount: float = 0.0
    """Octets let through before a cut; seconds of a delay or of a jump."""


@dataclass(frozen=True)
class Plan:
    """Everything of one leg."""

    seed: str
    database: str
    lots: tuple[Lot, ...]
    faults: tuple[Fault, ...]
    pauses: tuple[float, ...] = field(repr=False)
    """Seconds before each lot is lodged."""


SHORT_TERMS = {
    "kcl": "deemed_approved",
    "ktc": "deemed_refused",
    "ktr": "escalate",
    "kofons": "hold",
}
"""Agencies that have seconds instead of days in the campaign, and what follows when these have passed."""
TERM = 10.0
"""Those seconds."""

_WEIGHTS = {
    Kind.CONSENTED: 24,
    Kind.REFUSED: 6,
    Kind.RECONSIDERED: 4,
    Kind.LIFTED: 4,
    Kind.ITEMWISE: 4,
    Kind.ANSWERED: 6,
    Kind.UNANSWERED: 3,
    Kind.INSPECTED: 4,
    Kind.STALLED: 2,
    Kind.EXPIRED: 6,
    Kind.NOT_UNDERSTOOD: 2,
    Kind.NOBODY: 2,
    Kind.PROHIBITED: 2,
    Kind.AMENDED: 8,
    Kind.REPLACED: 4,
    Kind.WITHDRAWN: 8,
    Kind.CONTESTED: 3,
    Kind.CERTIFIED: 6,
    Kind.DUTIES: 3,
    Kind.REPEATED: 3,
    Kind.CONFLICTING: 2,
    Kind.FAULTY: 3,
    Kind.GIVEN_UP: 3,
}
"""How many of a hundred or so are of which kind."""

_GOOD_WORDS = ("APPROVE", "APPROVE", "CONDITIONS", "TWICE", "EARLY", "CUT", "FLAP", "LATE", "SLOW")
"""Ways to consent."""

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
    maker = _Lots(chance, world, {kind: weight for kind, weight in _WEIGHTS.items() if kind in kinds})
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


class _Lots:
    """Makes one lot after the other."""

    def __init__(self, chance: random.Random, world: World, weights: Mapping[Kind, int]) -> None:
        self._chance = chance
        self._weights = weights
        self._world = world
        self._plain = [
            place
            for place, good in enumerate(world.goods)
            if good.services and not good.certificate and not self._short(good)
        ]

    def make(self, number: int) -> Lot:
        kind = self._chance.choices(list(self._weights), list(self._weights.values()))[0]
        more: Mapping[str, Any] = getattr(self, f"_{kind.name.lower()}")()
        first: Line = more["versions"][0][0]
        clause = more.pop("clause", "")  # type: ignore[attr-defined]
        return Lot(
            number=number,
            kind=kind,
            procedure=self._world.goods[first.good].procedure,
            office=more.get("office"),
            ucr=f"{number:06}{'-SIM-' if clause else ''}{clause}",
            versions=more["versions"],
            steps=more.get("steps", ()),
            patience=more.get("patience"),
        )

    # --- kinds ------------------------------------------------------------------------------------------

    def _consented(self) -> dict[str, Any]:
        lines = self._lines(self._chance.choice([1, 1, 2, 3, 4]))
        return {"versions": (lines,), "clause": self._clause(lines, self._chance.choice(_GOOD_WORDS))}

    def _refused(self) -> dict[str, Any]:
        return self._with_word("REFUSE", verdict="refused")

    def _reconsidered(self) -> dict[str, Any]:
        return self._with_word("RECONSIDER", verdict="refused", unasked=True)

    def _lifted(self) -> dict[str, Any]:
        return self._with_word("LIFT", verdict="information_required", again=True)

    def _itemwise(self) -> dict[str, Any]:
        made = self._with_word(
            "ITEMWISE", verdict="refused", again=True, lines=self._chance.choice([2, 3, 4])
        )
        return {**made, "office": self._chance.choice([None, "PILOT-PARTIAL"])}

    def _answered(self) -> dict[str, Any]:
        made = self._with_word("ASK", verdict="information_required", takes_answers=True)
        return {**made, "steps": (Step(Act.ANSWER, self._moment()),)}

    def _unanswered(self) -> dict[str, Any]:
        return self._with_word("INFO", verdict="information_required")

    def _inspected(self) -> dict[str, Any]:
        lines, service = self._lines_with(lambda one: self._world.says(one.agency, "inspection_required"))
        decided = tuple(
            Step(Act.DECIDE, self._moment(), service=name)
            for name in self._services(lines)
            if self._world.services[name].agency == service.agency
        )
        steps = decided if self._chance.random() < 0.7 else ()
        return {"versions": (lines,), "clause": f"{service.agency}-INSPECT".upper(), "steps": steps}

    def _stalled(self) -> dict[str, Any]:
        return self._with_word("STALL")

    def _expired(self) -> dict[str, Any]:
        place = self._chance.choice(
            [place for place, good in enumerate(self._world.goods) if good.services and self._short(good)]
        )
        [service] = self._world.goods[place].services
        word = self._chance.choice(["STALL", "STALL", "STALL", "APPROVE", "REFUSE"])
        lines = (self._line(place),)
        return {"versions": (lines,), "clause": f"{self._world.services[service].agency}-{word}".upper()}

    def _not_understood(self) -> dict[str, Any]:
        return self._with_word("UNKNOWN")

    def _nobody(self) -> dict[str, Any]:
        places = [p for p, good in enumerate(self._world.goods) if not good.services and not good.prohibited]
        return {"versions": ((self._line(self._chance.choice(places)),),)}

    def _prohibited(self) -> dict[str, Any]:
        places = [p for p, good in enumerate(self._world.goods) if good.prohibited]
        return {"versions": ((self._line(self._chance.choice(places)), *self._lines(1, procedure="import")),)}

    def _amended(self) -> dict[str, Any]:
        lines = self._lines(self._chance.choice([1, 2, 3]))
        versions, steps = [lines], []
        for version in range(1, self._chance.choice([2, 2, 3])):
            latest = list(versions[-1])
            place = self._chance.randrange(len(latest))
            latest[place] = Line(latest[place].good, self._mass())
            versions.append(tuple(latest))
            steps.append(Step(Act.AMEND, self._moment(), version=version))
        word = self._chance.choice(["LATE", "LATE", "APPROVE", "CUT"])
        return {"versions": tuple(versions), "steps": tuple(steps), "clause": self._clause(lines, word)}

    def _replaced(self) -> dict[str, Any]:
        lines = self._lines(2, procedure="import")
        other = (lines[0], *self._lines(1, procedure="import"))
        word = self._chance.choice(["LATE", "STALL", "APPROVE"])
        agency = self._world.services[self._world.goods[lines[1].good].services[0]].agency
        kept = {self._world.services[name].agency for name in self._services(other)}
        clause = f"{agency}-{word}".upper() if agency not in kept else "LATE"
        return {
            "versions": (lines, other),
            "steps": (Step(Act.AMEND, self._moment(), version=1),),
            "clause": clause,
        }

    def _withdrawn(self) -> dict[str, Any]:
        lines = self._lines(self._chance.choice([1, 2, 3]))
        word = self._chance.choice(["STALL", "LATE", "LATE", "CUT", "STUBBORN", "APPROVE"])
        return {
            "versions": (lines,),
            "clause": self._clause(lines, word),
            "steps": (Step(Act.WITHDRAW, self._moment()),),
        }

    def _contested(self) -> dict[str, Any]:
        made = self._amended()
        steps = [*made["steps"], Step(Act.WITHDRAW, self._chance.uniform(0, 0.3))]
        return {**made, "steps": tuple(steps)}

    def _certified(self) -> dict[str, Any]:
        place = self._chance.choice([p for p, good in enumerate(self._world.goods) if good.certificate])
        lines = (self._line(place), *self._lines(self._chance.choice([0, 1]), procedure="import"))
        what = self._chance.choice(["release", "release", "withdraw", "amend"])
        versions: tuple[tuple[Line, ...], ...] = (lines,)
        steps: tuple[Step, ...] = ()
        if what == "withdraw":
            steps = (Step(Act.WITHDRAW, self._moment()),)
        elif what == "amend":
            versions = (lines, (Line(place, self._mass()), *lines[1:]))
            steps = (Step(Act.AMEND, self._moment(), version=1),)
        word = self._chance.choice(["LATE", "APPROVE"])
        return {"versions": versions, "steps": steps, "clause": self._clause(lines, word)}

    def _duties(self) -> dict[str, Any]:
        lines = self._lines(self._chance.choice([1, 2]))
        steps = [Step(Act.ASSESS, self._moment())]
        if self._chance.random() < 0.8:
            steps.append(Step(Act.COVER, self._moment()))
        return {"versions": (lines,), "office": "PILOT-DUTY", "steps": tuple(steps)}

    def _repeated(self) -> dict[str, Any]:
        return {"versions": (self._lines(1),), "steps": (Step(Act.REPEAT, self._moment()),)}

    def _conflicting(self) -> dict[str, Any]:
        lines = self._lines(1)
        other = (Line(lines[0].good, self._mass()),)
        return {"versions": (lines, other), "steps": (Step(Act.CONFLICT, self._moment(), version=1),)}

    def _faulty(self) -> dict[str, Any]:
        return {"versions": ((*self._lines(1), Line(-1, self._mass())),)}

    def _given_up(self) -> dict[str, Any]:
        return {"versions": (self._lines(1),), "patience": round(self._chance.uniform(0.005, 0.1), 3)}

    # --- parts ------------------------------------------------------------------------------------------

    def _with_word(
        self,
        word: str,
        *,
        verdict: str = "",
        again: bool = False,
        unasked: bool = False,
        takes_answers: bool = False,
        lines: int = 0,
    ) -> dict[str, Any]:
        """A lot of which one agency says something of its own, and has a word for it."""

        def fits(service: Service) -> bool:
            return (
                (not verdict or self._world.says(service.agency, verdict))
                and (service.speaks_again or not again)
                and (service.speaks_unasked or not unasked)
                and (service.takes_answers or not takes_answers)
            )

        made, service = self._lines_with(fits, lines)
        return {"versions": (made,), "clause": f"{service.agency}-{word}".upper()}

    def _lines_with(self, fits: Any, lines: int = 0) -> tuple[tuple[Line, ...], Service]:
        """Goods of which all services of one agency fit, and one of these."""
        while True:
            made = self._lines(lines or self._chance.choice([1, 1, 2]))
            services = [self._world.services[name] for name in self._services(made)]
            chosen = self._chance.choice(services)
            if all(fits(one) for one in services if one.agency == chosen.agency):
                return made, chosen

    def _lines(self, count: int, *, procedure: str | None = None) -> tuple[Line, ...]:
        procedure = procedure or ("export" if self._chance.random() < 0.08 else "import")
        places = [place for place in self._plain if self._world.goods[place].procedure == procedure]
        return tuple(self._line(self._chance.choice(places)) for _ in range(count))

    def _line(self, place: int) -> Line:
        return Line(place, self._mass())

    def _mass(self) -> str:
        return str(self._chance.randint(1, 5000))

    def _moment(self) -> float:
        return round(self._chance.choice([0.0, self._chance.uniform(0, 0.6), self._chance.uniform(0, 4)]), 3)

    def _services(self, lines: Sequence[Line]) -> list[str]:
        return sorted({name for line in lines for name in self._world.goods[line.good].services})

    def _clause(self, lines: Sequence[Line], word: str) -> str:
        """A word for one of the agencies that are asked, or for all of them."""
        agencies = sorted({self._world.services[name].agency for name in self._services(lines)})
        return word if self._chance.random() < 0.5 else f"{self._chance.choice(agencies)}-{word}".upper()

    def _short(self, good: Good) -> bool:
        return any(self._world.services[name].agency in SHORT_TERMS for name in good.services)
