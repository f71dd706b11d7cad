"""A declaration put to one service: its terms, and what the agency said."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hub.domain.model import Model, Slug, Text, UtcDatetime


class Verdict(StrEnum):
    """An agency's word. Agencies approve or refuse; only the hub releases or holds."""

    APPROVED = "approved"
    APPROVED_WITH_CONDITIONS = "approved_with_conditions"
    REFUSED = "refused"
    INFORMATION_REQUIRED = "information_required"
    INSPECTION_REQUIRED = "inspection_required"

    @property
    def consents(self) -> bool:
        return self in (Verdict.APPROVED, Verdict.APPROVED_WITH_CONDITIONS)


class OnExpiry(StrEnum):
    """What the law or practice says when an agency lets its time pass."""

    HOLD = "hold"
    ESCALATE = "escalate"
    DEEMED_APPROVED = "deemed_approved"
    DEEMED_REFUSED = "deemed_refused"


class Answers(StrEnum):
    """The way an agency's decision comes back."""

    REPLY = "reply"
    CALLBACK = "callback"
    POLL = "poll"
    FEED = "feed"
    DOOR = "door"
    """By the office's own people, at the hub's API: customs' own control, and who has no system."""


class Via(StrEnum):
    """The way one decision did come back."""

    REPLY = "reply"
    CALLBACK = "callback"
    POLL = "poll"
    FEED = "feed"
    LOOK_UP = "look_up"
    DOOR = "door"
    """Given at the hub's API, by a person of the agency or of customs."""
    INSPECTION = "inspection"
    """The result of an inspection, reported at the hub's API."""
    RISK = "risk"
    """Customs' own control, as the risk channel calls for it."""


class ReferralState(StrEnum):
    """Where a referral stands. Not being reached and not being answered are states, not exceptions."""

    PENDING = "pending"
    """Not handed over yet; the hub goes on trying."""
    DELIVERED = "delivered"
    """The agency has it; its decision is awaited."""
    UNDELIVERABLE = "undeliverable"
    """The agency's system refuses it, or answers what the hub cannot read: a person must look."""
    DECIDED = "decided"
    EXPIRED = "expired"
    """The time the law gives has passed without a decision."""
    WITHDRAWN = "withdrawn"
    """It is asked no more: the agency has been told so, or never had it."""


class ReferralTerms(Model):
    """
    What is asked of one service, frozen when the declaration is accepted.

    An edit to the agency's file changes the next declaration, never this one.
    """

    id: str
    mrn: str
    service: Slug
    agency: Slug
    service_name: Text
    law: Text
    document: str
    items: tuple[int, ...]
    answers: Answers
    answer_within: str
    due_at: UtcDatetime
    on_expiry: OnExpiry
    config_version: str
    """Version of the agency's file that serves this referral."""
    revision: int = 1
    """Which content is asked about: 1, then one more for each amendment that concerns it."""
    opened_at: UtcDatetime | None = None
    """When the statutory clock began to run; None in what was accepted before there were amendments."""
    remind_at: tuple[UtcDatetime, ...] = ()
    """When the agency is reminded, in order, all before `due_at`."""
    remind_before: tuple[str, ...] = ()
    """The same as terms before the deadline, to be worked out anew when the clock has stood still."""

    def brief(self) -> ReferralTerms:
        """The same terms without the words for people: what the engine's history keeps."""
        return self.model_copy(update={"service_name": {}, "law": {}, "document": ""})


class Receipt(Model):
    """The agency has the referral. `reference` is the agency's own, if it gives one."""

    reference: str | None = None
    received_at: UtcDatetime
    values: dict[str, str] = Field(default_factory=dict)
    """Further things the agency said, which its later requests want back."""


class Decision(Model):
    """
    An agency's word on a referral, or on some of its goods items.

    `decided_at` is the agency's own action time; the latest one counts, whatever order they arrive in.
    """

    id: str
    """The agency's message id, or a hash of what it said: the same decision has the same id."""
    referral: str
    verdict: Verdict
    items: tuple[int, ...] | None = None
    """The goods items it speaks of; None means all that were referred."""
    word: str
    """The verdict in the agency's own vocabulary."""
    reference: str | None = None
    """The agency's number for the certificate or decision."""
    remarks: str | None = None
    decided_at: UtcDatetime
    stated_at: UtcDatetime | None = None
    """The time the agency stated, when it lies in the future and was not believed."""
    received_at: UtcDatetime
    via: Via
    exchange: str | None = None
    """Id of the exchange or inbox message it was read from: the evidence."""
    revision: int = 1
    """The revision of the referral that it is about; it says nothing of another."""
    about: int | None = None
    """The revision that the agency says it speaks of; None when it does not say."""
    by: str | None = None
    """Id of the API client that gave it by hand."""

    def brief(self) -> Decision:
        """The same decision without its remarks: what the engine's history keeps."""
        return self.model_copy(update={"remarks": None})
