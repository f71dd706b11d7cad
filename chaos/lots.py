"""Makes the declarations of a plan: what is in them, and what befalls them by people's doing."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from typing import Any

from chaos.plan import SHORT_TERMS, Act, Kind, Line, Lot, Step
from chaos.world import Good, Service, World

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


class LotMaker:
    """Makes one lot after the other, of some kinds."""

    def __init__(self, chance: random.Random, world: World, kinds: Collection[Kind]) -> None:
        self._chance = chance
        self._weights = {kind: weight for kind, weight in _WEIGHTS.items() if kind in kinds}
        self._world = world
        self._plain = [
            place
            for place, good in enumerate(world.goods)
            if good.services and not good.certificate and not self._short(good)
        ]

    def make(self, number: int) -> Lot:
        kind = self._chance.choices(list(self._weights), list(self._weights.values()))[0]
        more: dict[str, Any] = getattr(self, f"_{kind.name.lower()}")()
        first: Line = more["versions"][0][0]
        clause = more.pop("clause", "")
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

    def _lines_with(
        self, fits: Callable[[Service], bool], lines: int = 0
    ) -> tuple[tuple[Line, ...], Service]:
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
