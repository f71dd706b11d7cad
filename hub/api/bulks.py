"""Bulk actions by the API: the count first, then begun, looked after and stopped."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from hub.api.acting import (
    Acting,
    IdempotencyKey,
    Limit,
    request_of,
    told_as_problems,
)
from hub.api.asked import BulkAsked, BulkPicked, BulkStopped
from hub.api.asking import BODY_PROBLEMS, body_of, invalid, read_asked
from hub.api.parameters import Cursor
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.intake import Fault
from hub.domain.model import Model
from hub.operations.bulk import Pick
from hub.ports import Actor, Bulk, BulkItem, ItemState

router = APIRouter(tags=["operations"])

BulkId = Annotated[str, Path(max_length=64, examples=["5f0c2a1e9b7d4c38a6e4d2b1"])]


class BulkCount(Model):
    """How many a bulk action would be about, as things stand."""

    count: int
    by_agency: dict[str, int]
    left_out: int
    """Declarations that are stuck as a whole: the action is of referrals."""
    ahead: int
    """Items of other bulk actions that come before it."""


class BulkList(Model):
    """Newest first; `cursor` asks for the next page, null at the end."""

    bulks: tuple[Bulk, ...]
    cursor: str | None


class BulkItems(Model):
    """In the order in which they are done; `after` asks for the next page, null at the end."""

    items: tuple[BulkItem, ...]
    after: int | None


_EXAMPLE = {"kind": "retry", "filter": {"agency": "apqa", "kind": "unreachable"}}


@router.post(
    "/v1/operations/bulks/preview",
    response_model=BulkCount,
    summary="The count first",
    responses=problem_responses(*BODY_PROBLEMS, "unauthenticated", "forbidden"),
    openapi_extra=body_of(BulkPicked, _EXAMPLE),
)
async def preview_bulk(request: Request, parts: Parts, actor: Acting) -> BulkCount:
    """Of the referrals that a filter of the stuck work finds, or of those that are named."""
    asked = await read_asked(request, parts, BulkPicked)
    with told_as_problems():
        preview = await parts.desk.bulks.preview(actor, asked.kind, _pick(asked))
    return BulkCount(
        count=preview.count,
        by_agency=preview.by_agency,
        left_out=preview.left_out,
        ahead=preview.ahead,
    )


@router.post(
    "/v1/operations/bulks",
    status_code=202,
    response_model=Bulk,
    summary="Begin a bulk action",
    responses=problem_responses(
        *BODY_PROBLEMS, "unauthenticated", "forbidden", "action-refused", "changed-meanwhile"
    ),
    openapi_extra=body_of(
        BulkAsked,
        {"id": "2026-11-22/0421", **_EXAMPLE, "count": 312, "rate": 5, "reason": "Their system is back"},
    ),
)
async def begin_bulk(
    request: Request, parts: Parts, actor: Acting, idempotency_key: IdempotencyKey = None
) -> Bulk:
    """
    For administrators. The worker carries it out, one referral after the other, and one bulk action after the
    other, at no more than its rate; each referral once, also when a worker dies.
    """
    asked = await read_asked(request, parts, BulkAsked)
    id = request_of(actor, asked.id, idempotency_key)
    picked = {} if asked.filter is None else asked.filter.model_dump(mode="json", exclude_none=True)
    with told_as_problems():
        return await parts.desk.bulks.begin(
            actor,
            asked.kind,
            _pick(asked),
            asked.reason,
            id,
            count=asked.count,
            rate=asked.rate,
            due_at=asked.due_at,
            picked={name: str(value) for name, value in picked.items()},
        )


@router.get(
    "/v1/operations/bulks",
    response_model=BulkList,
    summary="Bulk actions, newest first",
    responses=problem_responses("bad-cursor", "unauthenticated", "forbidden", "invalid-parameters"),
)
async def list_bulks(parts: Parts, actor: Acting, cursor: Cursor = None, limit: Limit = 50) -> BulkList:
    """With how many of their items are done, refused and left."""
    _refuse_bound(actor)
    page = await parts.desk.bulks.bulks(cursor, limit)
    return BulkList(bulks=page.bulks, cursor=page.cursor)


@router.get(
    "/v1/operations/bulks/{id}",
    response_model=Bulk,
    summary="How far it has come",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def show_bulk(id: BulkId, parts: Parts, actor: Acting) -> Bulk:
    """How many of its items are done, refused and left."""
    _refuse_bound(actor)
    return await _known(parts, id)


@router.get(
    "/v1/operations/bulks/{id}/items",
    response_model=BulkItems,
    summary="What has become of each",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def list_bulk_items(
    id: BulkId,
    parts: Parts,
    actor: Acting,
    state: Annotated[ItemState | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=1_000_000, description="The last place of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> BulkItems:
    """In the order in which they are done."""
    _refuse_bound(actor)
    await _known(parts, id)
    items = await parts.desk.bulks.items(id, state, after, limit + 1)
    shown = tuple(items[:limit])
    return BulkItems(items=shown, after=shown[-1].place if len(items) > limit else None)


@router.post(
    "/v1/operations/bulks/{id}/stop",
    response_model=Bulk,
    summary="Stop it",
    responses=problem_responses(*BODY_PROBLEMS, "unauthenticated", "forbidden", "not-found"),
    openapi_extra=body_of(BulkStopped, {"id": "2026-11-22/0422"}),
)
async def stop_bulk(
    id: BulkId, request: Request, parts: Parts, actor: Acting, idempotency_key: IdempotencyKey = None
) -> Bulk:
    """No referral of it is begun any more once this is answered. Stopping what has ended changes nothing."""
    asked = await read_asked(request, parts, BulkStopped)
    with told_as_problems():
        return await parts.desk.bulks.stop(actor, id, request_of(actor, asked.id, idempotency_key))


def _pick(asked: BulkPicked) -> Pick:
    """Raises ApiProblem (422)."""
    if (asked.filter is None) == (asked.referrals is None):
        raise invalid([Fault("/filter", "is required, or `referrals`, and not both")])
    if asked.referrals is None:
        return Pick(which=asked.filter)
    faults = [
        Fault(f"/referrals/{position}", "must be an mrn, a slash and a service")
        for position, referral in enumerate(asked.referrals)
        if not all(referral.partition("/"))
    ]
    if faults:
        raise invalid(faults)
    parted = (referral.partition("/") for referral in asked.referrals)
    return Pick(these=tuple((mrn, service) for mrn, _, service in parted))


async def _known(parts: ApiParts, id: str) -> Bulk:
    bulk = await parts.desk.bulks.bulk(id)
    if bulk is None:
        raise ApiProblem("not-found", "there is no such bulk action")
    return bulk


def _refuse_bound(actor: Actor) -> None:
    if actor.agency is not None:
        raise ApiProblem("forbidden", f"this client is bound to the agency {actor.agency}")
