"""What offices decide and record by hand: decisions, withdrawals that were told, deadlines."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Request
from pydantic import Field

from hub.api.access import Caller, Mrn, Operator, Seeing, declaration_seen, refuse_unless_of
from hub.api.asked import DeadlineSet, DecisionByHand, WithdrawnByHand
from hub.api.asking import BODY_PROBLEMS, body_of, invalid, read_asked
from hub.api.changing import change, refusal, tell
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.case import Referral
from hub.domain.clearance import Outcome
from hub.domain.errors import ChannelError
from hub.domain.exchange import Asked, Message
from hub.domain.intake import Fault
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, ReferralState
from hub.domain.steps import StepRefused
from hub.domain.steps.controlling import decision_by_hand, moved_deadline, withdrawn_by_hand
from hub.domain.steps.standing import released_words
from hub.operations.sight import Sight
from hub.ports import DeclarationView

router = APIRouter(tags=["offices"])

Service = Annotated[
    str, Path(description="The service's code.", max_length=64, examples=["apqa-animal-import"])
]

KEY = "Idempotency-Key"


class DecisionTaken(Model):
    """A decision is on record."""

    received: bool
    duplicate: bool = Field(description="It was there already, and counts once.")
    decision: str = Field(description="Its id, as reasons and events name it.")
    referral: str
    state: ReferralState = Field(description="Of the referral, with it.")


class ReferralStands(Model):
    """A referral, after what was recorded."""

    referral: str
    state: ReferralState
    due_at: UtcDatetime | None = Field(description="Null while its clock stands still.")


@router.post(
    "/v1/declarations/{mrn}/referrals/{service}/decisions",
    status_code=202,
    response_model=DecisionTaken,
    summary="An office decides by hand",
    responses={
        202: {"description": "On record, once; sent again it is a duplicate and changes nothing."},
        **problem_responses(
            *BODY_PROBLEMS,
            "unauthenticated",
            "forbidden",
            "not-found",
            "already-released",
            "already-withdrawn",
            "closed",
            "referral-withdrawn",
            "amended-meanwhile",
            "message-id-already-used",
        ),
    },
    openapi_extra=body_of(
        DecisionByHand,
        {
            "id": "2026-11-22/0417",
            "verdict": "approved_with_conditions",
            "items": [1],
            "remarks": "To be kept below 4 °C",
            "reference": "AP-2026-0417",
        },
    ),
)
async def decide(
    mrn: Mrn,
    service: Service,
    request: Request,
    parts: Parts,
    client: Caller,
    sight: Seeing,
    idempotency_key: Annotated[str | None, Header(alias=KEY, max_length=64)] = None,
) -> DecisionTaken:
    """
    An agency's client for its own services, when its system cannot say it; customs for its own control.

    What comes after the release is recorded as late, and answered with 409.
    """
    view = await declaration_seen(mrn, parts, sight)
    referral = referral_seen(view, service, sight)
    refuse_unless_of(referral.terms.agency, client, sight)
    asked = await read_asked(request, parts, DecisionByHand)
    if asked.id is not None and idempotency_key is not None and asked.id != idempotency_key:
        raise invalid([Fault("/id", f"is not the {KEY} of the request, {idempotency_key}")])
    given = asked.id or idempotency_key
    if given is None:
        raise invalid([Fault("/id", f"is required, here or as the header {KEY}: it makes repeating safe")])
    try:
        decision = decision_by_hand(
            view,
            service,
            id=f"door/{client.id}/{mrn}/{service}/{given}",
            verdict=asked.verdict,
            items=asked.items,
            remarks=asked.remarks,
            reference=asked.reference,
            decided_at=asked.decided_at,
            revision=asked.revision,
            by=client.id,
            at=parts.clock(),
        )
    except StepRefused as refused:
        raise refusal(refused) from refused
    return await take(parts, view, referral, decision, asked)


async def take(
    parts: ApiParts, view: DeclarationView, referral: Referral, decision: Decision, asked: Model
) -> DecisionTaken:
    """
    Put a decision that was given at a door into the inbox, and tell the workflow. Raises ApiProblem (409)
    when its id was used before with other content, and when it changes nothing: it came after the release of
    its goods or the closing, or is about content that has been amended meanwhile.
    """
    mrn = view.acceptance.mrn
    message = Message(
        agency=referral.terms.agency,
        message_id=decision.id,
        referral=decision.referral,
        decisions=(decision,),
        raw=asked.model_dump_json(),
        via=decision.via,
        received_at=decision.received_at,
    )
    received = await to_thread.run_sync(parts.cases.receive, message)
    if received.trouble is not None:
        raise ApiProblem(
            "message-id-already-used" if received.id_used_before else "message-not-understood",
            f"the decision is kept, and changes nothing: {received.trouble}",
        )
    if received.to_tell:
        await tell(parts, mrn, received.to_tell)
    now = await to_thread.run_sync(parts.queries.view, mrn)
    assert now is not None
    stands = now.case.referral(referral.terms.service)
    if not any(known.id == decision.id for known in stands.decisions):
        if now.clearance.outcome is Outcome.RELEASE:
            raise ApiProblem("already-released", "the cargo has been released; the decision is kept as late")
        if now.closed_at is not None:
            raise ApiProblem("closed", "the declaration is closed; the decision is kept as late")
        about = sorted(set(decision.items or stands.terms.items))
        if decision.revision == stands.terms.revision and set(about) <= set(now.case.released):
            raise ApiProblem("already-released", f"{released_words(about)}; the decision is kept as late")
        raise ApiProblem("amended-meanwhile", "the decision is kept, and is about what it was before")
    return DecisionTaken(
        received=True,
        duplicate=not received.new,
        decision=decision.id,
        referral=decision.referral,
        state=stands.state,
    )


@router.post(
    "/v1/declarations/{mrn}/referrals/{service}/withdrawn",
    response_model=ReferralStands,
    summary="An agency has been told by a person that an application is withdrawn",
    responses=problem_responses(
        *BODY_PROBLEMS,
        "unauthenticated",
        "forbidden",
        "not-found",
        "not-awaited",
        "not-by-hand",
        "agency-unavailable",
    ),
    openapi_extra=body_of(WithdrawnByHand, {"remarks": "Told Ms Han by telephone, 10:40"}),
)
async def note_withdrawn(
    mrn: Mrn, service: Service, request: Request, parts: Parts, client: Operator, sight: Seeing
) -> ReferralStands:
    """Where the channel has no operation for it, or the agency has refused it. The hub goes on from there."""
    referral = referral_seen(await declaration_seen(mrn, parts, sight), service, sight)
    asked = await read_asked(request, parts, WithdrawnByHand)
    try:
        can = await parts.gateway.abilities(referral.terms.agency, referral.terms.config_version)
    except ChannelError as error:
        raise ApiProblem(
            "agency-unavailable", f"what its channel can do is not known now: {error}"
        ) from error
    step = partial(
        withdrawn_by_hand,
        service=service,
        remarks=asked.remarks,
        channel_withdraws=Asked.WITHDRAW in can,
        by=client.id,
        at=parts.clock(),
    )
    await change(parts, mrn, step)
    return await _stands(parts, mrn, service)


@router.post(
    "/v1/declarations/{mrn}/referrals/{service}/deadline",
    response_model=ReferralStands,
    summary="Give an agency another deadline",
    responses=problem_responses(
        *BODY_PROBLEMS,
        "unauthenticated",
        "forbidden",
        "not-found",
        "already-released",
        "already-withdrawn",
        "closed",
        "referral-withdrawn",
        "not-awaited",
    ),
    openapi_extra=body_of(
        DeadlineSet, {"due_at": "2026-12-04T18:00:00+09:00", "reason": "Laboratory closed for a week"}
    ),
)
async def set_deadline(
    mrn: Mrn, service: Service, request: Request, parts: Parts, client: Operator, sight: Seeing
) -> ReferralStands:
    """One whose time had passed is awaited again."""
    terms = referral_seen(await declaration_seen(mrn, parts, sight), service, sight).terms
    asked = await read_asked(request, parts, DeadlineSet)
    step = partial(
        moved_deadline,
        service=service,
        due_at=asked.due_at,
        calendar=parts.calendar(terms.agency),
        reason=asked.reason,
        by=client.id,
        at=parts.clock(),
    )
    await change(parts, mrn, step)
    return await _stands(parts, mrn, service)


def referral_seen(view: DeclarationView, service: str, sight: Sight) -> Referral:
    """Raises ApiProblem (404) also when this client may not know that the service is asked."""
    for referral in view.case.referrals:
        if referral.terms.service == service and sight.may_see_agency(referral.terms.agency):
            return referral
    raise ApiProblem("not-found", f"{service} is not asked about declaration {view.acceptance.mrn}")


async def _stands(parts: ApiParts, mrn: str, service: str) -> ReferralStands:
    view = await to_thread.run_sync(parts.queries.view, mrn)
    assert view is not None
    referral = view.case.referral(service)
    return ReferralStands(referral=referral.terms.id, state=referral.state, due_at=referral.deadline)
