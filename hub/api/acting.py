"""What operations do by the API: actions with a preview, decisions by hand, the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import Field

from hub.api.access import Operator
from hub.api.asked import ActionAsked, PreviewAsked, ProposalEnded, ProposalMade
from hub.api.asking import BODY_PROBLEMS, body_of, invalid, read_asked
from hub.api.parameters import Cursor
from hub.api.parts import Parts
from hub.api.problems import KINDS, ApiProblem, ProblemFault, problem_responses
from hub.domain.clearance import Outcome
from hub.domain.intake import Fault
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import ReferralState
from hub.domain.steps import StepRefused
from hub.operations.actions import Action, Preview
from hub.operations.by_hand import DecisionProposal
from hub.operations.permission import ActionForbidden
from hub.ports import (
    ActionKind,
    Actor,
    ApiClient,
    Audited,
    AuditFilter,
    ChangedMeanwhile,
    ControlState,
    Proposal,
    Role,
    UserRole,
)

router = APIRouter(tags=["operations"])

KEY = "Idempotency-Key"
IdempotencyKey = Annotated[str | None, Header(alias=KEY, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]
_PLAIN = r"^[^\x00]*$"

REFUSALS = (
    "unauthenticated",
    "forbidden",
    "not-found",
    "already-released",
    "already-withdrawn",
    "closed",
    "referral-withdrawn",
    "not-awaited",
    "action-refused",
)
"""Why an action may be refused, beside what is wrong with its body."""


async def _actor(client: Operator) -> Actor:
    """
    The client as the one who acts: an operator as an operator, an administrator as one. One that is bound to
    a declarant does nothing here.
    """
    if client.declarant is not None:
        raise ApiProblem("forbidden", f"this client is bound to the declarant {client.declarant}")
    return actor_of(client)


Acting = Annotated[Actor, Depends(_actor)]
"""Operators and administrators; who is bound to an agency is refused by what is asked for."""


def actor_of(client: ApiClient) -> Actor:
    """The client as it stands in the audit."""
    role = UserRole.ADMIN if client.role is Role.ADMIN else UserRole.OPERATOR
    return Actor(name=f"client:{client.id}", role=role, agency=client.agency)


@contextmanager
def told_as_problems() -> Iterator[None]:
    """What operations refuse, as problems: under the code's own kind, else `action-refused` with the code."""
    try:
        yield
    except ActionForbidden as forbidden:
        raise ApiProblem("forbidden", str(forbidden)) from forbidden
    except ChangedMeanwhile as changed:
        raise ApiProblem("changed-meanwhile", str(changed)) from changed
    except StepRefused as refused:
        faults = (
            [] if refused.pointer is None else [ProblemFault(pointer=refused.pointer, detail=refused.detail)]
        )
        if refused.code in KINDS:
            raise ApiProblem(refused.code, refused.detail, faults=faults) from refused
        raise ApiProblem("action-refused", refused.detail, faults=faults, code=refused.code) from refused


def request_of(actor: Actor, id: str | None, key: str | None) -> str:
    """The id under which something is done once. Raises ApiProblem (422)."""
    if id is not None and key is not None and id != key:
        raise invalid([Fault("/id", f"is not the {KEY} of the request, {key}")])
    given = id or key
    if given is None:
        raise invalid([Fault("/id", f"is required, here or as the header {KEY}: it makes repeating safe")])
    return f"{actor.name}/{given}"


# --- actions ------------------------------------------------------------------------------------------


class WhatFollows(Model):
    """Something that will happen, as a code with its values."""

    code: str
    words: dict[str, str]


class WhyNot(Model):
    code: str
    detail: str


class ActionPreview(Model):
    """What an action would do, as things stand."""

    kind: ActionKind
    allowed: bool
    why_not: WhyNot | None = Field(description="Null when it may be done.")
    will: tuple[WhatFollows, ...]
    last_seq: int | None = Field(description="To be sent as `seen`; null for an action on an agency.")
    agency: str | None
    outcome: Outcome | None
    state: ReferralState | None = Field(description="Of the referral.")
    trouble: str | None
    due_at: UtcDatetime | None
    control: ControlState


class ActionDone(Model):
    """It is done, and in the audit."""

    kind: str
    mrn: str | None
    service: str | None
    agency: str | None
    by: str
    at: UtcDatetime
    duplicate: bool = Field(description="It was done before by the same request, and not again.")


