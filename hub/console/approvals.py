"""Pages for the second person: decisions by hand that wait, and what became of others."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from hub.console import acting
from hub.console.acting import Looking, problem_of, refusal_words
from hub.console.i18n import _
from hub.console.links import approval_url
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import PageProblem, forbidden, not_found
from hub.console.security import CheckedForm, Form
from hub.console.shell import Operating, actor_of, go, may, page
from hub.domain.steps import StepRefused
from hub.operations.by_hand import new_request
from hub.operations.permission import ActionForbidden
from hub.ports import BadCursor, Proposal, ProposalState, User, UserRole

router = APIRouter(prefix="/console/approvals")


@router.get("")
async def approvals(
    request: Request, parts: Parts, user: Looking, ended: bool = False, cursor: str | None = None
) -> Response:
    """Those that wait, or those that have ended."""
    try:
        found = await parts.desk.by_hand.proposals(open=not ended, cursor=cursor)
    except BadCursor:
        raise not_found() from None
    return page(
        request,
        "acting/approvals.html",
        found=found,
        waiting=not ended,
        VERDICTS=acting.VERDICTS,
        PROPOSALS=acting.PROPOSALS,
        PROPOSAL_STYLES=acting.PROPOSAL_STYLES,
    )


@router.get("/{id}")
async def approval(request: Request, parts: Parts, user: Looking, id: str) -> Response:
    """One of them, with its evidence, and the forms to end it with."""
    return await _approval(request, parts, user, await _known(parts, id))


@router.get("/{id}/document")
async def document(parts: Parts, user: Looking, id: str) -> Response:
    """Its document, as it was handed in: to be kept, not to be shown by the browser."""
    proposal = await _known(parts, id)
    content = await parts.desk.by_hand.document(proposal)
    if content is None or proposal.document is None:
        raise not_found(_("This decision has no document"))
    name = quote(proposal.document.name, safe="")
    return Response(
        content,
        media_type=proposal.document.media_type,
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


@router.post("/{id}/confirm")
async def confirm(request: Request, parts: Parts, user: Operating, id: str, form: CheckedForm) -> Response:
    """The second person confirms it."""
    return await _end(request, parts, user, id, form, "reason")


@router.post("/{id}/decline")
async def decline(request: Request, parts: Parts, user: Operating, id: str, form: CheckedForm) -> Response:
    """The second person declines it, or the first takes it back."""
    return await _end(request, parts, user, id, form, "decline_reason")


async def _end(
    request: Request, parts: ConsoleParts, user: User, id: str, form: Form, field: str
) -> Response:
    by_hand, actor = parts.desk.by_hand, actor_of(user)
    end = by_hand.confirm if field == "reason" else by_hand.decline
    proposal = await _known(parts, id)
    try:
        await end(actor, id, form.text(field), form.text("request"))
    except ActionForbidden:
        raise forbidden() from None
    except StepRefused as refused:
        if refused.pointer == "/reason":
            faults = {field: acting.FIELD_FAULTS["reason"]}
            return await _approval(request, parts, user, proposal, status=422, form=form, faults=faults)
        if refused.code in ("invalid-request", "not-found"):
            raise problem_of(refused) from refused
        now = await _known(parts, id)
        return await _approval(request, parts, user, now, status=409, note=refusal_words(refused))
    return go(approval_url(id))


async def _known(parts: ConsoleParts, id: str) -> Proposal:
    """Raises PageProblem (404)."""
    proposal = await parts.desk.by_hand.proposal(id)
    if proposal is None:
        raise not_found(_("There is no such declaration, service, agency or proposal"))
    return proposal


async def _approval(
    request: Request,
    parts: ConsoleParts,
    user: User,
    proposal: Proposal,
    *,
    status: int = 200,
    form: Form | None = None,
    faults: dict[str, str] | None = None,
    note: str = "",
) -> Response:
    why_not, actor = "", actor_of(user)
    if proposal.state is ProposalState.OPEN and may(user, UserRole.OPERATOR):
        try:
            refused = await parts.desk.by_hand.why_not(actor, proposal)
        except StepRefused as gone:
            raise PageProblem(409, refusal_words(gone)) from gone
        why_not = "" if refused is None else refusal_words(refused)
    return page(
        request,
        "acting/approval.html",
        status=status,
        proposal=proposal,
        own=user.name.casefold() == proposal.by.casefold(),
        why_not="" if why_not == note else why_not,
        note=note,
        faults=faults or {},
        values={name: form.text(name) if form else "" for name in ("reason", "decline_reason")},
        request_id=new_request(),
        names=parts.agency_names(),
        VERDICTS=acting.VERDICTS,
        PROPOSALS=acting.PROPOSALS,
        PROPOSAL_STYLES=acting.PROPOSAL_STYLES,
    )
