"""From what the store knows to what a client is shown of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from hub.api.access import Sight
from hub.api.parts import ApiParts
from hub.api.shapes import (
    DeclarationAnswer,
    DocumentShown,
    EventAnswer,
    GivenAnswer,
    Links,
    ProhibitedGoods,
    QuestionShown,
    QuestionState,
    Receipted,
    ReferralAsked,
    ReferralProgress,
    RoutingAnswer,
    RoutingSummary,
)
from hub.domain.case import Referral
from hub.domain.clearance import Reason
from hub.domain.events import Event, EventType
from hub.domain.information import Information, InformationRequest
from hub.domain.intake import Acceptance
from hub.domain.model import Text
from hub.domain.names import CUSTOMS, workflow_id
from hub.domain.referral import ReferralTerms
from hub.domain.routing import Candidate
from hub.ports import DeclarationView, ReferralView

_Shown = TypeVar("_Shown", bound=Candidate)

CUSTOMS_NAME: Text = {"en": "Customs", "ko": "세관"}


def links_of(mrn: str, sight: Sight | None = None, temporal_ui_url: str | None = None) -> Links:
    """Where to look; `sight` None is the receipt, which is the same for everybody."""
    itself = f"/v1/declarations/{mrn}"
    staff = sight is not None and sight.sees_exchanges
    return Links(
        self=itself,
        events=f"{itself}/events",
        routing=f"{itself}/routing",
        exchanges=f"{itself}/exchanges" if staff else None,
        engine=(
            f"{temporal_ui_url.rstrip('/')}/{quote(workflow_id(mrn), safe='')}"
            if staff and temporal_ui_url
            else None
        ),
    )


def receipt_of(acceptance: Acceptance, agencies: Mapping[str, Text]) -> Receipted:
    """The immediate receipt: a function of what was written down, so that repeating it changes nothing."""
    return Receipted(
        mrn=acceptance.mrn,
        lrn=acceptance.declaration.lrn,
        accepted_at=acceptance.accepted_at,
        outcome=acceptance.clearance.outcome,
        referrals=tuple(
            ReferralAsked.model_validate(_asked(referral.terms, agencies))
            for referral in acceptance.case.referrals
        ),
        prohibited=_prohibited(acceptance),
        due_at=acceptance.due_at,
        links=links_of(acceptance.mrn),
    )


def answer_of(view: DeclarationView, sight: Sight, parts: ApiParts) -> DeclarationAnswer:
    """The declaration as this client may see it."""
    acceptance = view.acceptance
    declaration = acceptance.declaration
    agencies = parts.rulebook().catalogue.agencies
    routing = routing_of(acceptance, sight)
    return DeclarationAnswer(
        mrn=acceptance.mrn,
        lrn=declaration.lrn,
        declarant=declaration.declarant,
        procedure=declaration.procedure,
        ucr=declaration.consignment.ucr,
        cargo_management_number=declaration.consignment.cargo_management_number,
        goods_items=len(declaration.items),
        accepted_at=acceptance.accepted_at,
        due_at=acceptance.due_at,
        outcome=view.clearance.outcome,
        final=view.clearance.final,
        settled_at=view.settled_at,
        reasons=reasons_for(view.reasons, sight),
        referrals=tuple(
            _progress(referral, sight, agencies)
            for referral in view.referrals
            if sight.may_see_agency(referral.terms.agency)
        ),
        prohibited=tuple(p for p in _prohibited(acceptance) if sight.may_see_agency(p.agency)),
        routing=RoutingSummary(
            required=len(routing.required),
            ruled_out=len(routing.ruled_out),
            prohibited=len(routing.prohibited),
            catalogue_version=routing.catalogue_version,
            day=routing.day,
        ),
        notice=(
            view.notice.model_copy(update={"trouble": None})
            if view.notice and not sight.sees_trouble
            else view.notice
        ),
        engine_started=view.engine_started,
        closed_at=view.closed_at,
        last_event=view.last_seq,
        links=links_of(acceptance.mrn, sight, parts.temporal_ui_url),
    )


def reasons_for(reasons: Iterable[Reason], sight: Sight) -> tuple[Reason, ...]:
    """An agency sees its own; remarks that are the hub's words about a failure are for staff."""
    return tuple(
        reason
        if reason.verdict is not None or sight.sees_trouble
        else reason.model_copy(update={"remarks": None})
        for reason in reasons
        if reason.agency is None or sight.may_see_agency(reason.agency)
    )


def routing_of(acceptance: Acceptance, sight: Sight) -> RoutingAnswer:
    """The explanation; an agency sees what concerns its own services."""
    routing = acceptance.routing

    def seen(candidates: tuple[_Shown, ...]) -> tuple[_Shown, ...]:
        return tuple(c for c in candidates if sight.may_see_agency(c.agency))

    return RoutingAnswer(
        mrn=acceptance.mrn,
        day=routing.day,
        catalogue_version=routing.catalogue_version,
        required=seen(routing.required),
        ruled_out=seen(routing.ruled_out),
        prohibited=seen(routing.prohibited),
    )


_FOR_EVERYBODY = frozenset(
    {
        EventType.DECLARATION_ACCEPTED,
        EventType.CLEARANCE_SETTLED,
        EventType.CARGO_RELEASED,
        EventType.CARGO_HELD,
        EventType.CARGO_REFUSED,
    }
)