_EXAMPLE = {
    "kind": "retry",
    "mrn": "26KR7Q2M9D4X1C8TB5",
    "service": "apqa-animal-import",
}


@router.post(
    "/v1/operations/actions/preview",
    response_model=ActionPreview,
    summary="What an action would do",
    responses=problem_responses(*BODY_PROBLEMS, "unauthenticated", "forbidden", "not-found"),
    openapi_extra=body_of(PreviewAsked, _EXAMPLE),
)
async def preview_action(request: Request, parts: Parts, actor: Acting) -> ActionPreview:
    """Nothing is done. Whether it may be done, why not, and what would follow."""
    asked = await read_asked(request, parts, PreviewAsked)
    with told_as_problems():
        preview = await parts.desk.actions.preview(actor, Action(**asked.model_dump()))
    return _preview_of(preview)


@router.post(
    "/v1/operations/actions",
    response_model=ActionDone,
    summary="Do it, with a reason",
    responses=problem_responses(*BODY_PROBLEMS, *REFUSALS, "changed-meanwhile", "agency-unavailable"),
    openapi_extra=body_of(
        ActionAsked,
        {"id": "2026-11-22/0417", **_EXAMPLE, "reason": "Their firewall is mended", "seen": 12},
    ),
)
async def act(
    request: Request, parts: Parts, actor: Acting, idempotency_key: IdempotencyKey = None
) -> ActionDone:
    """Once for each id. What may be asked for and is refused as things stand is in the audit, too."""
    asked = await read_asked(request, parts, ActionAsked)
    id = request_of(actor, asked.id, idempotency_key)
    action = Action(**asked.model_dump(exclude={"id", "reason", "seen"}))
    with told_as_problems():
        done = await parts.desk.actions.carry_out(actor, action, asked.reason, id, seen=asked.seen)
    line = done.line
    return ActionDone(
        kind=line.action,
        mrn=line.mrn,
        service=line.service,
        agency=line.agency,
        by=line.user,
        at=line.at,
        duplicate=done.before,
    )


def _preview_of(preview: Preview) -> ActionPreview:
    referral, refusal = preview.referral, preview.refusal
    return ActionPreview(
        kind=preview.action.kind,
        allowed=refusal is None,
        why_not=None if refusal is None else WhyNot(code=refusal.code, detail=refusal.detail),
        will=tuple(WhatFollows(code=one.code, words=one.words) for one in preview.will),
        last_seq=preview.last_seq,
        agency=preview.agency,
        outcome=preview.outcome,
        state=None if referral is None else referral.state,
        trouble=None if referral is None else referral.trouble,
        due_at=None if referral is None else referral.deadline,
        control=ControlState.OPEN if preview.control is None else preview.control.state,
    )


# --- decisions by hand --------------------------------------------------------------------------------


class ProposalList(Model):
    """`cursor` asks for the next page; null at the end."""

    proposals: tuple[Proposal, ...]
    cursor: str | None


ProposalId = Annotated[str, Path(max_length=64, examples=["5f0c2a1e9b7d4c38a6e4d2b1"])]


