"""Steps, as the doors take them: written down first, then the workflow is told that there is something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from anyio import to_thread

from hub.api.parts import ApiParts
from hub.api.problems import ApiProblem, ProblemFault
from hub.domain.events import Event, NewEvent
from hub.domain.intake import Acceptance
from hub.domain.life import NEWS
from hub.domain.referral import Decision
from hub.domain.steps import StepRefused
from hub.ports import DeclarationView, EngineUnavailable

log = structlog.get_logger(__name__)

Step = Callable[[DeclarationView], Sequence[NewEvent]]


async def change(parts: ApiParts, mrn: str, step: Step, acceptance: Acceptance | None = None) -> list[Event]:
    """
    Take a step: what it says has happened is on record when this returns. Raises ApiProblem as `refusal`
    makes it when the step refuses.
    """
    write = partial(parts.cases.change, mrn, step, acceptance=acceptance)
    try:
        events = await to_thread.run_sync(write)
    except StepRefused as refused:
        raise refusal(refused) from refused
    if any(event.type in NEWS for event in events):
        await nudge(parts, mrn)
    return events


async def nudge(parts: ApiParts, mrn: str) -> None:
    """Tell the workflow that there is news, if the engine is there; a relay tells it otherwise."""
    try:
        async with asyncio.timeout(parts.engine_patience.total_seconds()):
            await parts.engine.tell_news(mrn)
    except (EngineUnavailable, TimeoutError) as error:
        log.warning("news.telling_delayed", reason=str(error) or type(error).__name__)


async def tell(parts: ApiParts, mrn: str, decisions: Sequence[Decision]) -> None:
    """Signal decisions to the workflow, if the engine is there; a relay does otherwise."""
    try:
        async with asyncio.timeout(parts.engine_patience.total_seconds()):
            told = await parts.engine.tell_decisions(mrn, decisions)
    except (EngineUnavailable, TimeoutError) as error:
        log.warning("decisions.telling_delayed", reason=str(error) or type(error).__name__)
        return
    ids = [decision.id for decision in decisions]
    await to_thread.run_sync(partial(parts.cases.mark_told, mrn, ids, late=not told))


def refusal(refused: StepRefused) -> ApiProblem:
    """The problem for a refused step: its code is the slug of a kind of problem."""
    faults = [] if refused.pointer is None else [ProblemFault(pointer=refused.pointer, detail=refused.detail)]
    return ApiProblem(refused.code, refused.detail, faults=faults)
