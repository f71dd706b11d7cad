"""A new version of a declaration, and what it means for the agencies that were asked about the old one."""

from __future__ import annotations

from hub.domain.case import Change, Prohibition, Referral
from hub.domain.certificates import Claim
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, ReferralTerms


class ChangedReferral(Model):
    """A service that is asked again, since what it is told has changed."""

    terms: ReferralTerms
    """The new ones: another revision, and a clock that begins anew."""
    change: Change
    """How the agency learns it; NONE when it has never been told the old content."""
    demand: Decision | None = None
    """What customs' own control calls for now, as the risk channel says."""
    question_due_at: UtcDatetime | None = None
    """Until when the declarant may answer it, where it asks for information."""


class RemovedReferral(Model):
    """A service whose consent the new version does not need."""

    service: str
    change: Change
    """WITHDRAW when the agency has it or may have it; NONE when it was never told."""


class Amendment(Model):
    """One new version, compared with the one before. Services that are not named here keep their consent."""

    version: int
    content_hash: str
    by: str
    """Id of the API client."""
    remarks: str = ""
    lodged_at: UtcDatetime
    items: tuple[int, ...]
    prohibitions: tuple[Prohibition, ...] = ()
    kept: tuple[str, ...] = ()
    changed: tuple[ChangedReferral, ...] = ()
    added: tuple[Referral, ...] = ()
    removed: tuple[RemovedReferral, ...] = ()
    claims: tuple[Claim, ...] = ()
    """All claims of the new version, in place of those of the old."""
