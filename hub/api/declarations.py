"""Where is it, and why: declarations as they stand, their routing, events and exchanges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from hub.api.access import Caller, Mrn, Operator, Seeing, declaration_seen
from hub.api.parameters import Cursor
from hub.api.parts import ApiParts, Parts
from hub.api.presenting import answer_of, beside, events_for, routing_of
from hub.api.problems import ApiProblem, problem_responses
from hub.api.shapes import DeclarationAnswer, DeclarationPage, EventPage, ExchangePage, RoutingAnswer
from hub.api.watching import Watcher
from hub.domain.clearance import Outcome
from hub.domain.model import UtcDatetime
from hub.operations.sight import Sight
from hub.ports import DeclarationFilter, DeclarationView

router = APIRouter(tags=["declarations"])

_EVENT_STREAM = "text/event-stream"
_PAGE = 500
_PLAIN = r"^[^\x00]*$"
"""Not every store can look for a NUL."""


@router.get(
    "/v1/declarations",
    response_model=DeclarationPage,
    summary="List declarations, newest first",
    responses=problem_responses("bad-cursor", "unauthenticated", "forbidden", "invalid-parameters"),
)
async def list_declarations(
    parts: Parts,
    client: Caller,
    sight: Seeing,
    outcome: Annotated[Outcome | None, Query()] = None,
    declarant: Annotated[str | None, Query(max_length=70, pattern=_PLAIN)] = None,
    pending_agency: Annotated[
        str | None, Query(max_length=64, pattern=_PLAIN, description="Waits for this agency.")
    ] = None,
    lrn: Annotated[str | None, Query(max_length=35, pattern=_PLAIN)] = None,
    accepted_from: Annotated[UtcDatetime | None, Query(description="Inclusive.")] = None,
    accepted_before: Annotated[UtcDatetime | None, Query(description="Exclusive.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeclarationPage:
    """
    A client bound to a declarant lists that declarant's declarations; an agency lists those that wait for it.
    """
    if sight.sees_nothing:
        return DeclarationPage(declarations=(), cursor=None)
    if sight.declarant is not None and declarant not in (None, sight.declarant):
        raise ApiProblem("forbidden", f"this client sees the declarations of {sight.declarant} only")
    if sight.agency is not None and pending_agency not in (None, sight.agency):
        raise ApiProblem("forbidden", f"this client sees the declarations that wait for {sight.agency} only")
    which = DeclarationFilter(
        declarant=sight.declarant or declarant,
        outcome=outcome,
        pending_agency=sight.agency or pending_agency,
        lrn=lrn,
        accepted_from=accepted_from,
        accepted_before=accepted_before,
    )
    page = await to_thread.run_sync(parts.queries.page, which, cursor, limit)
    rows = page.rows
    if sight.agency is not None:
        rows = tuple(
            row.model_copy(
                update={"pending_agencies": tuple(a for a in row.pending_agencies if a == sight.agency)}
            )
            for row in rows
        )
    return DeclarationPage(declarations=rows, cursor=page.cursor)


@router.get(
    "/v1/declarations/{mrn}",
    response_model=DeclarationAnswer,
    summary="Where a declaration stands, and why",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_declaration(mrn: Mrn, parts: Parts, sight: Seeing) -> DeclarationAnswer:
    """Its outcome with the reason of every goods item and service, and the progress of each referral."""
    view = await declaration_seen(mrn, parts, sight)
    return answer_of(view, sight, parts, await to_thread.run_sync(beside, view, sight, parts))


@router.get(
    "/v1/declarations/{mrn}/routing",
    response_model=RoutingAnswer,
    summary="Why each agency was asked, or was not",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_routing(mrn: Mrn, parts: Parts, sight: Seeing) -> RoutingAnswer:
    """The law of the day of acceptance, applied to each goods item, in sentences for a customs officer."""
    return routing_of((await declaration_seen(mrn, parts, sight)).acceptance, sight)


@router.get(
    "/v1/declarations/{mrn}/events",
    response_model=EventPage,
    summary="What has happened, in order; also live",
    responses={
        200: {
            "description": "Events after `after`. With `Accept: text/event-stream` a stream of server-sent "
            "events, each with its `seq` as id; `Last-Event-ID` resumes. It is ended from time to time: "
            "come back with the last id.",
            "content": {_EVENT_STREAM: {"schema": {"type": "string"}}},
        },
        **problem_responses("unauthenticated", "not-found", "invalid-parameters"),
    },
)
async def list_events(
    request: Request,
    mrn: Mrn,
    parts: Parts,
    sight: Seeing,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Events with a greater `seq`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    last_event_id: Annotated[str, Header(description="Of the stream: the last `seq` that was read.")] = "",
) -> Response | EventPage:
    """An agency sees the events of its own referrals, and the outcome."""
    view = await declaration_seen(mrn, parts, sight)
    if _EVENT_STREAM in request.headers.get("accept", "") and not request.state.is_head:
        last = last_event_id
        begin = int(last) if last.isascii() and last.isdecimal() and len(last) < 10 else after
        watcher: Watcher = request.app.state.watcher
        return StreamingResponse(
            _stream(parts, watcher, view, sight, begin),
            media_type=_EVENT_STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    events = await to_thread.run_sync(parts.queries.events, mrn, after, limit)
    return EventPage(
        mrn=mrn, events=events_for(events, view, sight), last=events[-1].seq if events else after
    )


@router.get(
    "/v1/declarations/{mrn}/exchanges",
    response_model=ExchangePage,
    summary="What was sent and received, for operations",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def list_exchanges(mrn: Mrn, parts: Parts, sight: Seeing, client: Operator) -> ExchangePage:
    """Requests and answers as recorded; secrets were scrubbed before they were written."""
    await declaration_seen(mrn, parts, sight)
    if not sight.sees_exchanges:
        raise ApiProblem("forbidden", "a client bound to a declarant or an agency sees no exchanges")
    exchanges = await to_thread.run_sync(parts.queries.exchanges, mrn)
    return ExchangePage(mrn=mrn, exchanges=tuple(exchanges))


async def _stream(
    parts: ApiParts, watcher: Watcher, view: DeclarationView, sight: Sight, after: int
) -> AsyncIterator[str]:
    """Server-sent events (WHATWG HTML section 9.2): what has happened, then what happens."""
    mrn = view.acceptance.mrn
    after = min(after, view.last_seq)
    ends = asyncio.get_running_loop().time() + parts.stream_for.total_seconds()
    yield f"retry: {int(parts.watch_every.total_seconds() * 1000) + 1000}\n\n"
    async with watcher.watching(mrn, after):
        while asyncio.get_running_loop().time() < ends:
            events = await to_thread.run_sync(parts.queries.events, mrn, after, _PAGE)
            for event in events_for(events, view, sight):
                data = json.dumps(event.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
                yield f"id: {event.seq}\nevent: {event.type}\ndata: {data}\n\n"
            if events:
                after = events[-1].seq
            elif not await watcher.beyond(mrn, after, parts.heartbeat):
                yield ": still here\n\n"
