"""For machines that look after this one: alive, ready, measured. Without a key, and telling of nobody."""

from __future__ import annotations

import asyncio

import structlog
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from hub.api.metering import Metrics
from hub.api.parts import ApiParts, Parts
from hub.api.problems import KINDS, ApiProblem, problem_responses
from hub.api.shapes import Health, Readiness
from hub.ports import EngineUnavailable

router = APIRouter(tags=["operations"])
log = structlog.get_logger(__name__)


@router.get("/healthz", response_model=Health, summary="Alive", responses=problem_responses())
async def healthz() -> Health:
    """The process answers; it says nothing of what it depends on, so that it is not restarted for it."""
    return Health(status="alive")


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="Ready to take declarations",
    responses=problem_responses("not-ready"),
)
async def readyz(parts: Parts) -> Readiness:
    """Intake needs the store only. The engine is told for information."""
    engine = "reachable" if await _engine_is_reachable(parts) else "unreachable"
    try:
        ready = await to_thread.run_sync(parts.queries.is_ready)
    except Exception:
        # Whatever a store raises when it is gone, the answer is the same.
        log.exception("store.unreachable")
        ready = False
    if not ready:
        raise ApiProblem(
            "not-ready", "the store does not answer or has another schema", store="unready", engine=engine
        )
    return Readiness(status="ready", store="ready", engine=engine)


async def _engine_is_reachable(parts: ApiParts) -> bool:
    try:
        async with asyncio.timeout(parts.engine_patience.total_seconds()):
            return await parts.engine.is_reachable()
    except (EngineUnavailable, TimeoutError):
        return False


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problem_responses(),
    },
)
async def metrics(request: Request, parts: Parts) -> Response:
    """Requests by route, lodgings, callbacks, and what the store counts."""
    meters: Metrics = request.app.state.metrics
    try:
        gauges = await to_thread.run_sync(lambda: list(parts.gauges()))
    except Exception:
        # What this process has counted itself is wanted most just when the store is gone.
        log.exception("store.unreachable")
        return Response(meters.exposition((), store_up=False), media_type=CONTENT_TYPE_LATEST)
    return Response(meters.exposition(gauges), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/problems/{slug}", summary="What a kind of problem means", responses=problem_responses("not-found")
)
async def show_problem(slug: str) -> dict[str, str | int]:
    """The `type` of a problem leads here."""
    kind = KINDS.get(slug)
    if kind is None:
        raise ApiProblem("not-found", f"there is no kind of problem {slug[:64]}")
    return {"slug": kind.slug, "title": kind.title, "status": int(kind.status), "meaning": kind.meaning}
