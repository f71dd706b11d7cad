"""What people outside the hub did and were answered, as they know it themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chaos.plan import Act, Lot


@dataclass(frozen=True)
class Answered:
    """One request that was answered."""

    act: Act | None
    """None: the lodging itself."""
    asked_at: datetime
    """When it was first asked."""
    answered_at: datetime
    status: int
    version: int = 0
    service: str = ""
    body: str = ""
    """What a refusal said, cut off."""


@dataclass
class History:
    """One lot, as its people know it."""

    lot: Lot
    mrn: str | None = None
    """Once it was accepted."""
    dues: Mapping[str, datetime] = field(default_factory=dict)
    """By service, as the receipt told them; as amendments told them later."""
    answers: list[Answered] = field(default_factory=list)
    tries: int = 0
    """Requests sent, those without an answer too."""
    left_undone: list[Act] = field(default_factory=list)
    """What could not be done: there was no question to answer, nothing to decide on."""
    hung_up: bool = False
    """It was given up without an answer: nobody knows whether it was accepted."""

    @property
    def refused(self) -> bool:
        """It was lodged, and not accepted."""
        return self.mrn is None and any(a.act is None and 400 <= a.status < 500 for a in self.answers)

    def accepted(self, act: Act) -> list[Answered]:
        """The requests of a kind that were taken."""
        return [one for one in self.answers if one.act is act and one.status < 300]

    @property
    def versions(self) -> list[tuple[datetime, int]]:
        """From when on which of the lot's versions was in force, oldest first."""
        return [(one.answered_at, one.version) for one in self.accepted(Act.AMEND)]

    @property
    def version(self) -> int:
        """The version that is in force at last."""
        return self.versions[-1][1] if self.versions else 0
