"""
What is lawful, worked out from what the agencies have written down themselves.

A second opinion: nothing here is shared with the hub's own settling. It is plain: goods items, the
services that must consent to each, and the latest word of each agency.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chaos.evidence import Application, Case, Event
from chaos.plan import SHORT_TERMS, SILENCE, Act, Lot
from chaos.record import History
from chaos.world import CONSENTING, World

SLACK = timedelta(seconds=2)
"""How near to the end of a term two honest clocks may disagree about it."""


class Stand(StrEnum):
    """How one service stands on one goods item."""

    CONSENTS = "consents"
    REFUSES = "refuses"
    HOLDS = "holds"
    WAITS = "waits"


@dataclass(frozen=True)
class Lawful:
    """One lawful outcome; where part of the goods may go, which."""

    outcome: str
    released_items: tuple[int, ...] = ()


RELEASING = frozenset({"release", "partial_release"})


class Judge:
    """Judges one declaration by what others have written down about it."""

    def __init__(
        self,
        world: World,
        history: History,
        applications: Iterable[Application],
        events: Iterable[Event],
        *,
        clocks_jumped: bool,
    ) -> None:
        """`clocks_jumped`: whether a clock of the hub was wrong at some time."""
        self._world = world
        self._history = history
        self._applications = list(applications)
        self._delivered = {
            one.service: one.at for one in events if one.type == "referral.delivered" and one.service
        }
        self._clocks_jumped = clocks_jumped

    def needed(self) -> dict[str, tuple[int, ...]]:
        """The services that must consent, with the goods items that each is asked about."""
        return services_needed(self._world, self._history.lot, self._history.version)

    def outcomes(self, at: datetime) -> set[Lawful]:
        """
        What is lawful at a moment. More than one only where what decides it, whether a term had passed,
        cannot be told from outside to the second.
        """
        if self._history.accepted(Act.WITHDRAW):
            return {Lawful("withdrawn")}
        if self._prohibited():
            return {Lawful("refusal")}
        places = [(service, item) for service, items in self.needed().items() for item in items]
        stands = [sorted(self.stands(service, item, at)) for service, item in places]
        # Of one service all items stand or fall with the same term.
        choices = {tuple(choice) for choice in itertools.product(*_together(places, stands))}
        return {
            self._settled(dict(zip(places, itertools.chain.from_iterable(choice), strict=True)), at)
            for choice in choices
        }

    def stands(self, service: str, item: int, at: datetime) -> set[Stand]:
        """How a service stands on a goods item at a moment, by its agency's own book."""
        for one in sorted(self._history.accepted(Act.DECIDE), key=lambda one: one.asked_at, reverse=True):
            if one.service == service and one.asked_at <= at:
                return {Stand.CONSENTS}
        case = self.case(service)
        if case is None:
            return self._unheard(service, None, at)
        said = [
            one for one in case.said if one.at <= at and item in one.items and one.revision == case.revision
        ]
        if not said:
            return self._unheard(service, case, at)
        latest = max(said, key=lambda one: one.at)
        verdict = self._world.vocabulary[self._world.services[service].agency].get(latest.word)
        if verdict is None:
            # Nobody knows what it says: a person looks. It may be polled again meanwhile.
            return {Stand.HOLDS, Stand.WAITS}
        if verdict in CONSENTING:
            return {Stand.CONSENTS}
        if verdict == "refused":
            return {Stand.REFUSES}
        if verdict == "information_required" and case.supplements:
            return {Stand.WAITS}
        return {Stand.HOLDS}

    def case(self, service: str) -> Case | None:
        """The application of a service that is still asked for."""
        live = [case for one in self._applications if one.service == service for case in one.live]
        return live[-1] if live else None

    def _unheard(self, service: str, case: Case | None, at: datetime) -> set[Stand]:
        """The agency has said nothing: its term may have passed."""
        known = self._world.services[service]
        on_expiry = SHORT_TERMS.get(known.agency)
        due = self._history.dues.get(service)
        if on_expiry is None or due is None or at < due - SLACK:
            return {Stand.WAITS}
        passed = {_EXPIRED[on_expiry]}
        if on_expiry.startswith("deemed"):
            if case is None or case.opened_at > due:
                passed = {Stand.HOLDS}  # whoever was not asked in time has let no time pass
            elif self._clocks_jumped or self._delivered.get(service, due) >= due - SLACK:
                passed.add(Stand.HOLDS)
        counts_from = due + (timedelta(seconds=SILENCE) if on_expiry == "deemed_approved" else timedelta(0))
        if at < counts_from - SLACK:
            return {Stand.WAITS}
        return passed | ({Stand.WAITS} if at < counts_from + SLACK else set())

    def _settled(self, stands: Mapping[tuple[str, int], Stand], at: datetime) -> Lawful:
        lines = range(1, len(self._history.lot.versions[self._history.version]) + 1)
        gate = self._history.lot.office == "PILOT-DUTY" and not self._paid(at)
        found = set(stands.values())
        if found <= {Stand.CONSENTS} and not gate:
            return Lawful("release")
        if self._history.lot.office == "PILOT-PARTIAL":
            free = tuple(
                item
                for item in lines
                if all(stand is Stand.CONSENTS for (_, asked), stand in stands.items() if asked == item)
            )
            if free:
                return Lawful("partial_release", free)
        if Stand.REFUSES in found:
            return Lawful("refusal")
        if Stand.HOLDS in found:
            return Lawful("hold")
        return Lawful("in_progress")

    def _paid(self, at: datetime) -> bool:
        return any(one.asked_at <= at for one in self._history.accepted(Act.COVER))

    def _prohibited(self) -> bool:
        lines = self._history.lot.versions[self._history.version]
        return any(self._world.goods[line.good].prohibited for line in lines)


_EXPIRED = {
    "deemed_approved": Stand.CONSENTS,
    "deemed_refused": Stand.REFUSES,
    "escalate": Stand.HOLDS,
    "hold": Stand.HOLDS,
}


def services_needed(world: World, lot: Lot, version: int) -> dict[str, tuple[int, ...]]:
    """The services that must consent to a version, with the goods items that each is asked about."""
    lines = lot.versions[version]
    if any(world.goods[line.good].prohibited for line in lines):
        return {}
    needed: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        for service in world.goods[line.good].services:
            needed.setdefault(service, []).append(number)
    return {service: tuple(items) for service, items in needed.items()}


def _together(places: list[tuple[str, int]], stands: list[list[Stand]]) -> list[list[tuple[Stand, ...]]]:
    """By service, the ways in which all its items may stand: those that are in doubt alike go alike."""
    made: list[list[tuple[Stand, ...]]] = []
    for _, group in itertools.groupby(zip(places, stands, strict=True), key=lambda pair: pair[0][0]):
        of_service = [ways for _, ways in group]
        most = max(len(ways) for ways in of_service)
        made.append([tuple(ways[min(n, len(ways) - 1)] for ways in of_service) for n in range(most)])
    return made
