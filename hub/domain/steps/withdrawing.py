"""The declarant takes a declaration back: from then on nothing is released, and whoever was asked is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.domain.case import Change
from hub.domain.events import EventType, NewEvent
from hub.domain.life import apply, is_delivered
from hub.domain.referral import ReferralState, ReferralTerms
from hub.domain.steps import StepRefused
from hub.domain.steps.following import NEVER_HAD_IT, withdrawn
from hub.domain.steps.standing import Standing, refuse_if_any_released, said
from hub.domain.withdrawal import Withdrawal


class Sent(Protocol):
    """A referral as the store keeps it beside the case."""

    @property
    def terms(self) -> ReferralTerms: ...

    @property
    def sent_at(self) -> datetime | None:
        """When a submission was begun that may have reached the agency."""


class StandingWithSent(Standing, Protocol):
    """A declaration as it stands now, with what has been sent of it."""

    @property
    def referrals(self) -> Sequence[Sent]: ...


def withdraw(standing: StandingWithSent, withdrawal: Withdrawal) -> list[NewEvent]:
    """
    The declaration is withdrawn. Agencies that were never asked need not be told, which is recorded at once;
    the others are told one after the other (`hub.domain.errands`).

    The same reason by the same client again is nothing new. Raises StepRefused: `already-withdrawn` for
    another reason; `already-released`, also for a part of the goods; `closed`. Whether there is such a reason
    is for the caller to know.
    """
    case = standing.case
    if (before := case.withdrawal) is not None:
        if (before.reason, before.by) == (withdrawal.reason, withdrawal.by):
            return []
        words = f"it was withdrawn on {said(before.requested_at)} for reason {before.reason}"
        raise StepRefused("already-withdrawn", words)
    refuse_if_any_released(standing)
    at = withdrawal.requested_at
    taken_back = NewEvent(
        at=at, type=EventType.DECLARATION_WITHDRAWN, data=withdrawal.model_dump(mode="json")
    )
    case = apply(case, taken_back)
    events = [taken_back]
    sent = {referral.terms.service for referral in standing.referrals if referral.sent_at is not None}
    for referral in reversed(standing.case.referrals):
        terms = referral.terms
        asked = terms.service in sent or is_delivered(referral) or referral.change is not Change.NONE
        if asked or referral.state not in _NOT_ASKED:
            continue
        events += withdrawn(case, terms.service, terms.id, NEVER_HAD_IT, at)
    return events


_NOT_ASKED = frozenset({ReferralState.PENDING, ReferralState.DECIDED, ReferralState.EXPIRED})
"""Without a receipt: not sent yet, not needed for the certificates, or never reached in time."""
