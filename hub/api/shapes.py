"""What the API answers. Times are RFC 3339 in UTC; decimals are texts, so that no reader rounds them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from hub.domain.clearance import Outcome, Reason
from hub.domain.declaration import Declarant, Procedure
from hub.domain.exchange import Exchange
from hub.domain.forms import Form
from hub.domain.information import Scan
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Answers, Decision, OnExpiry, Receipt, ReferralState
from hub.domain.routing import Prohibited, Requirement, RuledOut
from hub.ports import DeclarationRow, NoticeView


class Links(Model):
    """Where else to look; paths below this server, but for `engine`."""

    self: str
    events: str = Field(description="Also as server-sent events, with `Accept: text/event-stream`.")
    routing: str
    exchanges: str | None = Field(default=None, description="Operators only.")
    engine: str | None = Field(default=None, description="The workflow in Temporal's UI; operators only.")


class ReferralAsked(Model):
    """A service that must consent, and by when."""

    id: str = Field(examples=["26KR7Q2M9D4X1C8TB5/apqa-animal-import"])
    service: str
    service_name: Text
    agency: str
    agency_name: Text
    law: Text
    document: str
    items: tuple[int, ...] = Field(description="Numbers of the goods items referred.")
    due_at: UtcDatetime
    answers: Answers


class ProhibitedGoods(Model):
    """Goods that may not cross at all."""

    item: int
    service: str
    agency: str
    law: Text
    matched_prefix: str | None
    because: str | None = None


class Receipted(Model):
    """A declaration has been accepted: the immediate receipt. The same lodging gets the same one again."""

    mrn: str = Field(examples=["26KR7Q2M9D4X1C8TB5"])
    lrn: str
    accepted_at: UtcDatetime
    outcome: Outcome = Field(description="`release` at once when no agency need consent.")
    referrals: tuple[ReferralAsked, ...]
    prohibited: tuple[ProhibitedGoods, ...]
    due_at: UtcDatetime | None = Field(description="The latest time by which an agency must answer.")
    links: Links


class ReferralProgress(ReferralAsked):
    """A referral as it stands."""

    state: ReferralState
    answer_within: str
    on_expiry: OnExpiry
    config_version: str = Field(
        description="Version of the agency's file under which it was accepted, and which serves it."
    )
    delivered_at: UtcDatetime | None
    receipt: Receipt | None
    decisions: tuple[Decision, ...]
    trouble: str | None = Field(default=None, description="Why it is not delivered; staff only.")


class RoutingSummary(Model):
    """How many services must consent and how many were ruled out, counted by goods item."""

    required: int
    ruled_out: int
    prohibited: int
    catalogue_version: str
    day: date


class DeclarationAnswer(Model):
    """A declaration as it stands now."""

    mrn: str
    lrn: str
    declarant: Declarant
    procedure: Procedure
    ucr: str
    cargo_management_number: str | None
    goods_items: int
    accepted_at: UtcDatetime
    due_at: UtcDatetime | None
    outcome: Outcome
    final: bool = Field(description="Nothing that an agency may still say can change the outcome.")
    settled_at: UtcDatetime = Field(description="When the outcome last changed.")
    reasons: tuple[Reason, ...]
    referrals: tuple[ReferralProgress, ...]
    prohibited: tuple[ProhibitedGoods, ...]
    routing: RoutingSummary
    notice: NoticeView | None = Field(description="The latest notice to the cargo system.")
    engine_started: bool = Field(description="False while the durable engine is being waited for.")
    closed_at: UtcDatetime | None
    last_event: int
    links: Links


class QuestionState(StrEnum):
    """How far an agency's question has got."""

    OPEN = "open"
    OVERDUE = "overdue"
    """The time to answer has passed. It may still be answered."""
    ANSWERED = "answered"
    """The answer is on its way to the agency."""
    PASSED_ON = "passed_on"
    """The agency has the answer; its clock goes on."""


class DocumentShown(Model):
    """A document that the declarant has handed in."""

    name: str
    media_type: str
    sha256: str
    size: int = Field(description="Octets.")
    scan: Scan
    link: str


class GivenAnswer(Model):
    """What the declarant has answered."""

    id: str
    text: str
    documents: tuple[DocumentShown, ...]
    given_at: UtcDatetime


class QuestionShown(Model):
    """What an agency asks the declarant."""

    id: str
    service: str
    service_name: Text
    agency: str
    agency_name: Text
    law: Text
    items: tuple[int, ...]
    text: str | None = Field(description="In the agency's words.")
    reference: str | None = Field(description="The agency's number for it.")
    asked_at: UtcDatetime
    due_at: UtcDatetime | None = Field(description="Until when it may be answered; null: no limit is set.")
    state: QuestionState
    answer: GivenAnswer | None
    passed_on_at: UtcDatetime | None
    expired_at: UtcDatetime | None
    link: str = Field(description="Where it is answered.")


class QuestionPage(Model):
    """Everything that is asked about a declaration, in the order in which it was asked."""

    mrn: str
    questions: tuple[QuestionShown, ...]


class AnswerAnswer(Model):
    """The question, as it stands with the answer."""

    mrn: str
    question: QuestionShown


class DeclarationPage(Model):
    """Newest first; `cursor` asks for the next page, null at the end."""

    declarations: tuple[DeclarationRow, ...]
    cursor: str | None


class RoutingAnswer(Model):
    """Why each service must consent or need not, in sentences."""

    mrn: str
    day: date = Field(description="The day whose law applies.")
    catalogue_version: str
    required: tuple[Requirement, ...]
    ruled_out: tuple[RuledOut, ...]
    prohibited: tuple[Prohibited, ...]


class EventAnswer(Model):
    """A fact about a declaration; `seq` counts from 1 and orders them."""

    seq: int
    at: UtcDatetime
    type: str = Field(examples=["decision.received"])
    service: str | None
    data: dict[str, Any]


class EventPage(Model):
    """Events in order; ask again with `after` set to `last`."""

    mrn: str
    events: tuple[EventAnswer, ...]
    last: int


class ExchangePage(Model):
    """Every request and answer about a declaration, as recorded, without secrets."""

    mrn: str
    exchanges: tuple[Exchange, ...]


class AttributeAnswer(Model):
    """An attribute that a goods item may declare."""

    name: str
    type: str = Field(description="string, bool, number or list (of strings).")
    title: Text
    absent: bool | float | str | tuple[str, ...] = Field(description="What its absence means.")
    values: tuple[str, ...] = Field(description="The values it may take; empty: any.")
    form: Form = Field(
        default=Form.TEXT,
        description="How its texts are compared: blanks around them never count; of a scientific_name nor do "
        "capitals and the author; of a cas_number nor does CAS before it, and its check digit must be right.",
    )


class CallbackAnswer(Model):
    """The message is stored."""

    received: bool
    duplicate: bool = Field(description="It was there already, and counts once.")


class Health(Model):
    status: str


class Readiness(Model):
    """Whether declarations are taken; they are, even while the engine is down."""

    status: str
    store: str
    engine: str = Field(description="For information: declarations accepted while it is down start later.")
