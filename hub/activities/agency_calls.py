"""What an agency's own worker does: the exchanges with its agency, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from temporalio import activity

from hub.activities.agency_messages import (
    AgencyAnswer,
    AgencyRequest,
    CallEnd,
    CallKind,
    Exchanges,
    LookUpContent,
    MessageIds,
    TooLarge,
    Unpackable,
    packed,
    told,
    unpacked,
)
from hub.activities.heartbeats import with_heartbeats
from hub.domain.errors import ChannelError, NotUnderstood
from hub.domain.exchange import Dossier, Feed, Message
from hub.domain.model import Model
from hub.ports import AgencyGateway

log = structlog.get_logger(__name__)


class AgencyCalls:
    """
    Carries out what the hub asks of one agency.

    Errors that the agency's answers stand for come back as values: the engine has nothing to retry.
    """

    def __init__(self, agency: str, gateway: AgencyGateway) -> None:
        self._agency = agency
        self._gateway = gateway
        self._kept: list[Message] = []
        """Messages of a pull that was too large for one answer; the next pull begins with them."""

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.call_agency]

    @activity.defn
    async def call_agency(self, request: AgencyRequest) -> AgencyAnswer:
        """
        One exchange. A request that comes too late, or is another agency's, is not begun.

        When it came is told by the engine's clock, so that this machine's need not be right.
        """
        if request.agency != self._agency:
            return _not_begun(f"this worker is of {self._agency}, not of {request.agency}")
        if activity.info().started_time > request.begin_by:
            return _not_begun("it came too late to the worker")
        work = asyncio.ensure_future(self._answer(request))
        try:
            return await with_heartbeats(work)
        finally:
            # Whoever asked is gone; a request that is on its way goes on in its thread.
            work.cancel()

    async def _answer(self, request: AgencyRequest) -> AgencyAnswer:
        try:
            content = await asyncio.to_thread(_content, request)
        except Unpackable as wrong:
            log.error("agency_call.unreadable", kind=request.kind, about=request.about, reason=str(wrong))
            return _not_begun("its worker is of another version than the hub and cannot read the request")
        try:
            result = await self._carry_out(request.kind, content)
            answer = await asyncio.to_thread(self._packed, result)
        except ChannelError as error:
            return _error(error)
        except TooLarge as wrong:
            words = f"the answer of {self._agency} is too large to be passed on: {wrong}"
            return _error(NotUnderstood(words))
        return AgencyAnswer(end=CallEnd.ANSWERED, content=answer)

    async def _carry_out(self, kind: CallKind, content: Model) -> Model:
        match content:
            case Dossier() if kind is CallKind.SUBMIT:
                return await self._gateway.submit(content)
            case Dossier():
                return await self._gateway.poll(content)
            case LookUpContent():
                return await self._gateway.look_up(content.dossier, content.sent_at)
            case MessageIds() if kind is CallKind.ACKNOWLEDGE:
                exchanges = await self._gateway.acknowledge_feed(self._agency, content.ids)
                return Exchanges(exchanges=exchanges)
            case _:
                return await self._pull()

    async def _pull(self) -> Feed:
        if self._kept:
            kept, self._kept = self._kept, []
            return Feed(messages=tuple(kept))
        return await self._gateway.pull_feed(self._agency)

    def _packed(self, result: Model) -> str:
        """Raises TooLarge. A feed's messages go in as many answers as they need."""
        if not isinstance(result, Feed):
            return packed(result)
        messages = list(result.messages)
        while True:
            try:
                content = packed(result.model_copy(update={"messages": tuple(messages)}))
            except TooLarge:
                if len(messages) < 2:
                    raise
                del messages[len(messages) // 2 :]
                continue
            self._kept = list(result.messages[len(messages) :])
            return content


_CONTENTS: dict[CallKind, type[Model]] = {
    CallKind.SUBMIT: Dossier,
    CallKind.LOOK_UP: LookUpContent,
    CallKind.POLL: Dossier,
    CallKind.ACKNOWLEDGE: MessageIds,
    CallKind.PULL: MessageIds,
}


def _content(request: AgencyRequest) -> Model:
    return unpacked(_CONTENTS[request.kind], request.content)


def _error(error: ChannelError) -> AgencyAnswer:
    return AgencyAnswer(end=CallEnd.ANSWERED, is_error=True, content=packed(told(error)))


def _not_begun(why: str) -> AgencyAnswer:
    return AgencyAnswer(end=CallEnd.NOT_BEGUN, why=why)
