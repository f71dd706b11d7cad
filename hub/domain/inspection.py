"""Inspections: called by customs and by agencies, made as one appointment where the policy says so."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, UtcDatetime


class InspectionState(StrEnum):
    OFFERED = "offered"
    """Window, place and who attends are proposed; the declarant is to confirm a time within the window."""
    CONFIRMED = "confirmed"
    DONE = "done"
    """Everybody who was to attend has reported."""
    CANCELLED = "cancelled"
    """Nobody wants it any more."""


class InspectionParty(Model):
    """One office that inspects, for one referral, and what it found."""

    service: str
    agency: str
    items: tuple[int, ...]
    decision: str
    """Id of the decision that called for the inspection."""
    reported: str | None = None
    """Id of the decision that its report became."""


class Inspection(Model):
    """One appointment. Parties join until it is confirmed; who calls for one later gets another."""

    id: str
    """Counted in each declaration: `I1`, `I2`."""
    state: InspectionState
    opens_at: UtcDatetime
    """From then on; the first working hours in which every party's office works."""
    closes_at: UtcDatetime
    place: str
    """The goods location of the consignment, as declared; empty when it was not."""
    parties: tuple[InspectionParty, ...]
    at: UtcDatetime | None = None
    """The time that was confirmed, within the window."""
    confirmed_by: str | None = None

    @property
    def items(self) -> tuple[int, ...]:
        """The goods items to be presented, in order."""
        return tuple(sorted({item for party in self.parties for item in party.items}))
