"""What workflow and activities say to each other: one value in, one value out, small in the history."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from hub.domain.case import Case, Referral
from hub.domain.clearance import Outcome
from hub.domain.events import NewEvent
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState


class Resumed(Model):
    """How far a declaration had got whose workflow was lost. Everything else is read from the events."""

    notices: int
    """How many notices to the cargo system have been written."""
    noticed: tuple[Outcome, tuple[int, ...]] | None
    """Outcome and released goods items of the last of them."""
    unsent: bool
    """Some of them have not been acknowledged."""
    refused_at: UtcDatetime | None = None
    """Since when it has been refused, if it is: from then on a refusal stays open for its time."""


class ClearanceOrder(Model):
    """Clear this declaration. The case carries brief terms only: the words for people stay in the store."""

    case: Case
    resumed: Resumed | None = None
    """None: it begins its life. Else it goes on in the middle of it, in the place of one that is lost."""


def brief_case(case: Case) -> Case:
    """The same case without the words for people: what the engine's history keeps."""
    return case.model_copy(
        update={
            "referrals": tuple(map(brief_referral, case.referrals)),
            "prohibitions": tuple(p.model_copy(update={"law": {}}) for p in case.prohibitions),
        }
    )


def brief_referral(referral: Referral) -> Referral:
    """The same referral without the words for people."""
    decisions = tuple(decision.brief() for decision in referral.decisions)
    return referral.model_copy(update={"terms": referral.terms.brief(), "decisions": decisions})


class ReferAll(Model):
    """Put a declaration to these services, all at once."""

    mrn: str
    services: tuple[str, ...]
    budget: timedelta
    """How long the quick ones are waited for; the others go on in an activity of their own."""


class SubmitReferral(Model):
    """Put a declaration to one service, however long that takes."""

    mrn: str
    service: str
    asked_again: int = 0
    """As of the errand: where people have asked since, this order is another's."""


class HandedOver(Model):
    """How a hand-over stands."""

    service: str
    state: ReferralState
    receipt: Receipt | None = None
    decisions: tuple[Decision, ...] = ()
    trouble: str | None = None
    referral: str | None = None
    """The id under which it was handed over; None in what was recorded before there were several."""
    revision: int = 1
    """Of the content that was handed over."""
    queued: bool = False
    """It stands in the queue of its agency, and is to be begun again when it may go on."""


class ReadNews(Model):
    """What happened to a declaration after the event with this number?"""

    mrn: str
    after: int


class News(Model):
    """Events that change a case, in order, without the words for people."""

    events: tuple[NewEvent, ...]
    through: int
    """Number of the last event that was looked at."""


class TellAgency(Model):
    """Tell an agency what it is still to be told of one referral, however long that takes."""

    mrn: str
    service: str
    asked_again: int = 0
    """As of `SubmitReferral`."""


class Told(Model):
    """How telling an agency has ended."""

    queued: bool = False
    """As of `HandedOver`."""


class WithdrawReferrals(Model):
    """Tell the agencies of these services, in this order, that they are asked no more."""

    mrn: str
    services: tuple[str, ...]
    asked_again: tuple[int, ...] = ()
    """Of each, as of `SubmitReferral`; empty where nobody had asked."""


class LeftToPeople(Model):
    """What the hub cannot do itself: people are to tell these services' agencies, and to record it."""

    services: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    """Those that stand in the queue of their agency."""


class RemindAgency(Model):
    """Remind an agency of what it is asked, for the n-th time."""

    mrn: str
    service: str
    number: int


class ExpireQuestions(Model):
    """The declarant's time to answer these questions (service, id) has passed."""

    mrn: str
    questions: tuple[tuple[str, str], ...]


class ArrangeInspections(Model):
    """Offer appointments for the inspections that are called for."""

    mrn: str


class ExpireReferrals(Model):
    """The time of these services has passed."""

    mrn: str
    services: tuple[str, ...]


class Expired(Model):
    """Those of them that have expired: others have a later deadline by now, or none."""

    services: tuple[str, ...]
    put_off: dict[str, UtcDatetime] = Field(default_factory=dict)
    """Those whose agency may have spoken unheard, and when to look at them again."""


class Standing(Model):
    """How one referral stands in a settlement: enough to settle it again from the store."""

    service: str
    state: ReferralState
    receipt: Receipt | None
    decisions: tuple[str, ...]
    """Ids of the decisions that were weighed."""


class Conclusion(Model):
    """An outcome to record, and to tell the cargo system if it is news to it."""

    mrn: str
    outcome: Outcome
    standings: tuple[Standing, ...]
    notice_number: int | None
    """None when the cargo system has nothing new to hear."""
    tell: bool
    """False when an earlier notice is still on its way: notices go out in order."""
    issued_at: UtcDatetime
    through: int | None = None
    """
    Number of the last event that the workflow has heard of; None in what was recorded before it was told, and
    nothing is looked for.
    """
    released_items: tuple[int, ...] = ()
    closes: bool = False
    """With it everything is at its end, once the cargo system has acknowledged it."""


class Concluded(Model):
    """Whether the cargo system has acknowledged every notice so far."""

    told: bool
    unheard: bool = False
    """Nothing was recorded: more has happened than the workflow had heard of."""
    closed: bool = False
    """The declaration is closed as well."""
    notice_number: int | None = None
    """That of the notice, where it is not the one that was asked for: the store had more notices."""


class TellCargo(Model):
    """Tell the cargo system whatever it has not acknowledged yet."""

    mrn: str


class CloseCase(Model):
    """Nothing more is awaited. `late` are decisions that came after the outcome was final."""

    mrn: str
    late: tuple[Decision, ...] = ()
    through: int | None = None
    """As in `Conclusion`."""


class Closed(Model):
    """Whether it is closed."""

    unheard: bool = False
    """It is not: more has happened than the workflow had heard of."""
