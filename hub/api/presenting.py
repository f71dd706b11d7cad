"""From what the store knows to what a client is shown of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from hub.api.parts import ApiParts
from hub.api.shapes import (
    AmendmentAnswer,
    CargoStepSeen,
    DeclarationAnswer,
    DocumentShown,
    EventAnswer,
    GivenAnswer,
    ItemService,
    ItemStanding,
    ItemState,
    Links,
    ProhibitedGoods,
    QuestionShown,
    QuestionState,
    Receipted,
    ReferralAsked,
    ReferralProgress,
    RoutingAnswer,
    RoutingSummary,
    ServiceAsked,
    ServiceKept,
    WithdrawalAnswer,
    WithdrawnReferral,
)
from hub.domain.amendment import Amendment
from hub.domain.cargo import CargoEvent
from hub.domain.case import Change, Referral
from hub.domain.clearance import Outcome, Rule
from hub.domain.events import Event
from hub.domain.information import Information, InformationRequest
from hub.domain.intake import Acceptance
from hub.domain.model import Text
from hub.domain.names import CUSTOMS, workflow_id
from hub.domain.referral import ReferralState, ReferralTerms, Verdict
from hub.domain.routing import Candidate
from hub.domain.settling import CONSENTING, HOLDING, REFUSING
from hub.domain.wording import CUSTOMS_NAME
from hub.operations.sight import Sight, events_seen, reasons_for
from hub.ports import DeclarationView, ReferralView

_Shown = TypeVar("_Shown", bound=Candidate)


def links_of(mrn: str, sight: Sight | None = None, temporal_ui_url: str | None = None) -> Links:
    """Where to look; `sight` None is the receipt, which is the same for everybody."""
    itself = f"/v1/declarations/{mrn}"
    staff = sight is not None and sight.sees_exchanges
    return Links(
        self=itself,
        events=f"{itself}/events",
        routing=f"{itself}/routing",
        versions=f"{itself}/versions",
        questions=f"{itself}/questions",
        progress=f"{itself}/progress",
        casefile=f"{itself}/casefile",
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


@dataclass(frozen=True)
class Beside:
    """What stands beside a declaration in the store."""

    answers: Mapping[tuple[str, str], Information]
    """By service and id."""
    cargo: tuple[CargoStepSeen, ...]


def beside(view: DeclarationView, sight: Sight, parts: ApiParts) -> Beside:
    """What the declarant has answered, and where the cargo is, as far as this client may see it. Blocking."""
    return Beside(answers=answers_seen(view, sight, parts), cargo=_cargo_seen(view, sight, parts))


def answers_seen(view: DeclarationView, sight: Sight, parts: ApiParts) -> dict[tuple[str, str], Information]:
    """By service and id, what was answered to questions that this client may see. Blocking."""
    mrn = view.acceptance.mrn
    asking = [
        referral.terms.service
        for referral in view.case.referrals
        if sight.may_see_agency(referral.terms.agency)
        and any(d.verdict is Verdict.INFORMATION_REQUIRED for d in referral.decisions)
    ]
    return {
        (service, known.id): known for service in asking for known in parts.cases.information(mrn, service)
    }


def cargo_step(event: CargoEvent, whole: bool) -> CargoStepSeen:
    """A step of the cargo; who reported it, and under which id, only where the whole is shown."""
    return CargoStepSeen(
        step=event.step,
        at=event.at,
        place=event.place,
        remarks=event.remarks,
        received_at=event.received_at,
        reporter=event.reporter if whole else None,
        message_id=event.message_id if whole else None,
    )


def _cargo_seen(view: DeclarationView, sight: Sight, parts: ApiParts) -> tuple[CargoStepSeen, ...]:
    number = view.acceptance.declaration.consignment.cargo_management_number
    if number is None or sight.agency is not None:
        return ()
    return tuple(cargo_step(event, sight.is_customs) for event in parts.cargo.cargo_events(number))


def answer_of(view: DeclarationView, sight: Sight, parts: ApiParts, found: Beside) -> DeclarationAnswer:
    """The declaration as this client may see it."""
    acceptance = view.acceptance
    declaration = acceptance.declaration
    case = view.case
    agencies = parts.rulebook().catalogue.agencies
    routing = routing_of(acceptance, sight)
    return DeclarationAnswer(
        mrn=acceptance.mrn,
        lrn=declaration.lrn,
        version=case.version,
        declarant=declaration.declarant,
        procedure=declaration.procedure,
        ucr=declaration.consignment.ucr,
        cargo_management_number=declaration.consignment.cargo_management_number,
        goods_items=len(declaration.items),
        accepted_at=acceptance.accepted_at,
        due_at=acceptance.due_at,
        outcome=view.clearance.outcome,
        final=_is_final(view),
        settled_at=view.settled_at,
        reasons=reasons_for(view.reasons, sight),
        items=_items(view, sight),
        released_items=_released(view),
        referrals=tuple(
            _progress(referral, case.referral(referral.terms.service), sight, agencies)
            for referral in view.referrals
            if sight.may_see_agency(referral.terms.agency)
        ),
        prohibited=tuple(p for p in _prohibited(acceptance) if sight.may_see_agency(p.agency)),
        questions=questions_of(view, sight, parts, found.answers),
        inspections=tuple(
            i for i in case.inspections if any(sight.may_see_agency(p.agency) for p in i.parties)
        ),
        duties=case.duties if sight.agency is None else None,
        certificates=tuple(
            claim for claim in case.claims if sight.may_see_agency(case.referral(claim.service).terms.agency)
        ),
        withdrawal=None if case.withdrawal is None else withdrawal_of(view, sight, parts),
        cargo=found.cargo,
        assessment=acceptance.assessment if sight.is_customs else None,
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


def _released(view: DeclarationView) -> tuple[int, ...]:
    if view.clearance.outcome is Outcome.RELEASE:
        return tuple(item.number for item in view.acceptance.declaration.items)
    return tuple(sorted({*view.case.released, *view.clearance.released_items}))


def _items(view: DeclarationView, sight: Sight) -> tuple[ItemStanding, ...]:
    released = set(_released(view))
    reasons = view.reasons
    whole = {reason.rule for reason in reasons if reason.item is None}
    shown = []
    for item in view.acceptance.declaration.items:
        about = [reason for reason in reasons if reason.item == item.number]
        state = item_state({reason.rule for reason in about} | whole)
        shown.append(
            ItemStanding(
                item=item.number,
                hs_code=item.hs_code,
                description=item.description,
                state=ItemState.RELEASED if item.number in released else state,
                services=tuple(
                    ItemService(
                        service=reason.service,
                        agency=reason.agency,
                        rule=reason.rule,
                        verdict=reason.verdict,
                        decision=reason.decision,
                    )
                    for reason in about
                    if reason.service and reason.agency and sight.may_see_agency(reason.agency)
                ),
            )
        )
    return tuple(shown)


def item_state(rules: AbstractSet[Rule]) -> ItemState:
    """How a goods item stands that has not gone, by the rules of its reasons and of the whole."""
    if Rule.WITHDRAWN in rules:
        return ItemState.WITHDRAWN
    if rules & REFUSING:
        return ItemState.REFUSED
    if rules & HOLDING:
        return ItemState.HELD
    return ItemState.CONSENTED if rules <= CONSENTING else ItemState.AWAITED


def withdrawal_of(view: DeclarationView, sight: Sight, parts: ApiParts) -> WithdrawalAnswer:
    """Why it was withdrawn, and who knows; it must have been withdrawn."""
    withdrawal = view.case.withdrawal
    assert withdrawal is not None
    rulebook = parts.rulebook()
    return WithdrawalAnswer(
        mrn=view.acceptance.mrn,
        reason=withdrawal.reason,
        reason_name=rulebook.withdrawal_reasons.get(withdrawal.reason, {}),
        remarks=withdrawal.remarks if sight.agency is None else "",
        requested_at=withdrawal.requested_at,
        referrals=tuple(
            WithdrawnReferral(
                service=referral.terms.service,
                service_name=referral.terms.service_name,
                agency=referral.terms.agency,
                agency_name=agency_name(referral.terms.agency, rulebook.catalogue.agencies),
                told=referral.state is ReferralState.WITHDRAWN,
            )
            for referral in view.case.referrals
            if sight.may_see_agency(referral.terms.agency)
        ),
    )


def amendment_of(
    view: DeclarationView, amendment: Amendment | None, sight: Sight, parts: ApiParts
) -> AmendmentAnswer:
    """What the newest version means for every service; without an amendment, that it is as it was lodged."""
    names = parts.rulebook().catalogue.agencies
    case = view.case

    def kept(service: str) -> ServiceKept:
        return ServiceKept.model_validate(_named(case.referral(service).terms, names))

    def asked(terms: ReferralTerms, how: Change) -> ServiceAsked:
        return ServiceAsked.model_validate(
            {**_named(terms, names), "how": how, "revision": terms.revision, "due_at": terms.due_at}
        )

    if amendment is None:
        standing = [r.terms.service for r in case.referrals]
        amendment = Amendment(
            version=case.version,
            content_hash=view.acceptance.content_hash,
            by=view.acceptance.client,
            lodged_at=view.acceptance.accepted_at,
            items=case.items,
            kept=tuple(standing),
        )
    return AmendmentAnswer(
        mrn=view.acceptance.mrn,
        version=amendment.version,
        lodged_at=amendment.lodged_at,
        remarks=amendment.remarks,
        kept=tuple(map(kept, amendment.kept)),
        asked_again=tuple(asked(one.terms, one.change) for one in amendment.changed),
        added=tuple(asked(referral.terms, Change.NONE) for referral in amendment.added),
        withdrawn=tuple(kept(one.service) for one in amendment.removed),
        prohibited=_prohibited(view.acceptance),
        links=links_of(view.acceptance.mrn, sight, parts.temporal_ui_url),
    )


def _is_final(view: DeclarationView) -> bool:
    """Whether nothing that an agency may still say changes the outcome. What was withdrawn stays so."""
    is_over = view.closed_at is not None or view.clearance.outcome is Outcome.WITHDRAWN
    return is_over or view.clearance.final


def _named(terms: ReferralTerms, names: Mapping[str, Text]) -> dict[str, object]:
    return {
        "service": terms.service,
        "service_name": terms.service_name,
        "agency": terms.agency,
        "agency_name": agency_name(terms.agency, names),
        "law": terms.law,
        "items": terms.items,
    }


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


def events_for(events: Iterable[Event], view: DeclarationView, sight: Sight) -> tuple[EventAnswer, ...]:
    """Those that this client may see."""
    return tuple(
        EventAnswer(seq=event.seq, at=event.at, type=event.type, service=event.service, data=event.data)
        for event in events_seen(events, view, sight)
    )


def _progress(
    referral: ReferralView, now: Referral, sight: Sight, agencies: Mapping[str, Text]
) -> ReferralProgress:
    # Of one that is decided, or asked no more, no clock runs that could stand still.
    is_over = now.state in (ReferralState.DECIDED, ReferralState.WITHDRAWN)
    stopped = None if is_over else next((stop for stop in now.stops if stop.until is None), None)
    return ReferralProgress.model_validate(
        {
            **_asked(now.terms, agencies),
            "state": referral.state,
            "revision": now.terms.revision,
            "former": now.former,
            "to_be_told": now.change,
            "deadline": now.due_at or now.terms.due_at if stopped is None else None,
            "clock_stopped": stopped and {"since": stopped.from_, "question": stopped.request},
            "reminders": now.reminded,
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
        "agency_name": agency_name(terms.agency, agencies),
        "law": terms.law,
        "document": terms.document,
        "items": terms.items,
        "due_at": terms.due_at,
        "answers": terms.answers,
    }


def agency_name(agency: str, agencies: Mapping[str, Text]) -> Text:
    """What an agency is called; one that has left the configuration is still known by its slug."""
    return CUSTOMS_NAME if agency == CUSTOMS else agencies.get(agency, {"en": agency})


def questions_of(
    view: DeclarationView,
    sight: Sight,
    parts: ApiParts,
    answers: Mapping[tuple[str, str], Information],
) -> tuple[QuestionShown, ...]:
    """What is asked, as far as this client may see it, with the answers by service and id."""
    names = parts.rulebook().catalogue.agencies
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
        agency_name=agency_name(terms.agency, names),
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
