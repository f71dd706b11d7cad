"""Duties: assessed by customs, and covered by exactly the amount that is due."""

from __future__ import annotations

from datetime import datetime

from hub.domain.duties import CoverKind, DutyCover
from hub.domain.event_data import DutiesAssessed
from hub.domain.events import EventType, NewEvent
from hub.domain.model import Money
from hub.domain.steps import StepRefused
from hub.domain.steps.standing import Standing, refuse_if_over


def assess(standing: Standing, amount: Money, *, by: str, at: datetime) -> list[NewEvent]:
    """
    What is due, on the version of the declaration that there is now. What was paid before stays a cover only
    where it is of that amount. Nothing when it is assessed so already.

    Raises StepRefused: invalid-request for less than nothing, and those of `refuse_if_over`.
    """
    refuse_if_over(standing)
    if amount.amount < 0:
        raise StepRefused("invalid-request", "may not be less than nothing", "/amount/amount")
    known = standing.case.duties
    if known is not None and known.amount == amount and known.version == standing.case.version:
        return []
    assessed = DutiesAssessed(amount=amount, by=by)
    return [NewEvent(at=at, type=EventType.DUTIES_ASSESSED, data=assessed.model_dump(mode="json"))]


def cover(
    standing: Standing, kind: CoverKind, amount: Money, reference: str, *, by: str, at: datetime
) -> list[NewEvent]:
    """
    What is due is paid or guaranteed. Nothing when that is on record already, with the same reference.

    Raises StepRefused: duties-not-assessed, amount-differs, already-covered, and those of `refuse_if_over`.
    """
    duties = standing.case.duties
    known = duties.cover if duties is not None else None
    if known is not None and known.reference == reference:
        if (known.kind, known.amount) == (kind, amount):
            return []
        raise StepRefused(
            "already-covered", f"{reference} is a {known.kind} of {words(known.amount)}", "/reference"
        )
    refuse_if_over(standing)
    if duties is None or duties.amount is None:
        raise StepRefused("duties-not-assessed", "customs has not said yet what is due on this version")
    if amount != duties.amount:
        due, got = words(duties.amount), words(amount)
        raise StepRefused("amount-differs", f"{due} are due, and {got} were confirmed", "/amount")
    if known is not None:
        raise StepRefused("already-covered", f"by the {known.kind} {known.reference}", "/reference")
    covered = DutyCover(kind=kind, amount=amount, reference=reference, at=at, by=by)
    return [NewEvent(at=at, type=EventType.DUTIES_COVERED, data=covered.model_dump(mode="json"))]


def words(money: Money) -> str:
    """As `1200.50 KRW`."""
    return f"{money.amount:f} {money.currency}"
