"""Duties and taxes: what is due, and that it is paid or guaranteed."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, Money, UtcDatetime


class CoverKind(StrEnum):
    PAYMENT = "payment"
    GUARANTEE = "guarantee"


class DutyCover(Model):
    """That the duties are paid or guaranteed, for exactly the amount that is due."""

    kind: CoverKind
    amount: Money
    reference: str
    """Of the payment or of the guarantee; unique for the declaration."""
    at: UtcDatetime
    by: str
    """Id of the API client that confirmed it."""


class Duties(Model):
    """What is due on a declaration. `version` is that of the declaration it was assessed on."""

    amount: Money | None = None
    """None while customs has not assessed them."""
    assessed_at: UtcDatetime | None = None
    version: int = 1
    cover: DutyCover | None = None

    @property
    def are_covered(self) -> bool:
        """Nothing is due, or what is due is paid or guaranteed."""
        if self.amount is None:
            return False
        return self.cover is not None or self.amount.amount == 0
