"""
The life of a case: what each event makes of it.

This is the one statement of what happens to a case. The store keeps what it makes, the workflow hears the
events and makes the same, and `hub explain --verify` makes it once more from the events alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import reduce
from typing import Any

from pydantic import TypeAdapter

from hub.domain.amendment import Amendment, ChangedReferral, RemovedReferral
from hub.domain.case import Case, Change, Referral
from hub.domain.certificates import ClaimState
from hub.domain.duties import Duties, DutyCover
from hub.domain.event_data import (
    AskedAgain,
    CertificateMoved,
    DeadlineMoved,
    DutiesAssessed,
    InformationExpired,
    InformationGiven,
    InformationPassedOn,
    InspectionCancelled,
    InspectionConfirmed,
    InspectionReported,
    LookedUp,
    Question,
    ReferralAmended,
    ReferralReminded,
    ReferralWithdrawn,
    Resent,
)
from hub.domain.events import EventType, NewEvent
from hub.domain.information import ClockStop, InformationRequest
from hub.domain.inspection import Inspection, InspectionState
from hub.domain.referral import Answers, Decision, Receipt, ReferralState, Verdict, Via
from hub.domain.settling import is_live, needs_no_asking, standing_decisions, standing_questions
from hub.domain.withdrawal import Withdrawal

NEWS = frozenset(
    {
        EventType.DECLARATION_AMENDED,
        EventType.DECLARATION_WITHDRAWN,
        EventType.INFORMATION_GIVEN,
        EventType.INFORMATION_EXPIRED,
        EventType.INSPECTION_OFFERED,
        EventType.INSPECTION_CONFIRMED,
        EventType.INSPECTION_REPORTED,
        EventType.INSPECTION_CANCELLED,
        EventType.DUTIES_ASSESSED,
        EventType.DUTIES_COVERED,
        EventType.DEADLINE_MOVED,
        EventType.CERTIFICATE_RESERVED,
        EventType.CERTIFICATE_EXHAUSTED,
        EventType.REFERRAL_AMENDED,
        EventType.REFERRAL_WITHDRAWN,
        EventType.REFERRAL_REMINDED,
        EventType.INFORMATION_PASSED_ON,
        EventType.REFERRAL_RETRY_ASKED,
        EventType.REFERRAL_LOOK_UP_ASKED,
        EventType.REFERRAL_LOOKED_UP,
        EventType.REFERRAL_RESENT,
    }
)
"""
What the workflow must hear of, whoever recorded it. It reads them from the store, in order, so a signal need
only say that there are some. Decisions and hand-overs it hears in ways of their own.
"""


_RECEIPT: TypeAdapter[Receipt | None] = TypeAdapter(Receipt | None)


def apply(case: Case, event: NewEvent) -> Case:
    """
    The case after the event. Events that say nothing of the case itself leave it as it is; so does one that
    is applied a second time.
    """
    change = _CHANGES.get(event.type)
    return case if change is None else change(case, event)


def is_change(kind: EventType) -> bool:
    """Whether such events say anything of the case itself."""
    return kind in _CHANGES


def opened(event: NewEvent) -> Case:
    """The case that `declaration.accepted` begins. Raises KeyError where it says no case, as it once did."""
    return Case.model_validate(event.data["case"])


def replayed(events: Iterable[NewEvent]) -> Case:
    """The case that these events, from the first on, make. Raises KeyError, StopIteration for none."""
    rest = iter(events)
    return reduce(apply, rest, opened(next(rest)))


def revision_of(referral: Referral, decision: Decision) -> int:
    """
    Which revision of the referral a decision speaks of; an earlier one's decisions count for nothing.

    One under an earlier id is of an earlier revision. Under the same id the agency may say itself which one
    it speaks of, and then that counts.

    Where it does not say, what it decided before it had the amendment is of the content before. The agency's
    clock may be behind ours, or the answer to the amendment was lost and we know only when it was told again:
    then a decision is taken for an old one, and the referral waits for a person, which is the safe side. What
    the agency says in its very answer to a request is of the content of that request: whoever sent it has
    written that into the decision.

    While an amendment is being told, nobody knows what a decision is about that is younger than the
    amendment: it is kept as one about the new content, and `hub.domain.settling.standing_decisions` counts
    it only when it is known since when the agency had that.
    """
    terms = referral.terms
    if decision.referral != terms.id:
        return max(terms.revision - 1, 0)
    if referral.change in (Change.RESUBMIT, Change.WITHDRAW):
        # The new content, if there is to be any, is told under another id.
        return referral.delivered_revision
    if decision.about is not None:
        return _revision_said(referral, decision.about)
    if referral.change is Change.AMEND:
        is_younger = terms.opened_at is None or decision.decided_at >= terms.opened_at
        return terms.revision if is_younger else terms.revision - 1
    if decision.via is Via.REPLY and decision.revision == terms.revision:
        return terms.revision
    if referral.amended_at is not None and decision.decided_at < referral.amended_at:
        return terms.revision - 1
    return terms.revision


def _revision_said(referral: Referral, about: int) -> int:
    """
    The revision that an agency means which says that it speaks of `about`.

    What it has known under one content only is spoken of in that content, whatever the agency calls it: a
    submission tells it no number. One that it was never told of is none of ours.
    """
    if about > referral.terms.revision:
        return 0
    if referral.change is Change.NONE and referral.amended_at is None:
        return referral.terms.revision
    return about


def is_ahead(referral: Referral, decision: Decision) -> bool:
    """
    Whether the agency says that it speaks of a revision that it was never told of. Such a decision counts
    for nothing: nobody knows what it is about.
    """
    return decision.about is not None and decision.about > referral.terms.revision


def is_delivered(referral: Referral) -> bool:
    """Whether the agency is known to have it, in whatever content; a decision may overtake its receipt."""
    return bool(referral.receipt is not None or referral.delivered_revision or standing_decisions(referral))


def state_after_decisions(referral: Referral) -> ReferralState:
    """DECIDED when every goods item has a standing decision that asks for nothing more."""
    if referral.state is ReferralState.WITHDRAWN:
        return referral.state
    standing = standing_decisions(referral)
    verdicts = {decision.verdict for decision in standing.values()}
    asks_for_more = verdicts & {Verdict.INFORMATION_REQUIRED, Verdict.INSPECTION_REQUIRED}
    if len(standing) == len(referral.terms.items) and not asks_for_more:
        return ReferralState.DECIDED
    # It takes a final word back and asks for more: it is awaited again.
    return ReferralState.DELIVERED if referral.state is ReferralState.DECIDED else referral.state


def decision_in(referral: Referral, event: NewEvent) -> Decision:
    """The decision that `decision.received` tells of, about this referral."""
    data = {name: value for name, value in event.data.items() if name not in _BESIDE_DECISION}
    return Decision.model_validate(
        {"id": data.pop("decision"), "referral": data.pop("referral", referral.terms.id), **data}
    )


_BESIDE_DECISION = frozenset({"agency", "evidence", "question"})


def with_decision(referral: Referral, decision: Decision, question_due_at: datetime | None) -> Referral:
    """The referral with one more decision; the same again changes nothing."""
    if any(known.id == decision.id for known in referral.decisions):
        return referral
    referral = referral.model_copy(update={"decisions": (*referral.decisions, decision)})
    concerns = decision.revision == referral.terms.revision and is_live(referral)
    if concerns and decision.verdict is Verdict.INFORMATION_REQUIRED:
        question = InformationRequest(
            id=decision.id,
            items=decision.items or referral.terms.items,
            asked_at=decision.decided_at,
            due_at=question_due_at,
        )
        stops = referral.stops
        if not referral.is_stopped and referral.terms.answers is not Answers.DOOR:
            stops = (*stops, ClockStop(from_=decision.decided_at, request=decision.id))
        referral = referral.model_copy(update={"questions": (*referral.questions, question), "stops": stops})
    return referral.model_copy(update={"state": state_after_decisions(referral)})


def _delivered(case: Case, event: NewEvent) -> Case:
    referral = _of(case, event)
    receipt = _RECEIPT.validate_python(event.data.get("receipt"))
    # Amended while it was being handed over: what the agency has is the content of before.
    revision = event.data.get("revision", referral.terms.revision)
    update: dict[str, Any] = {
        "receipt": referral.receipt or receipt,
        "delivered_revision": revision,
        "delivered_at": event.at,
        "trouble": None,
        "tried_late": False,
    }
    if revision == referral.terms.revision and referral.change in (Change.AMEND, Change.RESUBMIT):
        update["change"] = Change.NONE
    if referral.state in (ReferralState.PENDING, ReferralState.UNDELIVERABLE):
        update["state"] = ReferralState.DELIVERED
    return _with(case, referral, **update)


def _undeliverable(case: Case, event: NewEvent) -> Case:
    referral = _of(case, event)
    # What was not reached in time stays expired, with the reason why it is not reached.
    state = ReferralState.UNDELIVERABLE if referral.state is ReferralState.PENDING else referral.state
    return _with(case, referral, state=state, trouble=event.data.get("trouble"), tried_late=False)


def _delayed(case: Case, event: NewEvent) -> Case:
    return _with(case, _of(case, event), trouble=event.data.get("trouble"))


def _expired(case: Case, event: NewEvent) -> Case:
    referral = _of(case, event)
    if referral.state in (ReferralState.DECIDED, ReferralState.WITHDRAWN):
        return case
    return _with(case, referral, state=ReferralState.EXPIRED, trouble=event.data.get("trouble"))


def _decided(case: Case, event: NewEvent) -> Case:
    referral = _of(case, event)
    question = event.data.get("question")
    due_at = Question.model_validate(question).due_at if question else None
    return _put(case, with_decision(referral, decision_in(referral, event), due_at))


def _amended(case: Case, event: NewEvent) -> Case:
    amendment = Amendment.model_validate(event.data)
    if amendment.version <= case.version:
        return case
    changed = {one.terms.service: one for one in amendment.changed}
    removed = {one.service: one for one in amendment.removed}
    referrals = [_after_amendment(r, changed, removed, event.at) for r in case.referrals]
    known = {r.terms.service for r in referrals}
    duties = None if case.duties is None else Duties(version=amendment.version, cover=case.duties.cover)
    added = {r.terms.service: r for r in amendment.added}
    # A service that was removed before, and is needed again, takes its old place.
    referrals = [added.get(r.terms.service, r) for r in referrals]
    referrals += [r for s, r in added.items() if s not in known]
    amended = case.model_copy(
        update={
            "version": amendment.version,
            "items": amendment.items,
            "prohibitions": amendment.prohibitions,
            "claims": amendment.claims,
            "duties": duties,
        }
    )
    return amended.model_copy(update={"referrals": tuple(_as_claimed(amended, r) for r in referrals)})


def _as_claimed(case: Case, referral: Referral) -> Referral:
    """
    The referral in the state that the claims of the case give it, while the agency has not been asked: none
    need ask it when certificates stand for its consent to everything.
    """
    if is_delivered(referral) or referral.state not in (ReferralState.PENDING, ReferralState.DECIDED):
        return referral
    state = ReferralState.DECIDED if needs_no_asking(case, referral) else ReferralState.PENDING
    return referral.model_copy(update={"state": state})


def _after_amendment(
    referral: Referral,
    changed: Mapping[str, ChangedReferral],
    removed: Mapping[str, RemovedReferral],
    at: datetime,
) -> Referral:
    if gone := removed.get(referral.terms.service):
        return referral.model_copy(
            update={
                "change": gone.change,
                "state": ReferralState.WITHDRAWN if gone.change is Change.NONE else referral.state,
                "stops": _ended(referral.stops, at),
            }
        )
    if not (one := changed.get(referral.terms.service)):
        return referral
    by_hand = one.terms.answers is Answers.DOOR
    state = ReferralState.DELIVERED if by_hand or is_delivered(referral) else ReferralState.PENDING
    amended = referral.model_copy(
        update={
            "terms": one.terms,
            "change": one.change,
            "state": state,
            "trouble": None,
            "due_at": None,
            "reminded": 0,
            "tried_late": False,
            "stops": (),
            "questions": (),
            "delivered_revision": one.terms.revision if by_hand else referral.delivered_revision,
            "delivered_at": at if by_hand else referral.delivered_at,
            "amended_at": at if by_hand else referral.amended_at,
        }
    )
    return amended if one.demand is None else with_decision(amended, one.demand, one.question_due_at)


def _declaration_withdrawn(case: Case, event: NewEvent) -> Case:
    if case.withdrawal is not None:
        return case
    referrals = tuple(_to_be_withdrawn(r, event.at) for r in case.referrals)
    return case.model_copy(
        update={"withdrawal": Withdrawal.model_validate(event.data), "referrals": referrals}
    )


def _to_be_withdrawn(referral: Referral, at: datetime) -> Referral:
    if referral.state is ReferralState.WITHDRAWN:
        return referral
    if referral.terms.answers is Answers.DOOR:
        return referral.model_copy(
            update={
                "state": ReferralState.WITHDRAWN,
                "change": Change.NONE,
                "stops": _ended(referral.stops, at),
            }
        )
    return referral.model_copy(update={"change": Change.WITHDRAW, "stops": _ended(referral.stops, at)})


def _referral_withdrawn(case: Case, event: NewEvent) -> Case:
    said = ReferralWithdrawn.model_validate(event.data)
    referral = _of(case, event)
    if referral.terms.id != said.referral or referral.state is ReferralState.WITHDRAWN:
        return case
    if said.next_id is None or referral.change is Change.WITHDRAW:
        return _with(case, referral, state=ReferralState.WITHDRAWN, change=Change.NONE)
    terms = referral.terms.model_copy(update={"id": said.next_id})
    anew = referral.model_copy(
        update={
            "terms": terms,
            "former": (*referral.former, said.referral),
            "state": ReferralState.PENDING,
            "change": Change.NONE,
            "receipt": None,
            "trouble": None,
            "delivered_revision": 0,
            "delivered_at": None,
            "amended_at": None,
            "tried_late": False,
        }
    )
    return _put(case, _as_claimed(case, anew))


def _referral_amended(case: Case, event: NewEvent) -> Case:
    said = ReferralAmended.model_validate(event.data)
    referral = _of(case, event)
    if said.revision <= referral.delivered_revision:
        return case
    update: dict[str, Any] = {
        "delivered_revision": said.revision,
        "delivered_at": event.at,
        "amended_at": event.at,
        "receipt": said.receipt or referral.receipt,
        "trouble": None,
    }
    if referral.state in (ReferralState.PENDING, ReferralState.UNDELIVERABLE):
        update["state"] = ReferralState.DELIVERED
    # Amended once more meanwhile, or withdrawn: that is still to be told.
    if said.revision != referral.terms.revision or referral.change is not Change.AMEND:
        return _with(case, referral, **update)
    referral = referral.model_copy(update={**update, "change": Change.NONE})
    # What it asked and said meanwhile counts from now on, as far as it is about this content.
    questions = standing_questions(referral)
    asked = {question.id for question in questions}
    stops = tuple(stop for stop in referral.stops if stop.request in asked)
    referral = referral.model_copy(update={"questions": questions, "stops": stops})
    return _put(case, referral.model_copy(update={"state": state_after_decisions(referral)}))


def _reminded(case: Case, event: NewEvent) -> Case:
    number = ReferralReminded.model_validate(event.data).number
    referral = _of(case, event)
    return _with(case, referral, reminded=max(number, referral.reminded))


def _deadline_moved(case: Case, event: NewEvent) -> Case:
    said = DeadlineMoved.model_validate(event.data)
    referral = _of(case, event)
    state = _reopened(referral, said.due_at, event.at)
    return _with(case, referral, state=state, **_new_deadline(referral, said.due_at, said.remind_at))


def _retry_asked(case: Case, event: NewEvent) -> Case:
    number = AskedAgain.model_validate(event.data).number
    referral = _of(case, event)
    if number <= referral.asked_again:
        return case
    is_late = referral.state is ReferralState.EXPIRED and not is_delivered(referral)
    return _with(case, referral, asked_again=number, tried_late=referral.tried_late or is_late)


def _look_up_asked(case: Case, event: NewEvent) -> Case:
    number = AskedAgain.model_validate(event.data).number
    referral = _of(case, event)
    if number <= referral.asked_again:
        return case
    return _with(case, referral, asked_again=number, look_up=number)


def _looked_up(case: Case, event: NewEvent) -> Case:
    number = LookedUp.model_validate(event.data).number
    referral = _of(case, event)
    return _with(case, referral, looked_up=max(number, referral.looked_up))


def _resent(case: Case, event: NewEvent) -> Case:
    said = Resent.model_validate(event.data)
    referral = _of(case, event)
    if said.number <= referral.asked_again:
        return case
    terms = {"config_version": said.config_version, "answers": said.answers or referral.terms.answers}
    awaited_again = referral.state in (ReferralState.UNDELIVERABLE, ReferralState.DELIVERED)
    return _with(
        case,
        referral,
        terms=referral.terms.model_copy(update=terms),
        asked_again=said.number,
        state=ReferralState.PENDING if awaited_again else referral.state,
        tried_late=referral.state is ReferralState.EXPIRED,
        receipt=None,
        trouble=None,
        delivered_revision=0,
        delivered_at=None,
    )


def _information_given(case: Case, event: NewEvent) -> Case:
    said = InformationGiven.model_validate(event.data)

    def answered(question: InformationRequest) -> InformationRequest:
        return question.model_copy(update={"answer": said.information, "answered_at": event.at})

    return _put(case, _with_question(_of(case, event), said.request, answered))


def _information_passed_on(case: Case, event: NewEvent) -> Case:
    said = InformationPassedOn.model_validate(event.data)
    referral = _of(case, event)
    if all(question.id != said.request for question in referral.questions):
        # It was asked about a content that has been amended since: that clock is another's.
        return case
    referral = _with_question(
        referral, said.request, lambda q: q.model_copy(update={"passed_on_at": event.at})
    )
    # The clock goes on when nothing that stopped it is open any more.
    waiting = any(q.passed_on_at is None for q in standing_questions(referral))
    stops = referral.stops if waiting else _ended(referral.stops, event.at)
    return _with(
        case,
        referral,
        state=_reopened(referral, said.due_at, event.at),
        stops=stops,
        **_new_deadline(referral, said.due_at, said.remind_at),
    )


def _information_expired(case: Case, event: NewEvent) -> Case:
    said = InformationExpired.model_validate(event.data)

    def expired(question: InformationRequest) -> InformationRequest:
        if question.answered_at is not None:
            return question
        return question.model_copy(update={"expired_at": event.at})

    return _put(case, _with_question(_of(case, event), said.request, expired))


def _inspection_offered(case: Case, event: NewEvent) -> Case:
    offered = Inspection.model_validate(event.data)
    others = tuple(i for i in case.inspections if i.id != offered.id)
    return case.model_copy(update={"inspections": (*others, offered)})


def _inspection_confirmed(case: Case, event: NewEvent) -> Case:
    said = InspectionConfirmed.model_validate(event.data)
    return _with_inspection(
        case, said.inspection, state=InspectionState.CONFIRMED, at=said.at, confirmed_by=said.by
    )


def _inspection_reported(case: Case, event: NewEvent) -> Case:
    said = InspectionReported.model_validate(event.data)
    [inspection] = [i for i in case.inspections if i.id == said.inspection]
    parties = tuple(
        p.model_copy(update={"reported": said.decision}) if p.service == event.service else p
        for p in inspection.parties
    )
    done = all(p.reported for p in parties)
    state = InspectionState.DONE if done else inspection.state
    return _with_inspection(case, said.inspection, parties=parties, state=state)


def _inspection_cancelled(case: Case, event: NewEvent) -> Case:
    said = InspectionCancelled.model_validate(event.data)
    return _with_inspection(case, said.inspection, state=InspectionState.CANCELLED)


def _duties_assessed(case: Case, event: NewEvent) -> Case:
    said = DutiesAssessed.model_validate(event.data)
    before = case.duties or Duties()
    # What was paid counts for the amount that it was paid for, and for no other.
    cover = before.cover if before.cover is not None and before.cover.amount == said.amount else None
    duties = Duties(amount=said.amount, assessed_at=event.at, version=case.version, cover=cover)
    return case.model_copy(update={"duties": duties})


def _duties_covered(case: Case, event: NewEvent) -> Case:
    duties = case.duties or Duties(version=case.version)
    return case.model_copy(
        update={"duties": duties.model_copy(update={"cover": DutyCover.model_validate(event.data)})}
    )


def _certificate(state: ClaimState) -> Callable[[Case, NewEvent], Case]:
    def moved(case: Case, event: NewEvent) -> Case:
        said = CertificateMoved.model_validate(event.data)
        return case.model_copy(
            update={
                "claims": tuple(
                    claim.model_copy(update={"state": state})
                    if (claim.service, claim.item, claim.certificate)
                    == (event.service, said.item, said.certificate)
                    else claim
                    for claim in case.claims
                )
            }
        )

    return moved


def _settled(case: Case, event: NewEvent) -> Case:
    released = set(case.released) | set(event.data.get("released_items", ()))
    return case.model_copy(update={"released": tuple(sorted(released))})


_CHANGES: Mapping[EventType, Callable[[Case, NewEvent], Case]] = {
    EventType.REFERRAL_DELIVERED: _delivered,
    EventType.REFERRAL_DELAYED: _delayed,
    EventType.REFERRAL_UNDELIVERABLE: _undeliverable,
    EventType.REFERRAL_EXPIRED: _expired,
    EventType.DECISION_RECEIVED: _decided,
    EventType.CLEARANCE_SETTLED: _settled,
    EventType.DECLARATION_AMENDED: _amended,
    EventType.DECLARATION_WITHDRAWN: _declaration_withdrawn,
    EventType.REFERRAL_WITHDRAWN: _referral_withdrawn,
    EventType.REFERRAL_AMENDED: _referral_amended,
    EventType.REFERRAL_REMINDED: _reminded,
    EventType.DEADLINE_MOVED: _deadline_moved,
    EventType.REFERRAL_RETRY_ASKED: _retry_asked,
    EventType.REFERRAL_LOOK_UP_ASKED: _look_up_asked,
    EventType.REFERRAL_LOOKED_UP: _looked_up,
    EventType.REFERRAL_RESENT: _resent,
    EventType.INFORMATION_GIVEN: _information_given,
    EventType.INFORMATION_PASSED_ON: _information_passed_on,
    EventType.INFORMATION_EXPIRED: _information_expired,
    EventType.INSPECTION_OFFERED: _inspection_offered,
    EventType.INSPECTION_CONFIRMED: _inspection_confirmed,
    EventType.INSPECTION_REPORTED: _inspection_reported,
    EventType.INSPECTION_CANCELLED: _inspection_cancelled,
    EventType.DUTIES_ASSESSED: _duties_assessed,
    EventType.DUTIES_COVERED: _duties_covered,
    EventType.CERTIFICATE_RESERVED: _certificate(ClaimState.RESERVED),
    EventType.CERTIFICATE_EXHAUSTED: _certificate(ClaimState.WANTED),
    EventType.CERTIFICATE_WRITTEN_OFF: _certificate(ClaimState.WRITTEN_OFF),
    EventType.CERTIFICATE_GIVEN_BACK: _certificate(ClaimState.GIVEN_BACK),
}


# --- parts ------------------------------------------------------------------------------------------


def _of(case: Case, event: NewEvent) -> Referral:
    if event.service is None:
        raise ValueError(f"{event.type} names no service")
    return case.referral(event.service)


def _put(case: Case, referral: Referral) -> Case:
    service = referral.terms.service
    return case.model_copy(
        update={"referrals": tuple(referral if r.terms.service == service else r for r in case.referrals)}
    )


def _with(case: Case, referral: Referral, **update: Any) -> Case:
    return _put(case, referral.model_copy(update=update))


def _with_question(
    referral: Referral, request: str, change: Callable[[InformationRequest], InformationRequest]
) -> Referral:
    questions = tuple(change(q) if q.id == request else q for q in referral.questions)
    return referral.model_copy(update={"questions": questions})


def _with_inspection(case: Case, inspection: str, **update: Any) -> Case:
    return case.model_copy(
        update={
            "inspections": tuple(
                i.model_copy(update=update) if i.id == inspection else i for i in case.inspections
            )
        }
    )


def _ended(stops: tuple[ClockStop, ...], at: datetime) -> tuple[ClockStop, ...]:
    return tuple(s if s.until is not None else s.model_copy(update={"until": at}) for s in stops)


def _reopened(referral: Referral, due_at: datetime, at: datetime) -> ReferralState:
    """The state of a referral that has a deadline again: one whose time had passed is awaited anew."""
    if referral.state is not ReferralState.EXPIRED or due_at <= at:
        return referral.state
    return ReferralState.DELIVERED if is_delivered(referral) else ReferralState.PENDING


def _new_deadline(referral: Referral, due_at: datetime, remind_at: tuple[datetime, ...]) -> dict[str, Any]:
    terms = referral.terms.model_copy(update={"remind_at": remind_at})
    return {"due_at": due_at, "terms": terms, "reminded": 0}
