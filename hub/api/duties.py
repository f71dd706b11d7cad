"""Duties: what customs says is due, and that it is paid or guaranteed."""

from __future__ import annotations

from functools import partial

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import Field

from hub.api.access import Caller, Mrn, Seeing, declaration_seen, refuse_unless_customs
from hub.api.asked import CoverConfirmed, DutiesDue
from hub.api.asking import BODY_PROBLEMS, body_of, read_asked
from hub.api.changing import change
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.duties import CoverKind, Duties
from hub.domain.model import Model, Money, UtcDatetime
from hub.domain.steps.duties import assess, cover
from hub.operations.sight import Sight
from hub.ports import DeclarationView

router = APIRouter(tags=["offices"])

_PROBLEMS = (
    *BODY_PROBLEMS,
    "unauthenticated",
    "forbidden",
    "not-found",
    "already-released",
    "already-withdrawn",
    "closed",
)


class CoverAnswer(Model):
    """A payment or a guarantee."""

    kind: CoverKind
    amount: Money
    reference: str
    at: UtcDatetime
    by: str | None = Field(description="Id of the client that confirmed it; for customs only.")


class DutiesAnswer(Model):
    """What is due on a declaration, and whether it is paid or guaranteed."""

    mrn: str
    gate: bool = Field(description="Nothing is released before they are covered.")
    amount: Money | None = Field(description="Null while they are not assessed on this version.")
    assessed_at: UtcDatetime | None
    version: int = Field(description="Of the declaration they are assessed on.")
    covered: bool
    cover: CoverAnswer | None


def duties_of(view: DeclarationView, sight: Sight) -> DutiesAnswer | None:
    """As this client may see them; agencies see none. None where nobody has asked for any."""
    if sight.agency is not None or sight.sees_nothing:
        return None
    duties = view.case.duties
    if duties is None and not view.case.policy.duty_gate:
        return None
    known = duties or Duties(version=view.case.version)
    return DutiesAnswer(
        mrn=view.acceptance.mrn,
        gate=view.case.policy.duty_gate,
        amount=known.amount,
        assessed_at=known.assessed_at,
        version=known.version,
        covered=known.are_covered,
        cover=known.cover
        and CoverAnswer(
            kind=known.cover.kind,
            amount=known.cover.amount,
            reference=known.cover.reference,
            at=known.cover.at,
            by=known.cover.by if sight.is_customs else None,
        ),
    )


@router.get(
    "/v1/declarations/{mrn}/duties",
    response_model=DutiesAnswer,
    summary="What is due, and whether it is paid or guaranteed",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_duties(mrn: Mrn, parts: Parts, sight: Seeing) -> DutiesAnswer:
    """For the declarant and customs. 404 where the policy asks for none and none are assessed."""
    return _known(await declaration_seen(mrn, parts, sight), sight)


@router.put(
    "/v1/declarations/{mrn}/duties",
    response_model=DutiesAnswer,
    summary="Customs says what is due",
    responses=problem_responses(*_PROBLEMS),
    openapi_extra=body_of(DutiesDue, {"amount": {"amount": "1840500", "currency": "KRW"}}),
)
async def assess_duties(
    mrn: Mrn, request: Request, parts: Parts, client: Caller, sight: Seeing
) -> DutiesAnswer:
    """
    On the version there is now; after an amendment it has to be said anew. What was paid before counts on if
    it is of the same amount. Nothing due is an amount of 0.
    """
    await declaration_seen(mrn, parts, sight)
    refuse_unless_customs(client, sight)
    asked = await read_asked(request, parts, DutiesDue)
    await change(parts, mrn, partial(assess, amount=asked.amount, by=client.id, at=parts.clock()))
    return await _now(parts, mrn, sight)


@router.post(
    "/v1/declarations/{mrn}/duties/covers",
    response_model=DutiesAnswer,
    summary="What is due is paid or guaranteed",
    responses=problem_responses(*_PROBLEMS, "duties-not-assessed", "amount-differs", "already-covered"),
    openapi_extra=body_of(
        CoverConfirmed,
        {
            "kind": "payment",
            "amount": {"amount": "1840500", "currency": "KRW"},
            "reference": "0126-011-26-11-4-000417",
        },
    ),
)
async def cover_duties(
    mrn: Mrn, request: Request, parts: Parts, client: Caller, sight: Seeing
) -> DutiesAnswer:
    """
    Confirmed by customs or its revenue system, for exactly what is due. The same reference again, with the
    same content, changes nothing.
    """
    await declaration_seen(mrn, parts, sight)
    refuse_unless_customs(client, sight)
    asked = await read_asked(request, parts, CoverConfirmed)
    step = partial(
        cover,
        kind=asked.kind,
        amount=asked.amount,
        reference=asked.reference,
        by=client.id,
        at=parts.clock(),
    )
    await change(parts, mrn, step)
    return await _now(parts, mrn, sight)


async def _now(parts: ApiParts, mrn: str, sight: Sight) -> DutiesAnswer:
    view = await to_thread.run_sync(parts.queries.view, mrn)
    assert view is not None
    return _known(view, sight)


def _known(view: DeclarationView, sight: Sight) -> DutiesAnswer:
    answer = duties_of(view, sight)
    if answer is None:
        raise ApiProblem("not-found", f"no duties are asked for on declaration {view.acceptance.mrn}")
    return answer
