"""What the API answers. Times are RFC 3339 in UTC; decimals are texts, so that no reader rounds them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from hub.domain.cargo import CargoStep
from hub.domain.case import Change
from hub.domain.certificates import Claim
from hub.domain.clearance import Outcome, Reason, Rule
from hub.domain.declaration import Declarant, Declaration, Procedure
from hub.domain.duties import Duties
from hub.domain.exchange import Exchange
from hub.domain.forms import Form
from hub.domain.information import Scan
from hub.domain.inspection import Inspection
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Answers, Decision, OnExpiry, Receipt, ReferralState, Verdict
from hub.domain.risk import Assessment
from hub.domain.routing import Prohibited, Requirement, RuledOut
from hub.ports import DeclarationRow, NoticeView


class Links(Model):
    """Where else to look; paths below this server, but for `engine`."""

    self: str
    events: str = Field(description="Also as server-sent events, with `Accept: text/event-stream`.")
    routing: str
    versions: str
    questions: str = Field(description="What agencies ask the declarant.")
    progress: str = Field(description="In plain words: how far it has got, what comes next and by when.")
    casefile: str = Field(description="Everything; also as a page to print, with `Accept: text/html`.")
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


class StoppedClock(Model):
    """The statutory clock of a referral stands still, until the agency has the declarant's answer."""

    since: UtcDatetime
    question: str = Field(description="Id of the question that stopped it.")


class ReferralProgress(ReferralAsked):
    """A referral as it stands."""

    state: ReferralState
    revision: int = Field(description="Which content is asked about; decisions name theirs.")
    former: tuple[str, ...] = Field(description="Earlier ids, withdrawn and submitted anew.")
    to_be_told: Change = Field(description="What the agency is still to be told; `none` when nothing.")
    deadline: UtcDatetime | None = Field(
        description="By when it is to answer, as things stand; null while its clock stands still."
    )
    clock_stopped: StoppedClock | None
    reminders: int = Field(description="How often it has been reminded.")
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


class ItemState(StrEnum):
    """How a goods item stands with all services together."""

    RELEASED = "released"
    """The cargo system has been told that it may go, or is being told."""
    CONSENTED = "consented"
    """Nobody stands in its way; it waits for the rest."""
    AWAITED = "awaited"
    HELD = "held"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ItemService(Model):
    """Why a goods item stands as it does with one service."""

    service: str
    agency: str
    rule: Rule
    verdict: Verdict | None
    decision: str | None


class ItemStanding(Model):
    """A goods item as it stands."""

    item: int
    hs_code: str
    description: str
    state: ItemState
    services: tuple[ItemService, ...]


class WithdrawnReferral(Model):
    """A service, and whether it knows that it is asked no more."""

    service: str
    service_name: Text
    agency: str
    agency_name: Text
    told: bool = Field(description="It knows, or was never asked; false while it is being told.")


class WithdrawalReason(Model):
    """A code, and what it means."""

    code: str
    name: Text


class WithdrawalReasons(Model):
    """The codes with which a declaration may be withdrawn."""

    reasons: tuple[WithdrawalReason, ...]


class WithdrawalAnswer(Model):
    """A declaration that has been taken back, and how far the agencies know."""

    mrn: str
    reason: str
    reason_name: Text = Field(description="Empty for a code of earlier rules.")
    remarks: str
    requested_at: UtcDatetime
    referrals: tuple[WithdrawnReferral, ...]


class CargoStepSeen(Model):
    """One step of the cargo on its way."""

    step: CargoStep
    at: UtcDatetime = Field(description="When it took place, as reported.")
    place: str | None
    remarks: str | None
    received_at: UtcDatetime
    reporter: str | None = Field(
        description="Id of the client that reported it; for customs and itself only."
    )
    message_id: str | None


class DeclarationAnswer(Model):
    """A declaration as it stands now."""

    mrn: str
    lrn: str
    version: int = Field(description="1 as lodged, one more for each amendment.")
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
    items: tuple[ItemStanding, ...]
    released_items: tuple[int, ...] = Field(description="Goods items that may go, also by a partial release.")
    referrals: tuple[ReferralProgress, ...]
    prohibited: tuple[ProhibitedGoods, ...]
    questions: tuple[QuestionShown, ...]
    inspections: tuple[Inspection, ...]
    duties: Duties | None
    certificates: tuple[Claim, ...] = Field(description="What goods items take up of certificates.")
    withdrawal: WithdrawalAnswer | None
    cargo: tuple[CargoStepSeen, ...] = Field(
        description="Where the cargo is, as carriers and warehouses say."
    )
    assessment: Assessment | None = Field(default=None, description="Of the risk channel; customs only.")
    routing: RoutingSummary
    notice: NoticeView | None = Field(description="The latest notice to the cargo system.")
    engine_started: bool = Field(description="False while the durable engine is being waited for.")
    closed_at: UtcDatetime | None
    last_event: int
    links: Links


class ServiceKept(Model):
    """A service whose consent, or whose pending answer, stands: it would be told nothing else."""

    service: str
    service_name: Text
    agency: str
    agency_name: Text
    law: Text
    items: tuple[int, ...]


class ServiceAsked(ServiceKept):
    """A service that is asked about the new version."""

    how: Change = Field(
        description="amend: by the contract's own operation; resubmit: withdrawn, and submitted anew; none: "
        "it has never been told of an earlier version."
    )
    revision: int
    due_at: UtcDatetime


class AmendmentAnswer(Model):
    """A new version of a declaration, and what it means for every service."""

    mrn: str
    version: int
    lodged_at: UtcDatetime
    remarks: str
    kept: tuple[ServiceKept, ...]
    asked_again: tuple[ServiceAsked, ...]
    added: tuple[ServiceAsked, ...]
    withdrawn: tuple[ServiceKept, ...]
    prohibited: tuple[ProhibitedGoods, ...]
    links: Links


class VersionRow(Model):
    """A version of a declaration."""

    version: int
    lodged_at: UtcDatetime
    content_hash: str
    link: str


class VersionPage(Model):
    """Every version, the first first."""

    mrn: str
    versions: tuple[VersionRow, ...]


class VersionAnswer(Model):
    """A version of a declaration, with what was declared."""

    mrn: str
    version: int
    lodged_at: UtcDatetime
    content_hash: str
    declaration: Declaration


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