_FOR_STAFF = frozenset({EventType.CALLBACK_REFUSED, EventType.MESSAGE_NOT_UNDERSTOOD})


def events_for(events: Iterable[Event], view: DeclarationView, sight: Sight) -> tuple[EventAnswer, ...]:
    """
    An agency sees the events of its own services and, of those about the whole, the outcome only.

    What failed inside the hub is for staff.
    """
    own = {r.terms.service for r in view.referrals if sight.may_see_agency(r.terms.agency)}
    shown = []
    for event in events:
        data = event.data
        if sight.agency is not None and event.service not in own:
            if event.service is not None or event.type not in _FOR_EVERYBODY:
                continue
            data = {key: value for key, value in data.items() if key == "outcome"}
        if not sight.sees_trouble:
            if event.type in _FOR_STAFF:
                continue
            data = _for_outsiders(data)
        shown.append(
            EventAnswer(seq=event.seq, at=event.at, type=event.type, service=event.service, data=data)
        )
    return tuple(shown)


def _for_outsiders(data: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in data.items() if key != "trouble"}
    if "reasons" in shown:
        # As in `reasons_for`: remarks without a verdict are the hub's own words about a failure.
        shown["reasons"] = [
            {key: value for key, value in reason.items() if key != "remarks" or "verdict" in reason}
            for reason in shown["reasons"]
        ]
    return shown


def _progress(referral: ReferralView, sight: Sight, agencies: Mapping[str, Text]) -> ReferralProgress:
    return ReferralProgress.model_validate(
        {
            **_asked(referral.terms, agencies),
            "state": referral.state,
            "answer_within": referral.terms.answer_within,
            "on_expiry": referral.terms.on_expiry,
            "config_version": referral.terms.config_version,
            "delivered_at": referral.delivered_at,
            "receipt": referral.receipt,
            "decisions": referral.decisions,
            "trouble": referral.trouble if sight.sees_trouble else None,
        }
    )


def _asked(terms: ReferralTerms, agencies: Mapping[str, Text]) -> dict[str, object]:
    return {
        "id": terms.id,
        "service": terms.service,
        "service_name": terms.service_name,
        "agency": terms.agency,
        # An agency that has left the configuration is still known by its slug.
        "agency_name": agencies.get(terms.agency, {"en": terms.agency}),
        "law": terms.law,
        "document": terms.document,
        "items": terms.items,
        "due_at": terms.due_at,
        "answers": terms.answers,
    }


def agency_names(parts: ApiParts) -> Mapping[str, Text]:
    """What agencies are called; customs is one of them, as it asks and decides like them."""
    return {CUSTOMS: CUSTOMS_NAME, **parts.rulebook().catalogue.agencies}


def questions_of(
    view: DeclarationView,
    sight: Sight,
    parts: ApiParts,
    answers: Mapping[tuple[str, str], Information],
) -> tuple[QuestionShown, ...]:
    """What is asked, as far as this client may see it, with the answers by service and id."""
    names = agency_names(parts)
    mrn = view.acceptance.mrn
    return tuple(
        _question(mrn, referral, question, names, answers)
        for referral in view.case.referrals
        if sight.may_see_agency(referral.terms.agency)
        for question in referral.questions
    )


def _question(
    mrn: str,
    referral: Referral,
    question: InformationRequest,
    names: Mapping[str, Text],
    answers: Mapping[tuple[str, str], Information],
) -> QuestionShown:
    terms = referral.terms
    decision = next((d for d in referral.decisions if d.id == question.id), None)
    given = answers.get((terms.service, question.answer)) if question.answer else None
    return QuestionShown(
        id=question.id,
        service=terms.service,
        service_name=terms.service_name,
        agency=terms.agency,
        agency_name=names.get(terms.agency, {"en": terms.agency}),
        law=terms.law,
        items=question.items,
        text=decision.remarks if decision else None,
        reference=decision.reference if decision else None,
        asked_at=question.asked_at,
        due_at=question.due_at,
        state=_question_state(question),
        answer=None if given is None else given_answer(mrn, given),
        passed_on_at=question.passed_on_at,
        expired_at=question.expired_at,
        link=f"/v1/declarations/{mrn}/questions/{terms.service}/{quote(question.id, safe='')}/answer",
    )


def _question_state(question: InformationRequest) -> QuestionState:
    if question.passed_on_at is not None:
        return QuestionState.PASSED_ON
    if question.answered_at is not None:
        return QuestionState.ANSWERED
    return QuestionState.OPEN if question.expired_at is None else QuestionState.OVERDUE


def given_answer(mrn: str, information: Information) -> GivenAnswer:
    """What the declarant has answered, with where its documents are."""
    return GivenAnswer(
        id=information.id,
        text=information.text,
        documents=tuple(
            DocumentShown(**document.model_dump(), link=f"/v1/declarations/{mrn}/documents/{document.sha256}")
            for document in information.documents
        ),
        given_at=information.given_at,
    )


def _prohibited(acceptance: Acceptance) -> tuple[ProhibitedGoods, ...]:
    because = {(p.item, p.service): p.because for p in acceptance.routing.prohibited}
    return tuple(
        ProhibitedGoods(
            item=p.item,
            service=p.service,
            agency=p.agency,
            law=p.law,
            matched_prefix=p.matched_prefix,
            because=because.get((p.item, p.service)),
        )
        for p in acceptance.case.prohibitions
    )
