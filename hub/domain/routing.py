"""Which services must consent to a declaration, by which law, and which need not, and why."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from hub.domain.catalogue import Catalogue
from hub.domain.declaration import Declaration
from hub.domain.model import Model, Text

FactValue = bool | float | str | tuple[str, ...]


class RuledOutBy(StrEnum):
    """Why a service whose HS prefix matches need not consent."""

    CONDITION = "condition"
    """Its predicate does not hold for this item."""
    EXCLUDED = "excluded"
    """A longer prefix excludes this code."""
    PROCEDURE = "procedure"
    NOT_IN_FORCE = "not_in_force"
    EXEMPTION_CLAIM = "exemption_claim"
    OTHER_LPCO = "other_lpco"
    """A document under another law removes the requirement."""
    ALTERNATIVE = "alternative"
    """Another body of the same group certifies these goods."""


class Candidate(Model):
    """A service whose table has a row for the item's code."""

    item: int
    service: str
    agency: str
    law: Text
    matched_prefix: str
    predicate: str | None = None
    """The condition as written, when there is one."""
    values: dict[str, FactValue] = {}
    """The facts the condition read, as `item.used`: true."""
    assumed: tuple[str, ...] = ()
    """Facts among `values` that were not declared and took their meaning of absence."""
    because: str
    """One sentence for a customs officer."""


class Requirement(Candidate):
    """The service must consent to this item."""


class RuledOut(Candidate):
    """The service need not consent to this item."""

    by: RuledOutBy


class Prohibited(Candidate):
    """The item may not cross at all."""


class Routing(Model):
    """All of it, in the order of items and then of services. A pure function of declaration, day and catalogue."""

    required: tuple[Requirement, ...]
    ruled_out: tuple[RuledOut, ...]
    prohibited: tuple[Prohibited, ...]
    catalogue_version: str
    day: date

    def services(self) -> dict[str, tuple[int, ...]]:
        """The goods items that each service must consent to, services in order of first need."""
        items: dict[str, list[int]] = {}
        for requirement in self.required:
            items.setdefault(requirement.service, []).append(requirement.item)
        return {service: tuple(numbers) for service, numbers in items.items()}


def route(declaration: Declaration, catalogue: Catalogue, day: date) -> Routing:
    """Route a declaration by the law of that day (the day of acceptance)."""
    raise NotImplementedError
