"""How a declaration stands, as steps read it, and what nobody may do to one that is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.domain.case import Case, Referral
from hub.domain.clearance import Clearance, Outcome
from hub.domain.intake import Acceptance
from hub.domain.settling import is_live
from hub.domain.steps import StepRefused


class Standing(Protocol):
    """A declaration as it stands now; the store's view of one is this."""

    @property
    def acceptance(self) -> Acceptance: ...

    @property
    def case(self) -> Case: ...

    @property
    def clearance(self) -> Clearance: ...

    @property
    def closed_at(self) -> datetime | None: ...


def refuse_if_over(standing: Standing) -> None:
    """Raises StepRefused (already-withdrawn, already-released, closed) when nothing more can happen to it."""
    if (withdrawal := standing.case.withdrawal) is not None:
        raise StepRefused("already-withdrawn", f"it was withdrawn on {said(withdrawal.requested_at)}")
    if standing.clearance.outcome is Outcome.RELEASE:
        raise StepRefused("already-released", "the cargo has been released")
    if standing.closed_at is not None:
        raise StepRefused("closed", f"the declaration was closed on {said(standing.closed_at)}")


def refuse_if_any_released(standing: Standing) -> None:
    """Raises StepRefused as `refuse_if_over` does, and already-released when a part of the goods has gone."""
    refuse_if_over(standing)
    if released := standing.case.released:
        raise StepRefused("already-released", released_words(released))


def released_words(items: Sequence[int]) -> str:
    """As `goods items 1, 3 have been released`."""
    which = f"item {items[0]} has" if len(items) == 1 else f"items {', '.join(map(str, items))} have"
    return f"goods {which} been released"


def live_referral(case: Case, service: str) -> Referral:
    """The referral to a service. Raises StepRefused (not-found, referral-withdrawn)."""
    try:
        referral = case.referral(service)
    except KeyError:
        raise StepRefused("not-found", f"{service} is not asked about this declaration") from None
    if not is_live(referral):
        raise StepRefused("referral-withdrawn", f"{service} is not asked about this declaration any more")
    return referral


def said(at: datetime) -> str:
    """An instant in words."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
