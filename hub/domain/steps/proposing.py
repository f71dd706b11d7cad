"""Decisions by hand: proposed by one person, and counted only when a second has confirmed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.domain.case import Referral
from hub.domain.event_data import DecisionDeclined, DecisionProposed
from hub.domain.events import EventType, NewEvent
from hub.domain.model import Model
from hub.domain.referral import ReferralState, Verdict
from hub.domain.steps import StepRefused
from hub.domain.steps.controlling import refuse_strange_items
from hub.domain.steps.standing import Standing, live_referral, refuse_if_over, released_words


def open_to_proposals(standing: Standing, service: str) -> Referral:
    """
    The referral, if a decision of its agency is still awaited. Raises StepRefused: not-found,
    referral-withdrawn, not-awaited once it has decided, and those of `refuse_if_over`.
    """
    refuse_if_over(standing)
    referral = live_referral(standing.case, service)
    if referral.state is ReferralState.DECIDED:
        raise StepRefused("not-awaited", f"{service} has decided")
    return referral


def proposed(
    standing: Standing,
    service: str,
    *,
    id: str,
    verdict: Verdict,
    items: Sequence[int] | None,
    reference: str | None,
    by: str,
    at: datetime,
) -> list[NewEvent]:
    """
    A person proposes what the agency has decided. Raises StepRefused: invalid-request for strange items,
    already-released for items that have gone, and those of `open_to_proposals`.
    """
    referral = open_to_proposals(standing, service)
    refuse_strange_items(items, referral.terms.items)
    about = _items_not_gone(standing, referral, items)
    data = DecisionProposed(
        proposal=id,
        verdict=verdict,
        items=None if items is None else tuple(about),
        reference=reference,
        by=by,
    )
    return [_event(EventType.DECISION_PROPOSED, at, service, data)]


def refuse_if_out_of_date(
    standing: Standing, service: str, *, items: Sequence[int] | None, revision: int, heard: int
) -> None:
    """
    Refuse to confirm what was proposed about another content, or before the agency spoke itself: `heard` is
    how many decisions of it were on record when it was proposed. Raises StepRefused: amended-meanwhile,
    decided-meanwhile, and those of `open_to_proposals`.
    """
    refuse_if_over(standing)
    referral = live_referral(standing.case, service)
    if referral.terms.revision != revision:
        raise StepRefused(
            "amended-meanwhile",
            f"the referral is at revision {referral.terms.revision}, and this is about {revision}",
        )
    if len(referral.decisions) > heard:
        said = max(referral.decisions, key=lambda decision: decision.received_at)
        raise StepRefused(
            "decided-meanwhile",
            f"{referral.terms.agency} has spoken since this was proposed: {said.verdict}, "
            f"{said.received_at:%Y-%m-%d %H:%M} UTC",
        )
    _items_not_gone(standing, open_to_proposals(standing, service), items)


def declined(service: str, *, id: str, by: str, reason: str, at: datetime) -> list[NewEvent]:
    """A proposal is declined, or taken back by whoever made it; always possible, whatever has happened."""
    return [
        _event(EventType.DECISION_DECLINED, at, service, DecisionDeclined(proposal=id, by=by, reason=reason))
    ]


def _items_not_gone(standing: Standing, referral: Referral, items: Sequence[int] | None) -> list[int]:
    """The goods items that are spoken of, in order. Raises StepRefused (already-released) for gone ones."""
    about = sorted(set(items or referral.terms.items))
    if set(about) <= set(standing.case.released):
        raise StepRefused("already-released", released_words(about), "/items" if items else None)
    return about


def _event(type: EventType, at: datetime, service: str, data: Model) -> NewEvent:
    return NewEvent(at=at, type=type, service=service, data=data.model_dump(mode="json", exclude_none=True))
