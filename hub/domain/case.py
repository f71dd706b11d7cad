"""A case: a declaration as the agencies' answers stand now. Settling reads it; nothing else decides."""

from __future__ import annotations

from hub.domain.model import Model, Text
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms


class Prohibition(Model):
    """Goods that may not cross, whatever any agency says."""

    item: int
    service: str
    agency: str
    law: Text
    matched_prefix: str | None = None


class CasePolicy(Model):
    """The policy in force when the declaration was accepted; frozen with it."""

    version: str
    refusal_open_for: str
    """How long after a refusal an agency may still change its mind, as `30d`."""


class Referral(Model):
    """A referral with all that has happened to it."""

    terms: ReferralTerms
    state: ReferralState = ReferralState.PENDING
    receipt: Receipt | None = None
    decisions: tuple[Decision, ...] = ()
    trouble: str | None = None
    """Why it is not delivered, in words for operations."""


class Case(Model):
    """All that settling needs to know."""

    mrn: str
    policy: CasePolicy
    prohibitions: tuple[Prohibition, ...] = ()
    referrals: tuple[Referral, ...] = ()