@router.get(
    "/v1/operations/proposals",
    response_model=ProposalList,
    summary="Decisions by hand that wait for a second person",
    responses=problem_responses("bad-cursor", "unauthenticated", "forbidden", "invalid-parameters"),
)
async def list_proposals(
    parts: Parts,
    actor: Acting,
    state: Annotated[Literal["open", "ended"], Query()] = "open",
    mrn: Annotated[str | None, Query(max_length=35, pattern=_PLAIN)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ProposalList:
    """Those that wait, the oldest first; or those that have ended, the last first."""
    _refuse_bound(actor)
    page = await parts.desk.by_hand.proposals(open=state == "open", mrn=mrn, cursor=cursor, limit=limit)
    return ProposalList(proposals=page.proposals, cursor=page.cursor)


@router.post(
    "/v1/operations/proposals",
    status_code=201,
    response_model=Proposal,
    summary="Propose what an agency has decided",
    responses=problem_responses(*BODY_PROBLEMS, *REFUSALS, "amended-meanwhile"),
    openapi_extra=body_of(
        ProposalMade,
        {
            "id": "2026-11-22/0418",
            "mrn": "26KR7Q2M9D4X1C8TB5",
            "service": "apqa-animal-import",
            "verdict": "approved",
            "reference": "AP-2026-0417",
            "evidence": "Ms Han of the quarantine office, by telephone, 10:40; file 2026/17",
        },
    ),
)
async def propose(
    request: Request, parts: Parts, actor: Acting, idempotency_key: IdempotencyKey = None
) -> Proposal:
    """It counts for nothing until a second person has confirmed it. Documents: on the console."""
    asked = await read_asked(request, parts, ProposalMade)
    id = request_of(actor, asked.id, idempotency_key)
    with told_as_problems():
        return await parts.desk.by_hand.propose(
            actor, DecisionProposal(**asked.model_dump(exclude={"id"})), id
        )


@router.get(
    "/v1/operations/proposals/{id}",
    response_model=Proposal,
    summary="One of them",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def show_proposal(id: ProposalId, parts: Parts, actor: Acting) -> Proposal:
    """With its evidence, and how it ended."""
    _refuse_bound(actor)
    found = await parts.desk.by_hand.proposal(id) if "\x00" not in id else None
    if found is None:
        raise ApiProblem("not-found", "there is no such proposal")
    return found


@router.post(
    "/v1/operations/proposals/{id}/confirmation",
    response_model=Proposal,
    summary="The second person confirms it",
    responses=problem_responses(*BODY_PROBLEMS, *REFUSALS, "own-proposal", "amended-meanwhile"),
    openapi_extra=body_of(ProposalEnded, {"id": "2026-11-22/0419", "reason": "I have read the file"}),
)
async def confirm_proposal(
    id: ProposalId, request: Request, parts: Parts, actor: Acting, idempotency_key: IdempotencyKey = None
) -> Proposal:
    """From then on it counts as any decision of the agency, given at the door, with both names."""
    asked = await read_asked(request, parts, ProposalEnded)
    with told_as_problems():
        key = request_of(actor, asked.id, idempotency_key)
        return await parts.desk.by_hand.confirm(actor, id, asked.reason, key)


@router.post(
    "/v1/operations/proposals/{id}/refusal",
    response_model=Proposal,
    summary="Decline it, or take it back",
    responses=problem_responses(
        *BODY_PROBLEMS, "unauthenticated", "forbidden", "not-found", "action-refused"
    ),
    openapi_extra=body_of(ProposalEnded, {"id": "2026-11-22/0420", "reason": "Another file number"}),
)
async def decline_proposal(
    id: ProposalId, request: Request, parts: Parts, actor: Acting, idempotency_key: IdempotencyKey = None
) -> Proposal:
    """It counts for nothing for good; taken back by whoever proposed it, declined by anybody else."""
    asked = await read_asked(request, parts, ProposalEnded)
    with told_as_problems():
        key = request_of(actor, asked.id, idempotency_key)
        return await parts.desk.by_hand.decline(actor, id, asked.reason, key)


# --- the audit ----------------------------------------------------------------------------------------


class AuditList(Model):
    """Newest first; `cursor` asks for the next page, null at the end."""

    lines: tuple[Audited, ...]
    cursor: str | None


@router.get(
    "/v1/operations/audit",
    response_model=AuditList,
    summary="Who did what",
    responses=problem_responses("bad-cursor", "unauthenticated", "forbidden", "invalid-parameters"),
)
async def list_audit(
    parts: Parts,
    actor: Acting,
    user: Annotated[str | None, Query(max_length=100, pattern=_PLAIN)] = None,
    action: Annotated[
        str | None,
        Query(max_length=64, pattern=_PLAIN, description="An action, or what stands before its dot."),
    ] = None,
    mrn: Annotated[str | None, Query(max_length=35, pattern=_PLAIN)] = None,
    agency: Annotated[str | None, Query(max_length=64, pattern=_PLAIN)] = None,
    since: Annotated[UtcDatetime | None, Query(description="Inclusive.")] = None,
    before: Annotated[UtcDatetime | None, Query(description="Exclusive.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> AuditList:
    """To what, why, and what came of it. Lines are added, and never changed."""
    _refuse_bound(actor)
    which = AuditFilter(user=user, action=action, mrn=mrn, agency=agency, since=since, before=before)
    page = await parts.desk.audit.search(which, cursor, limit)
    return AuditList(lines=page.lines, cursor=page.cursor)


def _refuse_bound(actor: Actor) -> None:
    if actor.agency is not None:
        raise ApiProblem("forbidden", f"this client is bound to the agency {actor.agency}")
