"""The declarant takes a declaration back, and every agency that was asked is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints

from hub.api.access import Caller, Lodger, Mrn, Seeing, declaration_seen
from hub.api.asking import BODY_PROBLEMS, body_of, read_asked
from hub.api.changing import change
from hub.api.parts import Parts
from hub.api.presenting import withdrawal_of
from hub.api.problems import ApiProblem, ProblemFault, problem_responses
from hub.api.shapes import WithdrawalAnswer, WithdrawalReason, WithdrawalReasons
from hub.domain.model import Model
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal

router = APIRouter(tags=["declarations"])


class Withdrawing(Model):
    """Why a declaration is taken back."""

    reason: str = Field(description="A code of GET /v1/withdrawal-reasons.")
    remarks: Annotated[str, StringConstraints(max_length=1000)] = ""


@router.post(
    "/v1/declarations/{mrn}/withdrawal",
    status_code=202,
    response_model=WithdrawalAnswer,
    summary="Withdraw a declaration",
    responses=problem_responses(
        *BODY_PROBLEMS,
        "unauthenticated",
        "forbidden",
        "not-found",
        "already-released",
        "already-withdrawn",
        "closed",
        "unknown-reason",
    ),
    openapi_extra=body_of(Withdrawing, {"reason": "C01", "remarks": "the vessel was diverted"}),
)
async def withdraw_declaration(
    request: Request, mrn: Mrn, client: Lodger, sight: Seeing, parts: Parts
) -> WithdrawalAnswer:
    """
    From now on nothing of it is released. The agencies that were asked are told, the last one first, until
    each knows; what was reserved of certificates is free again. The same reason again gets the same answer.
    """
    view = await declaration_seen(mrn, parts, sight)
    if sight.agency is not None:
        raise ApiProblem("forbidden", "the declarant withdraws, or customs on its behalf")
    asked = await read_asked(request, parts, Withdrawing)
    reasons = parts.rulebook().withdrawal_reasons
    before = view.case.withdrawal
    # One that was taken under earlier rules is answered the same when it is repeated.
    if asked.reason not in reasons and (before is None or before.reason != asked.reason):
        detail = f"there is no reason {asked.reason[:20]!r}; there are {', '.join(sorted(reasons))}"
        raise ApiProblem("unknown-reason", detail, faults=[ProblemFault(pointer="/reason", detail=detail)])
    wanted = Withdrawal(reason=asked.reason, remarks=asked.remarks, requested_at=parts.clock(), by=client.id)
    await change(parts, mrn, lambda now: withdraw(now, wanted))
    return withdrawal_of(await declaration_seen(mrn, parts, sight), sight, parts)


@router.get(
    "/v1/withdrawal-reasons",
    response_model=WithdrawalReasons,
    summary="Why a declaration may be withdrawn",
    responses=problem_responses("unauthenticated", "invalid-parameters", "not-ready"),
)
async def list_withdrawal_reasons(client: Caller, parts: Parts) -> WithdrawalReasons:
    """The codes that `POST /v1/declarations/{mrn}/withdrawal` takes."""
    reasons = parts.rulebook().withdrawal_reasons
    return WithdrawalReasons(
        reasons=tuple(WithdrawalReason(code=code, name=name) for code, name in sorted(reasons.items()))
    )
