"""Who may do what, and what it takes to be done at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from hub.domain.steps import StepRefused
from hub.ports import (
    ActionStore,
    Actor,
    Audited,
    ChangedMeanwhile,
    Clock,
    DoneBefore,
    Engine,
    EngineUnavailable,
    UserRole,
)

LONGEST_REASON = 1000
"""Characters."""

Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class ActionForbidden(Exception):
    """This person may not do that, whatever it is done to."""

    def __init__(self, detail: str, least: UserRole | None = None) -> None:
        super().__init__(detail)
        self.least = least
        """The role it takes; None where no role would do."""


def refuse_unless_may(actor: Actor, least: UserRole) -> None:
    """Raises ActionForbidden. Who is bound to an agency sees, and does nothing, whatever the role."""
    if actor.agency is not None:
        raise ActionForbidden(f"{actor.name} is bound to {actor.agency}, and may look only")
    if not actor.role.may(least):
        raise ActionForbidden(
            f"this is for the role {least} and those above; {actor.name} is {actor.role}", least
        )


def checked_reason(reason: str, pointer: str = "/reason", most: int = LONGEST_REASON) -> str:
    """A reason as it is kept. Raises StepRefused (invalid-request)."""
    said = reason.strip()
    if not said:
        raise StepRefused("invalid-request", "is required: it is kept in the audit", pointer)
    if len(said) > most:
        raise StepRefused("invalid-request", f"must have at most {most} characters", pointer)
    return said


def checked_request(request: str) -> str:
    """The id of what is asked for. Raises StepRefused (invalid-request)."""
    if not 8 <= len(request) <= 100 or not request.isascii() or not request.isprintable():
        raise StepRefused("invalid-request", "must have 8 to 100 printable ASCII characters", "/request")
    return request


class Recorder:
    """How everything that people do is written down: done with one line, refused with one line."""

    def __init__(self, store: ActionStore, engine: Engine, clock: Clock, patience: timedelta) -> None:
        self.store = store
        self.clock = clock
        self._engine = engine
        self._patience = patience

    async def once(
        self, line: Audited, request: str, do: Callable[[], Result], *, refusals: bool = True
    ) -> Result:
        """
        What `do` returns, which blocks. Refused, it leaves a line that says so, under no request id: asked
        for again it is looked at again. Faults of what was filled in leave none, nor does what was seen
        otherwise than it stands: nothing was asked for yet. Raises StepRefused, ChangedMeanwhile, and
        DoneBefore for a request id of the very same thing; of another, StepRefused (request-already-used).
        Without `refusals` whoever calls writes down what is refused.
        """
        try:
            done = await asyncio.to_thread(do)
        except DoneBefore as before:
            if not _same(before.line, line):
                raise StepRefused(
                    "request-already-used", f"{request} was the id of {before.line.action}", "/request"
                ) from None
            raise
        except StepRefused as refused:
            if refusals:
                await self.refused(line, refused)
            raise
        log.info(
            "action.done",
            action=line.action,
            user=line.user,
            mrn=line.mrn,
            service=line.service,
            agency=line.agency,
        )
        return done

    async def refused(self, line: Audited, refused: StepRefused) -> None:
        """Write down that it was asked for, and why it was not done."""
        if refused.code == "invalid-request":
            return
        told = line.model_copy(
            update={"result": f"refused: {refused.detail}", "data": {**line.data, "refused": refused.code}}
        )
        await asyncio.to_thread(self.store.note_audit, told)
        log.info("action.refused", action=line.action, user=line.user, mrn=line.mrn, code=refused.code)

    async def tell(self, mrn: str, telling: Callable[[Engine], Awaitable[object]]) -> bool:
        """Tell the workflow, if the engine is there; False: it is away, and a relay tells it later."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await telling(self._engine)
        except (EngineUnavailable, TimeoutError) as error:
            log.warning("news.telling_delayed", mrn=mrn, reason=str(error) or type(error).__name__)
            return False
        return True


def refuse_if_changed(seen: int | None, last_seq: int) -> None:
    """Raises ChangedMeanwhile when what was seen is not what stands; None has seen nothing, and may."""
    if seen is not None and seen != last_seq:
        raise ChangedMeanwhile(f"seen at event {seen}; it is at {last_seq} by now")


def _same(one: Audited, other: Audited) -> bool:
    names = ("user", "action", "mrn", "service", "agency")
    return all(getattr(one, name) == getattr(other, name) for name in names)
