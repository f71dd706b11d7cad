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
    InformContent,
    LookUpContent,
    MessageIds,
    PageContent,
    TooLarge,
    Unpackable,
    WithdrawContent,
    packed,
    told,
    unpacked,
)
from hub.activities.heartbeats import with_heartbeats
from hub.domain.errors import ChannelError, NotUnderstood
from hub.domain.exchange import Dossier, Feed, FeedPage
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
        self._kept: Feed | None = None
        """The rest of a page that was too large for one answer; the next pull gets it."""

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
            page = content.page if isinstance(content, PageContent) else None
            answer = await asyncio.to_thread(self._packed, result, page)
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
            case Dossier() if kind is CallKind.AMEND:
                return await self._gateway.amend(content)
            case Dossier() if kind is CallKind.REMIND:
                return Exchanges(exchanges=await self._gateway.remind(content))
            case Dossier():
                return await self._gateway.poll(content)
            case WithdrawContent():
                exchanges = await self._gateway.withdraw(content.dossier, content.withdrawal)
                return Exchanges(exchanges=exchanges)
            case InformContent():
                return await self._gateway.inform(content.dossier, content.information)
            case LookUpContent():
                return await self._gateway.look_up(content.dossier, content.sent_at)
            case PageContent():
                return await self._pull(content.page)
            case MessageIds():
                exchanges = await self._gateway.acknowledge_feed(self._agency, content.ids, content.refused)
                return Exchanges(exchanges=exchanges)
        raise AssertionError(f"{kind} has no content of this kind")

    async def _pull(self, page: FeedPage | None) -> Feed:
        if self._kept is None:
            return await self._gateway.pull_feed(self._agency, page)
        kept, self._kept = self._kept, None
        return kept

    def _packed(self, result: Model, page: FeedPage | None) -> str:
        """Raises TooLarge. A page of a feed goes in as many answers as it needs."""
        if not isinstance(result, Feed):
            return packed(result)
        count = len(result.messages)
        while True:
            whole = count == len(result.messages)
            part = result if whole else _part(result, count, page)
            try:
                content = packed(part)
            except TooLarge:
                if count < 2:
                    raise
                count //= 2
                continue
            if not whole:
                self._kept = result.model_copy(update={"messages": result.messages[count:], "exchanges": ()})
            return content


def _part(feed: Feed, count: int, page: FeedPage | None) -> Feed:
    """The first messages of a page; the rest is to be had by asking for the same page again."""
    said = {"messages": feed.messages[:count], "next": page or FeedPage(), "trouble": None}
    return feed.model_copy(update=said)


_CONTENTS: dict[CallKind, type[Model]] = {
    CallKind.SUBMIT: Dossier,
    CallKind.LOOK_UP: LookUpContent,
    CallKind.POLL: Dossier,
    CallKind.AMEND: Dossier,
    CallKind.WITHDRAW: WithdrawContent,
    CallKind.INFORM: InformContent,
    CallKind.REMIND: Dossier,
    CallKind.ACKNOWLEDGE: MessageIds,
    CallKind.PULL: PageContent,
}


def _content(request: AgencyRequest) -> Model:
    return unpacked(_CONTENTS[request.kind], request.content)


def _error(error: ChannelError) -> AgencyAnswer:
    return AgencyAnswer(end=CallEnd.ANSWERED, is_error=True, content=packed(told(error)))


def _not_begun(why: str) -> AgencyAnswer:
    return AgencyAnswer(end=CallEnd.NOT_BEGUN, why=why)
